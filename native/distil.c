/* Goal: one pass over a borrowed picture, as near to the speed of memory as the frame can be read, and exact.
 *
 * Maths. For each cell of 8x8 luma pixels: the sum of Y (64 * 255 = 16,320 fits 16 bits), the sums of U and V (4x4
 * samples each), |Y sum - previous Y sum|, and how many of its pixels are clipped (0, 1, 254 or 255: one count of
 * room for a rounding image processor). A histogram of Y takes the
 * fifth row of each eight.
 *
 * A row is read as 16-bit pairs; (pair & 255) + (pair >> 8) is added into 16-bit lanes that stay in the first-level
 * cache. After eight rows a lane holds 16 pixels at most (4,080), four lanes are a cell, and a multiplication by
 * 0x0001000100010001 adds the four in the top lane (16,320 at most: no carry is lost). Chroma alike, two lanes a cell
 * (I420), or lanes of one sample each, split by & 255 and >> 8 (NV12).
 *
 * Why C: NumPy needs a dozen passes over the picture for this, and leaves copies of it in the heap.
 * No state, no allocation, no callback. Every sum on the way lies in the caller's scratch and is wiped at the end. */
#include "distil.h"

#include <string.h>

enum { CELL = DISTIL_CELL_PX, HISTOGRAM_ROW = 4, BINS = 256, TABLES = 4 };

/* Sums on the way of one strip of eight rows; sizes for the widest picture. */
typedef struct {
    uint16_t luma[DISTIL_MAX_WIDTH_PX / 2];
    uint16_t first[DISTIL_MAX_WIDTH_PX / 2];
    uint16_t second[DISTIL_MAX_WIDTH_PX / 2];
    uint8_t clipped[DISTIL_MAX_WIDTH_PX];
    uint32_t tables[TABLES][BINS];
} scratch_t;

_Static_assert(sizeof(scratch_t) <= DISTIL_SCRATCH_BYTES, "scratch must fit what the caller gives");

/* The pairs of NV12 are told apart by their bytes' order. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian machines only");

static void clear_sums(scratch_t *strip, int32_t cols) {
    memset(strip->luma, 0, (size_t)cols * CELL);
    memset(strip->first, 0, (size_t)cols * CELL);
    memset(strip->second, 0, (size_t)cols * CELL);
    memset(strip->clipped, 0, (size_t)cols * CELL);
}

/* Four tables: neighbours are often equal, and one counter would wait for itself. */
static void count_levels(const uint8_t *row, const uint8_t *mask, scratch_t *strip, int32_t cols) {
    for (int32_t col = 0; col < cols; col++) {
        if (mask && mask[col]) continue;
        uint64_t eight;
        memcpy(&eight, row + (int64_t)col * CELL, sizeof eight);
        for (int i = 0; i < CELL; i++) strip->tables[i % TABLES][eight >> (8 * i) & 255]++;
    }
}

static void finish_histogram(const scratch_t *strip, uint32_t *histogram) {
    for (int i = 0; i < BINS; i++)
        histogram[i] = strip->tables[0][i] + strip->tables[1][i] + strip->tables[2][i] + strip->tables[3][i];
}

static inline uint16_t sum_of_four(const uint16_t *lanes) {
    uint64_t x;
    memcpy(&x, lanes, sizeof x);
    return (uint16_t)(x * 0x0001000100010001u >> 48);
}

static inline uint8_t sum_of_eight(const uint8_t *counts) {
    uint64_t x;
    memcpy(&x, counts, sizeof x);
    return (uint8_t)(x * 0x0101010101010101u >> 56);
}

/* From lanes to cells. `previous` may be the very row that is written: it is read first. */
static void finish_cells(const distil_frame *frame, const uint16_t *previous, const uint8_t *mask,
                         const scratch_t *strip, const distil_grid *grid, int64_t at) {
    int woven = frame->chroma_step == 2;
    int swapped = woven && frame->v < frame->u;
    const uint16_t *u = swapped ? strip->second : strip->first, *v = swapped ? strip->first : strip->second;
    for (int32_t col = 0; col < grid->cols; col++) {
        uint16_t keep = mask && mask[col] ? 0 : 0xffff;
        uint16_t now = sum_of_four(strip->luma + 4 * col) & keep;
        uint16_t before = previous ? previous[col] & keep : now;
        grid->y[at + col] = now;
        grid->moved[at + col] = now > before ? now - before : before - now;
        grid->u[at + col] = (woven ? sum_of_four(u + 4 * col) : (uint16_t)(u[2 * col] + u[2 * col + 1])) & keep;
        grid->v[at + col] = (woven ? sum_of_four(v + 4 * col) : (uint16_t)(v[2 * col] + v[2 * col + 1])) & keep;
        grid->clipped[at + col] = sum_of_eight(strip->clipped + 8 * col) & (uint8_t)keep;
    }
}

#define VARIANT(name) name##_portable
#include "strip.h"

static int check(const distil_frame *frame, const distil_grid *grid) {
    if (!frame || !grid || !frame->y || !frame->u || !frame->v) return DISTIL_NULL;
    if (!grid->y || !grid->u || !grid->v || !grid->moved || !grid->clipped || !grid->histogram || !grid->scratch)
        return DISTIL_NULL;
    int32_t width = frame->width_px, height = frame->height_px, step = frame->chroma_step;
    if (width < DISTIL_MIN_PX || width > DISTIL_MAX_WIDTH_PX || width % 2) return DISTIL_SIZE;
    if (height < DISTIL_MIN_PX || height > DISTIL_MAX_HEIGHT_PX || height % 2) return DISTIL_SIZE;
    if (step != 1 && step != 2) return DISTIL_CHROMA_STEP;
    uintptr_t u = (uintptr_t)frame->u, v = (uintptr_t)frame->v;
    if (step == 2 && u + 1 != v && v + 1 != u) return DISTIL_CHROMA_STEP;
    int64_t chroma_bytes = (int64_t)(width / 2) * step;
    if (frame->y_stride_bytes < width || frame->y_stride_bytes > INT32_MAX) return DISTIL_STRIDE;
    if (frame->u_stride_bytes < chroma_bytes || frame->u_stride_bytes > INT32_MAX) return DISTIL_STRIDE;
    if (frame->v_stride_bytes < chroma_bytes || frame->v_stride_bytes > INT32_MAX) return DISTIL_STRIDE;
    if (step == 2 && frame->u_stride_bytes != frame->v_stride_bytes) return DISTIL_STRIDE;
    if (grid->rows != height / CELL || grid->cols != width / CELL) return DISTIL_GRID;
    if ((uintptr_t)grid->scratch % 64) return DISTIL_GRID;
    return DISTIL_OK;
}

int distil(const distil_frame *frame, const uint16_t *previous, const uint8_t *mask, const distil_grid *grid) {
    int code = check(frame, grid);
    if (code != DISTIL_OK) return code;
    picture_portable(frame, previous, mask, grid);
    return DISTIL_OK;
}
