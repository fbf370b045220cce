#include "engine/keys/keyspace.h"

#include <assert.h>
#include <stdlib.h>

#include "base/prefetch.h"
#include "base/xalloc.h"
#include "engine/keys/key.h"
#include "engine/keys/keyspace_parts.h"

struct keyspace *keyspace_new(const struct keyspace_options *o)
{
    struct keyspace *ks = xcalloc(1, sizeof(*ks));
    ks->options = *o;
    pool_init(&ks->pool);
    arena_init(&ks->values);
    ks->held = xcalloc(o->rs->n_units + 1u, sizeof(*ks->held));
    key_index_init(&ks->index, o->rs->n_stages);
    ks->heap_of_stage = xcalloc(o->rs->n_stages + 1u, sizeof(*ks->heap_of_stage));
    for (uint32_t i = 0; i < o->rs->n_stages; i++) {
        ks->heap_of_stage[i] = (uint16_t)i;
    }
    if (o->store != NULL) {
        ks->reader = store_reader_new(o->store, o->shard);
    }
    return ks;
}

/* NULL: there is no such number, or no record in memory. */
static const struct key_record *record_of_number(const struct keyspace *ks, uint64_t number)
{
    const struct key_entries *x = &ks->index.entries;
    const struct key_entry *e = number < x->n_begun ? key_entry_at(x, (uint32_t)number) : NULL;
    return e != NULL && e->used ? key_entry_record(ks, e) : NULL;
}

#define FETCH_AHEAD 8

/* The record that comes later, what hangs on the one that comes sooner. */
static void fetch_ahead(const struct keyspace *ks, uint64_t number)
{
    const struct key_record *later = record_of_number(ks, number + 2 * FETCH_AHEAD);
    const struct key_record *sooner = record_of_number(ks, number + FETCH_AHEAD);
    if (later != NULL) {
        memory_prefetch(later, offsetof(struct key_record, entry));
    }
    if (sooner != NULL && sooner->n_slots > 0 && sooner->slots[0].instance != NULL) {
        instance_prefetch(sooner->slots[0].instance);
    }
}

/* By entries: a walk along the records' lists would wait for memory at each. */
void keyspace_free_outside(struct keyspace *ks)
{
    const struct key_entries *x = &ks->index.entries;
    for (uint32_t i = 0; i < x->n_begun && x->n > 0; i++) {
        fetch_ahead(ks, i);
        const struct key_record *rec = record_of_number(ks, i);
        for (uint32_t k = 0; rec != NULL && k < rec->n_slots; k++) {
            key_slot_abandon(&rec->slots[k]);
        }
    }
}

void keyspace_free(struct keyspace *ks)
{
    if (ks == NULL) {
        return;
    }
    keyspace_free_outside(ks);
    key_index_release(&ks->index);
    free(ks->heap_of_stage);
    free(ks->held);
    store_reader_free(ks->reader);
    nfa_scratch_free(ks->scratch);
    record_slots_release(&ks->decoded);
    free(ks->by_rule);
    buf_release(&ks->raw);
    buf_release(&ks->packed);
    buf_release(&ks->segment);
    free(ks->woken);
    arena_release(&ks->values);
    pool_release(&ks->pool);
    free(ks);
}

struct pool *keyspace_pool(struct keyspace *ks)
{
    return &ks->pool;
}

/* ---- records ------------------------------------------------------------------------------ */

/* Of all values but the last, whose text ends the canonical bytes. */
static size_t text_bytes(const struct key_ref *ref)
{
    size_t n = 0;
    for (uint32_t i = 0; i < ref->n_values; i++) {
        assert(ref->values[i].kind != VAL_LIST); /* no key is a list */
        n += ref->values[i].kind == VAL_STRING && i + 1 < ref->n_values ? ref->values[i].len : 0;
    }
    return n;
}

static char *put_texts(struct key_record *rec, char *at)
{
    for (uint32_t i = 0; i + 1 < rec->n_values; i++) {
        struct value *v = &rec->values[i];
        if (v->kind == VAL_STRING && v->len > 0) {
            memcpy(at, v->u.str, v->len);
            v->u.str = at;
            at += v->len;
        }
    }
    return at;
}

static void put_canonical(struct key_record *rec, struct slice canonical, char *at)
{
    if (canonical.len == 0) {
        return; /* a key of no values */
    }
    memcpy(at, canonical.ptr, canonical.len);
    struct value *last = &rec->values[rec->n_values - 1];
    if (last->kind == VAL_STRING) {
        at += canonical.len - last->len;
        assert(last->len == 0 || memcmp(at, last->u.str, last->len) == 0);
        last->u.str = at;
    }
}

/* All but the own slot, which is written when it is taken: two short runs are cleared faster than a long one. */
static void clear_record(struct key_record *rec)
{
    size_t behind = offsetof(struct key_record, own_slot) + sizeof(rec->own_slot);
    memset(rec, 0, offsetof(struct key_record, own_slot));
    memset((char *)rec + behind, 0, sizeof(*rec) - behind);
}

static struct key_record *record_block(struct keyspace *ks, const struct key_ref *ref)
{
    size_t values_bytes = ref->n_values * sizeof(struct value);
    size_t bytes = sizeof(struct key_record) + values_bytes + text_bytes(ref) + ref->canonical.len;
    assert(bytes <= UINT32_MAX && ref->n_values <= KEY_RECORD_MAX_VALUES);
    struct key_record *rec = pool_alloc(&ks->pool, bytes);
    clear_record(rec);
    rec->slots = &rec->own_slot;
    rec->cap_slots = 1;
    rec->n_values = ref->n_values & KEY_RECORD_MAX_VALUES;
    rec->bytes = (uint32_t)bytes;
    rec->memory = bytes;
    rec->canonical_bytes = (uint32_t)ref->canonical.len;
    if (values_bytes > 0) {
        memcpy(rec->values, ref->values, values_bytes);
    }
    put_canonical(rec, ref->canonical, put_texts(rec, (char *)rec->values + values_bytes));
    return rec;
}

struct key_record *keyspace_new_record(struct keyspace *ks, const struct key_ref *ref, struct key_entry *e)
{
    struct key_record *rec = record_block(ks, ref);
    rec->key_group = ref->key_group;
    rec->last = PLACE_MIN;
    rec->next_time = ETIME_MAX;
    rec->entry = e != NULL ? e : keyspace_add_entry(ks, ref->hash, ks->options.key_groups[ref->key_group].stage);
    rec->entry->rec = rec;
    rec->entry->life = ks->index.life;
    return rec;
}

struct hash128 key_record_hash(const struct key_record *rec)
{
    return rec->entry->hash;
}

/* Of slots that are not in the record's own block. */
static size_t slots_apart_bytes(const struct key_record *rec)
{
    return rec->slots == &rec->own_slot ? 0 : rec->cap_slots * sizeof(*rec->slots);
}

void keyspace_free_record(struct keyspace *ks, struct key_record *rec)
{
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        key_slot_free(&rec->slots[i], &ks->pool);
    }
    ks->outside -= rec->outside;
    ks->dirty_memory -= rec->dirty ? rec->memory : 0;
    keyspace_free_stored(ks, rec);
    if (rec->slots != &rec->own_slot) {
        pool_free(&ks->pool, rec->slots, slots_apart_bytes(rec));
    }
    pool_free(&ks->pool, rec, rec->bytes);
}

/* What a commit writes counts an event once per rule that keeps it; memory holds it once. */
void keyspace_weigh(struct keyspace *ks, struct key_record *rec)
{
    uint64_t outside = 0, events = 0;
    uint64_t memory = rec->bytes + slots_apart_bytes(rec) + rec->n_stored * sizeof(*rec->stored);
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        uint32_t rules = key_slot_rules(&rec->slots[i]);
        memory += rec->slots[i].bytes * rules;
        events += rec->slots[i].events * rules;
        outside += rec->slots[i].outside;
    }
    ks->dirty_memory += rec->dirty ? memory - rec->memory : 0;
    ks->outside += outside - rec->outside;
    ks->n_events += events - rec->events;
    rec->memory = memory;
    rec->outside = outside;
    rec->events = events;
}

/* The hash is 128 bits of the key; two keys with one hash are either made on purpose or damage. */
static enum err check_same_key(const struct key_record *rec, const struct key_ref *ref,
                               struct error *err)
{
    if (slice_eq(key_record_canonical(rec), ref->canonical)) {
        return ERR_OK;
    }
    return error_set(err, ERR_LIMIT, "two keys have the same 128-bit hash");
}

/* Of the key's entry; NULL: it has none. */
static inline enum err lookup(struct keyspace *ks, const struct key_entry *e, const struct key_ref *ref,
                              struct key_record **ret, struct error *err)
{
    *ret = key_entry_record(ks, e);
    if (*ret == NULL) {
        if (e == NULL && ks->n_unlisted == 0) {
            return ERR_OK;
        }
        FYKE_TRY(keyspace_load(ks, ref->hash, ret, err));
        if (*ret == NULL) {
            return ERR_OK;
        }
    }
    return check_same_key(*ret, ref, err);
}

enum err keyspace_find_fetched(struct keyspace *ks, const struct key_ref *ref, const struct key_fetch *f,
                               struct key_record **ret, struct error *err)
{
    keyspace_evict(ks);
    const struct key_entry *e = f != NULL ? f->entry : NULL;
    if (e == NULL || !e->used || !hash128_eq(e->hash, ref->hash)) {
        e = keyspace_entry(ks, ref->hash);
    }
    FYKE_TRY(lookup(ks, e, ref, ret, err));
    if (*ret != NULL && (*ret)->dropped) {
        *ret = NULL;
    }
    return ERR_OK;
}

bool keyspace_lacks(struct keyspace *ks, const struct key_fetch *f)
{
    if (f->entry != NULL) {
        return false;
    }
    keyspace_evict(ks); /* as whenever a key is looked for */
    return ks->n_unlisted == 0 && keyspace_entry(ks, f->hash) == NULL;
}

enum err keyspace_find(struct keyspace *ks, const struct key_ref *ref, struct key_record **ret,
                       struct error *err)
{
    return keyspace_find_fetched(ks, ref, NULL, ret, err);
}

static struct key_record *begin_anew(struct keyspace *ks, struct key_record *rec)
{
    rec->dropped = false;
    rec->last = PLACE_MIN;
    ks->n_records++;
    return rec;
}

struct key_record *keyspace_add(struct keyspace *ks, const struct key_ref *ref)
{
    struct key_entry *e = keyspace_entry(ks, ref->hash);
    struct key_record *rec = key_entry_record(ks, e);
    if (rec != NULL) {
        assert(rec->dropped);
        return begin_anew(ks, rec);
    }
    assert(e == NULL || !e->rests);
    rec = keyspace_new_record(ks, ref, e);
    rec->dirty = true; /* unless something is kept in it it goes */
    ks->dirty_memory += rec->memory;
    keyspace_enlist(ks, rec);
    ks->n_records++;
    return rec;
}

enum err keyspace_get(struct keyspace *ks, const struct key_ref *ref, struct key_record **ret,
                      struct error *err)
{
    FYKE_TRY(keyspace_find(ks, ref, ret, err));
    if (*ret == NULL) {
        *ret = keyspace_add(ks, ref);
    }
    return ERR_OK;
}

static void record_drop(struct keyspace *ks, struct key_record *rec)
{
    ks->n_records--;
    ks->n_events -= rec->events;
    rec->events = 0;
    if (rec->in_store) {
        rec->dropped = true;
        keyspace_set_timer(ks, rec->entry, ETIME_MAX);
        rec->next_time = ETIME_MAX;
        keyspace_mark_dirty(ks, rec);
        keyspace_weigh(ks, rec);
        return;
    }
    keyspace_delist(ks, rec);
    keyspace_drop_entry(ks, rec->entry);
    keyspace_free_record(ks, rec);
}

void keyspace_drop_if_empty(struct keyspace *ks, struct key_record *rec)
{
    if (rec->n_slots == 0) {
        record_drop(ks, rec);
    }
}

/* ---- instances ---------------------------------------------------------------------------- */

/* First slot whose leader is not below it. */
uint32_t key_record_place(const struct key_record *rec, uint32_t leader)
{
    uint32_t lo = 0, hi = rec->n_slots;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (rec->slots[mid].leader < leader) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

struct instance *keyspace_instance(const struct key_record *rec, uint32_t rule)
{
    uint32_t i = key_record_place(rec, rule);
    return i < rec->n_slots && rec->slots[i].rule == rule ? rec->slots[i].instance : NULL;
}

struct instance *keyspace_change(struct key_record *rec, uint32_t rule)
{
    uint32_t i = key_record_place(rec, rule);
    if (i == rec->n_slots || rec->slots[i].rule != rule) {
        return NULL;
    }
    rec->slots[i].stale = true;
    return rec->slots[i].instance;
}

struct measure_state *keyspace_measure(const struct key_record *rec, uint32_t rule)
{
    uint32_t i = key_record_place(rec, rule);
    return i < rec->n_slots && rec->slots[i].rule == rule ? rec->slots[i].measure : NULL;
}

static void grow_slots(struct pool *pool, struct key_record *rec)
{
    size_t bytes = rec->cap_slots * sizeof(*rec->slots);
    if (rec->slots == &rec->own_slot) {
        rec->slots = pool_alloc(pool, 2 * bytes);
        rec->slots[0] = rec->own_slot;
    } else {
        rec->slots = pool_resize(pool, rec->slots, bytes, 2 * bytes);
    }
    rec->cap_slots *= 2;
}

struct key_slot *keyspace_insert_slot(struct keyspace *ks, struct key_record *rec, uint32_t rule)
{
    uint32_t leader = keyspace_leader(ks, rule);
    uint32_t i = key_record_place(rec, leader);
    if (rec->n_slots == rec->cap_slots) {
        grow_slots(&ks->pool, rec);
    }
    if (i < rec->n_slots) {
        memmove(&rec->slots[i + 1], &rec->slots[i], (rec->n_slots - i) * sizeof(*rec->slots));
    }
    rec->slots[i] = (struct key_slot){.leader = leader, .rule = rule, .stale = true, .next = ETIME_MAX};
    rec->n_slots++;
    return &rec->slots[i];
}

struct instance *keyspace_add_instance(struct keyspace *ks, struct key_record *rec, uint32_t rule)
{
    struct key_slot *slot = keyspace_insert_slot(ks, rec, rule);
    slot->instance = instance_new(&ks->options.rs->rules[rule], &ks->pool);
    ks->n_instances++;
    ks->held[rule]++;
    return slot->instance;
}

struct measure_state *keyspace_add_measure(struct keyspace *ks, struct key_record *rec,
                                           uint32_t rule, const struct measure *m)
{
    struct key_slot *slot = keyspace_insert_slot(ks, rec, rule);
    slot->measure = measure_new(m, &ks->pool);
    ks->n_instances++;
    return slot->measure;
}

static void forget_slot(struct keyspace *ks, struct key_slot *slot)
{
    if (slot->rule < ks->options.rs->n_units && !keyspace_has_kin(ks, slot->rule)) {
        ks->held[slot->rule]--;
    }
    ks->n_instances -= key_slot_rules(slot);
    key_slot_free(slot, &ks->pool);
}

/* After a change: slots that hold nothing any more go. *ret_anew: some slot weighs something else, or is gone.
 * Returns when the first of them is due. */
static struct etime settle_slots(struct keyspace *ks, struct key_record *rec, bool *ret_anew)
{
    struct etime next = ETIME_MAX;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        struct key_slot *slot = &rec->slots[i];
        if (key_slot_is_settled(slot)) {
            *ret_anew |= slot->stale && keyspace_has_kin(ks, slot->rule); /* fewer may share it */
            slot->stale = false;
        } else {
            *ret_anew = true;
            if (!key_slot_settle(slot)) {
                forget_slot(ks, slot);
                continue;
            }
        }
        next = etime_lt(slot->next, next) ? slot->next : next;
        if (kept != i) {
            rec->slots[kept] = *slot;
        }
        kept++;
    }
    rec->n_slots = kept;
    return next;
}

/* An event that changes nothing leaves no trace in the position either: so the stored bytes say
 * the same whenever they are written. */
bool keyspace_touch(struct keyspace *ks, struct key_record *rec, struct place at, bool changed)
{
    bool anew = false;
    struct etime next = settle_slots(ks, rec, &anew);
    if (changed) {
        rec->last = place_max(rec->last, at);
        keyspace_mark_dirty(ks, rec);
    } else if (etime_lt(rec->next_time, next)) {
        keyspace_mark_dirty(ks, rec); /* a deadline of a rule that is gone: read again it would be due for ever */
    }
    if (rec->n_slots == 0) {
        record_drop(ks, rec);
        return false;
    }
    if (anew) {
        keyspace_weigh(ks, rec);
    }
    keyspace_used(ks, rec);
    if (rec->next_time.ns != next.ns) { /* the heap is as cold as it is large */
        rec->next_time = next;
        keyspace_set_timer(ks, rec->entry, next);
    }
    return true;
}
