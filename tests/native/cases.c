/* Goal: the kernel by itself, so that a sanitizer, valgrind or another processor can run it.
 *
 * Each case lies in blocks of exactly the size it needs, so a read or write beyond one is found. Each line printed is a
 * case and a hash of all that came out; every machine must print the same lines. `cases count N` does N passes over
 * 640x480 and nothing else: for counting instructions.
 *
 * Why C: Python would hide the kernel's own accesses in a million others. */
#include "distil.h"
#include "locked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252u;

static uint8_t next_byte(void) { /* xorshift64 (Marsaglia, 2003) */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint8_t)(state >> 24);
}

static uint8_t *bytes(size_t size) {
    uint8_t *block = malloc(size);
    if (!block) abort();
    for (size_t i = 0; i < size; i++) block[i] = next_byte();
    return block;
}

static uint64_t hash(uint64_t h, const void *data, size_t size) { /* FNV-1a */
    const uint8_t *byte = data;
    for (size_t i = 0; i < size; i++) h = (h ^ byte[i]) * 0x100000001b3u;
    return h;
}

typedef struct {
    distil_frame frame;
    distil_grid grid;
    uint16_t *previous;
    uint8_t *mask, *blocks[3];
} case_t;

enum { I420, NV12, NV21 };

static case_t make(int32_t width, int32_t height, int layout, int64_t padding, int flat) {
    case_t c = {0};
    int64_t stride = width + padding, half = layout == I420 ? width / 2 + padding : width + padding;
    size_t chroma = (size_t)(half * (height / 2 - 1) + (layout == I420 ? width / 2 : width));
    size_t cells = (size_t)(height / 8) * (size_t)(width / 8);
    c.blocks[0] = bytes((size_t)(stride * (height - 1) + width));
    c.blocks[1] = bytes(chroma);
    c.blocks[2] = bytes(chroma);
    if (flat >= 0) memset(c.blocks[0], flat, (size_t)(stride * (height - 1) + width));
    const uint8_t *u = c.blocks[1] + (layout == NV21), *v = layout == I420 ? c.blocks[2] : c.blocks[1] + (layout == NV12);
    c.frame = (distil_frame){c.blocks[0], u, v, stride, half, half, width, height, layout == I420 ? 1 : 2};
    c.previous = (uint16_t *)bytes(cells * 2);
    c.mask = bytes(cells);
    for (size_t i = 0; i < cells; i++) c.mask[i] = c.mask[i] % 4 == 0;
    c.grid = (distil_grid){malloc(cells * 2), malloc(cells * 2), malloc(cells * 2), malloc(cells * 2), malloc(cells),
                           aligned_alloc(64, 1024), aligned_alloc(64, DISTIL_SCRATCH_BYTES), height / 8, width / 8};
    return c;
}

static void drop(case_t *c) {
    for (int i = 0; i < 3; i++) free(c->blocks[i]);
    free(c->previous), free(c->mask), free(c->grid.y), free(c->grid.u), free(c->grid.v), free(c->grid.moved);
    free(c->grid.clipped), free(c->grid.histogram), free(c->grid.scratch);
}

static uint64_t hash_grid(const case_t *c) {
    size_t cells = (size_t)c->grid.rows * (size_t)c->grid.cols;
    uint64_t h = hash(0xcbf29ce484222325u, c->grid.y, cells * 2);
    h = hash(hash(hash(h, c->grid.u, cells * 2), c->grid.v, cells * 2), c->grid.moved, cells * 2);
    return hash(hash(h, c->grid.clipped, cells), c->grid.histogram, 1024);
}

static int failures;

static void expect(int code, int wanted, const char *what) {
    if (code == wanted) return;
    printf("%s: code %d, must be %d\n", what, code, wanted);
    failures++;
}

static void run_case(int32_t width, int32_t height, int layout, int64_t padding, int flat) {
    case_t c = make(width, height, layout, padding, flat);
    const uint8_t *masks[] = {NULL, c.mask};
    for (int masked = 0; masked < 2; masked++) {
        expect(distil_reference(&c.frame, c.previous, masks[masked], &c.grid, NULL, 0), DISTIL_OK, "reference");
        uint64_t reference = hash_grid(&c);
        expect(distil(&c.frame, c.previous, masks[masked], &c.grid, NULL, 0), DISTIL_OK, "distil");
        if (hash_grid(&c) != reference) expect(1, 0, "variants differ");
        printf("%dx%d layout %d padding %d flat %d masked %d %016llx\n", width, height, layout, (int)padding, flat, masked,
               (unsigned long long)reference);
    }
    expect(distil(&c.frame, c.grid.y, NULL, &c.grid, NULL, 0), DISTIL_OK, "in place");
    printf("in place %016llx\n", (unsigned long long)hash_grid(&c));
    drop(&c);
}

static void run_order(case_t *c, int64_t xx, int64_t xy, int64_t x0, int32_t side, int32_t channels) {
    int64_t y0 = x0 * c->frame.height_px / c->frame.width_px;
    distil_order order = {x0, y0, xx, xy, -xy, xx, side, side + 1, channels, 0, NULL};
    size_t size = (size_t)side * (size_t)(side + 1) * (size_t)channels;
    order.destination = malloc(size);
    expect(distil(&c->frame, NULL, c->mask, &c->grid, &order, 1), DISTIL_OK, "order");
    printf("order %lld %lld %d %d kept %d %016llx\n", (long long)xx, (long long)xy, side, channels, order.kept,
           (unsigned long long)hash(0, order.destination, size));
    free(order.destination);
}

static void run_orders(int32_t width, int32_t height, int layout) {
    case_t c = make(width, height, layout, 2, -1);
    int64_t whole = (int64_t)width * 65536;
    for (int32_t channels = 1; channels <= 3; channels += 2) {
        run_order(&c, whole / 31, 0, 0, 31, channels);
        run_order(&c, whole / 21, 0, -whole / 3, 19, channels);
        run_order(&c, 20000, 0, whole / 3, 40, channels);
        run_order(&c, 50000, 40000, whole / 4, 33, channels);
        run_order(&c, -70000, 10001, whole - 1, 33, channels);
        run_order(&c, 0, 65536, 8 * 65536, 17, channels);
    }
    drop(&c);
}

#define REFUSES(change, code)                                                            \
    do {                                                                                 \
        case_t c = make(64, 48, I420, 0, -1), kept = c;                                  \
        distil_order order = {0, 0, 65536, 0, 0, 65536, 8, 8, 1, 0, c.blocks[0]};        \
        int32_t count = 1;                                                               \
        change;                                                                          \
        (void)order;                                                                     \
        expect(distil(&c.frame, c.previous, c.mask, &c.grid, &order, count), code, #change); \
        drop(&kept);                                                                     \
    } while (0)

static void refusals(void) {
    expect(distil(NULL, NULL, NULL, NULL, NULL, 0), DISTIL_NULL, "all null");
    REFUSES(c.frame.y = NULL, DISTIL_NULL);
    REFUSES(c.frame.v = NULL, DISTIL_NULL);
    REFUSES(c.grid.moved = NULL, DISTIL_NULL);
    REFUSES(c.grid.scratch = NULL, DISTIL_NULL);
    REFUSES(c.grid.scratch += 8, DISTIL_GRID);
    REFUSES(c.grid.rows = 5, DISTIL_GRID);
    REFUSES(c.grid.cols = -8, DISTIL_GRID);
    REFUSES(c.frame.width_px = 63, DISTIL_SIZE);
    REFUSES(c.frame.width_px = INT32_MAX - 1, DISTIL_SIZE);
    REFUSES(c.frame.width_px = INT32_MIN, DISTIL_SIZE);
    REFUSES(c.frame.height_px = 1082, DISTIL_SIZE);
    REFUSES(c.frame.height_px = 14, DISTIL_SIZE);
    REFUSES(c.frame.y_stride_bytes = 63, DISTIL_STRIDE);
    REFUSES(c.frame.y_stride_bytes = INT64_MIN, DISTIL_STRIDE);
    REFUSES(c.frame.u_stride_bytes = INT64_MAX, DISTIL_STRIDE);
    REFUSES(c.frame.v_stride_bytes = 31, DISTIL_STRIDE);
    REFUSES(c.frame.chroma_step = 0, DISTIL_CHROMA_STEP);
    REFUSES(c.frame.chroma_step = 2, DISTIL_CHROMA_STEP);
    REFUSES((c.frame.chroma_step = 2, c.frame.v = c.frame.u + 1), DISTIL_STRIDE);
    REFUSES(order.destination = NULL, DISTIL_NULL);
    REFUSES(order.channels = 2, DISTIL_ORDER);
    REFUSES(order.width_px = 0, DISTIL_ORDER);
    REFUSES(order.height_px = DISTIL_ORDER_MAX_PX + 1, DISTIL_ORDER);
    REFUSES(order.xx = 1, DISTIL_ORDER);
    REFUSES(order.xx = INT64_MAX, DISTIL_ORDER);
    REFUSES(order.yx = INT64_MIN, DISTIL_ORDER);
    REFUSES(order.x0 = INT64_MAX, DISTIL_ORDER);
    REFUSES(order.x0 = 64 * 65536, DISTIL_ORDER);
    REFUSES(order.y0 = -8 * 65536, DISTIL_ORDER);
    REFUSES(count = -1, DISTIL_ORDER);
}

static void locking(void) {
    uint8_t *block;
    int32_t error;
    expect(locked_new(0, &block, &error), LOCKED_SIZE, "locked 0");
    expect(locked_new(4096, &block, &error), LOCKED_OK, "locked 4096");
    memset(block, 255, 4096);
    locked_wipe(block, 4096);
    for (int i = 0; i < 4096; i++) expect(block[i], 0, "wiped");
    locked_free(block, 4096);
    locked_free(NULL, 4096);
}

#include "fifths.h"

static int count(int passes) {
    case_t c = make(640, 480, I420, 0, -1);
    for (int i = 0; i < passes; i++) expect(distil(&c.frame, c.previous, NULL, &c.grid, NULL, 0), DISTIL_OK, "count");
    drop(&c);
    return failures;
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "count")) return count(atoi(argv[2]));
    static const int32_t sizes[][2] = {{16, 16}, {18, 22}, {24, 30}, {46, 16}, {104, 62}, {320, 240}, {1280, 720}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int layout = I420; layout <= NV21; layout++) {
            run_case(sizes[i][0], sizes[i][1], layout, (int64_t)i * 3, -1);
            run_orders(sizes[i][0], sizes[i][1], layout);
        }
    for (int flat = 0; flat < 256; flat += 51) run_case(1920, 1080, I420, 0, flat);
    static const int32_t grids[][2] = {{1, 1}, {1, 9}, {9, 1}, {2, 2}, {7, 5}, {30, 40}, {60, 80}, {135, 240}};
    for (size_t i = 0; i < sizeof grids / sizeof *grids; i++) run_fifth(grids[i][0], grids[i][1]);
    refusals();
    refused_fifths();
    locking();
    return failures != 0;
}
