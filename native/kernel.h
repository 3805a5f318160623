/* What the C files share; not part of the interface. */
#pragma once
#include "distil.h"

/* clang knows neither the pragma nor the name of the processor: it builds the reference alone. */
#if defined(__x86_64__) && !defined(__clang__)
#define WITH_V3 1
#endif

enum { CELL = DISTIL_CELL_PX, HISTOGRAM_ROW = 4, BINS = 256, TABLES = 4, LINE = 64 };

/* Sums on the way of one strip of eight rows; sizes for the widest picture. */
typedef struct {
    uint16_t luma[DISTIL_MAX_WIDTH_PX / 2];
    uint16_t first[DISTIL_MAX_WIDTH_PX / 2];
    uint16_t second[DISTIL_MAX_WIDTH_PX / 2];
    uint8_t clipped[DISTIL_MAX_WIDTH_PX];
    uint16_t sums[DISTIL_MAX_WIDTH_PX / CELL];
    uint32_t tables[TABLES][BINS];
} strip_t;

_Static_assert(sizeof(strip_t) <= DISTIL_SCRATCH_BYTES, "scratch must fit what the caller gives");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the pairs of NV12 are told apart by their bytes' order");

int order_code(const distil_frame *frame, const distil_order *order);
void serve_order(const distil_frame *frame, const uint8_t *mask, const distil_grid *grid, distil_order *order);
