#include "base/chunks.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "base/xalloc.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
/* Blocks in a region point to memory of malloc. */
#define REGION_IS_ROOT(ptr) __lsan_register_root_region((ptr), CHUNK_REGION_BYTES)
#define REGION_IS_GONE(ptr) __lsan_unregister_root_region((ptr), CHUNK_REGION_BYTES)
#else
#define REGION_IS_ROOT(ptr) ((void)0)
#define REGION_IS_GONE(ptr) ((void)0)
#endif

#define USUAL_PAGES 4 /* regions */
#define ALL_FREE ((1U << CHUNKS_PER_REGION) - 1)

/* At the beginning of each region; the chunks stand behind it. */
struct region {
    struct region *next, *prev; /* of those with a free chunk */
    uint32_t free;              /* a bit per chunk */
    uint32_t unused[27];
};

static_assert(sizeof(struct region) == 128 && CHUNK_BYTES % 16 == 0, "chunks are aligned to 16");
static_assert(sizeof(struct region) + CHUNKS_PER_REGION * CHUNK_BYTES == CHUNK_REGION_BYTES, "nothing is lost");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct region *with_free;
static size_t n_regions, n_empty;

static void link_region(struct region *r)
{
    r->prev = NULL;
    r->next = with_free;
    if (with_free) {
        with_free->prev = r;
    }
    with_free = r;
}

static void unlink_region(struct region *r)
{
    if (r->next) {
        r->next->prev = r->prev;
    }
    if (r->prev) {
        r->prev->next = r->next;
    } else {
        with_free = r->next;
    }
}

/* Twice the size, without what is not aligned in front and behind. */
static void *map_aligned(void)
{
    char *at = mmap(NULL, 2 * CHUNK_REGION_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        xalloc_die(CHUNK_REGION_BYTES);
    }
    size_t front = (CHUNK_REGION_BYTES - (uintptr_t)at % CHUNK_REGION_BYTES) % CHUNK_REGION_BYTES;
    if (front > 0) {
        munmap(at, front);
    }
    munmap(at + front + CHUNK_REGION_BYTES, CHUNK_REGION_BYTES - front);
    return at + front;
}

static void add_region(void)
{
    struct region *r = map_aligned();
    if (n_regions >= USUAL_PAGES) {
        (void)madvise(r, CHUNK_REGION_BYTES, MADV_HUGEPAGE); /* where there are none it goes on without */
    }
    REGION_IS_ROOT(r);
    r->free = ALL_FREE;
    link_region(r);
    n_regions++;
    n_empty++;
}

static void drop_region(struct region *r)
{
    unlink_region(r);
    REGION_IS_GONE(r);
    munmap(r, CHUNK_REGION_BYTES);
    n_regions--;
    n_empty--;
}

void *chunk_alloc(void)
{
    pthread_mutex_lock(&lock);
    if (!with_free) {
        add_region();
    }
    struct region *r = with_free;
    unsigned i = (unsigned)__builtin_ctz(r->free);
    n_empty -= r->free == ALL_FREE;
    r->free &= ~(1U << i);
    if (r->free == 0) {
        unlink_region(r);
    }
    pthread_mutex_unlock(&lock);
    return (char *)(r + 1) + i * CHUNK_BYTES;
}

void chunk_free(void *chunk)
{
    struct region *r = (struct region *)((uintptr_t)chunk & ~(uintptr_t)(CHUNK_REGION_BYTES - 1));
    size_t i = (size_t)((char *)chunk - (char *)(r + 1)) / CHUNK_BYTES;
    pthread_mutex_lock(&lock);
    assert(!(r->free & 1U << i));
    if (r->free == 0) {
        link_region(r);
    }
    r->free |= 1U << i;
    if (r->free == ALL_FREE && ++n_empty > CHUNK_REGIONS_KEPT) {
        drop_region(r);
    }
    pthread_mutex_unlock(&lock);
}

size_t chunk_region_count(void)
{
    pthread_mutex_lock(&lock);
    size_t n = n_regions;
    pthread_mutex_unlock(&lock);
    return n;
}
