/* Memory by lifetime: everything allocated from an arena dies with it, or at arena_reset().
 *
 * Allocation never fails from the caller's view: running out of memory ends the process with a
 * message (xalloc.h), because no layer above could go on correctly. Not thread-safe. */
#ifndef FYKE_BASE_ARENA_H
#define FYKE_BASE_ARENA_H

#include <assert.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/slice.h"

/* The allocator's business, here for what is inline below. */
struct arena_block {
    struct arena_block *next;
    size_t cap;
    size_t len;
    size_t pad; /* keeps `data` 16-byte aligned */
    char data[];
};

struct arena {
    struct arena_block *head; /* newest block; older ones hang behind it */
    size_t used_bytes;        /* handed out since init or reset */
};

#define ARENA_INIT {0}
#define ARENA_ALIGN ((size_t)16)

void arena_init(struct arena *a);
void arena_release(struct arena *a);
/* Keeps the newest block for reuse, frees the others. Everything handed out is gone. */
void arena_reset(struct arena *a);

/* Zeroed memory, aligned to 16 bytes. */
void *arena_alloc(struct arena *a, size_t bytes);
/* `count` zeroed elements of `size` bytes; an overflowing product ends the process. */
void *arena_calloc(struct arena *a, size_t count, size_t size);
/* Room for `most` bytes, aligned to 16, not zeroed; only what arena_take() then says (no more than
 * that, and before anything else is allocated) is handed out. */
void *arena_room_anew(struct arena *a, size_t most); /* the same, whatever is left */
static inline void *arena_room(struct arena *a, size_t most)
{
    struct arena_block *b = a->head;
    /* what is taken is a multiple of 16, a block's capacity need not be */
    return b && b->cap - b->len >= most && b->cap - b->len - most >= ARENA_ALIGN
               ? b->data + b->len
               : arena_room_anew(a, most);
}
static inline void arena_take(struct arena *a, size_t bytes)
{
    size_t need = (bytes + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    assert(a->head && a->head->cap - a->head->len >= need);
    a->head->len += need;
    a->used_bytes += need;
}
struct slice arena_copy(struct arena *a, struct slice s);
/* NUL-terminated copy. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) FYKE_PRINTF(2, 3);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_calloc((a), (n), sizeof(type)))

#endif
