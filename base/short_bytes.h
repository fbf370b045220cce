/* A few bytes compared and copied where they stand: a call of memcmp or memcpy takes longer than they do. No byte
 * beyond them is read or written. */
#ifndef FYKE_BASE_SHORT_BYTES_H
#define FYKE_BASE_SHORT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t short_bytes_8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static inline uint32_t short_bytes_4(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

#define SHORT_BYTES 16

/* Of at most SHORT_BYTES. From 4 on the last word may overlap the first one. */
static inline bool short_bytes_same(const char *a, const char *b, size_t n)
{
    if (n >= 8) {
        return ((short_bytes_8(a) ^ short_bytes_8(b)) |
                (short_bytes_8(a + n - 8) ^ short_bytes_8(b + n - 8))) == 0;
    }
    if (n >= 4) {
        return ((short_bytes_4(a) ^ short_bytes_4(b)) |
                (short_bytes_4(a + n - 4) ^ short_bytes_4(b + n - 4))) == 0;
    }
    return n == 0 || (a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1]);
}

/* Of any number. */
static inline bool short_bytes_equal(const char *a, const char *b, size_t n)
{
    return n <= SHORT_BYTES ? short_bytes_same(a, b, n) : memcmp(a, b, n) == 0;
}

#define SHORT_BYTES_MARK_BITS 12
#define SHORT_BYTES_MARK_MAX ((1U << SHORT_BYTES_MARK_BITS) - 1)
/* Of any number: the same for the same bytes, mostly another one for others that differ in the first or last eight or in
 * the middle; never 0. Another machine may give another one: not to be stored. */
static inline uint16_t short_bytes_mark(const char *p, size_t n)
{
    uint64_t first = n, last = n, middle = n;
    if (n >= 8) {
        first = short_bytes_8(p);
        last = short_bytes_8(p + n - 8);
        middle = n > SHORT_BYTES ? short_bytes_8(p + n / 2 - 4) : n;
    } else if (n >= 4) {
        first = short_bytes_4(p);
        last = short_bytes_4(p + n - 4);
    } else if (n > 0) {
        first = (uint8_t)p[0] | (uint64_t)(uint8_t)p[n / 2] << 8 | (uint64_t)(uint8_t)p[n - 1] << 16;
    }
    uint64_t mixed = (first ^ (last * UINT64_C(0x9e3779b97f4a7c15)) ^ (middle << 7)) * UINT64_C(0xd6e8feb86659fd93);
    mixed = (mixed ^ (mixed >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    uint16_t mark = (uint16_t)(mixed >> (64 - SHORT_BYTES_MARK_BITS));
    return mark ? mark : 1;
}

/* The two do not overlap. */
static inline void short_bytes_copy(char *to, const char *from, size_t n)
{
    if (n > SHORT_BYTES) {
        memcpy(to, from, n);
    } else if (n >= 8) {
        uint64_t first = short_bytes_8(from), last = short_bytes_8(from + n - 8);
        memcpy(to, &first, sizeof(first));
        memcpy(to + n - 8, &last, sizeof(last));
    } else if (n >= 4) {
        uint32_t first = short_bytes_4(from), last = short_bytes_4(from + n - 4);
        memcpy(to, &first, sizeof(first));
        memcpy(to + n - 4, &last, sizeof(last));
    } else if (n > 0) {
        char first = from[0], middle = from[n / 2], last = from[n - 1];
        to[0] = first;
        to[n / 2] = middle;
        to[n - 1] = last;
    }
}

#endif
