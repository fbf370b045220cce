#include "engine/state/state_scan.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/state/clock_read.h"
#include "engine/state/record_scan.h"

struct scan {
    struct store *store;
    const struct header *header;
    uint32_t shard;
    struct record_scan records;
    state_head_fn fn;
    void *ctx;
    struct state_figures *figures;
};

static enum err damaged(const struct record_key *key, const char *why, struct error *err)
{
    char hex[HASH128_HEX_MAX];
    hash128_hex(record_key_hash(key), hex);
    return error_set(err, ERR_CORRUPT, "record %s: %s", hex, why);
}

static bool knows_slot(const struct header *h, uint32_t slot)
{
    uint32_t lo = 0, hi = h->n_slots;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (h->slots[mid].slot < slot) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < h->n_slots && h->slots[lo].slot == slot;
}

static enum err scan_head(struct scan *s, const struct record_key *key,
                          const struct record_head *head, struct error *err)
{
    const struct header *h = s->header;
    if (record_key_hash(key).hi % h->n_shards != s->shard) {
        return damaged(key, "it lies in another shard than its own", err);
    }
    for (uint32_t i = 0; i < head->n_slots; i++) {
        if (!knows_slot(h, head->slots[i].slot)) {
            return damaged(key, "it belongs to no rule", err);
        }
        s->figures->events += head->slots[i].events;
    }
    s->figures->records++;
    s->figures->timers += head->next_time.ns != INT64_MAX;
    return s->fn == NULL ? ERR_OK : s->fn(s->ctx, key, head, err);
}

static enum err scan_value(void *ctx, const struct record_key *key, struct slice value,
                           struct error *err)
{
    struct scan *s = ctx;
    struct record_head head;
    const char *why;
    s->figures->bytes += value.len;
    if (!record_scan_take(&s->records, key, value, &head, &why)) {
        return damaged(key, why, err);
    }
    if (record_key_number(key) == 0) {
        return scan_head(s, key, &head, err);
    }
    s->figures->segments++;
    return ERR_OK;
}

static enum err scan_shard(struct scan *s, struct error *err)
{
    struct store_reader *r = store_reader_new(s->store, s->shard);
    enum err rc = store_each(r, scan_value, s, err);
    if (rc == ERR_OK && !record_scan_is_whole(&s->records)) {
        struct record_key key = record_head_key(s->records.hash);
        rc = damaged(&key, "a segment is missing", err);
    }
    store_reader_free(r);
    return rc;
}

static enum err scan_clocks(struct store *s, const struct header *h, struct state_figures *ret,
                            struct error *err)
{
    struct value_clocks *clocks = xcalloc(h->n_partitions + 1u, sizeof(*clocks));
    for (uint32_t i = 0; i < h->n_partitions; i++) {
        if (h->partitions[i].paged) {
            value_clocks_init(&clocks[i], (struct duration){0});
        }
        ret->values += h->partitions[i].n_values;
    }
    enum err rc = clock_pages_read(s, h, clocks, NULL, err);
    for (uint32_t i = 0; i < h->n_partitions; i++) {
        ret->values += clocks[i].n;
        if (h->partitions[i].paged) {
            value_clocks_release(&clocks[i]);
        }
    }
    free(clocks);
    return rc;
}

enum err state_scan(struct store *store, const struct header *h, state_head_fn fn, void *ctx,
                    struct state_figures *ret, struct error *err)
{
    uint64_t map;
    *ret = (struct state_figures){0};
    store_figures(store, &ret->used_bytes, &map);
    for (uint32_t i = 0; i < h->n_shards; i++) {
        struct scan s = {
            .store = store, .header = h, .shard = i, .fn = fn, .ctx = ctx, .figures = ret};
        enum err rc = scan_shard(&s, err);
        record_scan_release(&s.records);
        FYKE_TRY(rc);
    }
    return scan_clocks(store, h, ret, err);
}
