/* Reading through a shard's part of the store: once at start, and to find what memory knows not. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/key.h"
#include "engine/keyspace_parts.h"

/* Heads come before their segments; `head` is the one whose segments are due. */
struct restore {
    struct keyspace *ks;
    struct hash128 hash;
    bool has_head;
    struct record_slots slots; /* of the head */
    size_t n_slots;
    size_t slot;  /* whose segments are due */
    uint64_t seen; /* of them */
};

static void next_slot_with_segments(struct restore *r)
{
    while (r->slot < r->n_slots && r->seen == r->slots.items[r->slot].n_segments) {
        r->slot++;
        r->seen = 0;
    }
}

static enum err all_segments_seen(const struct restore *r, struct error *err)
{
    struct record_key key = record_head_key(r->hash);
    return r->slot < r->n_slots ? keyspace_damaged(&key, "a segment is missing", err) : ERR_OK;
}

static enum err restore_head(struct restore *r, const struct record_key *key, struct slice value,
                             struct error *err)
{
    struct keyspace *ks = r->ks;
    struct record_head head;
    const char *why;
    FYKE_TRY(all_segments_seen(r, err));
    if (!record_decode_head(key, value, &r->slots, &head, &why)) {
        return keyspace_damaged(key, why, err);
    }
    const struct key_group *g = keyspace_group(ks, head.key_group);
    if (g == NULL) {
        return keyspace_damaged(key, "it belongs to no rule", err);
    }
    r->hash = record_key_hash(key);
    r->has_head = true;
    r->n_slots = head.n_slots;
    r->slot = 0;
    r->seen = 0;
    next_slot_with_segments(r);
    for (uint32_t i = 0; i < head.n_slots; i++) {
        ks->evicted_events += head.slots[i].events;
    }
    ks->n_records++;
    ks->n_instances += head.n_slots;
    if (head.next_time.ns == INT64_MAX) {
        ks->n_unlisted++;
    } else {
        keyspace_set_timer(ks, keyspace_add_entry(ks, r->hash, g->stage), head.next_time);
    }
    return ERR_OK;
}

static enum err restore_segment(struct restore *r, const struct record_key *key,
                                struct slice value, struct error *err)
{
    struct slice body;
    const char *why;
    if (!record_decode_segment(key, value, &body, &why)) {
        return keyspace_damaged(key, why, err);
    }
    if (!r->has_head || r->slot >= r->n_slots ||
        !hash128_eq(record_key_hash(key), r->hash)) {
        return keyspace_damaged(key, "a segment belongs to no head", err);
    }
    const struct record_slot *s = &r->slots.items[r->slot];
    struct record_key want = record_segment_key(r->hash, s->slot, s->first_segment + r->seen);
    if (record_key_number(key) != record_key_number(&want)) {
        return keyspace_damaged(key, "a segment belongs to no head", err);
    }
    r->seen++;
    next_slot_with_segments(r);
    return ERR_OK;
}

static enum err restore_value(void *ctx, const struct record_key *key, struct slice value,
                              struct error *err)
{
    return record_key_number(key) == 0 ? restore_head(ctx, key, value, err)
                                       : restore_segment(ctx, key, value, err);
}

enum err keyspace_restore(struct keyspace *ks, struct error *err)
{
    struct restore r = {.ks = ks};
    enum err rc = store_each(ks->reader, restore_value, &r, err);
    if (rc == ERR_OK) {
        rc = all_segments_seen(&r, err);
    }
    record_slots_release(&r.slots);
    store_reader_reset(ks->reader);
    return rc;
}

struct unlisted_walk {
    struct keyspace *ks;
    struct hash_list *list;
};

static enum err collect_unlisted(void *ctx, const struct record_key *key, struct slice value,
                                 struct error *err)
{
    struct unlisted_walk *w = ctx;
    const struct overlay *o = w->ks->options.overlay;
    struct slice over;
    (void)value;
    (void)err;
    if (record_key_number(key) == 0 && keyspace_entry(w->ks, record_key_hash(key)) == NULL &&
        (o == NULL || overlay_get(o, key, &over) == OVERLAY_NONE)) {
        VEC_PUSH(w->list->items, w->list->n, w->list->cap) = record_key_hash(key);
    }
    return ERR_OK;
}

static enum err collect_overlaid(void *ctx, const struct record_key *key, bool deleted,
                                 struct slice value, struct error *err)
{
    struct unlisted_walk *w = ctx;
    (void)value;
    (void)err;
    if (record_key_number(key) == 0 && !deleted &&
        keyspace_entry(w->ks, record_key_hash(key)) == NULL) {
        VEC_PUSH(w->list->items, w->list->n, w->list->cap) = record_key_hash(key);
    }
    return ERR_OK;
}

enum err keyspace_unlisted(struct keyspace *ks, struct hash_list *ret, struct error *err)
{
    struct unlisted_walk w = {ks, ret};
    if (ks->n_unlisted == 0) {
        return ERR_OK;
    }
    if (ks->options.overlay != NULL) {
        FYKE_TRY(overlay_each(ks->options.overlay, collect_overlaid, &w, err));
    }
    return store_each(ks->reader, collect_unlisted, &w, err);
}
