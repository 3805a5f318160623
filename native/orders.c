/* Goal: the pictures that a detector or a view asked for, cut out of the borrowed frame before it goes back.
 *
 * Maths. Upright (no rotation): each pixel of the destination is the average of the area that it covers. Vertically the
 * rows under it are added with the share of each (1/256 of a row), giving columns[x]; with before[x] = the sum of the
 * columns left of x, the sum from a to b is I(b) - I(a), I(x) = 256 before[x] + fraction(x) columns[x]: one
 * subtraction however large the area. Rotated: bilinear between the four nearest samples, fractions of 1/256.
 * RGB from full-range YCbCr of BT.601 (JFIF) with factors of 1/65536. All in integers, so every machine gives the same.
 *
 * A pixel any part of which comes from a masked cell is 0; so is one outside the frame. Chroma of a masked cell never
 * reaches a neighbour: the chroma samples that are read count as well as the luma.
 *
 * Why C: the frame is gone when the next one comes; NumPy would leave pieces of it in the heap. */
#include "kernel.h"

#include <string.h>

enum { ONE = 65536, MAX_SCALE = 64 * ONE, LEAST_SCALE = ONE / 64 };
static const int64_t FARTHEST = 8192ll * ONE;

static int within(int64_t value, int64_t limit) { return value >= -limit && value <= limit; }

static int is_upright(const distil_order *order) {
    return !order->xy && !order->yx && order->xx > 0 && order->yy > 0;
}

/* Does the span that i and j from 0 to their ends give overlap 0 to size? */
static int overlaps(int64_t start, int64_t by_i, int64_t by_j, int64_t size) {
    int64_t low = start + (by_i < 0 ? by_i : 0) + (by_j < 0 ? by_j : 0);
    int64_t high = start + (by_i > 0 ? by_i : 0) + (by_j > 0 ? by_j : 0);
    return low < size && high > 0;
}

int order_code(const distil_frame *frame, const distil_order *order) {
    int32_t width = order->width_px, height = order->height_px;
    if (!order->destination) return DISTIL_NULL;
    if (width < 1 || width > DISTIL_ORDER_MAX_PX || height < 1 || height > DISTIL_ORDER_MAX_PX) return DISTIL_ORDER;
    if (order->channels != 1 && order->channels != 3) return DISTIL_ORDER;
    int ok = within(order->x0, FARTHEST) && within(order->y0, FARTHEST) && within(order->xx, MAX_SCALE) &&
             within(order->xy, MAX_SCALE) && within(order->yx, MAX_SCALE) && within(order->yy, MAX_SCALE);
    if (!ok) return DISTIL_ORDER;
    if (is_upright(order) && (order->xx < LEAST_SCALE || order->yy < LEAST_SCALE)) return DISTIL_ORDER;
    ok = overlaps(order->x0, order->xx * width, order->xy * height, (int64_t)frame->width_px * ONE) &&
         overlaps(order->y0, order->yx * width, order->yy * height, (int64_t)frame->height_px * ONE);
    return ok ? DISTIL_OK : DISTIL_ORDER;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

static uint8_t to_byte(int64_t value) { return (uint8_t)clamp(value, 0, 255); }

static void put_rgb(uint8_t *pixel, int64_t y, int64_t u, int64_t v) {
    u -= 128;
    v -= 128;
    y = y * ONE + ONE / 2;
    pixel[0] = to_byte((y + 91881 * v) >> 16);
    pixel[1] = to_byte((y - 22554 * u - 46802 * v) >> 16);
    pixel[2] = to_byte((y + 116130 * u) >> 16);
}

typedef struct {
    const uint8_t *samples;
    int64_t stride, step, width, height;
    int shift; /* from 1/65536 of a luma pixel to 1/256 of a sample */
} plane_t;

static plane_t plane_of(const distil_frame *frame, int which) {
    int64_t half = frame->width_px / 2, low = frame->height_px / 2, step = frame->chroma_step;
    if (which == 1) return (plane_t){frame->u, frame->u_stride_bytes, step, half, low, 9};
    if (which == 2) return (plane_t){frame->v, frame->v_stride_bytes, step, half, low, 9};
    return (plane_t){frame->y, frame->y_stride_bytes, 1, frame->width_px, frame->height_px, 8};
}

/* n / total, rounded down, exactly: a multiplication, then one step where the double was off. 0 <= n < 2^53. */
static int64_t divide(int64_t n, int64_t total, double inverse) {
    int64_t quotient = (int64_t)((double)n * inverse), left = n - quotient * total;
    return quotient + (left >= total) - (left < 0);
}

/* columns[x] = the samples of rows top to bottom (1/256), each with its share; before[x]: all left of x. */
static void add_rows(const plane_t *plane, int64_t top, int64_t bottom, int64_t first, int64_t last, row_t *sums) {
    memset(sums->columns + first, 0, (size_t)(last + 1 - first) * sizeof *sums->columns);
    for (int64_t row = top >> 8; row << 8 < bottom; row++) {
        int64_t from = row << 8 > top ? row << 8 : top, to = (row + 1) << 8 < bottom ? (row + 1) << 8 : bottom;
        const uint8_t *samples = plane->samples + row * plane->stride;
        uint16_t share = (uint16_t)(to - from); /* 256 at most: a product fits 16 bits, where SSE2 can multiply */
        if (plane->step == 1)
            for (int64_t x = first; x < last; x++) sums->columns[x] += (uint16_t)(share * samples[x]);
        else
            for (int64_t x = first; x < last; x++) sums->columns[x] += (uint16_t)(share * samples[2 * x]);
    }
    int64_t before = 0;
    for (int64_t x = first; x <= last; x++) {
        sums->before[x] = before;
        before += sums->columns[x];
    }
}

static int64_t integral(const row_t *sums, int64_t x) {
    return 256 * sums->before[x >> 8] + (x & 255) * (int64_t)sums->columns[x >> 8];
}

/* One row of the destination from one plane; black, or no colour, where less than 1/256 of a sample is inside. */
static void average_row(const distil_frame *frame, const distil_order *order, int64_t j, int which, row_t *sums) {
    plane_t plane = plane_of(frame, which);
    int64_t wide = plane.width << 8, high = plane.height << 8;
    memset(sums->planes[which], which ? 128 : 0, sizeof sums->planes[which]);
    int64_t top = clamp((order->y0 + order->yy * j) >> plane.shift, 0, high);
    int64_t bottom = clamp((order->y0 + order->yy * (j + 1)) >> plane.shift, 0, high);
    int64_t left = clamp(order->x0 >> plane.shift, 0, wide);
    int64_t right = clamp((order->x0 + order->xx * order->width_px) >> plane.shift, 0, wide);
    if (top >= bottom || left >= right) return;
    add_rows(&plane, top, bottom, left >> 8, (right + 255) >> 8, sums);
    int64_t known = 0, from = left, before = integral(sums, left);
    double inverse = 0;
    for (int64_t i = 0; i < order->width_px; i++) {
        int64_t to = clamp((order->x0 + order->xx * (i + 1)) >> plane.shift, 0, wide);
        int64_t total = (to - from) * (bottom - top);
        if (!total) continue;
        if (total != known) inverse = 1.0 / (double)(known = total);
        int64_t upto = integral(sums, to);
        sums->planes[which][i] = (uint8_t)divide(upto - before + total / 2, total, inverse);
        from = to, before = upto;
    }
}

/* The cells that a span touches: first and last of them; -1 and -2 where it is outside. An edge of a chroma sample that
 * starts before the span lies in the same cell, as cells begin at even pixels. */
static void cells_under(int64_t from, int64_t to, int64_t size_px, int64_t cells, int64_t *first, int64_t *last) {
    from = clamp(from >> 8, 0, size_px << 8);
    to = clamp((to + 255) >> 8, 0, size_px << 8);
    *first = from < to ? clamp((from >> 8) / CELL, 0, cells - 1) : -1;
    *last = from < to ? clamp(((to - 1) >> 8) / CELL, 0, cells - 1) : -2;
}

static int is_masked(const uint8_t *masked, int64_t first, int64_t last) {
    for (int64_t cell = first; cell <= last; cell++)
        if (masked[cell]) return 1;
    return 0;
}

/* Which columns of cells are masked in any of the rows that this row of the destination touches; 0: outside. */
static int mask_of_row(const distil_frame *frame, const uint8_t *mask, const distil_grid *grid,
                       const distil_order *order, int64_t j, row_t *sums) {
    int64_t first, last;
    cells_under(order->y0 + order->yy * j, order->y0 + order->yy * (j + 1), frame->height_px, grid->rows, &first, &last);
    memset(sums->masked, 0, (size_t)grid->cols);
    for (int64_t row = first; mask && row <= last; row++)
        for (int64_t col = 0; col < grid->cols; col++) sums->masked[col] |= mask[row * grid->cols + col];
    return first >= 0;
}

static void put_row(const distil_frame *frame, const distil_grid *grid, distil_order *order, int64_t j, row_t *sums) {
    for (int64_t i = 0; i < order->width_px; i++) {
        uint8_t *pixel = order->destination + (j * order->width_px + i) * order->channels;
        int64_t first, last;
        cells_under(order->x0 + order->xx * i, order->x0 + order->xx * (i + 1), frame->width_px, grid->cols, &first,
                    &last);
        if (first < 0 || is_masked(sums->masked, first, last)) continue;
        order->kept++;
        if (order->channels == 1)
            *pixel = sums->planes[0][i];
        else
            put_rgb(pixel, sums->planes[0][i], sums->planes[1][i], sums->planes[2][i]);
    }
}

static void serve_upright(const distil_frame *frame, const uint8_t *mask, const distil_grid *grid,
                          distil_order *order) {
    row_t *sums = (row_t *)grid->scratch;
    for (int64_t j = 0; j < order->height_px; j++) {
        if (!mask_of_row(frame, mask, grid, order, j, sums)) continue;
        for (int which = 0; which < order->channels; which++) average_row(frame, order, j, which, sums);
        put_row(frame, grid, order, j, sums);
    }
    memset(sums, 0, sizeof *sums);
}

/* The four samples around a place (1/65536 of a sample, from the plane's corner), and how far it is between them. */
typedef struct {
    int64_t x[2], y[2], right, down;
} taps_t;

static taps_t taps_at(const plane_t *plane, int64_t x, int64_t y) {
    x -= ONE / 2;
    y -= ONE / 2;
    return (taps_t){
        {clamp(x >> 16, 0, plane->width - 1), clamp((x >> 16) + 1, 0, plane->width - 1)},
        {clamp(y >> 16, 0, plane->height - 1), clamp((y >> 16) + 1, 0, plane->height - 1)},
        x >> 8 & 255,
        y >> 8 & 255,
    };
}

static int64_t between(const plane_t *plane, const taps_t *taps) {
    const uint8_t *upper = plane->samples + taps->y[0] * plane->stride;
    const uint8_t *lower = plane->samples + taps->y[1] * plane->stride;
    int64_t left = taps->x[0] * plane->step, right = taps->x[1] * plane->step;
    int64_t above = (256 - taps->right) * upper[left] + taps->right * upper[right];
    int64_t below = (256 - taps->right) * lower[left] + taps->right * lower[right];
    return ((256 - taps->down) * above + taps->down * below + ONE / 2) >> 16;
}

/* Are any of the four cells masked that these samples (scale luma pixels wide) may come from? */
static int taps_masked(const uint8_t *mask, const distil_grid *grid, const taps_t *taps, int64_t scale) {
    for (int corner = 0; corner < 4; corner++) {
        int64_t row = clamp(taps->y[corner / 2] * scale / CELL, 0, grid->rows - 1);
        int64_t col = clamp(taps->x[corner % 2] * scale / CELL, 0, grid->cols - 1);
        if (mask[row * grid->cols + col]) return 1;
    }
    return 0;
}

static void serve_pixel(const distil_frame *frame, const uint8_t *mask, const distil_grid *grid, distil_order *order,
                        int64_t x, int64_t y, uint8_t *pixel) {
    int64_t value[3] = {0, 128, 128};
    if (x < 0 || y < 0 || x >= (int64_t)frame->width_px * ONE || y >= (int64_t)frame->height_px * ONE) return;
    for (int which = 0; which < order->channels; which++) {
        plane_t plane = plane_of(frame, which);
        taps_t taps = which ? taps_at(&plane, x >> 1, y >> 1) : taps_at(&plane, x, y);
        if (mask && taps_masked(mask, grid, &taps, which ? 2 : 1)) return;
        value[which] = between(&plane, &taps);
    }
    order->kept++;
    if (order->channels == 1)
        *pixel = (uint8_t)value[0];
    else
        put_rgb(pixel, value[0], value[1], value[2]);
}

static void serve_rotated(const distil_frame *frame, const uint8_t *mask, const distil_grid *grid,
                          distil_order *order) {
    uint8_t *pixel = order->destination;
    for (int64_t j = 0; j < order->height_px; j++)
        for (int64_t i = 0; i < order->width_px; i++, pixel += order->channels) {
            int64_t x = order->x0 + ((order->xx * (2 * i + 1) + order->xy * (2 * j + 1)) >> 1);
            int64_t y = order->y0 + ((order->yx * (2 * i + 1) + order->yy * (2 * j + 1)) >> 1);
            serve_pixel(frame, mask, grid, order, x, y, pixel);
        }
}

void serve_order(const distil_frame *frame, const uint8_t *mask, const distil_grid *grid, distil_order *order) {
    order->kept = 0;
    memset(order->destination, 0, (size_t)order->width_px * (size_t)order->height_px * (size_t)order->channels);
    if (is_upright(order))
        serve_upright(frame, mask, grid, order);
    else
        serve_rotated(frame, mask, grid, order);
}
