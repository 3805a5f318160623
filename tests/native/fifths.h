/* Part of cases.c: the passes over a fifth's cells, and what is drawn for the laboratory. */
#include "fifth.h"
#include "staged.h"

/* Floats of a picture of cells: 0 to 255 and a part, half of them whole numbers. */
static float *floats(size_t count, float least) {
    float *block = malloc(count * sizeof *block);
    if (!block) abort();
    for (size_t i = 0; i < count; i++) block[i] = least + (float)next_byte() + (float)(next_byte() % 2) / 3.0f;
    return block;
}

/* Each pass on blocks of exactly the size it needs. */
static void run_fifth(int32_t rows, int32_t cols) {
    int32_t cells = rows * cols, places = 5;
    size_t n = (size_t)cells, bytes_each = n * sizeof(float);
    float *y = floats(n, 0), *u = floats(n, 0), *v = floats(n, 0), *mean = floats(3 * n, 0), *noise = floats(n, -128);
    float *before = floats(2 * n, 0), *parts = floats(4 * n, -200), *edges = malloc(2 * bytes_each), gain;
    float *known = floats(2 * n, -128), *scratch = malloc(bytes_each), *total = floats(4 * n, 0);
    uint8_t *flags = malloc(n);
    uint16_t *ring = (uint16_t *)bytes((size_t)places * n * sizeof(uint16_t));
    double steps[2], sums[3], *row_sums = malloc(3 * n * sizeof(double)), tiles[3 * 4];
    int32_t down[] = {0, rows / 2}, across[] = {0, cols / 2}, two_down = 1 + (rows > 1), two_across = 1 + (cols > 1);
    for (size_t i = 0; i < 4 * n; i++) parts[i] = parts[i] > 0 ? 1.0f : 0.0f;

    expect(fifth_moving(y, noise, 3.0f, 1.0f, flags, cells), FIFTH_OK, "moving");
    uint64_t h = hash(hash(0xcbf29ce484222325u, noise, bytes_each), flags, n);
    expect(fifth_steps(y, before, steps, cells), FIFTH_OK, "steps");
    expect(fifth_gain(y, mean, cells, &gain), FIFTH_OK, "gain");
    h = hash(hash(hash(h, steps, sizeof steps), before, 2 * bytes_each), &gain, sizeof gain);
    expect(fifth_differs(y, u, v, mean, noise, 1.25f, 255.0f, flags, cells), FIFTH_OK, "differs");
    expect(fifth_view(y, parts, 24.0f, edges, sums, scratch, rows, cols), FIFTH_OK, "view");
    h = hash(hash(hash(h, flags, n), edges, 2 * bytes_each), sums, sizeof sums);
    expect(fifth_tiles(edges, known, down, two_down, across, two_across, tiles, rows, cols), FIFTH_OK, "tiles");
    h = hash(h, tiles, (size_t)(3 * two_down * two_across) * sizeof *tiles);
    expect(fifth_sums(ring, places, 3, places, 4, places - 1, row_sums, cells), FIFTH_OK, "sums");
    expect(staged_breath(mean, mean, mean, 0.3, mean, cells), FIFTH_OK, "breath");
    expect(staged_frame(mean, mean, mean, 0, y, total, cells), FIFTH_OK, "frame");
    h = hash(hash(hash(h, row_sums, 3 * n * sizeof(double)), mean, 3 * bytes_each), total, 4 * bytes_each);
    printf("fifth %dx%d %016llx\n", (int)rows, (int)cols, (unsigned long long)h);
    free(y), free(u), free(v), free(mean), free(noise), free(before), free(parts), free(edges), free(known);
    free(scratch), free(total), free(flags), free(ring), free(row_sums);
}

static void refused_fifths(void) {
    float x[8] = {0}, gain;
    double sums[24];
    uint8_t flags[8];
    uint16_t ring[16] = {0};
    int32_t good[] = {0, 1}, falls[] = {0, 0}, late[] = {1}, out[] = {0, 2};
    expect(fifth_moving(x, x, 3.0f, 1.0f, NULL, 8), FIFTH_NULL, "moving null");
    expect(fifth_moving(x, x, 3.0f, 1.0f, flags, 0), FIFTH_SIZE, "moving 0");
    expect(fifth_steps(NULL, x, sums, 4), FIFTH_NULL, "steps null");
    expect(fifth_steps(x, x, sums, FIFTH_MAX_CELLS + 1), FIFTH_SIZE, "steps too many");
    expect(fifth_gain(x, x, 8, NULL), FIFTH_NULL, "gain null");
    expect(fifth_gain(x, x, INT32_MIN, &gain), FIFTH_SIZE, "gain below 0");
    expect(fifth_differs(x, x, x, x, NULL, 1.0f, 255.0f, flags, 2), FIFTH_NULL, "differs null");
    expect(fifth_view(x, x, 1.0f, x, sums, NULL, 1, 1), FIFTH_NULL, "view null");
    expect(fifth_view(x, x, 1.0f, x, sums, x, INT32_MAX, INT32_MAX), FIFTH_SIZE, "view too large");
    expect(fifth_tiles(x, x, falls, 2, good, 2, sums, 2, 2), FIFTH_SIZE, "tiles do not rise");
    expect(fifth_tiles(x, x, good, 2, late, 1, sums, 2, 2), FIFTH_SIZE, "tiles begin late");
    expect(fifth_tiles(x, x, good, 2, out, 2, sums, 2, 2), FIFTH_SIZE, "tiles outside");
    expect(fifth_tiles(x, x, good, 0, good, 2, sums, 2, 2), FIFTH_SIZE, "no tiles");
    expect(fifth_sums(ring, 4, 4, 1, 0, 0, sums, 4), FIFTH_SIZE, "rows outside");
    expect(fifth_sums(ring, 4, 0, 5, 0, 0, sums, 4), FIFTH_SIZE, "too many rows");
    expect(fifth_sums(ring, 4, 0, 4, 0, 4, sums, 4), FIFTH_SIZE, "too many steps");
    expect(fifth_sums(ring, INT32_MAX, 0, 1, 0, 0, sums, 4), FIFTH_SIZE, "too many places");
    expect(staged_breath(x, x, NULL, 0.5, x, 2), FIFTH_NULL, "breath null");
    expect(staged_frame(x, x, x, 0, x, x, -1), FIFTH_SIZE, "frame below 0");
}
