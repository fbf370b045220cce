/* Fetches memory beforehand. */
#ifndef FYKE_BASE_PREFETCH_H
#define FYKE_BASE_PREFETCH_H

#include <stddef.h>

#define CACHE_LINE_BYTES 64

/* Every cache line of the block, wherever in one it begins. */
static inline void memory_prefetch(const void *block, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += CACHE_LINE_BYTES) {
        __builtin_prefetch((const char *)block + at);
    }
    __builtin_prefetch((const char *)block + bytes - 1);
}

#endif
