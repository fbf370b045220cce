#include "engine/journal/copy_batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void copy_batch_release(struct copy_batch *b)
{
    buf_release(&b->bytes);
    free(b->items);
    *b = (struct copy_batch){0};
}

static void add(struct copy_batch *b, uint32_t db, const struct record_key *key, bool deleted,
                struct slice value)
{
    uint64_t first = 0;
    for (int i = 0; i < 8; i++) {
        first = first << 8 | key->bytes[i];
    }
    VEC_PUSH(b->items, b->n, b->cap) =
        (struct copy_item){first, b->bytes.len, (uint32_t)value.len, db & 0x7fffffff, deleted};
    buf_put_slice(&b->bytes, record_key_slice(key));
    buf_put_slice(&b->bytes, value);
}

void copy_batch_put(struct copy_batch *b, uint32_t db, const struct record_key *key, struct slice value)
{
    add(b, db, key, false, value);
}

void copy_batch_del(struct copy_batch *b, uint32_t db, const struct record_key *key)
{
    add(b, db, key, true, (struct slice){0});
}

/* ---- order -------------------------------------------------------------------------------- */

static const char *key_of(const struct copy_batch *b, const struct copy_item *i)
{
    return b->bytes.ptr + i->at;
}

static int by_key(const void *x, const void *y, void *ctx)
{
    const struct copy_item *a = x, *b = y;
    if (a->db != b->db) {
        return a->db < b->db ? -1 : 1;
    }
    if (a->first != b->first) {
        return a->first < b->first ? -1 : 1;
    }
    int c = memcmp(key_of(ctx, a), key_of(ctx, b), RECORD_KEY_BYTES);
    return c != 0 ? c : a->at < b->at ? -1 : 1;
}

static bool is_same_key(const struct copy_batch *b, const struct copy_item *x, const struct copy_item *y)
{
    return x->db == y->db && x->first == y->first &&
           memcmp(key_of(b, x), key_of(b, y), RECORD_KEY_BYTES) == 0;
}

/* ---- writing ------------------------------------------------------------------------------ */

static enum err write_item(const struct copy_batch *b, const struct copy_item *i, struct store_load *l,
                           struct error *err)
{
    struct record_key key;
    memcpy(key.bytes, key_of(b, i), RECORD_KEY_BYTES);
    return i->deleted ? store_load_del(l, &key, err)
                      : store_load_put(l, &key, slice_from(key_of(b, i) + RECORD_KEY_BYTES, i->len), err);
}

/* Items of one database. */
static enum err write_db(const struct copy_batch *b, const struct copy_item *items, size_t n,
                         struct store_txn *t, struct error *err)
{
    struct store_load *load;
    FYKE_TRY(store_load_begin(t, items->db, &load, err));
    enum err rc = ERR_OK;
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        if (i + 1 == n || !is_same_key(b, &items[i], &items[i + 1])) {
            rc = write_item(b, &items[i], load, err);
        }
    }
    store_load_end(load);
    return rc;
}

enum err copy_batch_write(struct copy_batch *b, struct store_txn *t, struct error *err)
{
    enum err rc = ERR_OK;
    if (b->n > 1) {
        qsort_r(b->items, b->n, sizeof(*b->items), by_key, b);
    }
    for (size_t from = 0, to; from < b->n && rc == ERR_OK; from = to) {
        for (to = from + 1; to < b->n && b->items[to].db == b->items[from].db; to++) {
        }
        rc = write_db(b, b->items + from, to - from, t, err);
    }
    buf_clear(&b->bytes);
    b->n = 0;
    return rc;
}
