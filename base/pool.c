#include "base/pool.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/chunks.h"
#include "base/prefetch.h"
#include "base/xalloc.h"

#if defined(__SANITIZE_ADDRESS__)
#define POOL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_ASAN 1
#endif
#endif

#ifdef POOL_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(ptr, bytes) __asan_poison_memory_region((ptr), (bytes))
#define UNPOISON(ptr, bytes) __asan_unpoison_memory_region((ptr), (bytes))
#else
#define POISON(ptr, bytes) ((void)0)
#define UNPOISON(ptr, bytes) ((void)0)
#endif

/* Of a block that is given out next. */
#define PREFETCH_MAX_BYTES ((size_t)320)

struct pool_block {
    struct pool_block *next;
};

/* 16 bytes, so that the blocks behind it stay aligned. */
struct pool_chunk {
    struct pool_chunk *next;
    size_t pad;
};

struct pool_large {
    struct pool_large *next;
    struct pool_large *prev;
};

static_assert(sizeof(struct pool_chunk) % 16 == 0 && sizeof(struct pool_large) % 16 == 0,
              "headers keep the alignment of what follows");

/* Four to a doubling from 64 on. */
#define QUARTERS(bytes) (bytes) / 4 * 5, (bytes) / 4 * 6, (bytes) / 4 * 7, (bytes) * 2
static const uint32_t class_sizes[] = {
    32, 48, 64, QUARTERS(64), QUARTERS(128), QUARTERS(256), QUARTERS(512), QUARTERS(1024),
    QUARTERS(2048), QUARTERS(4096), QUARTERS(8192), QUARTERS(16384), QUARTERS(32768),
};
#define SMALL_CLASSES 3U
static_assert(sizeof(class_sizes) / sizeof(class_sizes[0]) == POOL_CLASSES, "one size per class");

static size_t class_bytes(unsigned class)
{
    return class_sizes[class];
}

/* The smallest class that holds `bytes` (<= POOL_MAX_BLOCK). */
static unsigned class_of(size_t bytes)
{
    if (bytes <= 64) {
        return bytes <= POOL_MIN_BLOCK ? 0 : (unsigned)(bytes - 17) / 16;
    }
    /* 64 << k < bytes <= 128 << k; quarters of 64 << k in front of the last byte: 4 to 7 */
    unsigned k = 63U - (unsigned)__builtin_clzll((unsigned long long)bytes - 1) - 6U;
    unsigned quarters = (unsigned)((bytes - 1) >> (k + 4));
    return SMALL_CLASSES + 4 * k + quarters - 4;
}

size_t pool_block_bytes(size_t bytes)
{
    return bytes > POOL_MAX_BLOCK ? bytes : class_bytes(class_of(bytes));
}

void pool_init(struct pool *p)
{
    *p = (struct pool)POOL_INIT;
}

void pool_release(struct pool *p)
{
    while (p->chunks) {
        struct pool_chunk *next = p->chunks->next;
        UNPOISON(p->chunks, CHUNK_BYTES);
        chunk_free(p->chunks);
        p->chunks = next;
    }
    while (p->large) {
        struct pool_large *next = p->large->next;
        free(p->large);
        p->large = next;
    }
    pool_init(p);
}

void pool_trim(struct pool *p)
{
    if (p->live_bytes == 0) {
        pool_release(p);
    }
}

static void push_free(struct pool *p, void *ptr, unsigned class)
{
    struct pool_block *b = ptr;
    b->next = p->free[class];
    p->free[class] = b;
    POISON(b, class_bytes(class));
}

static void *pop_free(struct pool *p, unsigned class)
{
    struct pool_block *b = p->free[class];
    UNPOISON(b, class_bytes(class));
    p->free[class] = b->next;
    if (b->next != NULL) { /* what is free is cold */
        size_t bytes = class_bytes(class);
        memory_prefetch(b->next, bytes < PREFETCH_MAX_BYTES ? bytes : PREFETCH_MAX_BYTES);
    }
    return b;
}

/* What the newest chunk has left becomes free blocks of the largest classes that fit; less than
 * the smallest class is lost. */
static void spend_rest(struct pool *p)
{
    while (p->carve_left >= POOL_MIN_BLOCK) {
        unsigned class =
            p->carve_left >= POOL_MAX_BLOCK ? POOL_CLASSES - 1 : class_of(p->carve_left);
        if (class_bytes(class) > p->carve_left) {
            class --;
        }
        UNPOISON(p->carve_at, class_bytes(class));
        push_free(p, p->carve_at, class);
        p->carve_at += class_bytes(class);
        p->carve_left -= class_bytes(class);
    }
}

static void add_chunk(struct pool *p)
{
    spend_rest(p);
    struct pool_chunk *c = chunk_alloc();
    c->next = p->chunks;
    p->chunks = c;
    p->chunk_bytes += CHUNK_BYTES;
    p->carve_at = (char *)(c + 1);
    p->carve_left = CHUNK_BYTES - sizeof(*c);
    POISON(p->carve_at, p->carve_left);
}

/* A block of whole cache lines lies in no more of them than it has; what is skipped goes to small blocks. */
static void align_carve(struct pool *p)
{
    size_t skip = -(uintptr_t)p->carve_at % CACHE_LINE_BYTES;
    if (skip == 0 || skip > p->carve_left) {
        return;
    }
    if (skip >= POOL_MIN_BLOCK) {
        unsigned class = class_of(skip);
        UNPOISON(p->carve_at, skip);
        push_free(p, p->carve_at, class);
    }
    p->carve_at += skip;
    p->carve_left -= skip;
}

static void *carve(struct pool *p, size_t bytes)
{
    bool whole_lines = bytes % CACHE_LINE_BYTES == 0;
    if (whole_lines) {
        align_carve(p);
    }
    if (p->carve_left < bytes) {
        add_chunk(p);
        if (whole_lines) {
            align_carve(p);
        }
    }
    void *ptr = p->carve_at;
    UNPOISON(ptr, bytes);
    p->carve_at += bytes;
    p->carve_left -= bytes;
    if (p->carve_left >= PREFETCH_MAX_BYTES) { /* so is what has never been used */
        memory_prefetch(p->carve_at, PREFETCH_MAX_BYTES);
    }
    return ptr;
}

static void *alloc_large(struct pool *p, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) {
        xalloc_die(bytes);
    }
    struct pool_large *l = xmalloc(sizeof(*l) + bytes);
    l->prev = NULL;
    l->next = p->large;
    if (l->next) {
        l->next->prev = l;
    }
    p->large = l;
    p->live_bytes += bytes;
    p->chunk_bytes += bytes;
    return l + 1;
}

static void free_large(struct pool *p, void *ptr, size_t bytes)
{
    struct pool_large *l = (struct pool_large *)ptr - 1;
    if (l->next) {
        l->next->prev = l->prev;
    }
    if (l->prev) {
        l->prev->next = l->next;
    } else {
        p->large = l->next;
    }
    p->live_bytes -= bytes;
    p->chunk_bytes -= bytes;
    free(l);
}

void *pool_alloc(struct pool *p, size_t bytes)
{
    if (bytes > POOL_MAX_BLOCK) {
        return alloc_large(p, bytes);
    }
    unsigned class = class_of(bytes);
    p->live_bytes += class_bytes(class);
    return p->free[class] ? pop_free(p, class) : carve(p, class_bytes(class));
}

void *pool_zalloc(struct pool *p, size_t bytes)
{
    return memset(pool_alloc(p, bytes), 0, bytes);
}

void pool_free(struct pool *p, void *ptr, size_t bytes)
{
    if (!ptr) {
        return;
    }
    if (bytes > POOL_MAX_BLOCK) {
        free_large(p, ptr, bytes);
        return;
    }
    unsigned class = class_of(bytes);
    assert(p->live_bytes >= class_bytes(class));
    p->live_bytes -= class_bytes(class);
    push_free(p, ptr, class);
}

void *pool_resize(struct pool *p, void *ptr, size_t old_bytes, size_t new_bytes)
{
    if (!ptr) {
        return pool_alloc(p, new_bytes);
    }
    bool same_class = old_bytes <= POOL_MAX_BLOCK && new_bytes <= POOL_MAX_BLOCK &&
                      class_of(old_bytes) == class_of(new_bytes);
    if (same_class || old_bytes == new_bytes) {
        return ptr;
    }
    void *moved = pool_alloc(p, new_bytes);
    memcpy(moved, ptr, old_bytes < new_bytes ? old_bytes : new_bytes);
    pool_free(p, ptr, old_bytes);
    return moved;
}

void *pool_grow(struct pool *p, void *ptr, uint32_t *cap, uint32_t need, size_t elem_bytes)
{
    if (ptr && need <= *cap) {
        return ptr;
    }
    uint32_t want = *cap ? *cap : 1;
    while (want < need) {
        want = want > UINT32_MAX / 2 ? UINT32_MAX : want * 2;
    }
    if (want > SIZE_MAX / 2 / elem_bytes) {
        xalloc_die(SIZE_MAX);
    }
    ptr = pool_resize(p, ptr, *cap * elem_bytes, want * elem_bytes);
    *cap = want;
    return ptr;
}
