/* Part of fuzz.c: the passes over a fifth's cells, and what is drawn for the laboratory, one of them an input. Floats are
 * counts of luma, or whatever the bytes are, NaN and infinity among them; blocks are exactly as large as what is claimed, where that is sound. */
#include "fifth.h"
#include "staged.h"

enum { FIFTH_HEADER = 64, FLOAT = sizeof(float), DOUBLE = sizeof(double), MAX_RING = 1 << 20 };

/* Where the tiles of one direction begin: mostly rising, as the bytes have it. */
static int32_t *begins(input_t *in, int32_t count) {
    int64_t size = count >= 1 && count <= FIFTH_MAX_TILES ? count : 1;
    uint8_t *bytes = block(in, size);
    int32_t *found = block(in, size * (int64_t)sizeof *found), at = 0;
    for (int64_t i = 0; i < size; i++) {
        found[i] = bytes[i] < 250 ? at : bytes[i] % 2 ? INT32_MAX : -1;
        at += bytes[i] % 16 ? 1 + bytes[i] % 3 : 0;
    }
    return found;
}

static void *counts(void *bytes, int64_t size) {
    for (int64_t i = 0; i + FLOAT <= size; i += FLOAT) {
        float luma = ((uint8_t *)bytes)[i];
        memcpy((uint8_t *)bytes + i, &luma, FLOAT);
    }
    return bytes;
}

/* One pass. a: its blocks; one of them, now and then, is none. sound: 0 where the claim must be refused. */
static void fuzz_fifth(input_t *in, const uint8_t *choice) {
    int32_t rows = (int32_t)number(in, 1, 60), cols = (int32_t)number(in, 1, 60), cells = rows;
    int64_t numbers[5] = {number(in, 1, 20), number(in, 0, 20), number(in, 0, 20), number(in, 0, 20), number(in, 0, 20)};
    int32_t count[5], code = FIFTH_NULL;
    int sound = rows >= 1 && cols >= 1 && (int64_t)rows * cols <= FIFTH_MAX_CELLS, used = 0, pass = choice[0] % 9;
    int64_t n = sound ? (int64_t)rows * cols : 1, ring = 1, tiles = 1;
    float some = (float)choice[2] / 16.0f - 2.0f, more = (float)choice[3] * 2.0f - 1.0f;
    void *a[6];
    for (int k = 0; k < 5; k++) count[k] = (int32_t)numbers[k];
    if (sound) cells = rows * cols;
    else if (cells >= 1 && cells <= FIFTH_MAX_CELLS) cells = FIFTH_MAX_CELLS + 1;
    if (pass == 5) {
        int fits = count[0] >= 1 && count[0] <= FIFTH_MAX_TILES && count[1] >= 1 && count[1] <= FIFTH_MAX_TILES;
        tiles = fits ? (int64_t)count[0] * count[1] : 1;
        sound = sound && fits;
    }
    if (pass == 6) {
        if (count[0] >= 1 && count[0] <= FIFTH_MAX_PLACES) ring = count[0];
        else sound = 0;
        if (ring * n > MAX_RING) return;
    }
    /* The sizes of the blocks of each pass, in bytes; 0 ends them. */
    int64_t sizes[9][7] = {
        {FLOAT * n, FLOAT * n, n},
        {FLOAT * n, 2 * FLOAT * n, 2 * DOUBLE},
        {FLOAT * n, FLOAT * n, FLOAT},
        {FLOAT * n, FLOAT * n, FLOAT * n, 3 * FLOAT * n, FLOAT * n, n},
        {FLOAT * n, 4 * FLOAT * n, 2 * FLOAT * n, 3 * DOUBLE, FLOAT * n},
        {2 * FLOAT * n, 2 * FLOAT * n, 3 * DOUBLE * tiles},
        {2 * ring * n, 3 * DOUBLE * n},
        {3 * FLOAT * n, 3 * FLOAT * n, 3 * FLOAT * n, 3 * FLOAT * n},
        {3 * FLOAT * n, 3 * FLOAT * n, 3 * FLOAT * n, FLOAT * n, 4 * FLOAT * n},
    };
    for (; sizes[pass][used]; used++) {
        a[used] = block(in, sizes[pass][used]);
        if (choice[4] % 2) counts(a[used], sizes[pass][used]);
    }
    if (choice[1] < 16) a[choice[1] % used] = NULL, sound = 0;
    switch (pass) {
    case 0: code = fifth_moving(a[0], a[1], some, more, a[2], cells); break;
    case 1: code = fifth_steps(a[0], a[1], a[2], cells); break;
    case 2: code = fifth_gain(a[0], a[1], cells, a[2]); break;
    case 3: code = fifth_differs(a[0], a[1], a[2], a[3], a[4], some, more, a[5], cells); break;
    case 4: code = fifth_view(a[0], a[1], some, a[2], a[3], a[4], rows, cols); break;
    case 5:
        code = fifth_tiles(a[0], a[1], begins(in, count[0]), count[0], begins(in, count[1]), count[1], a[2], rows, cols);
        break;
    case 6: code = fifth_sums(a[0], count[0], count[1], count[2], count[3], count[4], a[1], cells); break;
    case 7: code = staged_breath(a[0], a[1], a[2], (double)some, a[3], cells); break;
    default: code = staged_frame(a[0], a[1], a[2], choice[2] % 2, a[3], a[4], cells);
    }
    if (code == FIFTH_OK && !sound) abort();
}
