/* Goal: the inner loops of distil.c, written once for every instruction set. Included with VARIANT(name) defined.
 *
 * Maths: see distil.c. GCC's vector extensions say it without intrinsics: an operation on 32 bytes is one AVX2
 * instruction or two of SSE2 or NEON. What 32 does not divide goes on in eights; nothing beyond the cells is read.
 *
 * Why C: see distil.c. */

typedef uint8_t VARIANT(bytes_t) __attribute__((vector_size(32), may_alias, aligned(1)));
typedef uint16_t VARIANT(pairs_t) __attribute__((vector_size(32), may_alias, aligned(1)));
typedef uint8_t VARIANT(few_bytes_t) __attribute__((vector_size(8), may_alias, aligned(1)));
typedef uint16_t VARIANT(few_pairs_t) __attribute__((vector_size(8), may_alias, aligned(1)));

/* x + 2 < 4 for 254, 255, 0 and 1 alone; a true comparison is -1. */
#define LUMA(bytes, pairs)                                             \
    do {                                                               \
        pairs x = *(const pairs *)(row + i);                           \
        *(pairs *)(strip->luma + i / 2) += (x & 255) + (x >> 8);       \
        bytes near_end = (bytes)x + 2;                                 \
        *(bytes *)(strip->clipped + i) -= (bytes)(near_end < 4);       \
    } while (0)

static inline void VARIANT(luma_row)(const uint8_t *row, scratch_t *strip, int32_t width) {
    int32_t i = 0;
    for (; i + 32 <= width; i += 32) LUMA(VARIANT(bytes_t), VARIANT(pairs_t));
    for (; i < width; i += 8) LUMA(VARIANT(few_bytes_t), VARIANT(few_pairs_t));
}

/* One plane's row of I420: lanes of two samples. width: samples, a multiple of 4; the last four may be alone. */
static inline void VARIANT(planar_row)(const uint8_t *row, uint16_t *lanes, int32_t width) {
    int32_t i = 0;
    for (; i + 32 <= width; i += 32) {
        VARIANT(pairs_t) x = *(const VARIANT(pairs_t) *)(row + i);
        *(VARIANT(pairs_t) *)(lanes + i / 2) += (x & 255) + (x >> 8);
    }
    for (; i < width; i += 2) lanes[i / 2] += (uint16_t)(row[i] + row[i + 1]);
}

/* NV12: the two samples of each 16 bits belong to two planes; lanes of one sample. width: samples of one plane. */
static inline void VARIANT(woven_row)(const uint8_t *row, scratch_t *strip, int32_t width) {
    int32_t i = 0;
    for (; i + 16 <= width; i += 16) {
        VARIANT(pairs_t) x = *(const VARIANT(pairs_t) *)(row + 2 * i);
        *(VARIANT(pairs_t) *)(strip->first + i) += x & 255;
        *(VARIANT(pairs_t) *)(strip->second + i) += x >> 8;
    }
    for (; i < width; i++) {
        strip->first[i] += row[2 * i];
        strip->second[i] += row[2 * i + 1];
    }
}

static inline void VARIANT(chroma_rows)(const distil_frame *frame, int32_t from, scratch_t *strip, int32_t width) {
    const uint8_t *woven = frame->u < frame->v ? frame->u : frame->v;
    for (int64_t row = from; row < from + CELL / 2; row++) {
        if (frame->chroma_step == 2) {
            VARIANT(woven_row)(woven + row * frame->u_stride_bytes, strip, width);
        } else {
            VARIANT(planar_row)(frame->u + row * frame->u_stride_bytes, strip->first, width);
            VARIANT(planar_row)(frame->v + row * frame->v_stride_bytes, strip->second, width);
        }
    }
}

static void VARIANT(picture)(const distil_frame *frame, const uint16_t *previous, const uint8_t *mask,
                             const distil_grid *grid) {
    scratch_t *strip = (scratch_t *)grid->scratch;
    int32_t cols = grid->cols;
    memset(strip, 0, sizeof *strip);
    for (int32_t row = 0; row < grid->rows; row++) {
        int64_t at = (int64_t)row * cols;
        const uint8_t *top = frame->y + (int64_t)row * CELL * frame->y_stride_bytes;
        clear_sums(strip, cols);
        for (int64_t i = 0; i < CELL; i++) VARIANT(luma_row)(top + i * frame->y_stride_bytes, strip, cols * CELL);
        VARIANT(chroma_rows)(frame, row * (CELL / 2), strip, cols * (CELL / 2));
        count_levels(top + HISTOGRAM_ROW * frame->y_stride_bytes, mask ? mask + at : 0, strip, cols);
        finish_cells(frame, previous ? previous + at : 0, mask ? mask + at : 0, strip, grid, at);
    }
    finish_histogram(strip, grid->histogram);
    memset(strip, 0, sizeof *strip);
}
#undef LUMA
