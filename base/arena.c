#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"

#define ARENA_MIN_BLOCK ((size_t)4096)
#define ARENA_MAX_BLOCK ((size_t)1 << 20)

void arena_init(struct arena *a)
{
    *a = (struct arena)ARENA_INIT;
}

static void free_blocks(struct arena_block *b)
{
    while (b) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
}

void arena_release(struct arena *a)
{
    free_blocks(a->head);
    arena_init(a);
}

void arena_reset(struct arena *a)
{
    if (a->head) {
        free_blocks(a->head->next);
        a->head->next = NULL;
        a->head->len = 0;
    }
    a->used_bytes = 0;
}

/* Blocks double from 4 KiB to 1 MiB, so that a small arena stays small. */
static struct arena_block *add_block(struct arena *a, size_t need)
{
    size_t cap = a->head ? a->head->cap * 2 : ARENA_MIN_BLOCK;
    if (cap > ARENA_MAX_BLOCK) {
        cap = ARENA_MAX_BLOCK;
    }
    if (cap < need) {
        cap = need;
    }
    struct arena_block *b = xmalloc(sizeof(*b) + cap);
    b->next = a->head;
    b->cap = cap;
    b->len = 0;
    b->pad = 0;
    a->head = b;
    return b;
}

static size_t rounded(size_t bytes)
{
    if (bytes > SIZE_MAX / 2) {
        xalloc_die(bytes);
    }
    return (bytes + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
}

void *arena_room_anew(struct arena *a, size_t most)
{
    size_t need = rounded(most);
    struct arena_block *b = a->head;
    if (!b || b->cap - b->len < need) {
        b = add_block(a, need);
    }
    return b->data + b->len;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    void *p = arena_room_anew(a, bytes);
    memset(p, 0, rounded(bytes));
    arena_take(a, bytes);
    return p;
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / 2 / size) {
        xalloc_die(SIZE_MAX);
    }
    return arena_alloc(a, count * size);
}

struct slice arena_copy(struct arena *a, struct slice s)
{
    return slice_from(arena_strndup(a, s.ptr, s.len), s.len);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    char *p = arena_alloc(a, len + 1);
    if (len) {
        memcpy(p, s, len);
    }
    return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    va_list ap2;
    va_copy(ap2, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    size_t len = n < 0 ? 0 : (size_t)n;
    char *p = arena_alloc(a, len + 1);
    vsnprintf(p, len + 1, fmt, ap2);
    va_end(ap2);
    return p;
}
