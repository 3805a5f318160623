/* Goal: the pictures that a detector or a view asked for, cut out of the borrowed frame before it goes back.
 *
 * Maths: upright.c and rotated.c; all in integers, so every machine gives the same. A pixel any part of which comes from
 * a masked cell is 0; so is one outside the frame. Chroma of a masked cell never reaches a neighbour: the chroma samples
 * that are read count as well as the luma.
 *
 * Why C: the frame is gone when the next one comes; NumPy would leave pieces of it in the heap. */
#include "orders.h"

#include <string.h>

enum { MAX_SCALE = 64 * ONE, LEAST_SCALE = ONE / 64 };
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

void serve_order(const distil_frame *frame, const uint8_t *mask, const distil_grid *grid, distil_order *order) {
    order->kept = 0;
    memset(order->destination, 0, (size_t)order->width_px * (size_t)order->height_px * (size_t)order->channels);
    if (is_upright(order))
        serve_upright(frame, mask, grid, order);
    else
        serve_rotated(frame, mask, grid, order);
}
