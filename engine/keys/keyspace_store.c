/* Records between memory and store: loading. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/keys/key.h"
#include "engine/keys/keyspace_parts.h"

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
    const struct record_slot *slot;
    struct reader inside; /* what was not asked for yet */
    enum err rc;
    const char *why;
    struct error *err;
};

static struct slice get_segment(void *ctx, uint64_t id)
{
    struct segment_source *s = ctx;
    if (s->slot->inside) {
        return reader_left(&s->inside) > 0 ? read_blob(&s->inside) : (struct slice){0};
    }
    struct record_key key = record_segment_key(s->hash, s->slot->slot, id);
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

static struct key_slot load_slot(struct keyspace *ks, uint32_t rule, struct segment_source *source,
                                 const char **why)
{
    const struct ruleset *rs = ks->options.rs;
    const struct record_slot *stored = source->slot;
    struct stored_form from = {
        stored->instance, stored->near,
        stored->inside ? stored->near : event_near_key(stored->near.key), get_segment, source};
    struct key_slot slot = {.leader = keyspace_leader(ks, rule), .rule = rule, .stale = true};
    if (rule < rs->n_units) {
        slot.instance = instance_load(&rs->rules[rule], &ks->pool, scratch_of(ks), &from, why);
    } else {
        slot.measure = measure_load(&rs->measures[ks->options.measures[rule - rs->n_units].measure],
                                    &ks->pool, &from, why);
    }
    return slot;
}

static enum err load_instance(struct keyspace *ks, struct key_record *rec,
                              const struct record_slot *slot, const struct record_key *key,
                              struct error *err)
{
    uint32_t rule = keyspace_rule_of_slot(ks, slot->slot);
    struct segment_source source = {ks, key_record_hash(rec), slot, reader_of(slot->segments), ERR_OK, NULL, err};
    const char *why = NULL;
    if (rule == STATE_NO_RULE) {
        return keyspace_damaged(key, "it belongs to no rule", err);
    }
    struct key_slot loaded = load_slot(ks, rule, &source, &why);
    if (source.rc != ERR_OK) {
        key_slot_free(&loaded, &ks->pool);
        return source.rc;
    }
    if (loaded.instance == NULL && loaded.measure == NULL) {
        return keyspace_damaged(key, source.why != NULL ? source.why : why, err);
    }
    if (reader_left(&source.inside) != 0) {
        key_slot_free(&loaded, &ks->pool);
        return keyspace_damaged(key, "it has more segments than it uses", err);
    }
    keyspace_kin_join(ks, rec, &loaded);
    return ERR_OK;
}

void keyspace_note_stored(struct keyspace *ks, struct key_record *rec, const struct stored_slot *apart,
                          uint32_t n)
{
    keyspace_free_stored(ks, rec);
    rec->in_store = true;
    if (n > 0) {
        rec->stored = pool_alloc(&ks->pool, n * sizeof(*rec->stored));
        memcpy(rec->stored, apart, n * sizeof(*rec->stored));
        rec->n_stored = n;
    }
}

static uint32_t count_apart(const struct record_head *head)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < head->n_slots; i++) {
        n += !head->slots[i].inside;
    }
    return n;
}

void keyspace_note_head(struct keyspace *ks, struct key_record *rec, const struct record_head *head)
{
    uint32_t n = count_apart(head), k = 0;
    struct stored_slot *apart = n > 0 ? xmalloc(n * sizeof(*apart)) : NULL;
    for (uint32_t i = 0; i < head->n_slots; i++) {
        const struct record_slot *s = &head->slots[i];
        if (!s->inside) {
            apart[k++] = (struct stored_slot){s->slot, s->n_segments, s->first_segment};
        }
    }
    keyspace_note_stored(ks, rec, apart, n);
    free(apart);
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

const struct key_group *keyspace_head_group(const struct keyspace *ks, const struct record_head *head)
{
    const struct keyspace_options *o = &ks->options;
    uint32_t rule = keyspace_rule_of_slot(ks, head->slots[0].slot);
    if (rule == STATE_NO_RULE) {
        return NULL;
    }
    uint32_t n = o->rs->n_units;
    return &o->key_groups[rule < n ? o->group_of_unit[rule] : o->measures[rule - n].key_group];
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
    const struct key_group *g = keyspace_head_group(ks, head);
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
    *ret = keyspace_new_record(ks, &ref, keyspace_entry(ks, ref.hash));
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
                            struct error *err)
{
    for (uint32_t i = 0; i < head->n_slots; i++) {
        FYKE_TRY(load_instance(ks, rec, &head->slots[i], key, err));
    }
    settle_loaded(rec);
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
                        struct key_record **ret, struct error *err)
{
    bool was_listed = keyspace_entry(ks, record_key_hash(key)) != NULL;
    struct key_record *rec;
    FYKE_TRY(make_record(ks, key, head, &rec, err));
    enum err rc = fill_record(ks, rec, key, head, err);
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
    FYKE_TRY(keyspace_build(ks, &key, &head, ret, err));
    keyspace_note_head(ks, *ret, &head);
    account_loaded(ks, *ret, was_listed);
    return ERR_OK;
}

enum err keyspace_load(struct keyspace *ks, struct hash128 hash, struct key_record **ret,
                       struct error *err)
{
    struct key_entry *e = keyspace_entry(ks, hash);
    return e != NULL && e->rests ? keyspace_wake(ks, e, ret, err) : load_stored(ks, hash, ret, err);
}
