/* Goal: the inner loops of distil.c, written once for every instruction set.
 *
 * Included with VARIANT(name) and WIDE (bytes of one vector register) defined. GCC's vector extensions say it without
 * intrinsics; a vector wider than the register goes through the stack and is three times slower.
 *
 * Maths: see distil.c. Two rows of luma at a time halve the traffic to the sums; eight lose, because the hardware's
 * prefetcher follows few streams. What WIDE does not divide goes on in eights; nothing beyond the cells is read.
 *
 * Why C: see distil.c. */

typedef uint8_t VARIANT(bytes_t) __attribute__((vector_size(WIDE), may_alias, aligned(1)));
typedef uint16_t VARIANT(pairs_t) __attribute__((vector_size(WIDE), may_alias, aligned(1)));
typedef uint8_t VARIANT(few_bytes_t) __attribute__((vector_size(8), may_alias, aligned(1)));
typedef uint16_t VARIANT(few_pairs_t) __attribute__((vector_size(8), may_alias, aligned(1)));

/* x + 2 < 4 for 254, 255, 0 and 1 alone; a true comparison is -1. Four pairs of rows make a strip: each counts a quarter
 * of the pixels that lie under it in the histogram's row. */
#define LUMA(bytes, pairs, i)                                                                              \
    do {                                                                                                   \
        pairs x = *(const pairs *)(row + (i)), z = *(const pairs *)(row + stride + (i));                   \
        *(pairs *)(lanes + (i)) += (x & 255) + (x >> 8) + (z & 255) + (z >> 8);                            \
        bytes x_end = (bytes)x + 2, z_end = (bytes)z + 2;                                                  \
        *(bytes *)(clipped + (i)) -= (bytes)(x_end < 4) + (bytes)(z_end < 4);                              \
        count_levels(levels, mask, (i) + pair * (int64_t)sizeof(bytes) / 4, sizeof(bytes) / 4, strip);     \
    } while (0)

INLINE void VARIANT(two_luma_rows)(const uint8_t *row, int64_t stride, int64_t pair, const uint8_t *levels,
                                   const uint8_t *mask, int64_t ahead, strip_t *strip, int64_t width) {
    uint8_t *lanes = (uint8_t *)strip->luma, *clipped = strip->clipped;
    int64_t i = 0;
    for (; i + LINE <= width; i += LINE) {
        ASK(row + ahead + i);
        ASK(row + ahead + stride + i);
        for (int64_t part = 0; part < LINE; part += WIDE) LUMA(VARIANT(bytes_t), VARIANT(pairs_t), i + part);
    }
    for (; i < width; i += 8) LUMA(VARIANT(few_bytes_t), VARIANT(few_pairs_t), i);
}
#undef LUMA

/* One plane's row of I420: lanes of two samples. width: samples, a multiple of 4. */
INLINE void VARIANT(planar_row)(const uint8_t *row, int64_t ahead, uint16_t *sums, int64_t width) {
    uint8_t *lanes = (uint8_t *)sums;
    int64_t i = 0;
    for (; i + LINE <= width; i += LINE) {
        ASK(row + ahead + i);
        for (int64_t at = i; at < i + LINE; at += WIDE) {
            VARIANT(pairs_t) x = *(const VARIANT(pairs_t) *)(row + at);
            *(VARIANT(pairs_t) *)(lanes + at) += (x & 255) + (x >> 8);
        }
    }
    for (; i < width; i += 2) sums[i / 2] += (uint16_t)(row[i] + row[i + 1]);
}

/* NV12: the two samples of each 16 bits belong to two planes; lanes of one sample. width: samples of one plane. */
INLINE void VARIANT(woven_row)(const uint8_t *row, int64_t ahead, strip_t *strip, int64_t width) {
    uint8_t *first = (uint8_t *)strip->first, *second = (uint8_t *)strip->second;
    int64_t i = 0;
    for (; i + LINE <= 2 * width; i += LINE) {
        ASK(row + ahead + i);
        for (int64_t at = i; at < i + LINE; at += WIDE) {
            VARIANT(pairs_t) x = *(const VARIANT(pairs_t) *)(row + at);
            *(VARIANT(pairs_t) *)(first + at) += x & 255;
            *(VARIANT(pairs_t) *)(second + at) += x >> 8;
        }
    }
    for (; i < 2 * width; i += 2) {
        strip->first[i / 2] += row[i];
        strip->second[i / 2] += row[i + 1];
    }
}

INLINE void VARIANT(chroma_rows)(const distil_frame *frame, int64_t from, int64_t more, strip_t *strip, int64_t width) {
    const uint8_t *woven = frame->u < frame->v ? frame->u : frame->v;
    int64_t u_stride = frame->u_stride_bytes, v_stride = frame->v_stride_bytes, ahead = more * CELL / 2;
    for (int64_t row = from; row < from + CELL / 2; row++) {
        if (frame->chroma_step == 2) {
            VARIANT(woven_row)(woven + row * u_stride, ahead * u_stride, strip, width);
        } else {
            VARIANT(planar_row)(frame->u + row * u_stride, ahead * u_stride, strip->first, width);
            VARIANT(planar_row)(frame->v + row * v_stride, ahead * v_stride, strip->second, width);
        }
    }
}

static void VARIANT(picture)(const distil_frame *frame, const uint16_t *previous, const uint8_t *mask,
                             const distil_grid *grid) {
    strip_t *strip = (strip_t *)grid->scratch;
    int64_t cols = grid->cols, stride = frame->y_stride_bytes;
    memset(strip->tables, 0, sizeof strip->tables);
    for (int64_t row = 0; row < grid->rows; row++) {
        int64_t at = row * cols, more = row + 1 < grid->rows, ahead = more * CELL * stride;
        const uint8_t *top = frame->y + row * CELL * stride, *masked = mask ? mask + at : 0;
        const uint8_t *levels = top + HISTOGRAM_ROW * stride;
        clear_sums(strip, cols);
        for (int64_t pair = 0; pair < CELL / 2; pair++)
            VARIANT(two_luma_rows)(top + 2 * pair * stride, stride, pair, levels, masked, ahead, strip, cols * CELL);
        VARIANT(chroma_rows)(frame, row * (CELL / 2), more, strip, cols * (CELL / 2));
        finish_luma(previous, strip, grid, at);
        finish_chroma(frame, strip, grid, at);
        if (masked) forget_masked(masked, grid, at);
    }
    finish_histogram(strip, grid->histogram);
    memset(strip, 0, sizeof *strip);
}
