/* The index of a keyspace: which records there are in memory, and of which stored ones the timers are known.
 * It outlives the keyspace when other rules come into force: what is stored stays where it is, and is not
 * read through for what was known a moment ago. */
#include <assert.h>
#include <stdlib.h>

#include "base/prefetch.h"
#include "base/xalloc.h"
#include "engine/keys/key.h"
#include "engine/keys/keyspace_parts.h"

void key_index_init(struct key_index *x, uint32_t n_heaps)
{
    assert(n_heaps <= UINT16_MAX);
    *x = (struct key_index){0};
    pool_init(&x->pool);
    x->n_buckets = KEYSPACE_BUCKETS;
    x->buckets = xcalloc(x->n_buckets, sizeof(*x->buckets));
    x->heaps = xcalloc(n_heaps + 1u, sizeof(*x->heaps));
    x->n_heaps = n_heaps;
}

void key_index_release(struct key_index *x)
{
    for (uint32_t i = 0; i < x->n_heaps; i++) {
        key_timers_release(&x->heaps[i]);
    }
    free(x->heaps);
    free(x->buckets);
    packed_memory_release(&x->memory);
    pool_release(&x->pool);
    *x = (struct key_index){0};
}

/* ---- table -------------------------------------------------------------------------------- */

static struct key_entry **bucket_of(const struct keyspace *ks, struct hash128 hash)
{
    return &ks->index.buckets[hash.lo & (ks->index.n_buckets - 1)];
}

static void table_grow(struct keyspace *ks)
{
    struct key_index *x = &ks->index;
    struct key_entry **old = x->buckets;
    size_t n_old = x->n_buckets;
    x->n_buckets = n_old * 2;
    x->buckets = xcalloc(x->n_buckets, sizeof(*x->buckets));
    for (size_t i = 0; i < n_old; i++) {
        for (struct key_entry *e = old[i], *next; e != NULL; e = next) {
            next = e->chain;
            struct key_entry **b = bucket_of(ks, e->hash);
            e->chain = *b;
            *b = e;
        }
    }
    free(old);
}

struct key_entry *keyspace_entry(const struct keyspace *ks, struct hash128 hash)
{
    struct key_entry *e = *bucket_of(ks, hash);
    while (e != NULL && !hash128_eq(e->hash, hash)) {
        e = e->chain;
    }
    return e;
}

/* Of a key with many rules an event concerns few. */
#define PREFETCH_SLOTS 16
/* With a key of one short text. */
#define RECORD_PREFETCH_BYTES 248

static void prefetch_slots(const struct key_record *rec, uint64_t rule_bits, uint32_t step)
{
    uint32_t n = rec->n_slots < PREFETCH_SLOTS ? rec->n_slots : PREFETCH_SLOTS;
    for (uint32_t i = 0; i < n; i++) {
        const struct key_slot *slot = &rec->slots[i];
        if (step == 0) {
            __builtin_prefetch(&slot->instance);
        } else if (slot->instance != NULL && (rule_bits & key_rule_bit(slot->leader))) {
            instance_prefetch(slot->instance, step - 1);
        }
    }
}

void keyspace_prefetch(const struct keyspace *ks, struct hash128 hash, uint64_t rule_bits,
                       uint32_t step)
{
    struct key_entry **b = bucket_of(ks, hash);
    if (step == 0) {
        __builtin_prefetch(b);
        return;
    }
    const struct key_entry *e = *b;
    if (step == 1) {
        __builtin_prefetch(e);
        return;
    }
    while (e != NULL && !hash128_eq(e->hash, hash)) {
        e = e->chain;
    }
    const struct key_record *rec = key_entry_record(ks, e);
    if (rec == NULL) {
        return;
    }
    if (step == 2) {
        memory_prefetch(rec, RECORD_PREFETCH_BYTES);
    } else {
        prefetch_slots(rec, rule_bits, step - 3);
    }
}

struct key_entry *keyspace_add_entry(struct keyspace *ks, struct hash128 hash,
                                     uint32_t stage)
{
    if (ks->index.n_entries >= ks->index.n_buckets) {
        table_grow(ks);
    }
    struct key_entry *e = POOL_NEW(&ks->index.pool, struct key_entry);
    struct key_entry **b = bucket_of(ks, hash);
    e->hash = hash;
    e->heap = ks->heap_of_stage[stage];
    e->life = ks->index.life;
    e->next_time = ETIME_MAX;
    e->chain = *b;
    *b = e;
    ks->index.n_entries++;
    return e;
}

void keyspace_drop_entry(struct keyspace *ks, struct key_entry *e)
{
    struct key_entry **at = bucket_of(ks, e->hash);
    while (*at != e) {
        at = &(*at)->chain;
    }
    *at = e->chain;
    keyspace_set_timer(ks, e, ETIME_MAX);
    ks->index.n_entries--;
    POOL_DELETE(&ks->index.pool, e);
}

/* ---- over to another keyspace -------------------------------------------------------------- */

/* A key group by what it stays when the rules become others. */
struct kept_group {
    struct hash128 identity;
    uint16_t heap;
};

struct keyspace_kept {
    struct key_index index;
    struct kept_group *groups;
    uint32_t n_groups;
    uint64_t *held; /* per slot; NOT_COUNTED */
    uint32_t n_slots;
    uint64_t n_records, n_instances, n_events, n_unlisted;
};
#define NOT_COUNTED UINT64_MAX

void keyspace_kept_free(struct keyspace_kept *k)
{
    if (k != NULL) {
        key_index_release(&k->index);
        free(k->groups);
        free(k->held);
        free(k);
    }
}

static void keep_groups(const struct keyspace *ks, struct keyspace_kept *k)
{
    const struct keyspace_options *o = &ks->options;
    k->groups = xcalloc(o->n_key_groups + 1u, sizeof(*k->groups));
    k->n_groups = o->n_key_groups;
    for (uint32_t i = 0; i < k->n_groups; i++) {
        const struct key_group *g = &o->key_groups[i];
        k->groups[i] = (struct kept_group){g->identity, ks->heap_of_stage[g->stage]};
    }
}

static void keep_held(const struct keyspace *ks, struct keyspace_kept *k)
{
    const struct state_slots *slots = ks->options.slots;
    k->n_slots = slots->n;
    k->held = xcalloc(slots->n + 1u, sizeof(*k->held));
    for (uint32_t i = 0; i < slots->n; i++) {
        uint32_t rule = slots->rule_of[i];
        if (rule < ks->options.rs->n_units) {
            k->held[i] = keyspace_has_kin(ks, rule) ? NOT_COUNTED : ks->held[rule];
        }
    }
}

struct keyspace_kept *keyspace_leave_store(struct keyspace *ks)
{
    struct keyspace_kept *k = xcalloc(1, sizeof(*k));
    keep_groups(ks, k);
    keep_held(ks, k);
    k->n_records = ks->n_records;
    k->n_instances = ks->n_instances;
    k->n_events = ks->n_events;
    k->n_unlisted = ks->n_unlisted;
    k->index = ks->index;
    key_index_init(&ks->index, 0);
    store_reader_free(ks->reader);
    ks->reader = NULL;
    return k;
}

#define NO_HEAP UINT16_MAX

/* Each stage's heap of before; false: what was one is two now, or the reverse, or a group is gone. */
static bool match_heaps(const struct keyspace *ks, const struct keyspace_kept *k, uint16_t *heap_of_stage)
{
    uint32_t *stage_of_heap = xcalloc(k->index.n_heaps + 1u, sizeof(*stage_of_heap));
    bool fits = true;
    for (uint32_t i = 0; i < k->n_groups && fits; i++) {
        const struct key_group *g = keyspace_group(ks, k->groups[i].identity);
        uint16_t heap = k->groups[i].heap;
        fits = g != NULL && (stage_of_heap[heap] == 0 || stage_of_heap[heap] == g->stage + 1) &&
               (heap_of_stage[g->stage] == NO_HEAP || heap_of_stage[g->stage] == heap);
        if (fits) {
            stage_of_heap[heap] = g->stage + 1;
            heap_of_stage[g->stage] = heap;
        }
    }
    free(stage_of_heap);
    return fits;
}

static bool take_held(struct keyspace *ks, const struct keyspace_kept *k)
{
    const struct state_slots *slots = ks->options.slots;
    for (uint32_t i = 0; i < slots->n && i < k->n_slots; i++) {
        uint32_t rule = slots->rule_of[i];
        if (rule >= ks->options.rs->n_units || keyspace_has_kin(ks, rule)) {
            continue;
        }
        if (k->held[i] == NOT_COUNTED) {
            return false;
        }
        ks->held[rule] = k->held[i];
    }
    return true;
}

/* Stages that had none get a heap behind the others. */
static void take_index(struct keyspace *ks, struct keyspace_kept *k)
{
    uint32_t n_stages = ks->options.rs->n_stages;
    struct key_index *x = &ks->index;
    key_index_release(x);
    *x = k->index;
    k->index = (struct key_index){0};
    x->life++;
    x->heaps = xrealloc(x->heaps, (x->n_heaps + n_stages + 1u) * sizeof(*x->heaps));
    for (uint32_t i = 0; i < n_stages; i++) {
        if (ks->heap_of_stage[i] == NO_HEAP) {
            x->heaps[x->n_heaps] = (struct key_timers){0};
            ks->heap_of_stage[i] = (uint16_t)x->n_heaps++;
        }
    }
}

bool keyspace_adopt(struct keyspace *ks, struct keyspace_kept *k)
{
    uint32_t n_stages = ks->options.rs->n_stages;
    uint16_t *heap_of_stage = xmalloc((n_stages + 1u) * sizeof(*heap_of_stage));
    for (uint32_t i = 0; i < n_stages; i++) {
        heap_of_stage[i] = NO_HEAP;
    }
    if (k->index.life == UINT8_MAX || k->index.n_heaps + n_stages >= NO_HEAP ||
        !match_heaps(ks, k, heap_of_stage)) {
        free(heap_of_stage);
        return false;
    }
    if (!take_held(ks, k)) {
        memset(ks->held, 0, ks->options.rs->n_units * sizeof(*ks->held));
        free(heap_of_stage);
        return false;
    }
    free(ks->heap_of_stage);
    ks->heap_of_stage = heap_of_stage;
    take_index(ks, k);
    ks->n_records = k->n_records;
    ks->n_instances = k->n_instances;
    ks->n_events = k->n_events;
    ks->n_unlisted = k->n_unlisted;
    return true;
}
