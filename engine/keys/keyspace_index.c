/* The index of a keyspace: which records there are in memory, and of which stored ones the timers are known.
 * It outlives the keyspace when other rules come into force: what is stored stays where it is, and is not
 * read through for what was known a moment ago. */
#include <assert.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/prefetch.h"
#include "base/xalloc.h"
#include "engine/keys/key.h"
#include "engine/keys/keyspace_parts.h"

void key_index_init(struct key_index *x, uint32_t n_heaps)
{
    assert(n_heaps <= UINT16_MAX);
    *x = (struct key_index){0};
    entry_table_init(&x->table);
    x->heaps = xcalloc(n_heaps + 1u, sizeof(*x->heaps));
    x->n_heaps = n_heaps;
}

/* All that is not one for each heap. */
static void release_content(struct key_index *x)
{
    key_timers_release(x);
    entry_table_release(&x->table);
    key_entries_release(&x->entries);
    packed_memory_release(&x->memory);
}

void key_index_release(struct key_index *x)
{
    release_content(x);
    free(x->heaps);
    *x = (struct key_index){0};
}

void key_index_shrink(struct key_index *x)
{
    if (x->entries.n == 0) {
        release_content(x);
        x->hand = 0;
    }
}

/* ---- table -------------------------------------------------------------------------------- */

static FYKE_NOINLINE struct key_entry *search(const struct key_index *x, struct hash128 hash)
{
    struct entry_search s = entry_search(&x->table, hash);
    for (uint32_t number; entry_search_next(&x->table, &s, &number);) {
        struct key_entry *e = key_entry_at(&x->entries, number);
        if (hash128_eq(e->hash, hash)) {
            return e;
        }
    }
    return NULL;
}

struct key_entry *keyspace_entry(const struct keyspace *ks, struct hash128 hash)
{
    return entry_table_lacks(&ks->index.table, hash) ? NULL : search(&ks->index, hash);
}

static void table_grow(struct key_index *x)
{
    entry_table_enlarge(&x->table);
    for (uint32_t i = 0; i < x->entries.n_begun; i++) {
        const struct key_entry *e = key_entry_at(&x->entries, i);
        if (e->used) {
            entry_table_add(&x->table, e->hash, i);
        }
    }
}

/* The first of its tag, which nearly always is the only one; not looked at yet. */
static const struct key_entry *likely_entry(const struct key_index *x, struct hash128 hash)
{
    struct entry_search s = entry_search(&x->table, hash);
    uint32_t number;
    return entry_search_next(&x->table, &s, &number) ? key_entry_at(&x->entries, number) : NULL;
}

/* ---- what comes next is fetched ------------------------------------------------------------ */

/* Of a key with many rules an event concerns few. */
#define PREFETCH_SLOTS 16
/* With a key of one short text, and a slot. */
#define RECORD_PREFETCH_BYTES 256

/* What of an instance comes with a step. */
typedef void (*prefetch_fn)(const struct instance *in);

static inline const struct key_record *fetched_record(const struct keyspace *ks, const struct key_fetch *f)
{
    return key_entry_record(ks, f->entry);
}

static inline bool stands_alone(const struct key_record *rec)
{
    return rec->cap_slots == 1;
}

static inline void fetch_of_slot(const struct key_slot *slot, uint64_t rule_bits, prefetch_fn fetch)
{
    if (slot->instance != NULL && (rule_bits & key_rule_bit(slot->leader))) {
        fetch(slot->instance);
    }
}

static inline void fetch_of_own(const struct key_record *rec, uint64_t rule_bits, prefetch_fn fetch)
{
    if (rec->n_slots > 0) {
        fetch_of_slot(&rec->own_slot, rule_bits, fetch);
    }
}

static uint32_t slots_to_fetch(const struct key_record *rec)
{
    return rec->n_slots < PREFETCH_SLOTS ? rec->n_slots : PREFETCH_SLOTS;
}

static void fetch_of_slots(const struct key_record *rec, uint64_t rule_bits, prefetch_fn fetch)
{
    uint32_t n = slots_to_fetch(rec);
    for (uint32_t i = 0; i < n; i++) {
        fetch_of_slot(&rec->slots[i], rule_bits, fetch);
    }
}

static void fetch_slots(const struct key_record *rec)
{
    uint32_t n = slots_to_fetch(rec);
    for (uint32_t i = 0; i < n; i++) {
        line_prefetch(&rec->slots[i].instance);
    }
}

/* ---- the steps, by number: what hangs on the record's own slot comes one earlier than what hangs on others ---- */

static inline void fetch_0_line(const struct keyspace *ks, const struct key_fetch *f)
{
    line_prefetch(entry_table_home(&ks->index.table, f->hash));
}

static inline void fetch_1_entry(const struct keyspace *ks, struct key_fetch *f)
{
    f->entry = likely_entry(&ks->index, f->hash);
    line_prefetch(f->entry);
}

/* From here on an entry that has become another key's is fetched for that one. */
static inline void fetch_2_record(const struct keyspace *ks, struct key_fetch *f)
{
    if (f->entry == NULL || !hash128_eq(f->entry->hash, f->hash)) {
        f->entry = NULL;
        return;
    }
    const struct key_record *rec = fetched_record(ks, f);
    if (rec != NULL) {
        memory_prefetch(rec, RECORD_PREFETCH_BYTES);
    }
}

static inline void fetch_3_slots(const struct keyspace *ks, const struct key_fetch *f)
{
    const struct key_record *rec = fetched_record(ks, f);
    if (rec == NULL) {
        return;
    }
    if (stands_alone(rec)) {
        fetch_of_own(rec, f->rule_bits, instance_prefetch);
    } else {
        fetch_slots(rec);
    }
}

static inline void fetch_4_instances(const struct keyspace *ks, const struct key_fetch *f)
{
    const struct key_record *rec = fetched_record(ks, f);
    if (rec == NULL) {
        return;
    }
    if (stands_alone(rec)) {
        fetch_of_own(rec, f->rule_bits, instance_prefetch_kept);
    } else {
        fetch_of_slots(rec, f->rule_bits, instance_prefetch);
    }
}

_Static_assert(KEYSPACE_PREFETCH_STEPS == 5, "each has a function");

void keyspace_prefetch(const struct keyspace *ks, struct key_fetch *f, uint32_t step)
{
    switch (step) {
    case 0:
        fetch_0_line(ks, f);
        break;
    case 1:
        fetch_1_entry(ks, f);
        break;
    case 2:
        fetch_2_record(ks, f);
        break;
    case 3:
        fetch_3_slots(ks, f);
        break;
    default:
        fetch_4_instances(ks, f);
    }
}

/* Nearly always: a call and a switch for each step would take as long as the steps do. */
static inline void prefetch_full(const struct keyspace *ks, struct key_fetch *row)
{
    fetch_4_instances(ks, &row[0]);
    fetch_3_slots(ks, &row[1]);
    fetch_2_record(ks, &row[2]);
    fetch_1_entry(ks, &row[3]);
    fetch_0_line(ks, &row[4]);
}

void keyspace_prefetch_row(const struct keyspace *ks, struct key_fetch *row, uint32_t n)
{
    if (n == KEYSPACE_PREFETCH_STEPS) {
        prefetch_full(ks, row);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        keyspace_prefetch(ks, &row[i], KEYSPACE_PREFETCH_STEPS - 1 - i);
    }
}

struct key_entry *keyspace_add_entry(struct keyspace *ks, struct hash128 hash,
                                     uint32_t stage)
{
    struct key_index *x = &ks->index;
    if (entry_table_is_full(&x->table)) {
        table_grow(x);
    }
    struct key_entry *e = key_entry_new(&x->entries);
    entry_table_add(&x->table, hash, e->at);
    e->hash = hash;
    e->heap = ks->heap_of_stage[stage];
    e->life = x->life;
    return e;
}

void keyspace_drop_entry(struct keyspace *ks, struct key_entry *e)
{
    struct key_index *x = &ks->index;
    keyspace_set_timer(ks, e, ETIME_MAX);
    entry_table_remove(&x->table, e->hash, e->at);
    key_entry_free(&x->entries, e);
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
    keyspace_free_outside(ks);
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
