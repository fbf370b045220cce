/* The budget of the records in memory. Clean records can leave, least recently used first: the
 * store has their bytes. Changed ones leave after the next checkpoint. Their timers stay. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/keys/keyspace_parts.h"

#define REST_AT_ONCE 16
/* Packing and building take a microsecond then; of more they take as long as there is in it. */
#define LIGHT_SLOTS 2
#define LIGHT_EVENTS 8

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

static struct record_list *list_of(struct keyspace *ks, const struct key_record *rec)
{
    return rec->heavy ? &ks->heavy : rec->dirty ? &ks->dirty : &ks->clean;
}

void keyspace_delist(struct keyspace *ks, struct key_record *rec)
{
    record_list_remove(list_of(ks, rec), rec);
}

/* With a store what is changed does not rest, whatever its weight. */
static bool is_heavy(const struct keyspace *ks, const struct key_record *rec)
{
    return rec->dirty == (ks->options.store == NULL) &&
           (rec->events > LIGHT_EVENTS || rec->n_slots > LIGHT_SLOTS);
}

void keyspace_enlist(struct keyspace *ks, struct key_record *rec)
{
    rec->heavy = is_heavy(ks, rec);
    rec->used = ks->n_uses++;
    record_list_add(list_of(ks, rec), rec);
}

void keyspace_used(struct keyspace *ks, struct key_record *rec)
{
    bool is_newest = rec->newer == NULL; /* of its list */
    if (!is_newest || rec->heavy != is_heavy(ks, rec)) {
        keyspace_delist(ks, rec);
        keyspace_enlist(ks, rec);
    }
}

void keyspace_mark_dirty(struct keyspace *ks, struct key_record *rec)
{
    if (!rec->dirty) {
        keyspace_delist(ks, rec);
        rec->dirty = true;
        ks->dirty_memory += rec->memory;
        keyspace_enlist(ks, rec);
    }
}

static void evict_record(struct keyspace *ks, struct key_record *rec)
{
    struct key_entry *e = rec->entry;
    keyspace_delist(ks, rec);
    keyspace_free_record(ks, rec);
    e->rec = NULL;
    keyspace_unlist(ks, e);
}

void keyspace_unlist(struct keyspace *ks, struct key_entry *e)
{
    if (!e->timed) {
        keyspace_drop_entry(ks, e);
        ks->n_unlisted++;
    }
    ks->n_evicted++;
}

/* Records are built for a part of the budget alone: what is used less often rests, and takes a fraction. A few
 * at a time, for one that wakes makes few go. */
static void let_rest(struct keyspace *ks, uint64_t budget)
{
    for (int i = 0; i < REST_AT_ONCE && keyspace_built_memory(ks) > budget / KEYSPACE_BUILT_SHARE; i++) {
        if (!keyspace_rest_oldest(ks)) {
            return;
        }
    }
}

/* Most of what is in memory rests: then that goes first. */
static bool evict_resting(struct keyspace *ks)
{
    const struct key_index *x = &ks->index;
    return ks->options.store != NULL && !ks->writing && x->n_packed > x->entries.n / 4 &&
           keyspace_evict_packed(ks);
}

/* Of the records that are built and as stored. */
static struct key_record *oldest(const struct keyspace *ks)
{
    struct key_record *light = ks->clean.oldest, *heavy = ks->heavy.oldest;
    if (light == NULL || heavy == NULL) {
        return light != NULL ? light : heavy;
    }
    return light->used < heavy->used ? light : heavy;
}

void keyspace_evict_now(struct keyspace *ks)
{
    uint64_t budget = ks->options.memory_bytes;
    let_rest(ks, budget);
    while (keyspace_memory(ks) > budget) {
        if (evict_resting(ks)) {
            continue;
        }
        struct key_record *rec = oldest(ks);
        if (rec == NULL || !rec->in_store || ks->writing) {
            ks->over_budget = true;
            return;
        }
        evict_record(ks, rec);
    }
}

void keyspace_shrink(struct keyspace *ks)
{
    key_index_shrink(&ks->index);
    pool_trim(&ks->pool);
}

bool keyspace_over_budget(const struct keyspace *ks)
{
    return ks->over_budget;
}
