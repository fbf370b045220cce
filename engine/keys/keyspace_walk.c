/* Over all keys, and their figures. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/keys/keyspace_parts.h"

static int by_hash(const void *x, const void *y)
{
    return hash128_cmp(*(const struct hash128 *)x, *(const struct hash128 *)y);
}

static enum err walk(struct keyspace *ks, const struct hash_list *all, keyspace_each_fn fn,
                     void *ctx, struct error *err)
{
    for (size_t i = 0; i < all->n; i++) {
        struct key_record *rec = key_entry_record(ks, keyspace_entry(ks, all->items[i]));
        if (rec == NULL) {
            keyspace_evict(ks);
            FYKE_TRY(keyspace_load(ks, all->items[i], &rec, err));
        }
        if (rec != NULL && !rec->dropped) {
            FYKE_TRY(fn(ctx, rec, err));
        }
    }
    return ERR_OK;
}

enum err keyspace_each(struct keyspace *ks, keyspace_each_fn fn, void *ctx, struct error *err)
{
    struct hash_list all = {0};
    enum err rc = keyspace_unlisted(ks, &all, err);
    for (uint32_t i = 0; i < ks->index.entries.n_begun; i++) {
        const struct key_entry *e = key_entry_at(&ks->index.entries, i);
        if (e->used) {
            VEC_PUSH(all.items, all.n, all.cap) = e->hash;
        }
    }
    if (rc == ERR_OK && all.n > 0) {
        qsort(all.items, all.n, sizeof(*all.items), by_hash);
        rc = walk(ks, &all, fn, ctx, err);
    }
    free(all.items);
    return rc;
}

bool keyspace_in_memory(const struct keyspace *ks, keyspace_look_fn fn, void *ctx)
{
    const struct record_list *const lists[] = {&ks->clean, &ks->dirty, &ks->heavy};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(lists); i++) {
        for (const struct key_record *rec = lists[i]->oldest; rec != NULL; rec = rec->newer) {
            if (!fn(ctx, rec)) {
                return false;
            }
        }
    }
    return true;
}

uint64_t keyspace_held(const struct keyspace *ks, uint32_t rule)
{
    return ks->held[rule];
}

void keyspace_figures(struct keyspace *ks, struct keyspace_figures *ret)
{
    *ret = (struct keyspace_figures){
        .keys = ks->n_records,
        .instances = ks->n_instances,
        .events = ks->n_events,
        .bytes = keyspace_memory(ks),
        .evicted = ks->n_evicted,
        .loaded = ks->n_loaded,
        .resting = ks->index.n_packed,
        .resting_bytes = ks->index.memory.live_bytes,
        .rested = ks->n_rested,
        .woken = ks->n_woken,
        .over_budget = ks->over_budget,
    };
    for (uint32_t i = 0; i < ks->index.n_heaps; i++) {
        ret->timers += ks->index.heaps[i].n;
    }
}
