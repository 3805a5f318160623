/* What the files that serve orders share; not part of the interface. */
#pragma once
#include "kernel.h"

enum { ONE = 65536 }; /* of the affine map */

typedef struct {
    const uint8_t *samples;
    int64_t stride, step, width, height;
    int shift; /* from 1/65536 of a luma pixel to 1/256 of a sample */
} plane_t;

static inline int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

static inline uint8_t to_byte(int64_t value) { return (uint8_t)clamp(value, 0, 255); }

static inline plane_t plane_of(const distil_frame *frame, int which) {
    int64_t half = frame->width_px / 2, low = frame->height_px / 2, step = frame->chroma_step;
    if (which == 1) return (plane_t){frame->u, frame->u_stride_bytes, step, half, low, 9};
    if (which == 2) return (plane_t){frame->v, frame->v_stride_bytes, step, half, low, 9};
    return (plane_t){frame->y, frame->y_stride_bytes, 1, frame->width_px, frame->height_px, 8};
}

/* RGB from full-range YCbCr of BT.601 (JFIF), factors of 1/65536; or luma alone. */
static inline void put_pixel(uint8_t *pixel, int32_t channels, int64_t y, int64_t u, int64_t v) {
    if (channels == 1) {
        *pixel = (uint8_t)y;
        return;
    }
    u -= 128;
    v -= 128;
    y = y * ONE + ONE / 2;
    pixel[0] = to_byte((y + 91881 * v) >> 16);
    pixel[1] = to_byte((y - 22554 * u - 46802 * v) >> 16);
    pixel[2] = to_byte((y + 116130 * u) >> 16);
}

void serve_upright(const distil_frame *frame, const uint8_t *mask, const distil_grid *grid, distil_order *order);
void serve_rotated(const distil_frame *frame, const uint8_t *mask, const distil_grid *grid, distil_order *order);
