/* For the laboratory alone: cells of a room that no camera saw. cffi reads this file too: keep it plain (build.py). */
#pragma once
#include <stdint.h>

/* All (3, cells): Y, U, V of one who breathes, between the depth `low` and the next one, `high`, as far as `share`: what
 * that makes of `rest`, in which nobody breathes, is added to `cells`. */
int staged_breath(const float *low, const float *high, const float *rest, double share, float *cells, int32_t count);

/* One frame of a fifth: noise of unit variance times `sigma` on `clean`, (3, count) each, from 0 to 255. sums: (4, count) Y,
 * U, V and the change of Y from `before`, added; before: (count,) Y of the frame before, written over; first: there was
 * none. Both return FIFTH_OK or what is wrong, with nothing written. */
int staged_frame(const float *noise, const float *sigma, const float *clean, int32_t first, float *before, float *sums,
                 int32_t count);
