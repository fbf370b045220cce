/* Blocks that come and go: free lists by size class, carved from chunks (base/chunks.h), so that a steady
 * state takes no more memory. The caller keeps the size and gives it back. Not thread-safe.
 *
 * Classes: 32, 48, 64, 80, 96, 112, 128, 160, … 57344, 65536 bytes. Larger blocks come from malloc, one by one.
 * Chunks go back to the system with the pool, or when nothing is in use (pool_trim). */
#ifndef FYKE_BASE_POOL_H
#define FYKE_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

#define POOL_MIN_BLOCK ((size_t)32)
#define POOL_MAX_BLOCK ((size_t)65536)
#define POOL_CLASSES 43

struct pool_block;
struct pool_chunk;
struct pool_large;

struct pool {
    struct pool_block *free[POOL_CLASSES];
    struct pool_chunk *chunks;
    struct pool_large *large; /* blocks beyond the classes, so that release finds them */
    char *carve_at;           /* unused rest of the newest chunk */
    size_t carve_left;
    size_t live_bytes;  /* in use, as class sizes (what they really cost) */
    size_t chunk_bytes; /* taken from malloc, chunks and large blocks */
};

#define POOL_INIT {0}

void pool_init(struct pool *p);
/* Frees everything that was handed out. */
void pool_release(struct pool *p);
/* Gives the chunks back if no block is in use. */
void pool_trim(struct pool *p);

/* Not zeroed, aligned to 16 bytes; never NULL. Zero bytes count as one. */
void *pool_alloc(struct pool *p, size_t bytes) __attribute__((returns_nonnull));
void *pool_zalloc(struct pool *p, size_t bytes) __attribute__((returns_nonnull));
/* `bytes` as asked for; NULL is ignored. */
void pool_free(struct pool *p, void *ptr, size_t bytes);
/* Keeps the content up to the smaller size; stays in place within one class. */
void *pool_resize(struct pool *p, void *ptr, size_t old_bytes, size_t new_bytes)
    __attribute__((returns_nonnull));
/* Room for `need` elements of an array in the pool; *cap doubles from one. */
void *pool_grow(struct pool *p, void *ptr, uint32_t *cap, uint32_t need, size_t elem_bytes)
    __attribute__((returns_nonnull));
/* What a block of `bytes` really costs. */
size_t pool_block_bytes(size_t bytes);

#define POOL_NEW(p, type) ((type *)pool_zalloc((p), sizeof(type)))
#define POOL_DELETE(p, ptr) pool_free((p), (ptr), sizeof(*(ptr)))

#endif
