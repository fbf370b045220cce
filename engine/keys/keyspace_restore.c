/* Reading through a shard's part of the store: once at start, and to find what memory knows not. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/keys/key.h"
#include "engine/keys/keyspace_parts.h"
#include "engine/state/record_scan.h"

struct restore {
    struct keyspace *ks;
    struct record_scan scan;
};

static enum err restore_head(struct keyspace *ks, const struct record_key *key,
                             const struct record_head *head, struct error *err)
{
    const struct key_group *g = keyspace_head_group(ks, head);
    if (g == NULL) {
        return keyspace_damaged(key, "it belongs to no rule", err);
    }
    for (uint32_t i = 0; i < head->n_slots; i++) {
        const struct state_slots *slots = ks->options.slots;
        uint32_t slot = head->slots[i].slot;
        uint32_t rule = slot < slots->n ? slots->rule_of[slot] : STATE_NO_RULE;
        if (rule < ks->options.rs->n_units && !keyspace_has_kin(ks, rule)) {
            ks->held[rule]++;
        }
        ks->n_events += head->slots[i].events;
    }
    ks->n_records++;
    ks->n_instances += head->n_slots;
    if (head->next_time.ns == INT64_MAX) {
        ks->n_unlisted++;
    } else {
        keyspace_set_timer(ks, keyspace_add_entry(ks, record_key_hash(key), g->stage),
                           head->next_time);
    }
    return ERR_OK;
}

static enum err restore_value(void *ctx, const struct record_key *key, struct slice value,
                              struct error *err)
{
    struct restore *r = ctx;
    struct record_head head;
    const char *why;
    if (!record_scan_take(&r->scan, key, value, &head, &why)) {
        return keyspace_damaged(key, why, err);
    }
    return record_key_number(key) == 0 ? restore_head(r->ks, key, &head, err) : ERR_OK;
}

enum err keyspace_restore(struct keyspace *ks, struct error *err)
{
    struct restore r = {.ks = ks};
    enum err rc = store_each(ks->reader, restore_value, &r, err);
    if (rc == ERR_OK && !record_scan_is_whole(&r.scan)) {
        struct record_key key = record_head_key(r.scan.hash);
        rc = keyspace_damaged(&key, "a segment is missing", err);
    }
    record_scan_release(&r.scan);
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
