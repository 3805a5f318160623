/* Goal: an order without rotation: each pixel is the average of the area that it covers.
 *
 * Maths. Vertically the rows under a row of the destination are added with the share of each (1/256 of a row), giving
 * columns[x]. With before[x] = the sum of the columns left of x, the sum from a to b is I(b) - I(a), where
 * I(x) = 256 before[x] + fraction(x) columns[x]: one subtraction however large the area. Edges are rounded down to 1/256
 * of a sample once an order; averages are exact and rounded to the nearest, halves up.
 *
 * Why C: see orders.c. The sums on the way lie in the grid's scratch and are wiped at the end. */
#include "orders.h"

#include <string.h>

/* Sums of one row of the destination, and where its pixels begin: edges[0] in luma, edges[1] in chroma (1/256). */
typedef struct {
    uint32_t columns[DISTIL_MAX_WIDTH_PX + 1];
    int64_t before[DISTIL_MAX_WIDTH_PX + 1];
    int32_t edges[2][DISTIL_ORDER_MAX_PX + 1];
    int16_t first_cell[DISTIL_ORDER_MAX_PX], last_cell[DISTIL_ORDER_MAX_PX];
    uint8_t planes[3][DISTIL_ORDER_MAX_PX];
    uint8_t masked[DISTIL_MAX_WIDTH_PX / CELL];
} row_t;

_Static_assert(sizeof(row_t) <= DISTIL_SCRATCH_BYTES, "scratch must fit what the caller gives");

/* The cells that a span touches: first and last of them; 0 and -1 where it is outside. Chroma that begins left of the
 * span lies in the same cell, as cells begin at even pixels. */
static void cells_under(int64_t from, int64_t to, int64_t size_px, int64_t cells, int16_t *first, int16_t *last) {
    from = clamp(from >> 8, 0, size_px << 8);
    to = clamp((to + 255) >> 8, 0, size_px << 8);
    *first = from < to ? (int16_t)clamp((from >> 8) / CELL, 0, cells - 1) : 0;
    *last = from < to ? (int16_t)clamp(((to - 1) >> 8) / CELL, 0, cells - 1) : -1;
}

static void lay_out(const distil_frame *frame, const distil_grid *grid, const distil_order *order, row_t *row) {
    for (int64_t i = 0; i <= order->width_px; i++) {
        int64_t x = order->x0 + order->xx * i;
        row->edges[0][i] = (int32_t)clamp(x >> 8, 0, frame->width_px << 8);
        row->edges[1][i] = (int32_t)clamp(x >> 9, 0, frame->width_px / 2 << 8);
        if (i < order->width_px)
            cells_under(x, x + order->xx, frame->width_px, grid->cols, row->first_cell + i, row->last_cell + i);
    }
}

/* n / total, rounded down, exactly: a multiplication, then one step where the double was off. 0 <= n < 2^53. */
static int64_t divide(int64_t n, int64_t total, double inverse) {
    int64_t quotient = (int64_t)((double)n * inverse), left = n - quotient * total;
    return quotient + (left >= total) - (left < 0);
}

/* columns[x] = the samples of rows top to bottom (1/256), each with its share; before[x]: all left of x. */
static void add_rows(const plane_t *plane, int64_t top, int64_t bottom, int64_t first, int64_t last, row_t *row) {
    uint32_t *restrict columns = row->columns;
    memset(columns + first, 0, (size_t)(last + 1 - first) * sizeof *columns);
    for (int64_t line = top >> 8; line << 8 < bottom; line++) {
        int64_t from = line << 8 > top ? line << 8 : top, to = (line + 1) << 8 < bottom ? (line + 1) << 8 : bottom;
        const uint8_t *restrict samples = plane->samples + line * plane->stride;
        uint16_t share = (uint16_t)(to - from); /* 256 at most: a product fits 16 bits, where SSE2 can multiply */
        if (plane->step == 1)
            for (int64_t x = first; x < last; x++) columns[x] += (uint16_t)(share * samples[x]);
        else
            for (int64_t x = first; x < last; x++) columns[x] += (uint16_t)(share * samples[2 * x]);
    }
    int64_t before = 0;
    for (int64_t x = first; x <= last; x++) {
        row->before[x] = before;
        before += columns[x];
    }
}

static int64_t integral(const row_t *row, int64_t x) {
    return 256 * row->before[x >> 8] + (x & 255) * (int64_t)row->columns[x >> 8];
}

/* One row of the destination from one plane; black, or no colour, where less than 1/256 of a sample is inside. Widths
 * differ by 1/256 at most, but for cut ones: two inverses, told apart by their last bit, serve nearly all. */
static void average_row(const distil_frame *frame, const distil_order *order, int64_t j, int which, row_t *row) {
    plane_t plane = plane_of(frame, which);
    const int32_t *edges = row->edges[which > 0];
    int64_t top = clamp((order->y0 + order->yy * j) >> plane.shift, 0, plane.height << 8);
    int64_t bottom = clamp((order->y0 + order->yy * (j + 1)) >> plane.shift, 0, plane.height << 8);
    int64_t left = edges[0], right = edges[order->width_px], tall = bottom - top;
    memset(row->planes[which], which ? 128 : 0, sizeof row->planes[which]);
    if (top >= bottom || left >= right) return;
    add_rows(&plane, top, bottom, left >> 8, (right + 255) >> 8, row);
    int64_t known[2] = {0, 0}, before = integral(row, left);
    double inverse[2] = {0, 0};
    for (int64_t i = 0; i < order->width_px; i++) {
        int64_t wide = edges[i + 1] - edges[i], total = wide * tall, odd = wide & 1;
        if (!wide) continue;
        if (wide != known[odd]) {
            known[odd] = wide;
            inverse[odd] = 1.0 / (double)total;
        }
        int64_t upto = integral(row, edges[i + 1]);
        row->planes[which][i] = (uint8_t)divide(upto - before + total / 2, total, inverse[odd]);
        before = upto;
    }
}

/* Which columns of cells are masked in any of the rows that this row of the destination touches. 0: it is outside. */
static int mask_of_row(const distil_frame *frame, const uint8_t *mask, const distil_grid *grid,
                       const distil_order *order, int64_t j, row_t *row) {
    int16_t first, last;
    int64_t y = order->y0 + order->yy * j;
    cells_under(y, y + order->yy, frame->height_px, grid->rows, &first, &last);
    memset(row->masked, 0, (size_t)grid->cols);
    for (int64_t line = first; mask && line <= last; line++)
        for (int64_t col = 0; col < grid->cols; col++) row->masked[col] |= mask[line * grid->cols + col];
    return first <= last;
}

static int is_masked(const row_t *row, int64_t i) {
    for (int64_t cell = row->first_cell[i]; cell <= row->last_cell[i]; cell++)
        if (row->masked[cell]) return 1;
    return 0;
}

void serve_upright(const distil_frame *frame, const uint8_t *mask, const distil_grid *grid, distil_order *order) {
    row_t *row = (row_t *)grid->scratch;
    lay_out(frame, grid, order, row);
    for (int64_t j = 0; j < order->height_px; j++) {
        uint8_t *pixel = order->destination + j * order->width_px * order->channels;
        if (!mask_of_row(frame, mask, grid, order, j, row)) continue;
        for (int which = 0; which < order->channels; which++) average_row(frame, order, j, which, row);
        for (int64_t i = 0; i < order->width_px; i++, pixel += order->channels) {
            if (row->last_cell[i] < 0 || is_masked(row, i)) continue;
            order->kept++;
            put_pixel(pixel, order->channels, row->planes[0][i], row->planes[1][i], row->planes[2][i]);
        }
    }
    memset(row, 0, sizeof *row);
}
