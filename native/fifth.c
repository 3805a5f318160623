/* Goal: what the eye does with every cell of every fifth of a second, one pass for each thing that it wants to know.
 *
 * Maths: beside each function. The same stands in NumPy in tests/eye/reference_fifth.py, and a test holds the two together.
 * Sums are taken in eight lanes, always in the same order, and no product is fused with a sum (build.py): every machine
 * gives the same bits.
 *
 * Why C: pictures of cells are small, 1,200 to 4,800 numbers. In NumPy each of these is ten to thirty calls of which the
 * numbers are the least part: together a fifth of all that a simulated night took.
 * No state, no allocation, no callback. */
#include "fifth.h"

#include <math.h>
#include <string.h>

/* Of the difference, in a fifth: noise is forgotten in seconds, learned in a minute. */
static const float FALL = 0.05f, RISE = 0.003f;
/* What is dark says nothing of the light: counts, before and now. */
static const float LIT_BEFORE = 4.0f, LIT_NOW = 1.0f;
/* What differs: six of its noise, three counts and three hundredths of its luma; of both colours together six counts. */
static const float SIGMAS = 6.0f, LUMA_FLOOR = 3.0f, LUMA_SHARE = 0.03f, COLOURS = 6.0f;
static const double GREY = 128.0;

enum { SAMPLES = 600, LEAST_MIDDLE = 4, LANES = 8 };

static int size_ok(int32_t cells) { return cells >= 1 && cells <= FIFTH_MAX_CELLS; }

static int grid_ok(int32_t rows, int32_t cols) {
    return rows >= 1 && cols >= 1 && (int64_t)rows * cols <= FIFTH_MAX_CELLS;
}

static double total(const float *lanes) {
    double sum = 0.0;
    for (int k = 0; k < LANES; k++) sum += (double)lanes[k];
    return sum;
}

/* One sum alone would wait for itself at each step, and no compiler may take it apart. */
#define SUM(name, terms, ...)                                                              \
    static double name(__VA_ARGS__, int32_t count) {                                       \
        float lanes[LANES] = {0};                                                          \
        int32_t i = 0;                                                                     \
        for (; i + LANES <= count; i += LANES)                                             \
            for (int32_t k = 0; k < LANES; k++) lanes[k] += terms(i + k);                  \
        for (int32_t k = 0; i + k < count; k++) lanes[k] += terms(i + k);                  \
        return total(lanes);                                                               \
    }

#define TERM(i) fabsf(a[i])
SUM(sum_of_sizes, TERM, const float *restrict a)
#undef TERM
#define TERM(i) (a[i] * b[i])
SUM(sum_of_products, TERM, const float *restrict a, const float *restrict b)
#undef TERM
#define TERM(i) fabsf(a[i] - b[i])
SUM(sum_of_steps, TERM, const float *restrict a, const float *restrict b)
#undef TERM

int fifth_moving(const float *restrict moved, float *restrict noise, float times, float floor, uint8_t *restrict moving,
                 int32_t cells) {
    if (!moved || !noise || !moving) return FIFTH_NULL;
    if (!size_ok(cells)) return FIFTH_SIZE;
    for (int32_t i = 0; i < cells; i++) {
        float away = moved[i] - noise[i], fall = away * FALL, rise = away * RISE;
        moving[i] = moved[i] > noise[i] * times + floor;
        noise[i] += fall < rise ? fall : rise;
    }
    return FIFTH_OK;
}

int fifth_steps(const float *luma, float *before, double *steps, int32_t cells) {
    if (!luma || !before || !steps) return FIFTH_NULL;
    if (!size_ok(cells)) return FIFTH_SIZE;
    size_t bytes = (size_t)cells * sizeof *before;
    for (int k = 0; k < 2; k++) steps[k] = sum_of_steps(luma, before + k * cells, cells) / cells;
    memcpy(before + cells, before, bytes);
    memcpy(before, luma, bytes);
    return FIFTH_OK;
}

/* The one with `below` others below it. Floats that are not negative are in the order of their bits, so halve the range in
 * which it lies: some 25 counts of 400, each as fast as it can be read, and no order of them is a bad one. */
static int32_t ranked(const int32_t *bits, int32_t count, int32_t below) {
    int32_t low = 0, high = INT32_MAX;
    while (low < high) {
        int32_t middle = low + (high - low) / 2, within = 0;
        for (int32_t i = 0; i < count; i++) within += bits[i] <= middle;
        if (within > below)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* A person may fill nearly half of the picture: the median is the light's. Every so many cells, an odd number: never one
 * column alone. SAMPLES goes into fewer than twice as many cells once, so `ratios` holds them. */
int fifth_gain(const float *now, const float *before, int32_t cells, float *gain) {
    if (!now || !before || !gain) return FIFTH_NULL;
    if (!size_ok(cells)) return FIFTH_SIZE;
    int32_t ratios[2 * SAMPLES], count = 0, every = cells < SAMPLES ? 1 : cells / SAMPLES | 1;
    for (int32_t i = 0; i < cells; i += every) {
        float ratio = now[i] / before[i];
        memcpy(ratios + count, &ratio, sizeof ratio);
        count += before[i] > LIT_BEFORE && now[i] > LIT_NOW;
    }
    *gain = 1.0f;
    if (count / 2 < LEAST_MIDDLE) return FIFTH_OK;
    int32_t middle = ranked(ratios, count, count / 2);
    memcpy(gain, &middle, sizeof middle);
    return FIFTH_OK;
}

/* Luma goes with the light, colours fade towards grey with it; a room learned in the dark is known no better in the light. */
int fifth_differs(const float *restrict y, const float *restrict u, const float *restrict v, const float *restrict mean,
                  const float *restrict noise, float gain, float white, uint8_t *restrict differs,
                  int32_t cells) {
    if (!y || !u || !v || !mean || !noise || !differs) return FIFTH_NULL;
    if (!size_ok(cells)) return FIFTH_SIZE;
    const float *mean_u = mean + cells, *mean_v = mean_u + cells;
    float grey = (float)(GREY * (1.0 - (double)gain)), coarse = gain > 1.0f ? gain : 1.0f, colours = COLOURS * coarse;
    for (int32_t i = 0; i < cells; i++) {
        float lit = mean[i] * gain;
        lit = lit < white ? lit : white;
        differs[i] = fabsf(y[i] - lit) > coarse * (LUMA_FLOOR + SIGMAS * noise[i]) + LUMA_SHARE * lit;
    }
    for (int32_t i = 0; i < cells; i++) {
        float away = fabsf(u[i] - (mean_u[i] * gain + grey)) + fabsf(v[i] - (mean_v[i] * gain + grey));
        differs[i] |= away > colours;
    }
    return FIFTH_OK;
}

/* An edge is the difference of two neighbours, a bend that of two edges. Rows run into one another, and `parts` parts them. */
static void edges_of(const float *restrict luma, float *restrict edges, int32_t cells, int32_t apart) {
    for (int32_t i = 0; i < cells - apart; i++) edges[i] = luma[i + apart] - luma[i];
    for (int32_t i = cells > apart ? cells - apart : 0; i < cells; i++) edges[i] = 0.0f;
}

static void bends_of(const float *restrict edges, float *restrict bends, int32_t cells, int32_t cols) {
    const float *right = edges, *down = edges + cells;
    for (int32_t i = 0; i < cells && i < cols; i++) bends[i] = 0.0f;
    for (int32_t i = cols; i < cells; i++) bends[i] = fabsf(right[i] + down[i] - right[i - 1] - down[i - cols]);
}

int fifth_view(const float *luma, const float *parts, float most, float *edges, double *sums, float *scratch,
               int32_t rows, int32_t cols) {
    if (!luma || !parts || !edges || !sums || !scratch) return FIFTH_NULL;
    if (!grid_ok(rows, cols)) return FIFTH_SIZE;
    int32_t cells = rows * cols;
    edges_of(luma, edges, cells, 1);
    edges_of(luma, edges + cells, cells, cols);
    bends_of(edges, scratch, cells, cols);
    for (int32_t i = 0; i < 2 * cells; i++) edges[i] *= parts[i];
    sums[0] = sum_of_sizes(edges, 2 * cells);
    sums[1] = sum_of_products(scratch, parts + 2 * cells, cells);
    sums[2] = sum_of_products(luma, parts + 3 * cells, cells);
    for (int32_t i = 0; i < 2 * cells; i++) {
        float cut = edges[i] < most ? edges[i] : most;
        edges[i] = cut > -most ? cut : -most;
    }
    return FIFTH_OK;
}

static int begins_ok(const int32_t *begins, int32_t count, int32_t size) {
    int ok = count >= 1 && count <= FIFTH_MAX_TILES && begins[0] == 0;
    for (int32_t i = 1; ok && i < count; i++) ok = begins[i] > begins[i - 1];
    return ok && begins[count - 1] < size;
}

/* One row of one tile, from `at` to `end`: single precision here, double from row to row. */
static void add_products(const float *now, const float *known, int32_t at, int32_t end, double *sums, int32_t tiles) {
    float both = 0.0f, mine = 0.0f, theirs = 0.0f;
    for (int32_t i = at; i < end; i++) {
        both += now[i] * known[i];
        mine += now[i] * now[i];
        theirs += known[i] * known[i];
    }
    sums[0] += (double)both;
    sums[tiles] += (double)mine;
    sums[2 * tiles] += (double)theirs;
}

int fifth_tiles(const float *now, const float *known, const int32_t *down, int32_t downs, const int32_t *across,
                int32_t acrosses, double *sums, int32_t rows, int32_t cols) {
    if (!now || !known || !down || !across || !sums) return FIFTH_NULL;
    if (!grid_ok(rows, cols) || !begins_ok(down, downs, rows) || !begins_ok(across, acrosses, cols)) return FIFTH_SIZE;
    int32_t cells = rows * cols, tiles = downs * acrosses, tile_row = 0;
    memset(sums, 0, 3 * (size_t)tiles * sizeof *sums);
    for (int32_t row = 0; row < rows; row++) {
        if (tile_row + 1 < downs && row == down[tile_row + 1]) tile_row++;
        for (int32_t tile = 0; tile < acrosses; tile++) {
            double *into = sums + tile_row * acrosses + tile;
            int32_t at = row * cols + across[tile], end = row * cols + (tile + 1 < acrosses ? across[tile + 1] : cols);
            add_products(now, known, at, end, into, tiles);
            add_products(now + cells, known + cells, at, end, into, tiles);
        }
    }
    return FIFTH_OK;
}

/* All are whole numbers below 2^53, so double holds them exactly, in whatever order they are added. */
static void add_row(const uint16_t *restrict row, double *restrict values, double *restrict squares, int32_t cells) {
    for (int32_t i = 0; i < cells; i++) {
        double value = row[i];
        values[i] += value;
        squares[i] += value * value;
    }
}

static void add_step(const uint16_t *restrict row, const uint16_t *restrict next, double *restrict steps, int32_t cells) {
    for (int32_t i = 0; i < cells; i++) {
        double step = next[i] - row[i];
        steps[i] += step * step;
    }
}

int fifth_sums(const uint16_t *ring, int32_t places, int32_t at, int32_t rows, int32_t from, int32_t steps, double *sums,
               int32_t cells) {
    if (!ring || !sums) return FIFTH_NULL;
    if (!size_ok(cells) || places < 1 || places > FIFTH_MAX_PLACES) return FIFTH_SIZE;
    if (at < 0 || at >= places || from < 0 || from >= places) return FIFTH_SIZE;
    if (rows < 0 || rows > places || steps < 0 || steps >= places) return FIFTH_SIZE;
    memset(sums, 0, 3 * (size_t)cells * sizeof *sums);
    for (int32_t k = 0; k < rows; k++)
        add_row(ring + (int64_t)((at + k) % places) * cells, sums, sums + cells, cells);
    for (int32_t k = 0; k < steps; k++) {
        int64_t row = (from + k) % places, next = (from + k + 1) % places;
        add_step(ring + row * cells, ring + next * cells, sums + 2 * cells, cells);
    }
    return FIFTH_OK;
}
