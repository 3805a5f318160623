/* The whole interface of the kernel. cffi reads this file too: keep it plain (build.py). */
#pragma once
#include <stdint.h>

#define DISTIL_CELL_PX 8
#define DISTIL_MIN_PX 16
#define DISTIL_MAX_WIDTH_PX 1920
#define DISTIL_MAX_HEIGHT_PX 1080
#define DISTIL_SCRATCH_BYTES 32768
#define DISTIL_ORDER_MAX_PX 512

enum distil_code {
    DISTIL_OK = 0,
    DISTIL_NULL = 1,
    DISTIL_SIZE = 2,
    DISTIL_STRIDE = 3,
    DISTIL_CHROMA_STEP = 4,
    DISTIL_GRID = 5,
    DISTIL_ORDER = 6,
};

/* A borrowed YUV 4:2:0 picture, 8 bits, full range. chroma_step 1: I420; 2: NV12 or NV21, u and v one byte apart. */
typedef struct {
    const uint8_t *y;
    const uint8_t *u;
    const uint8_t *v;
    int64_t y_stride_bytes;
    int64_t u_stride_bytes;
    int64_t v_stride_bytes;
    int32_t width_px;
    int32_t height_px;
    int32_t chroma_step;
} distil_frame;

/* Outputs, the caller's: rows x cols each, without gaps; histogram[256]; scratch[DISTIL_SCRATCH_BYTES]. The last two
 * at multiples of 64. */
typedef struct {
    uint16_t *y;
    uint16_t *u;
    uint16_t *v;
    uint16_t *moved;
    uint8_t *clipped;
    uint32_t *histogram;
    uint8_t *scratch;
    int32_t rows;
    int32_t cols;
} distil_grid;

/* A picture wanted from the frame. With (i, j) from the upper left corner of the destination, in its pixels:
 * x = x0 + xx i + xy j, y = y0 + yx i + yy j, in pixels of the frame, all as 1/65536.
 * channels 1: luma; 3: RGB. kept is written: how many pixels of the destination are neither masked nor outside. */
typedef struct {
    int64_t x0;
    int64_t y0;
    int64_t xx;
    int64_t xy;
    int64_t yx;
    int64_t yy;
    int32_t width_px;
    int32_t height_px;
    int32_t channels;
    int32_t kept;
    uint8_t *destination;
} distil_order;

/* One pass over the frame, then its orders. previous: rows x cols, may be NULL or grid->y itself; mask: rows x cols,
 * not 0 = masked, may be NULL. Returns DISTIL_OK, or what is wrong with nothing read from the frame and nothing
 * written. */
int distil(const distil_frame *frame, const uint16_t *previous, const uint8_t *mask, const distil_grid *grid,
           distil_order *orders, int32_t order_count);

/* For measuring alone: the same in the reference variant, which one `distil` takes, and a read of so many bytes at
 * the speed of memory. */
int distil_reference(const distil_frame *frame, const uint16_t *previous, const uint8_t *mask,
                     const distil_grid *grid, distil_order *orders, int32_t order_count);
const char *distil_variant(void);
uint64_t stream_read(const uint8_t *bytes, int64_t size_bytes);
