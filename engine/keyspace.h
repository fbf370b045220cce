/* The keys of one shard: where shard.c finds the state of a key, whatever level it lies on.
 *
 * A record holds all rules' instances of one key of one key group (rules with the same `for each`
 * and the same clock group). It is in memory while it is used; what lies below (LMDB, eviction by
 * bytes) is this module's business alone. A record with nothing in it is forgotten: a million keys
 * seen once leave nothing behind.
 *
 * Timers live here too, because they outlast an evicted record: per clock group a heap of
 * (next time, key hash).
 *
 * Thread rule: a keyspace belongs to one shard, hence to one thread at a time. Ownership: records
 * and their instances belong to the keyspace; a pointer is valid until the next keyspace_get() or
 * keyspace_due() that is not of the same key, or keyspace_drop_if_empty(). */
#ifndef FYKE_ENGINE_KEYSPACE_H
#define FYKE_ENGINE_KEYSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/pool.h"
#include "engine/place.h"
#include "nfa/rule.h"
#include "nfa/state.h"

struct keyspace;
struct key_group; /* key.h */

/* What names a key. `hash` covers the key group's identity and the canonical bytes; `canonical` is
 * value_encode() of the values one after the other. All borrowed. */
struct key_ref {
    uint32_t key_group;
    struct hash128 hash;
    struct slice canonical;
    const struct value *values;
    uint32_t n_values;
};

struct key_slot {
    uint32_t rule; /* ruleset index */
    struct instance *instance;
};

/* Fields below the line are the keyspace's own. */
struct key_record {
    struct hash128 hash;
    uint32_t key_group;
    uint32_t clock_group;
    struct slice canonical;     /* owned */
    const struct value *values; /* owned */
    uint32_t n_values;
    uint32_t n_slots, cap_slots;
    struct key_slot *slots; /* ascending by rule; only instances that hold something */
    struct place last;      /* of the last event or deadline applied; PLACE_MIN: none */
    /* ---- */
    struct etime next_time; /* ETIME_MAX: no timer */
    struct heap_node timer;
    bool dirty; /* changed since the last keyspace_saved() */
    uint64_t bytes;
    struct key_record *newer, *older; /* by last use */
    struct key_record *chain;         /* same bucket */
};

struct keyspace_options {
    const struct ruleset *rs;
    const struct key_group *key_groups;
    uint32_t n_key_groups;
    uint32_t shard;
    size_t memory_bytes; /* this shard's part of the budget; 0: unlimited */
};

struct keyspace_figures {
    uint64_t keys; /* live, wherever they lie */
    uint64_t instances, events, bytes;
    uint64_t timers;
};

struct keyspace *keyspace_new(const struct keyspace_options *o);
void keyspace_free(struct keyspace *ks);

/* Memory of the shard's instances (instance_new). */
struct pool *keyspace_pool(struct keyspace *ks);

/* The record of a key; created when there is none. Fails only when stored bytes cannot be read. */
enum err keyspace_get(struct keyspace *ks, const struct key_ref *ref, struct key_record **ret,
                      struct error *err) FYKE_MUST_USE;
/* The same, but *ret = NULL when there is none. */
enum err keyspace_find(struct keyspace *ks, const struct key_ref *ref, struct key_record **ret,
                       struct error *err) FYKE_MUST_USE;

/* The rule's instance of this key, NULL when it holds nothing; keyspace_add_instance makes one. */
struct instance *keyspace_instance(const struct key_record *rec, uint32_t rule);
struct instance *keyspace_add_instance(struct keyspace *ks, struct key_record *rec, uint32_t rule);

/* After events or deadlines were applied: takes the new position, forgets empty instances, re-keys
 * the timer, notes the record as used and, when `changed`, as dirty. Returns false when the record
 * was empty and is gone. */
bool keyspace_touch(struct keyspace *ks, struct key_record *rec, struct place at, bool changed);
/* Forgets a record that keyspace_get() created for nothing. */
void keyspace_drop_if_empty(struct keyspace *ks, struct key_record *rec);

/* The earliest timer of a clock group; ETIME_MAX: none. */
struct etime keyspace_next_time(const struct keyspace *ks, uint32_t clock_group);
/* The record whose timer is earliest and < `before`, in order of (time, key hash); *ret = NULL:
 * none. The caller fires it and calls keyspace_touch(), which re-keys the timer. */
enum err keyspace_due(struct keyspace *ks, uint32_t clock_group, struct etime before,
                      struct key_record **ret, struct error *err) FYKE_MUST_USE;

/* Every live record in order of hash, loaded when it must be (--pending, dumps, figures). */
typedef enum err (*keyspace_each_fn)(void *ctx, struct key_record *rec, struct error *err);
enum err keyspace_each(struct keyspace *ks, keyspace_each_fn fn, void *ctx,
                       struct error *err) FYKE_MUST_USE;

void keyspace_figures(struct keyspace *ks, struct keyspace_figures *ret);

/* ---- checkpoint hooks ----------------------------------------------------------------------
 * Between two barriers, called by the thread that commits. Changed records in order of hash, then
 * the hashes of records that were dropped since the last time and may lie in the store. */
enum err keyspace_each_dirty(struct keyspace *ks, keyspace_each_fn fn, void *ctx,
                             struct error *err) FYKE_MUST_USE;
uint32_t keyspace_dropped(const struct keyspace *ks, const struct hash128 **ret);
/* What the two gave is durable: instances are told (instance_saved), lists are emptied. */
void keyspace_saved(struct keyspace *ks);

#endif
