/* The parts of an LMDB 0.9 data file (64-bit, little-endian) that lmdb_check.c follows.
 *
 *   page   u64 number · u16 pad · u16 flags · (u16 lower · u16 upper | u32 pages) · u16 node[]
 *   node   leaf:   u32 size of the value · u16 flags · u16 size of the key · key · value
 *          branch: u48 page · u16 size of the key · key
 *   meta   (behind a page's 16 bytes) u32 magic · u32 version · u64 address · u64 map size
 *          · db free · db main · u64 last page · u64 transaction
 *   db     u32 pad (in `free`: page size) · u16 flags · u16 depth · u64 branch pages
 *          · u64 leaf pages · u64 overflow pages · u64 entries · u64 root */
#ifndef FYKE_ENGINE_STATE_LMDB_FORMAT_H
#define FYKE_ENGINE_STATE_LMDB_FORMAT_H

#include <stdint.h>
#include <string.h>

#define LMDB_MAGIC 0xBEEFC0DEu
#define LMDB_VERSION 1
#define LMDB_PAGE_HEADER 16
#define LMDB_NODE_HEADER 8
#define LMDB_MAX_KEY 511
#define LMDB_MAX_DEPTH 32
#define LMDB_NO_PAGE UINT64_MAX
#define LMDB_FIRST_PAGE 2 /* behind the two metas */

enum { LMDB_BRANCH = 1, LMDB_LEAF = 2, LMDB_OVERFLOW = 4, LMDB_META = 8 };
enum { LMDB_NODE_BIG = 1, LMDB_NODE_SUB = 2, LMDB_NODE_DUP = 4 };

struct lmdb_db {
    uint32_t pad;
    uint16_t flags, depth;
    uint64_t branch_pages, leaf_pages, overflow_pages, entries, root;
};

struct lmdb_meta {
    uint32_t magic, version;
    uint64_t address, map_size;
    struct lmdb_db free, main;
    uint64_t last_page, txn;
};

static inline uint16_t lmdb_u16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static inline uint32_t lmdb_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static inline uint64_t lmdb_u64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

#endif
