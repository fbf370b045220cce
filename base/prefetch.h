/* Fetches memory beforehand. */
#ifndef FYKE_BASE_PREFETCH_H
#define FYKE_BASE_PREFETCH_H

#include <stddef.h>

#define CACHE_LINE_BYTES 64

/* The line that it stands in. The statement behind it takes no instruction: gcc takes a function that only fetches for
 * one without an effect, and leaves out its calls. */
static inline void line_prefetch(const void *p)
{
    __builtin_prefetch(p);
    __asm__ volatile("");
}

/* Every cache line of the block, wherever in one it begins. */
static inline void memory_prefetch(const void *block, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += CACHE_LINE_BYTES) {
        line_prefetch((const char *)block + at);
    }
    line_prefetch((const char *)block + bytes - 1);
}

#endif
