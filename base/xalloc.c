#include "base/xalloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void xalloc_die(size_t bytes)
{
    fprintf(stderr, "fyke: out of memory (%zu bytes asked for)\n", bytes);
    abort();
}

void *xmalloc(size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);
    if (!p) {
        xalloc_die(bytes);
    }
    return p;
}

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p) {
        xalloc_die(count);
    }
    return p;
}

void *xrealloc(void *p, size_t bytes)
{
    void *q = realloc(p, bytes ? bytes : 1);
    if (!q) {
        xalloc_die(bytes);
    }
    return q;
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t len)
{
    char *p = xmalloc(len + 1);
    memcpy(p, s, len);
    p[len] = '\0';
    return p;
}

void *xgrow(void *p, size_t *cap, size_t need, size_t elem_bytes)
{
    if (need <= *cap && p) {
        return p;
    }
    if (need > SIZE_MAX / 2) {
        xalloc_die(need); /* doubling would wrap to zero */
    }
    size_t want = *cap ? *cap * 2 : 8;
    while (want < need) {
        want *= 2;
    }
    if (elem_bytes && want > SIZE_MAX / 2 / elem_bytes) {
        xalloc_die(SIZE_MAX);
    }
    p = xrealloc(p, want * elem_bytes);
    *cap = want;
    return p;
}
