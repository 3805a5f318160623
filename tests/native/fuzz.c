/* Goal: whatever numbers arrive in frame, grid and order, or in a pass over cells, C refuses them or stays inside its memory.
 *
 * An input is 96 bytes of sizes, strides, steps and an affine map, each bent towards what is valid, 64 of which pass over
 * cells comes and of what size (fuzz_fifths.h), then pixels. What is claimed is allocated exactly; claims of more than 8 MiB
 * come with a grid that must be refused. With libFuzzer this is
 * the target; with -DSTANDALONE a main of its own makes inputs for the seconds given (gcc has no libFuzzer).
 *
 * Why C: a sanitizer sees each access of the kernel. */
#include "distil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HEADER = 96, MAX_PLANE = 8 << 20, BLOCKS = 24 };

typedef struct {
    const uint8_t *at, *pixels;
    size_t pixel_count;
    void *blocks[BLOCKS];
    int used;
} input_t;

/* One in 16 numbers is an end of the range, one in 16 anything; the rest lie from `likely` on. */
static int64_t number(input_t *in, int64_t likely, uint64_t range) {
    uint64_t value;
    memcpy(&value, in->at, sizeof value);
    in->at += sizeof value;
    int kind = value & 255;
    if (kind < 16) return kind % 2 ? INT64_MIN : INT64_MAX;
    if (kind < 32) return (int64_t)value;
    return likely + (int64_t)((value >> 8) % range);
}

static void *block(input_t *in, int64_t size) {
    uint8_t *exact = malloc((size_t)size);
    if (!exact || in->used == BLOCKS) abort();
    for (int64_t i = 0; i < size; i++) exact[i] = in->pixel_count ? in->pixels[(size_t)i % in->pixel_count] : 0;
    return in->blocks[in->used++] = exact;
}

static void *aligned(input_t *in, size_t size) { return in->blocks[in->used++] = aligned_alloc(64, size); }

/* Bytes from the first sample to the last; 0 where that is not to be allocated. */
static int64_t extent(int64_t stride, int64_t rows, int64_t width) {
    if (stride < 0 || stride > MAX_PLANE || rows <= 0 || rows > 2000 || width <= 0 || width > 4000) return 0;
    int64_t size = stride * (rows - 1) + width;
    return size > MAX_PLANE ? 0 : size;
}

static distil_order make_order(input_t *in, const uint8_t *choice) {
    distil_order order = {.x0 = number(in, -(40 << 16), 400 << 16), .y0 = number(in, -(40 << 16), 200 << 16)};
    order.xx = number(in, -(2 << 16), 6 << 16);
    order.yy = number(in, -(2 << 16), 6 << 16);
    if (choice[0] % 2) order.xy = order.xx / 3, order.yx = order.yy / 5;
    order.width_px = choice[1] % 64;
    order.height_px = choice[2] % 64;
    order.channels = choice[3] % 8 ? 1 + choice[3] % 2 * 2 : 2;
    int64_t size = (int64_t)order.width_px * order.height_px * order.channels;
    order.destination = block(in, size ? size : 1);
    return order;
}

static distil_grid make_grid(input_t *in, int32_t width, int32_t height) {
    int64_t cells = (int64_t)(height / 8) * (width / 8);
    if (cells < 1 || cells > 40000) cells = 1;
    uint16_t *y = block(in, cells * 2), *u = block(in, cells * 2), *v = block(in, cells * 2);
    return (distil_grid){y, u, v, block(in, cells * 2), block(in, cells), aligned(in, 1024),
                         aligned(in, DISTIL_SCRATCH_BYTES), height / 8, width / 8};
}

static distil_frame make_frame(input_t *in, int64_t *smallest) {
    int32_t width = (int32_t)number(in, 14, 300), height = (int32_t)number(in, 14, 120);
    int32_t step = (int32_t)number(in, 1, 2);
    int64_t chroma = (int64_t)width / 2 * (step == 2 ? 2 : 1), low = height / 2;
    int64_t y_stride = number(in, width, 40), u_stride = number(in, chroma, 9), v_stride = number(in, chroma, 9);
    if (step == 2) v_stride = u_stride;
    int64_t sizes[] = {extent(y_stride, height, width), extent(u_stride, low, chroma), extent(v_stride, low, chroma)};
    *smallest = sizes[0] < sizes[1] ? sizes[0] : sizes[1];
    *smallest = *smallest < sizes[2] ? *smallest : sizes[2];
    if (!*smallest) sizes[0] = sizes[1] = sizes[2] = 1;
    uint8_t *y = block(in, sizes[0]), *u = block(in, sizes[1]), *v = block(in, sizes[2]);
    return (distil_frame){y, u, step == 2 ? u + 1 : v, y_stride, u_stride, v_stride, width, height, step};
}

#include "fuzz_fifths.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < HEADER + FIFTH_HEADER) return 0;
    input_t in = {.at = data, .pixels = data + HEADER + FIFTH_HEADER, .pixel_count = size - HEADER - FIFTH_HEADER};
    const uint8_t *choice = data + HEADER - 8;
    int64_t allocated;
    distil_frame frame = make_frame(&in, &allocated);
    distil_order order = make_order(&in, choice);
    distil_grid grid = make_grid(&in, frame.width_px, frame.height_px);
    uint8_t *mask = block(&in, (int64_t)grid.rows * grid.cols > 0 && allocated ? (int64_t)grid.rows * grid.cols : 1);
    if (!allocated) grid.rows = -1;
    int code = distil(&frame, choice[4] % 2 ? grid.y : NULL, choice[5] % 2 ? mask : NULL, &grid, &order,
                      choice[6] % 4 > 0);
    if (code == DISTIL_OK && !allocated) abort();
    in.at = data + HEADER;
    fuzz_fifth(&in, data + HEADER + FIFTH_HEADER - 8);
    for (int i = 0; i < in.used; i++) free(in.blocks[i]);
    return 0;
}

#ifdef STANDALONE
int main(int argc, char **argv) {
    time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 1);
    uint64_t state = 88172645463325252u, inputs = 0;
    uint8_t data[HEADER + FIFTH_HEADER + 256];
    for (; time(NULL) < end; inputs++) {
        for (size_t i = 0; i < sizeof data; i++) { /* xorshift64 (Marsaglia, 2003) */
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            data[i] = (uint8_t)(state >> 24);
        }
        LLVMFuzzerTestOneInput(data, sizeof data);
    }
    printf("%llu inputs\n", (unsigned long long)inputs);
    return 0;
}
#endif
