#include "engine/state/lmdb_check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slice.h"
#include "base/xalloc.h"
#include "engine/state/lmdb_format.h"

struct check {
    const char *path;
    struct error *err;
    const uint8_t *map;
    uint64_t size;
    uint32_t page_bytes;
    struct lmdb_meta meta;
    uint8_t *used; /* bit per page */
};

/* One tree on the way down. */
struct walk {
    struct check *check;
    const struct lmdb_db *db;
    bool is_main, is_free;
    uint64_t branch_pages, leaf_pages, overflow_pages, entries;
    struct slice last_key; /* of the leaf visited before */
    bool has_last;
};

static enum err bad(const struct check *c, uint64_t page, const char *what)
{
    return error_set(c->err, ERR_CORRUPT, "%s is damaged: page %" PRIu64 ": %s; restore it from a "
                     "copy or start anew with --reset-state", c->path, page, what);
}

/* ---- pages -------------------------------------------------------------------------------- */

static enum err use_pages(struct check *c, uint64_t from, uint64_t n)
{
    if (from < LMDB_FIRST_PAGE || from > c->meta.last_page || n > c->meta.last_page - from + 1) {
        return bad(c, from, "lies outside the file");
    }
    for (uint64_t p = from; p < from + n; p++) {
        if ((c->used[p / 8] >> (p % 8) & 1) != 0) {
            return bad(c, p, "is used twice");
        }
        c->used[p / 8] = (uint8_t)(c->used[p / 8] | 1u << (p % 8));
    }
    return ERR_OK;
}

static const uint8_t *page_at(const struct check *c, uint64_t page)
{
    return c->map + page * c->page_bytes;
}

/* `n` pages that are on the disk, not used before, the first of them with this header. */
static enum err take_pages(struct check *c, uint64_t page, uint64_t n, const uint8_t **ret)
{
    enum err rc = use_pages(c, page, n);
    if (rc != ERR_OK) {
        return rc;
    }
    if ((page + n) * c->page_bytes > c->size) {
        return bad(c, page, "the file is cut short");
    }
    *ret = page_at(c, page);
    return lmdb_u64(*ret) == page ? ERR_OK : bad(c, page, "is another page");
}

/* ---- nodes -------------------------------------------------------------------------------- */

static uint32_t node_count(const uint8_t *page)
{
    return (lmdb_u16(page + 12) - (uint32_t)LMDB_PAGE_HEADER) / 2;
}

static const uint8_t *node_at(const uint8_t *page, uint32_t i)
{
    return page + lmdb_u16(page + LMDB_PAGE_HEADER + 2 * (size_t)i);
}

static struct slice node_key(const uint8_t *node)
{
    return slice_from((const char *)node + LMDB_NODE_HEADER, lmdb_u16(node + 6));
}

static enum err check_layout(const struct check *c, uint64_t number, const uint8_t *page, bool leaf)
{
    uint32_t lower = lmdb_u16(page + 12), upper = lmdb_u16(page + 14);
    if (lower < LMDB_PAGE_HEADER || lower > upper || upper > c->page_bytes || lower % 2 != 0) {
        return bad(c, number, "its bounds make no sense");
    }
    for (uint32_t i = 0; i < node_count(page); i++) {
        uint32_t at = lmdb_u16(page + LMDB_PAGE_HEADER + 2 * (size_t)i);
        if (at < upper || at % 2 != 0 || at + LMDB_NODE_HEADER > c->page_bytes) {
            return bad(c, number, "an entry lies outside it");
        }
        const uint8_t *node = page + at;
        bool big = (lmdb_u16(node + 4) & LMDB_NODE_BIG) != 0;
        uint64_t bytes = LMDB_NODE_HEADER + (uint64_t)lmdb_u16(node + 6);
        bytes += !leaf ? 0 : big ? sizeof(uint64_t) : lmdb_u32(node);
        if (lmdb_u16(node + 6) > LMDB_MAX_KEY || at + bytes > c->page_bytes) {
            return bad(c, number, "an entry does not fit into it");
        }
    }
    return ERR_OK;
}

static int key_cmp(const struct walk *w, struct slice a, struct slice b)
{
    if (w->is_free && a.len == sizeof(uint64_t) && b.len == sizeof(uint64_t)) {
        uint64_t x = lmdb_u64((const uint8_t *)a.ptr), y = lmdb_u64((const uint8_t *)b.ptr);
        return x < y ? -1 : x > y;
    }
    return slice_cmp(a, b);
}

/* ---- values ------------------------------------------------------------------------------- */

static enum err check_tree(struct check *c, const struct lmdb_db *db, bool is_main, bool is_free);

static struct lmdb_db read_db(const uint8_t *at)
{
    return (struct lmdb_db){lmdb_u32(at),      lmdb_u16(at + 4),  lmdb_u16(at + 6),
                            lmdb_u64(at + 8),  lmdb_u64(at + 16), lmdb_u64(at + 24),
                            lmdb_u64(at + 32), lmdb_u64(at + 40)};
}
#define DB_BYTES 48

/* Pages that the next transactions may write over: none of them may be in use. */
static enum err check_free_list(struct check *c, uint64_t page, const uint8_t *value, uint64_t size)
{
    uint64_t n = size < sizeof(uint64_t) ? UINT64_MAX : lmdb_u64(value);
    if (n > size / sizeof(uint64_t) - 1) {
        return bad(c, page, "a list of free pages is cut short");
    }
    for (uint64_t i = 1; i <= n; i++) {
        FYKE_TRY(use_pages(c, lmdb_u64(value + i * sizeof(uint64_t)), 1));
    }
    return ERR_OK;
}

static enum err big_value(struct walk *w, uint64_t number, const uint8_t *node,
                          const uint8_t **ret)
{
    struct check *c = w->check;
    uint64_t size = lmdb_u32(node);
    uint64_t page = lmdb_u64((const uint8_t *)node_key(node).ptr + node_key(node).len);
    uint64_t n = (LMDB_PAGE_HEADER + size + c->page_bytes - 1) / c->page_bytes;
    const uint8_t *at;
    FYKE_TRY(take_pages(c, page, n, &at));
    /* A list of free pages may have been given more room than it needed. */
    uint64_t taken = lmdb_u32(at + 12);
    if (lmdb_u16(at + 10) != LMDB_OVERFLOW || taken < n) {
        return bad(c, number, "a long value is not where it should be");
    }
    w->overflow_pages += taken;
    *ret = at + LMDB_PAGE_HEADER;
    return taken > n ? use_pages(c, page + n, taken - n) : ERR_OK;
}

static enum err check_value(struct walk *w, uint64_t number, const uint8_t *node)
{
    uint16_t flags = lmdb_u16(node + 4);
    uint64_t size = lmdb_u32(node);
    const uint8_t *value = (const uint8_t *)node_key(node).ptr + node_key(node).len;
    if ((flags & LMDB_NODE_BIG) != 0) {
        FYKE_TRY(big_value(w, number, node, &value));
    }
    if (w->is_free) {
        return check_free_list(w->check, number, value, size);
    }
    if ((flags & ~(LMDB_NODE_BIG | LMDB_NODE_SUB)) != 0 ||
        ((flags & LMDB_NODE_SUB) != 0) != w->is_main || (w->is_main && size != DB_BYTES)) {
        return bad(w->check, number, "an entry is of a kind that does not belong there");
    }
    if (w->is_main) {
        struct lmdb_db db = read_db(value);
        return check_tree(w->check, &db, false, false);
    }
    return ERR_OK;
}

/* ---- trees -------------------------------------------------------------------------------- */

static enum err check_leaf(struct walk *w, uint64_t number, const uint8_t *page)
{
    w->leaf_pages++;
    for (uint32_t i = 0; i < node_count(page); i++) {
        const uint8_t *node = node_at(page, i);
        if (w->has_last && key_cmp(w, w->last_key, node_key(node)) >= 0) {
            return bad(w->check, number, "its entries are not in order");
        }
        w->last_key = node_key(node);
        w->has_last = true;
        w->entries++;
        FYKE_TRY(check_value(w, number, node));
    }
    return ERR_OK;
}

static enum err check_page(struct walk *w, uint64_t number, uint32_t depth)
{
    struct check *c = w->check;
    bool leaf = depth == w->db->depth;
    const uint8_t *page;
    FYKE_TRY(take_pages(c, number, 1, &page));
    if (lmdb_u16(page + 10) != (leaf ? LMDB_LEAF : LMDB_BRANCH)) {
        return bad(c, number, "is of another kind");
    }
    FYKE_TRY(check_layout(c, number, page, leaf));
    if (node_count(page) < (w->is_free ? 0u : leaf ? 1u : 2u)) {
        return bad(c, number, "has too few entries");
    }
    if (leaf) {
        return check_leaf(w, number, page);
    }
    w->branch_pages++;
    for (uint32_t i = 0; i < node_count(page); i++) {
        const uint8_t *node = node_at(page, i);
        uint64_t child = lmdb_u32(node) | (uint64_t)lmdb_u16(node + 4) << 32;
        FYKE_TRY(check_page(w, child, depth + 1));
        /* From the second entry on, the key divides what lies left and right of it. */
        if (i + 1 < node_count(page) &&
            key_cmp(w, w->last_key, node_key(node_at(page, i + 1))) >= 0) {
            return bad(c, number, "does not divide its children");
        }
    }
    return ERR_OK;
}

static enum err check_tree(struct check *c, const struct lmdb_db *db, bool is_main, bool is_free)
{
    struct walk w = {.check = c, .db = db, .is_main = is_main, .is_free = is_free};
    if (db->depth > LMDB_MAX_DEPTH || (db->depth == 0) != (db->root == LMDB_NO_PAGE)) {
        return bad(c, db->root, "the tree has no sensible depth");
    }
    if (db->depth > 0) {
        FYKE_TRY(check_page(&w, db->root, 1));
    }
    if (w.branch_pages != db->branch_pages || w.leaf_pages != db->leaf_pages ||
        w.overflow_pages != db->overflow_pages || w.entries != db->entries) {
        return bad(c, db->root, "the tree has another size than it says");
    }
    return ERR_OK;
}

/* ---- the file ----------------------------------------------------------------------------- */

static struct lmdb_meta read_meta(const uint8_t *page)
{
    const uint8_t *at = page + LMDB_PAGE_HEADER;
    return (struct lmdb_meta){
        .magic = lmdb_u32(at),
        .version = lmdb_u32(at + 4),
        .address = lmdb_u64(at + 8),
        .map_size = lmdb_u64(at + 16),
        .free = read_db(at + 24),
        .main = read_db(at + 24 + DB_BYTES),
        .last_page = lmdb_u64(at + 24 + 2 * DB_BYTES),
        .txn = lmdb_u64(at + 32 + 2 * DB_BYTES),
    };
}

static enum err check_metas(struct check *c)
{
    struct lmdb_meta m[2];
    if (c->size < LMDB_PAGE_HEADER + sizeof(struct lmdb_meta)) {
        return bad(c, 0, "the file is cut short");
    }
    m[0] = read_meta(c->map);
    c->page_bytes = m[0].free.pad;
    if (m[0].magic != LMDB_MAGIC || m[0].version != LMDB_VERSION || c->page_bytes < 512 ||
        c->page_bytes > 32768 || (c->page_bytes & (c->page_bytes - 1)) != 0) {
        return bad(c, 0, "is no beginning of an LMDB file");
    }
    if (c->size < 2 * (uint64_t)c->page_bytes) {
        return bad(c, 1, "the file is cut short");
    }
    m[1] = read_meta(page_at(c, 1));
    if (m[1].magic != LMDB_MAGIC || m[1].version != LMDB_VERSION ||
        m[1].free.pad != c->page_bytes) {
        return bad(c, 1, "is no beginning of an LMDB file");
    }
    for (uint64_t i = 0; i < 2; i++) {
        if ((lmdb_u16(page_at(c, i) + 10) & LMDB_META) == 0) {
            return bad(c, i, "is of another kind");
        }
    }
    c->meta = m[0].txn < m[1].txn ? m[1] : m[0];
    /* More pages than the file can hold would only be pages that were never written. */
    return c->meta.last_page < 1 || c->meta.last_page > c->size / 512 + (UINT64_C(1) << 24)
               ? bad(c, 0, "counts pages that cannot be")
               : ERR_OK;
}

static enum err check_all(struct check *c)
{
    FYKE_TRY(check_metas(c));
    c->used = xcalloc(c->meta.last_page / 8 + 1, 1);
    enum err rc = check_tree(c, &c->meta.free, false, true);
    return rc == ERR_OK ? check_tree(c, &c->meta.main, true, false) : rc;
}

static enum err check_open(struct check *c, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return error_set(c->err, ERR_STATE, "cannot read %s: %s", c->path, strerror(errno));
    }
    if (st.st_size == 0) {
        return ERR_OK;
    }
    c->size = (uint64_t)st.st_size;
    void *map = mmap(NULL, c->size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return error_set(c->err, ERR_STATE, "cannot map %s: %s", c->path, strerror(errno));
    }
    c->map = map;
    enum err rc = check_all(c);
    free(c->used);
    munmap(map, c->size);
    return rc;
}

enum err lmdb_check(const char *path, struct error *err)
{
    struct check c = {.path = path, .err = err};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? ERR_OK : error_set(err, ERR_STATE, "cannot read %s: %s", path,
                                                    strerror(errno));
    }
    enum err rc = check_open(&c, fd);
    close(fd);
    return rc;
}
