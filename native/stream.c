/* Goal: the time it takes to read so many bytes and do next to nothing with them: what `stillroom bench` compares with.
 *
 * Maths: the exclusive or of all 64-bit words. Both halves at once, because that is the fastest of nine ways tried (22 us
 * for 640x480 where one stream takes 29, four 25, one with prefetching 24): a limit must be one.
 *
 * Why C: numpy.bitwise_xor.reduce reads at a third of the speed. */
#include "kernel.h"

#define STREAM(name, WIDE)                                                                       \
    static uint64_t name(const uint8_t *bytes, int64_t size_bytes) {                             \
        typedef uint64_t words_t __attribute__((vector_size(WIDE), aligned(1), may_alias));      \
        words_t a = {0}, b = {0}, c = {0}, d = {0};                                              \
        int64_t half = size_bytes / (4 * WIDE) * (2 * WIDE), i = 0;                              \
        for (; i < half; i += 2 * WIDE) {                                                        \
            a ^= *(const words_t *)(bytes + i);                                                  \
            b ^= *(const words_t *)(bytes + i + WIDE);                                           \
            c ^= *(const words_t *)(bytes + half + i);                                           \
            d ^= *(const words_t *)(bytes + half + i + WIDE);                                    \
        }                                                                                        \
        uint64_t whole = 0;                                                                      \
        a ^= b ^ c ^ d;                                                                          \
        for (int word = 0; word < WIDE / 8; word++) whole ^= a[word];                            \
        for (i = 2 * half; i < size_bytes; i++) whole ^= (uint64_t)bytes[i] << 8 * (i & 7);      \
        return whole;                                                                            \
    }

STREAM(stream_portable, 16)

#ifdef WITH_V3
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
STREAM(stream_v3, 32)
#pragma GCC pop_options
#endif

uint64_t stream_read(const uint8_t *bytes, int64_t size_bytes) {
    if (!bytes || size_bytes <= 0) return 0;
#ifdef WITH_V3
    if (__builtin_cpu_supports("x86-64-v3")) return stream_v3(bytes, size_bytes);
#endif
    return stream_portable(bytes, size_bytes);
}
