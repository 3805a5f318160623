/* Goal: memory that holds grids, masks and tensors and never reaches swap, a core dump, a child process or, once given
 * back, anybody else.
 *
 * How. mmap (private, anonymous), mlock, MADV_DONTDUMP, MADV_WIPEONFORK; wiped, then unmapped. memfd_secret would hide
 * it from the kernel's own map as well, but refuses MAP_PRIVATE and MADV_WIPEONFORK.
 *
 * Why C: Python's mmap can neither lock nor promise that a wipe happens before the unmapping. Linux alone. */
#define _GNU_SOURCE
#include "locked.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_BYTES = 1 << 30 };

static int prepare(uint8_t *memory, size_t size) {
    if (mlock(memory, size)) return LOCKED_LIMIT;
    return madvise(memory, size, MADV_DONTDUMP) || madvise(memory, size, MADV_WIPEONFORK) ? LOCKED_ADVICE : LOCKED_OK;
}

int locked_new(int64_t size_bytes, uint8_t **block, int32_t *error) {
    *block = NULL;
    *error = 0;
    if (size_bytes <= 0 || size_bytes > MAX_BYTES) return LOCKED_SIZE;
    size_t size = (size_t)size_bytes;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        *error = errno;
        return LOCKED_MAP;
    }
    int code = prepare(memory, size);
    if (code == LOCKED_OK) {
        *block = memory;
        return code;
    }
    *error = errno;
    munmap(memory, size);
    return code;
}

void locked_wipe(uint8_t *block, int64_t size_bytes) {
    memset(block, 0, (size_t)size_bytes);
    __asm__ __volatile__("" : : "r"(block) : "memory");
}

void locked_free(uint8_t *block, int64_t size_bytes) {
    if (!block) return;
    locked_wipe(block, size_bytes);
    munmap(block, (size_t)size_bytes);
}
