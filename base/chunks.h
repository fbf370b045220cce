/* Memory of the process in chunks of nearly 256 KiB, for pools. They are cut from regions of 2 MiB, each of
 * which the system may back with one page: what is kept for keys is looked at in no order, and with pages of
 * 4 KiB nearly every look costs a walk through the page table as well (measured: docs/performance.md). The
 * first regions have usual pages: a small process has less of them than a big page takes to be cleared.
 *
 * Any thread may call; who takes chunks often enough to wait for another takes too many. */
#ifndef FYKE_BASE_CHUNKS_H
#define FYKE_BASE_CHUNKS_H

#include <stddef.h>

#define CHUNK_REGION_BYTES ((size_t)2 << 20)
#define CHUNKS_PER_REGION 8
/* Without a chunk in use: what shrinks mostly grows again, and the system clears every page that it gives. */
#define CHUNK_REGIONS_KEPT 8
#define CHUNK_BYTES ((CHUNK_REGION_BYTES - 128) / CHUNKS_PER_REGION)

/* CHUNK_BYTES, not zeroed, aligned to 16; never NULL. */
void *chunk_alloc(void) __attribute__((returns_nonnull));
/* Regions without a chunk in use go back to the system, but for CHUNK_REGIONS_KEPT. */
void chunk_free(void *chunk);

/* What the process has taken from the system for chunks. */
size_t chunk_region_count(void);

#endif
