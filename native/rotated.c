/* Goal: an order that is turned or mirrored, such as the landmarks of somebody who lies.
 *
 * Maths: the centre of each pixel, mapped into the frame, between the four samples around it (bilinear), fractions of
 * 1/256, rounded to the nearest. Samples have their centres at halves; beyond the last one it goes on.
 *
 * Why C: see orders.c. */
#include "orders.h"

/* The four samples around a place, and how far it is between them. */
typedef struct {
    int64_t x[2], y[2], right, down;
} taps_t;

/* x, y: 1/65536 of a sample, from the plane's corner. */
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

/* Are any of the four cells masked that these samples, `scale` luma pixels wide, may come from? */
static int taps_masked(const uint8_t *mask, const distil_grid *grid, const taps_t *taps, int64_t scale) {
    for (int corner = 0; corner < 4; corner++) {
        int64_t row = clamp(taps->y[corner / 2] * scale / CELL, 0, grid->rows - 1);
        int64_t col = clamp(taps->x[corner % 2] * scale / CELL, 0, grid->cols - 1);
        if (mask[row * grid->cols + col]) return 1;
    }
    return 0;
}

/* x, y: 1/65536 of a luma pixel, inside the frame. Returns whether the pixel was written. */
static int serve_pixel(const plane_t planes[3], const uint8_t *mask, const distil_grid *grid, int32_t channels, int64_t x,
                       int64_t y, uint8_t *pixel) {
    int64_t value[3] = {0, 128, 128};
    for (int which = 0; which < channels; which++) {
        int half = which > 0;
        taps_t taps = taps_at(planes + which, x >> half, y >> half);
        if (mask && taps_masked(mask, grid, &taps, 1 + half)) return 0;
        value[which] = between(planes + which, &taps);
    }
    put_pixel(pixel, channels, value[0], value[1], value[2]);
    return 1;
}

void serve_rotated(const distil_frame *frame, const uint8_t *mask, const distil_grid *grid, distil_order *order) {
    const plane_t planes[3] = {plane_of(frame, 0), plane_of(frame, 1), plane_of(frame, 2)};
    int64_t right = (int64_t)frame->width_px * ONE, bottom = (int64_t)frame->height_px * ONE;
    uint8_t *pixel = order->destination;
    for (int64_t j = 0; j < order->height_px; j++)
        for (int64_t i = 0; i < order->width_px; i++, pixel += order->channels) {
            int64_t x = order->x0 + ((order->xx * (2 * i + 1) + order->xy * (2 * j + 1)) >> 1);
            int64_t y = order->y0 + ((order->yx * (2 * i + 1) + order->yy * (2 * j + 1)) >> 1);
            if (x < 0 || y < 0 || x >= right || y >= bottom) continue;
            order->kept += serve_pixel(planes, mask, grid, order->channels, x, y, pixel);
        }
}
