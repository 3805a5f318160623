/* Memory for what must never reach a disk. cffi reads this file too: keep it plain (build.py). */
#pragma once
#include <stdint.h>

enum locked_code {
    LOCKED_OK = 0,
    LOCKED_SIZE = 1,
    LOCKED_MAP = 2,
    LOCKED_LIMIT = 3,
    LOCKED_ADVICE = 4,
};

/* size_bytes of zeroed memory at *block: private to the process, locked, left out of core dumps, zeros in a child of
 * fork. Whole pages. On any other code *block is NULL and *error the errno. */
int locked_new(int64_t size_bytes, uint8_t **block, int32_t *error);

/* Zeros that the compiler may not leave out. */
void locked_wipe(uint8_t *block, int64_t size_bytes);

/* Wipe and give back. NULL is allowed. */
void locked_free(uint8_t *block, int64_t size_bytes);
