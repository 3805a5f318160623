/* What the eye does with all cells of a fifth of a second. cffi reads this file too: keep it plain (build.py). */
#pragma once
#include <stdint.h>

#define FIFTH_MAX_CELLS 32400
#define FIFTH_MAX_TILES 64
#define FIFTH_MAX_PLACES 4096

enum fifth_code {
    FIFTH_OK = 0,
    FIFTH_NULL = 1,
    FIFTH_SIZE = 2,
};

/* Everything is the caller's; (cells,) each, without gaps, unless something else is said. Returns FIFTH_OK, or what is
 * wrong with nothing read or written. */

/* moved: mean change from frame to frame. noise: what each uses to change, moved on. moving: written, 1 where it changed by
 * more than so many times that and `floor`. */
int fifth_moving(const float *moved, float *noise, float times, float floor, uint8_t *moving, int32_t cells);

/* before: (2, cells) luma of the last two fifths, the later one first; moved on. steps: written, the mean change of luma
 * from each of the two. */
int fifth_steps(const float *luma, float *before, double *steps, int32_t cells);

/* gain: written, the median of now / before over some six hundred cells that are lit in both; 1 where too few are. */
int fifth_gain(const float *now, const float *before, int32_t cells, float *gain);

/* mean: (3, cells) Y, U, V of the empty room; noise: of its Y. gain: of the light since. white: the sensor's most. differs:
 * written, 1 where the picture is not that room. */
int fifth_differs(const float *y, const float *u, const float *v, const float *mean, const float *noise, float gain,
                  float white, uint8_t *differs, int32_t cells);

/* parts: (4, cells) 1 or 0: the cell and its right neighbour may be read; it and the one below; it and all four around it;
 * it alone. edges: (2, cells) written, differences to the right and down, at most +-most. sums: [3] written, over those
 * parts: |edges| before they were cut, |bends|, luma. scratch: (cells,) */
int fifth_view(const float *luma, const float *parts, float most, float *edges, double *sums, float *scratch,
               int32_t rows, int32_t cols);

/* now, known: (2, cells) edges. down, across: where tiles begin, [0] = 0, rising. sums: (3, downs * acrosses) written, over
 * each tile: now * known, now * now, known * known. */
int fifth_tiles(const float *now, const float *known, const int32_t *down, int32_t downs, const int32_t *across,
                int32_t acrosses, double *sums, int32_t rows, int32_t cols);

/* ring: (places, cells), the latest rows of luma, one place after another and round the end. sums: (3, cells) written: over
 * `rows` rows from place `at` on their values and squares, and the squared steps from each of `steps` rows from place `from`
 * on to the next. */
int fifth_sums(const uint16_t *ring, int32_t places, int32_t at, int32_t rows, int32_t from, int32_t steps, double *sums,
               int32_t cells);
