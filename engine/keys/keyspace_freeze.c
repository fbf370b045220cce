/* Records between memory and store: encoding what changed. */
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

/* Without a state what rests in memory knows rules by themselves. */
static uint32_t slot_of_rule(const struct keyspace *ks, uint32_t rule)
{
    return ks->options.slots == NULL ? rule : ks->options.slots->of_rule[rule];
}

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

static bool stands_apart(const struct record_slot *s, uint64_t id)
{
    return s != NULL && !s->inside && id >= s->first_segment && id < s->first_segment + s->n_segments;
}

/* Stored segments that the record has no more, or has in its head. */
static void freeze_dead_segments(const struct key_record *rec, const struct record_head *head,
                                 struct frozen *f)
{
    for (uint32_t i = 0; i < rec->n_stored; i++) {
        const struct stored_slot *old = &rec->stored[i];
        const struct record_slot *now = slot_in(head, old->slot);
        for (uint64_t id = old->first; id < old->first + old->n; id++) {
            if (!stands_apart(now, id)) {
                freeze_del(f, record_segment_key(key_record_hash(rec), old->slot, id));
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
    struct event_near near = event_near_key(key_record_canonical(rec));
    uint64_t first;
    uint32_t n = key_slot_segments(held, &first);
    for (uint32_t i = 0; i < n; i++) {
        if (!key_slot_segment_dirty(held, i) && was_stored(rec, slot, first + i)) {
            continue;
        }
        size_t begin = f->bytes.len;
        struct record_key key = record_segment_key(key_record_hash(rec), slot, first + i);
        record_begin_segment(&f->bytes);
        key_slot_encode_segment(held, i, &near, &f->bytes);
        record_end_segment(&key, begin, &f->bytes);
        freeze_put(f, key, begin);
    }
}

static int by_slot(const void *x, const void *y)
{
    const struct record_slot *a = x, *b = y;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

/* Bytes that stand in a buffer which still grows. */
struct extent {
    size_t begin, end;
};

static struct slice extent_slice(struct extent x, const struct buf *bytes)
{
    return slice_from(bytes->ptr + x.begin, x.end - x.begin);
}

/* Of what a slot's segments take at least, by which those of a large record are not encoded in vain. */
#define LEAST_EVENT_BYTES 9
#define LEAST_VALUE_BYTES 2

static size_t least_bytes(const struct key_slot *held)
{
    return key_slot_retained(held) * (held->instance != NULL ? LEAST_EVENT_BYTES : LEAST_VALUE_BYTES);
}

static bool may_be_small(const struct keyspace *ks, size_t max_bytes)
{
    size_t least = 0;
    for (size_t i = 0; i < ks->n_by_rule && least <= max_bytes; i++) {
        least += least_bytes(ks->by_rule[i].slot);
    }
    return least <= max_bytes;
}

/* False: they end behind `max_len`. */
static bool put_segments(struct keyspace *ks, const struct key_slot *held, const struct event_near *near,
                         size_t max_len, struct buf *out)
{
    uint64_t first;
    uint32_t n = key_slot_segments(held, &first);
    for (uint32_t i = 0; i < n && out->len <= max_len; i++) {
        buf_clear(&ks->segment);
        key_slot_encode_segment(held, i, near, &ks->segment);
        buf_put_blob(out, buf_slice(&ks->segment));
    }
    return out->len <= max_len;
}

/* Segments of all slots, in order of ks->by_rule. */
static bool put_inside(struct keyspace *ks, const struct event_near *near, size_t max_bytes,
                       struct extent *ret, struct buf *out)
{
    size_t begin = out->len;
    bool fits = may_be_small(ks, max_bytes);
    for (size_t i = 0; i < ks->n_by_rule && fits; i++) {
        ret[i].begin = out->len;
        fits = put_segments(ks, ks->by_rule[i].slot, near, begin + max_bytes, out);
        ret[i].end = out->len;
    }
    return fits;
}

static struct record_slot describe_slot(const struct keyspace *ks, const struct rule_slot *of,
                                        const struct event_near *near)
{
    struct record_slot s = {
        .slot = slot_of_rule(ks, of->rule), .events = key_slot_retained(of->slot), .near = *near};
    s.n_segments = key_slot_segments(of->slot, &s.first_segment);
    return s;
}

bool keyspace_head_of(struct keyspace *ks, const struct key_record *rec, size_t max_inside,
                      struct buf *bytes, struct record_head *ret)
{
    struct record_slots *slots = &ks->decoded;
    struct event_near near = record_near(rec->last, key_record_canonical(rec));
    struct extent *heads = xcalloc(2 * ks->n_by_rule + 1, sizeof(*heads));
    struct extent *segments = heads + ks->n_by_rule;
    slots->n = 0;
    for (size_t i = 0; i < ks->n_by_rule; i++) {
        VEC_PUSH(slots->items, slots->n, slots->cap) = describe_slot(ks, &ks->by_rule[i], &near);
        heads[i].begin = bytes->len;
        key_slot_encode_head(ks->by_rule[i].slot, &near, bytes);
        heads[i].end = bytes->len;
    }
    bool inside = put_inside(ks, &near, max_inside, segments, bytes);
    for (size_t i = 0; i < ks->n_by_rule; i++) {
        slots->items[i].instance = extent_slice(heads[i], bytes);
        slots->items[i].inside = inside;
        slots->items[i].segments = extent_slice(segments[i], bytes);
    }
    free(heads);
    if (slots->n > 1) {
        qsort(slots->items, slots->n, sizeof(*slots->items), by_slot);
    }
    *ret = (struct record_head){
        .canonical = key_record_canonical(rec),
        .last = rec->last,
        .next_time = rec->next_time,
        .slots = slots->items,
        .n_slots = (uint32_t)slots->n,
    };
    return inside;
}

static void freeze_record(struct keyspace *ks, struct key_record *rec, struct buf *scratch,
                          struct frozen *f)
{
    struct record_key key = record_head_key(key_record_hash(rec));
    buf_clear(scratch);
    keyspace_list_rules(ks, rec);
    struct record_head head;
    bool inside = keyspace_head_of(ks, rec, RECORD_MAX_INSIDE_BYTES, scratch, &head);
    freeze_dead_segments(rec, &head, f);
    if (rec->dropped) {
        freeze_del(f, key);
        return;
    }
    size_t begin = f->bytes.len;
    record_encode_head(&key, &head, &f->bytes);
    freeze_put(f, key, begin);
    for (size_t i = 0; i < ks->n_by_rule && !inside; i++) {
        const struct rule_slot *of = &ks->by_rule[i];
        freeze_segments(rec, slot_of_rule(ks, of->rule), of->slot, f);
    }
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        key_slot_saved(&rec->slots[i]);
    }
    keyspace_note_head(ks, rec, &head);
}

struct hashed_record {
    struct hash128 hash;
    struct key_record *rec;
};

static int record_by_hash(const void *x, const void *y)
{
    const struct hashed_record *a = x, *b = y;
    return hash128_cmp(a->hash, b->hash);
}

/* Changed records, in order of hash; the caller frees the array. */
static struct hashed_record *take_dirty(struct keyspace *ks, size_t *ret_n)
{
    struct hashed_record *all = NULL;
    size_t n = 0, cap = 0;
    for (struct key_record *rec = ks->dirty.oldest; rec != NULL; rec = rec->newer) {
        VEC_PUSH(all, n, cap) = (struct hashed_record){key_record_hash(rec), rec};
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
    struct hashed_record *all = take_dirty(ks, &n);
    for (size_t i = 0; i < n; i++) {
        freeze_record(ks, all[i].rec, &scratch, ret);
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
