/* Goal: what `stillroom simulate` makes of a painted room five times a second, so that a night takes less than a minute.
 *
 * Maths: mixing two pictures in their shares, and the noise of a mean over a cell; operation for operation as it stands in
 * NumPy in tests/lab/test_staged.py.
 *
 * Why C: twenty calls of NumPy on 3,600 numbers each were about a tenth of the night. No unit calls it. */
#include "staged.h"

#include "fifth.h"

#include <math.h>

static int size_ok(int32_t count) { return count >= 1 && count <= FIFTH_MAX_CELLS; }

int staged_breath(const float *restrict low, const float *restrict high, const float *restrict rest, double share,
                  float *restrict cells, int32_t count) {
    if (!low || !high || !rest || !cells) return FIFTH_NULL;
    if (!size_ok(count)) return FIFTH_SIZE;
    float below = (float)(1.0 - share), above = (float)share;
    for (int32_t i = 0; i < 3 * count; i++) cells[i] = cells[i] + low[i] * below + high[i] * above - rest[i];
    return FIFTH_OK;
}

static float seen(float noise, float sigma, float clean) {
    float value = noise * sigma + clean;
    value = value > 0.0f ? value : 0.0f;
    return value < 255.0f ? value : 255.0f;
}

int staged_frame(const float *restrict noise, const float *restrict sigma, const float *restrict clean, int32_t first,
                 float *restrict before, float *restrict sums, int32_t count) {
    if (!noise || !sigma || !clean || !before || !sums) return FIFTH_NULL;
    if (!size_ok(count)) return FIFTH_SIZE;
    float *moved = sums + 3 * count;
    for (int32_t i = 0; i < count; i++) {
        float luma = seen(noise[i], sigma[i], clean[i]);
        sums[i] += luma;
        moved[i] += first ? 0.0f : fabsf(luma - before[i]);
        before[i] = luma;
    }
    for (int32_t i = count; i < 3 * count; i++) sums[i] += seen(noise[i], sigma[i], clean[i]);
    return FIFTH_OK;
}
