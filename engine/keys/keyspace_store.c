/* Records between memory and store: loading, freezing what changed. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/keys/key.h"
#include "engine/keys/keyspace_parts.h"

void frozen_release(struct frozen *f)
{
    free(f->ops);
    buf_release(&f->bytes);
    *f = (struct frozen){0};
}

void keyspace_free_stored(struct keyspace *ks, struct key_record *rec)
{
    pool_free(&ks->pool, rec->stored, rec->n_stored * sizeof(*rec->stored));
    rec->stored = NULL;
    rec->n_stored = 0;
}

enum err keyspace_damaged(const struct record_key *key, const char *why, struct error *err)
{
    char hex[HASH128_HEX_MAX];
    hash128_hex(record_key_hash(key), hex);
    return error_set(err, ERR_CORRUPT, "the state is damaged: record %s: %s; restore it from a copy "
                     "or start anew with --reset-state", hex, why);
}

/* ---- loading ------------------------------------------------------------------------------ */

enum err keyspace_read(struct keyspace *ks, const struct record_key *key, struct slice *ret,
                       bool *found, struct error *err)
{
    const struct overlay *o = ks->options.overlay;
    enum overlay_found where = o == NULL ? OVERLAY_NONE : overlay_get(o, key, ret);
    if (where == OVERLAY_NONE) {
        return store_get(ks->reader, key, ret, found, err);
    }
    *found = where == OVERLAY_PUT;
    return ERR_OK;
}

/* Fetches the segments of one slot for instance_load(). */
struct segment_source {
    struct keyspace *ks;
    struct hash128 hash;
    uint32_t slot;
    const struct slice *at_hand; /* from `first` on; NULL: they are read */
    uint64_t first;
    uint32_t n;
    enum err rc;
    const char *why;
    struct error *err;
};

static struct slice get_segment(void *ctx, uint64_t id)
{
    struct segment_source *s = ctx;
    if (s->at_hand != NULL) {
        return id - s->first < s->n ? s->at_hand[id - s->first] : (struct slice){0};
    }
    struct record_key key = record_segment_key(s->hash, s->slot, id);
    struct slice bytes, body;
    bool found;
    s->rc = keyspace_read(s->ks, &key, &bytes, &found, s->err);
    if (s->rc != ERR_OK || !found ||
        !record_decode_segment(&key, bytes, &body, &s->why)) {
        return (struct slice){0};
    }
    return body;
}

static struct nfa_scratch *scratch_of(struct keyspace *ks)
{
    if (ks->scratch == NULL) {
        ks->scratch = nfa_scratch_new(ks->options.rs, ks->options.nfa);
    }
    return ks->scratch;
}

uint32_t keyspace_rule_of_slot(const struct keyspace *ks, uint32_t slot)
{
    const struct state_slots *slots = ks->options.slots;
    if (slots == NULL) {
        return slot;
    }
    return slot < slots->n ? slots->rule_of[slot] : STATE_NO_RULE;
}

/* Without a state what rests in memory knows rules by themselves. */
static uint32_t slot_of_rule(const struct keyspace *ks, uint32_t rule)
{
    return ks->options.slots == NULL ? rule : ks->options.slots->of_rule[rule];
}

static struct key_slot load_slot(struct keyspace *ks, uint32_t rule, struct slice head,
                                 struct segment_source *source, const char **why)
{
    const struct ruleset *rs = ks->options.rs;
    struct key_slot slot = {.leader = keyspace_leader(ks, rule), .rule = rule, .stale = true};
    if (rule < rs->n_units) {
        slot.instance = instance_load(&rs->rules[rule], &ks->pool, scratch_of(ks), head,
                                      get_segment, source, why);
    } else {
        slot.measure = measure_load(&rs->measures[ks->options.measures[rule - rs->n_units].measure],
                                    &ks->pool, head, get_segment, source, why);
    }
    return slot;
}

static enum err load_instance(struct keyspace *ks, struct key_record *rec,
                              const struct record_slot *slot, const struct record_key *key,
                              const struct slice *segments, struct error *err)
{
    uint32_t rule = keyspace_rule_of_slot(ks, slot->slot);
    struct segment_source source = {ks, rec->hash, slot->slot, segments, slot->first_segment,
                                    slot->n_segments, ERR_OK, NULL, err};
    const char *why = NULL;
    if (rule == STATE_NO_RULE) {
        return keyspace_damaged(key, "it belongs to no rule", err);
    }
    struct key_slot loaded = load_slot(ks, rule, slot->instance, &source, &why);
    if (source.rc != ERR_OK) {
        key_slot_free(&loaded, &ks->pool);
        return source.rc;
    }
    if (loaded.instance == NULL && loaded.measure == NULL) {
        return keyspace_damaged(key, source.why != NULL ? source.why : why, err);
    }
    keyspace_kin_join(ks, rec, &loaded);
    return ERR_OK;
}

static void note_stored(struct keyspace *ks, struct key_record *rec, const struct record_head *head)
{
    keyspace_free_stored(ks, rec);
    rec->in_store = true;
    if (head->n_slots > 0) {
        rec->stored = pool_alloc(&ks->pool, head->n_slots * sizeof(*rec->stored));
        rec->n_stored = head->n_slots;
    }
    for (uint32_t i = 0; i < head->n_slots; i++) {
        rec->stored[i] = (struct stored_slot){
            head->slots[i].slot, head->slots[i].n_segments, head->slots[i].first_segment};
    }
}

const struct key_group *keyspace_group(const struct keyspace *ks, struct hash128 id)
{
    for (uint32_t i = 0; i < ks->options.n_key_groups; i++) {
        if (hash128_eq(ks->options.key_groups[i].identity, id)) {
            return &ks->options.key_groups[i];
        }
    }
    return NULL;
}

/* The key's values; they live in ks->values until the next record is loaded. */
static bool decode_values(struct keyspace *ks, const struct key_group *g, struct slice canonical,
                          struct value **ret)
{
    struct reader r = reader_of(canonical);
    arena_reset(&ks->values);
    *ret = ARENA_ARRAY(&ks->values, struct value, g->n_values);
    for (uint32_t i = 0; i < g->n_values; i++) {
        (*ret)[i] = value_decode(&r, &ks->values);
        r.failed |= (*ret)[i].kind == VAL_LIST || (value_is_missing((*ret)[i]) && !g->keeps_quiet);
    }
    return !r.failed && reader_left(&r) == 0;
}

static enum err make_record(struct keyspace *ks, const struct record_key *key,
                            const struct record_head *head, struct key_record **ret,
                            struct error *err)
{
    const struct key_group *g = keyspace_group(ks, head->key_group);
    struct value *values;
    if (g == NULL) {
        return keyspace_damaged(key, "it belongs to no rule", err);
    }
    if (!decode_values(ks, g, head->canonical, &values) ||
        !hash128_eq(key_hash(g, head->canonical), record_key_hash(key))) {
        return keyspace_damaged(key, "its key does not decode", err);
    }
    struct key_ref ref = {
        .key_group = g->index,
        .hash = record_key_hash(key),
        .canonical = head->canonical,
        .values = values,
        .n_values = g->n_values,
    };
    *ret = keyspace_new_record(ks, &ref);
    return ERR_OK;
}

/* What was loaded is numbered from one (shared_event.h). */
static void settle_loaded(struct key_record *rec)
{
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        uint64_t n = key_slot_retained(&rec->slots[i]);
        (void)key_slot_settle(&rec->slots[i]);
        rec->serial = n > rec->serial ? (uint32_t)n : rec->serial;
    }
}

/* Fills a fresh record from its head. */
static enum err fill_record(struct keyspace *ks, struct key_record *rec,
                            const struct record_key *key, const struct record_head *head,
                            const struct slice *segments, struct error *err)
{
    for (uint32_t i = 0; i < head->n_slots; i++) {
        FYKE_TRY(load_instance(ks, rec, &head->slots[i], key, segments, err));
        segments = segments != NULL ? segments + head->slots[i].n_segments : NULL;
    }
    settle_loaded(rec);
    if (ks->options.store != NULL) {
        note_stored(ks, rec, head);
    }
    rec->last = head->last;
    rec->next_time = head->next_time;
    return ERR_OK;
}

static void account_loaded(struct keyspace *ks, struct key_record *rec, bool was_listed)
{
    if (!was_listed) {
        ks->n_unlisted--;
    }
    ks->n_loaded++;
    keyspace_set_timer(ks, rec->entry, rec->next_time);
    keyspace_weigh(ks, rec);
    ks->n_events -= rec->events; /* they were counted where they lay */
    keyspace_enlist(ks, rec);
}

enum err keyspace_build(struct keyspace *ks, const struct record_key *key, const struct record_head *head,
                        const struct slice *segments, struct key_record **ret, struct error *err)
{
    bool was_listed = keyspace_entry(ks, record_key_hash(key)) != NULL;
    struct key_record *rec;
    FYKE_TRY(make_record(ks, key, head, &rec, err));
    enum err rc = fill_record(ks, rec, key, head, segments, err);
    if (rc != ERR_OK) {
        rec->entry->rec = NULL;
        if (!was_listed) {
            keyspace_drop_entry(ks, rec->entry);
        }
        keyspace_free_record(ks, rec);
        return rc;
    }
    *ret = rec;
    return ERR_OK;
}

/* From below memory. */
static enum err load_stored(struct keyspace *ks, struct hash128 hash, struct key_record **ret,
                            struct error *err)
{
    struct record_key key = record_head_key(hash);
    struct record_head head;
    struct slice bytes;
    const char *why;
    bool found;
    *ret = NULL;
    FYKE_TRY(keyspace_read(ks, &key, &bytes, &found, err));
    if (!found) {
        return ERR_OK;
    }
    if (!record_decode_head(&key, bytes, &ks->decoded, &head, &why)) {
        return keyspace_damaged(&key, why, err);
    }
    bool was_listed = keyspace_entry(ks, hash) != NULL;
    FYKE_TRY(keyspace_build(ks, &key, &head, NULL, ret, err));
    account_loaded(ks, *ret, was_listed);
    return ERR_OK;
}

enum err keyspace_load(struct keyspace *ks, struct hash128 hash, struct key_record **ret,
                       struct error *err)
{
    struct key_entry *e = keyspace_entry(ks, hash);
    return e != NULL && e->rests ? keyspace_wake(ks, e, ret, err) : load_stored(ks, hash, ret, err);
}

/* ---- freezing ----------------------------------------------------------------------------- */

uint64_t keyspace_dirty_bytes(const struct keyspace *ks)
{
    return ks->dirty_memory;
}

bool keyspace_is_dirty(const struct keyspace *ks)
{
    return ks->dirty.oldest != NULL;
}

static void freeze_del(struct frozen *f, struct record_key key)
{
    VEC_PUSH(f->ops, f->n, f->cap) = (struct frozen_op){.key = key, .del = true};
}

static void freeze_put(struct frozen *f, struct record_key key, size_t begin)
{
    VEC_PUSH(f->ops, f->n, f->cap) =
        (struct frozen_op){.key = key, .at = begin, .len = f->bytes.len - begin};
}

static const struct record_slot *slot_in(const struct record_head *head, uint32_t slot)
{
    for (uint32_t i = 0; i < head->n_slots; i++) {
        if (head->slots[i].slot == slot) {
            return &head->slots[i];
        }
    }
    return NULL;
}

/* Stored segments that the record has no more. */
static void freeze_dead_segments(const struct key_record *rec, const struct record_head *head,
                                 struct frozen *f)
{
    for (uint32_t i = 0; i < rec->n_stored; i++) {
        const struct stored_slot *old = &rec->stored[i];
        const struct record_slot *now = slot_in(head, old->slot);
        for (uint64_t id = old->first; id < old->first + old->n; id++) {
            if (now == NULL || id < now->first_segment ||
                id >= now->first_segment + now->n_segments) {
                freeze_del(f, record_segment_key(rec->hash, old->slot, id));
            }
        }
    }
}

static bool was_stored(const struct key_record *rec, uint32_t slot, uint64_t id)
{
    for (uint32_t i = 0; i < rec->n_stored; i++) {
        const struct stored_slot *s = &rec->stored[i];
        if (s->slot == slot) {
            return id >= s->first && id < s->first + s->n;
        }
    }
    return false;
}

static void freeze_segments(const struct key_record *rec, uint32_t slot,
                            const struct key_slot *held, struct frozen *f)
{
    uint64_t first;
    uint32_t n = key_slot_segments(held, &first);
    for (uint32_t i = 0; i < n; i++) {
        if (!key_slot_segment_dirty(held, i) && was_stored(rec, slot, first + i)) {
            continue;
        }
        size_t begin = f->bytes.len;
        struct record_key key = record_segment_key(rec->hash, slot, first + i);
        record_begin_segment(&f->bytes);
        key_slot_encode_segment(held, i, &f->bytes);
        record_end_segment(&key, begin, &f->bytes);
        freeze_put(f, key, begin);
    }
}

static int by_slot(const void *x, const void *y)
{
    const struct record_slot *a = x, *b = y;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

void keyspace_head_of(struct keyspace *ks, const struct key_record *rec, struct buf *bytes,
                      struct record_head *ret)
{
    struct record_slots *slots = &ks->decoded;
    size_t *ends = xcalloc(ks->n_by_rule + 1, sizeof(*ends));
    slots->n = 0;
    for (size_t i = 0; i < ks->n_by_rule; i++) {
        const struct key_slot *held = ks->by_rule[i].slot;
        struct record_slot s = {.slot = slot_of_rule(ks, ks->by_rule[i].rule),
                                .events = key_slot_retained(held)};
        s.n_segments = key_slot_segments(held, &s.first_segment);
        key_slot_encode_head(held, bytes);
        ends[i + 1] = bytes->len;
        VEC_PUSH(slots->items, slots->n, slots->cap) = s;
    }
    for (size_t i = 0; i < ks->n_by_rule; i++) {
        slots->items[i].instance = slice_from(bytes->ptr + ends[i], ends[i + 1] - ends[i]);
    }
    free(ends);
    if (slots->n > 1) {
        qsort(slots->items, slots->n, sizeof(*slots->items), by_slot);
    }
    *ret = (struct record_head){
        .key_group = ks->options.key_groups[rec->key_group].identity,
        .canonical = rec->canonical,
        .last = rec->last,
        .next_time = rec->next_time,
        .slots = slots->items,
        .n_slots = (uint32_t)slots->n,
    };
}

static void freeze_record(struct keyspace *ks, struct key_record *rec, struct buf *scratch,
                          struct frozen *f)
{
    struct record_key key = record_head_key(rec->hash);
    buf_clear(scratch);
    keyspace_list_rules(ks, rec);
    struct record_head head;
    keyspace_head_of(ks, rec, scratch, &head);
    freeze_dead_segments(rec, &head, f);
    if (rec->dropped) {
        freeze_del(f, key);
        return;
    }
    size_t begin = f->bytes.len;
    record_encode_head(&key, &head, &f->bytes);
    freeze_put(f, key, begin);
    for (size_t i = 0; i < ks->n_by_rule; i++) {
        const struct rule_slot *of = &ks->by_rule[i];
        freeze_segments(rec, slot_of_rule(ks, of->rule), of->slot, f);
    }
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        key_slot_saved(&rec->slots[i]);
    }
    note_stored(ks, rec, &head);
}

static int record_by_hash(const void *x, const void *y)
{
    const struct key_record *const *a = x, *const *b = y;
    return hash128_cmp((*a)->hash, (*b)->hash);
}

/* Changed records, in order of hash; the caller frees the array. */
static struct key_record **take_dirty(struct keyspace *ks, size_t *ret_n)
{
    struct key_record **all = NULL;
    size_t n = 0, cap = 0;
    for (struct key_record *rec = ks->dirty.oldest; rec != NULL; rec = rec->newer) {
        VEC_PUSH(all, n, cap) = rec;
    }
    if (n > 1) {
        qsort(all, n, sizeof(*all), record_by_hash);
    }
    *ret_n = n;
    return all;
}

/* The list stays in order of use. */
static void dirty_becomes_clean(struct keyspace *ks)
{
    struct key_record *next;
    for (struct key_record *rec = ks->dirty.oldest; rec != NULL; rec = next) {
        next = rec->newer;
        keyspace_delist(ks, rec);
        ks->dirty_memory -= rec->memory;
        rec->dirty = false;
        if (rec->dropped) {
            keyspace_drop_entry(ks, rec->entry);
            keyspace_free_record(ks, rec);
        } else {
            keyspace_weigh(ks, rec);
            keyspace_enlist(ks, rec);
        }
    }
}

void keyspace_freeze(struct keyspace *ks, struct frozen *ret)
{
    size_t n;
    struct buf scratch = BUF_INIT;
    struct key_record **all = take_dirty(ks, &n);
    for (size_t i = 0; i < n; i++) {
        freeze_record(ks, all[i], &scratch, ret);
    }
    free(all);
    buf_release(&scratch);
    dirty_becomes_clean(ks);
    ks->writing = true;
}

void keyspace_release_version(struct keyspace *ks)
{
    store_reader_reset(ks->reader);
}

void keyspace_written(struct keyspace *ks)
{
    ks->writing = false;
    ks->over_budget = false;
}
