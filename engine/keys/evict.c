/* The budget of the records in memory. Clean records can leave, least recently used first: the
 * store has their bytes. Changed ones leave after the next checkpoint. Their timers stay. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/keys/keyspace_parts.h"

void record_list_add(struct record_list *l, struct key_record *rec)
{
    rec->older = l->newest;
    rec->newer = NULL;
    if (l->newest != NULL) {
        l->newest->newer = rec;
    } else {
        l->oldest = rec;
    }
    l->newest = rec;
}

void record_list_remove(struct record_list *l, struct key_record *rec)
{
    if (rec->older != NULL) {
        rec->older->newer = rec->newer;
    } else {
        l->oldest = rec->newer;
    }
    if (rec->newer != NULL) {
        rec->newer->older = rec->older;
    } else {
        l->newest = rec->older;
    }
    rec->older = rec->newer = NULL;
}

void keyspace_used(struct keyspace *ks, struct key_record *rec)
{
    struct record_list *l = rec->dirty ? &ks->dirty : &ks->clean;
    if (l->newest != rec) {
        record_list_remove(l, rec);
        record_list_add(l, rec);
    }
}

void keyspace_mark_dirty(struct keyspace *ks, struct key_record *rec)
{
    if (!rec->dirty) {
        record_list_remove(&ks->clean, rec);
        rec->dirty = true;
        ks->dirty_memory += rec->memory;
        record_list_add(&ks->dirty, rec);
    }
}

static void evict_record(struct keyspace *ks, struct key_record *rec)
{
    struct key_entry *e = rec->entry;
    record_list_remove(&ks->clean, rec);
    keyspace_free_record(ks, rec);
    e->rec = NULL;
    if (e->next_time.ns == INT64_MAX) {
        keyspace_drop_entry(ks, e);
        ks->n_unlisted++;
    }
    ks->n_evicted++;
}

void keyspace_evict(struct keyspace *ks)
{
    uint64_t budget = ks->options.memory_bytes;
    if (budget == 0) {
        return;
    }
    while (keyspace_memory(ks) > budget) {
        struct key_record *rec = ks->clean.oldest;
        if (rec == NULL || !rec->in_store || ks->writing) {
            ks->over_budget = true;
            return;
        }
        evict_record(ks, rec);
    }
}

void keyspace_shrink(struct keyspace *ks)
{
    struct key_index *x = &ks->index;
    if (x->n_entries > 0 || x->n_buckets == KEYSPACE_BUCKETS) {
        return;
    }
    free(x->buckets);
    x->n_buckets = KEYSPACE_BUCKETS;
    x->buckets = xcalloc(x->n_buckets, sizeof(*x->buckets));
    for (uint32_t i = 0; i < x->n_heaps; i++) {
        key_timers_release(&x->heaps[i]);
    }
    pool_trim(&x->pool);
    pool_trim(&ks->pool);
}

bool keyspace_over_budget(const struct keyspace *ks)
{
    return ks->over_budget;
}
