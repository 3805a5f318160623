/* Goal: one pass over a borrowed picture, as near to the speed of memory as the frame can be read, and exact.
 *
 * Maths. For each cell of 8x8 luma pixels: the sum of Y (64 * 255 = 16,320 fits 16 bits), the sums of U and V (4x4
 * samples each), |Y sum - previous Y sum|, and how many of its pixels are clipped (0, 1, 254 or 255: one count of
 * room for an image processor that rounds). A histogram of Y takes the fifth row of each eight.
 *
 * A row is read as 16-bit pairs; (pair & 255) + (pair >> 8) is added into 16-bit lanes that stay in the first-level
 * cache. After eight rows a lane holds 16 pixels (4,080 at most) and four lanes are a cell. Chroma alike: two lanes a
 * cell (I420), or four lanes of one sample each, split by & 255 and >> 8 (NV12).
 *
 * The histogram is bound by the core (one read-modify-write a pixel), the rest by memory: so each vector of luma counts
 * its share of the histogram's row, and each line asks memory for the line of the next strip below it. Measured from
 * memory at 1280x720: one after the other 190 us, so 121. Into the second level of the cache: the line buffers of the
 * first fill up (127). Two strips ahead gains nothing.
 *
 * Why C: NumPy needs a dozen passes over the picture for this, and leaves copies of it in the heap.
 * No state, no allocation, no callback. Every sum on the way lies in the caller's scratch and is wiped at the end. */
#include "kernel.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE void clear_sums(strip_t *strip, int64_t cols) {
    memset(strip->luma, 0, (size_t)cols * CELL);
    memset(strip->first, 0, (size_t)cols * CELL);
    memset(strip->second, 0, (size_t)cols * CELL);
    memset(strip->clipped, 0, (size_t)cols * CELL);
}

/* Count `count` pixels from `from` on, all of one cell. Four tables: neighbours are often equal, and one counter would
 * wait for itself. */
INLINE void count_levels(const uint8_t *levels, const uint8_t *mask, int64_t from, int count, strip_t *strip) {
    if (mask && mask[from / CELL]) return;
    for (int i = 0; i < count; i++) strip->tables[i % TABLES][levels[from + i]]++;
}

/* Ask memory for the line of the next strip that lies under this one. */
#define ASK(place) __builtin_prefetch((place), 0, 2)

INLINE void finish_histogram(const strip_t *strip, uint32_t *histogram) {
    for (int i = 0; i < BINS; i++)
        histogram[i] = strip->tables[0][i] + strip->tables[1][i] + strip->tables[2][i] + strip->tables[3][i];
}

/* Plain sums of neighbours, as the compiler vectorises them. */
INLINE void sum_fours(const uint16_t *restrict lanes, uint16_t *restrict cells, int64_t cols) {
    for (int64_t col = 0; col < cols; col++)
        cells[col] = (uint16_t)(lanes[4 * col] + lanes[4 * col + 1] + lanes[4 * col + 2] + lanes[4 * col + 3]);
}

INLINE void sum_twos(const uint16_t *restrict lanes, uint16_t *restrict cells, int64_t cols) {
    for (int64_t col = 0; col < cols; col++) cells[col] = (uint16_t)(lanes[2 * col] + lanes[2 * col + 1]);
}

/* Eight counts of 8 at most: the multiplication adds all into the top byte, 64 at most. */
INLINE void sum_clipped(const uint8_t *restrict counts, uint8_t *restrict cells, int64_t cols) {
    for (int64_t col = 0; col < cols; col++) {
        uint64_t eight;
        memcpy(&eight, counts + 8 * col, sizeof eight);
        cells[col] = (uint8_t)(eight * 0x0101010101010101u >> 56);
    }
}

INLINE void difference(const uint16_t *restrict now, const uint16_t *restrict before, uint16_t *restrict moved,
                       int64_t cols) {
    for (int64_t col = 0; col < cols; col++)
        moved[col] = (uint16_t)(now[col] > before[col] ? now[col] - before[col] : before[col] - now[col]);
}

INLINE void forget(uint16_t *restrict cells, const uint8_t *restrict mask, int64_t cols) {
    for (int64_t col = 0; col < cols; col++) cells[col] = mask[col] ? 0 : cells[col];
}

INLINE void forget_masked(const uint8_t *mask, const distil_grid *grid, int64_t at) {
    uint8_t *clipped = grid->clipped + at;
    forget(grid->y + at, mask, grid->cols);
    forget(grid->u + at, mask, grid->cols);
    forget(grid->v + at, mask, grid->cols);
    forget(grid->moved + at, mask, grid->cols);
    for (int64_t col = 0; col < grid->cols; col++) clipped[col] = mask[col] ? 0 : clipped[col];
}

/* moved before y: `previous` may be the very row that is written. */
INLINE void finish_luma(const uint16_t *previous, strip_t *strip, const distil_grid *grid, int64_t at) {
    size_t bytes = (size_t)grid->cols * sizeof(uint16_t);
    sum_fours(strip->luma, strip->sums, grid->cols);
    if (previous)
        difference(strip->sums, previous + at, grid->moved + at, grid->cols);
    else
        memset(grid->moved + at, 0, bytes);
    memcpy(grid->y + at, strip->sums, bytes);
    sum_clipped(strip->clipped, grid->clipped + at, grid->cols);
}

INLINE void finish_chroma(const distil_frame *frame, const strip_t *strip, const distil_grid *grid, int64_t at) {
    if (frame->chroma_step == 1) {
        sum_twos(strip->first, grid->u + at, grid->cols);
        sum_twos(strip->second, grid->v + at, grid->cols);
        return;
    }
    int swapped = frame->v < frame->u;
    sum_fours(swapped ? strip->second : strip->first, grid->u + at, grid->cols);
    sum_fours(swapped ? strip->first : strip->second, grid->v + at, grid->cols);
}

#define VARIANT(name) name##_reference
#define WIDE 16
#include "strip.h"
#undef VARIANT
#undef WIDE

#ifdef WITH_V3
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#define VARIANT(name) name##_v3
#define WIDE 32
#include "strip.h"
#undef VARIANT
#undef WIDE
#pragma GCC pop_options
#endif

static int plane_ok(int64_t stride, int64_t least) { return stride >= least && stride <= INT32_MAX; }

static int frame_code(const distil_frame *frame) {
    if (!frame || !frame->y || !frame->u || !frame->v) return DISTIL_NULL;
    int32_t width = frame->width_px, height = frame->height_px, step = frame->chroma_step;
    if (width < DISTIL_MIN_PX || width > DISTIL_MAX_WIDTH_PX || width % 2) return DISTIL_SIZE;
    if (height < DISTIL_MIN_PX || height > DISTIL_MAX_HEIGHT_PX || height % 2) return DISTIL_SIZE;
    if (step != 1 && step != 2) return DISTIL_CHROMA_STEP;
    uintptr_t u = (uintptr_t)frame->u, v = (uintptr_t)frame->v;
    if (step == 2 && u + 1 != v && v + 1 != u) return DISTIL_CHROMA_STEP;
    if (step == 2 && frame->u_stride_bytes != frame->v_stride_bytes) return DISTIL_STRIDE;
    int64_t chroma_bytes = (int64_t)(width / 2) * step;
    int ok = plane_ok(frame->y_stride_bytes, width) && plane_ok(frame->u_stride_bytes, chroma_bytes) &&
             plane_ok(frame->v_stride_bytes, chroma_bytes);
    return ok ? DISTIL_OK : DISTIL_STRIDE;
}

static int grid_code(const distil_frame *frame, const distil_grid *grid) {
    if (!grid || !grid->y || !grid->u || !grid->v || !grid->moved) return DISTIL_NULL;
    if (!grid->clipped || !grid->histogram || !grid->scratch) return DISTIL_NULL;
    if (grid->rows != frame->height_px / CELL || grid->cols != frame->width_px / CELL) return DISTIL_GRID;
    return (uintptr_t)grid->scratch % 64 || (uintptr_t)grid->histogram % 64 ? DISTIL_GRID : DISTIL_OK;
}

static int check(const distil_frame *frame, const distil_grid *grid, const distil_order *orders, int32_t count) {
    int code = frame_code(frame);
    if (code == DISTIL_OK) code = grid_code(frame, grid);
    if (code == DISTIL_OK && (count < 0 || (count && !orders))) code = DISTIL_ORDER;
    for (int32_t i = 0; code == DISTIL_OK && i < count; i++) code = order_code(frame, orders + i);
    return code;
}

typedef void picture_t(const distil_frame *, const uint16_t *, const uint8_t *, const distil_grid *);

static int run(picture_t *picture, const distil_frame *frame, const uint16_t *previous, const uint8_t *mask,
               const distil_grid *grid, distil_order *orders, int32_t count) {
    int code = check(frame, grid, orders, count);
    if (code != DISTIL_OK) return code;
    picture(frame, previous, mask, grid);
    for (int32_t i = 0; i < count; i++) serve_order(frame, mask, grid, orders + i);
    return DISTIL_OK;
}

int distil_reference(const distil_frame *frame, const uint16_t *previous, const uint8_t *mask,
                     const distil_grid *grid, distil_order *orders, int32_t order_count) {
    return run(picture_reference, frame, previous, mask, grid, orders, order_count);
}

/* One wheel serves every x86-64: asked at each call (a load and a test), so that there is no state. 1.2 times
 * as fast as the baseline. */
int distil(const distil_frame *frame, const uint16_t *previous, const uint8_t *mask, const distil_grid *grid,
           distil_order *orders, int32_t order_count) {
#ifdef WITH_V3
    if (__builtin_cpu_supports("x86-64-v3"))
        return run(picture_v3, frame, previous, mask, grid, orders, order_count);
#endif
    return run(picture_reference, frame, previous, mask, grid, orders, order_count);
}

const char *distil_variant(void) {
#ifdef WITH_V3
    return __builtin_cpu_supports("x86-64-v3") ? "x86-64-v3" : "x86-64";
#else
    return "reference";
#endif
}
