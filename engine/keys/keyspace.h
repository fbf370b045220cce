/* The keys of one shard: where shard.c finds the state of a key, whatever level it lies on.
 *
 * A record holds all rules' instances of one key of one key group (rules with the same `for each`
 * and the same stage, key.h). It is in memory while it is used; what lies below is this module's
 * business alone: with a store, records that are as stored leave memory when the budget is used
 * up, least recently used first, and come back when they are touched. A record with nothing in it
 * is forgotten: a million keys seen once leave nothing behind.
 *
 * Timers live here too, because they outlast an evicted record: per stage a heap of
 * (next time, key hash).
 *
 *   keyspace.c        records, instances           keyspace_restore.c  reading through
 *   keyspace_store.c  loading what is stored       keyspace_timers.c   timers
 *   keyspace_freeze.c encoding what changed
 *   evict.c           the budget            keyspace_pack.c     records that rest
 *   entry_table.c     which keys there are         keyspace_index.c    entries; handed over at a change of rules
 *
 * Thread rule: a keyspace belongs to one shard, hence to one thread at a time. Ownership: records
 * and their instances belong to the keyspace; a pointer is valid until the next keyspace_get(),
 * keyspace_find() or keyspace_due(), or keyspace_drop_if_empty(). */
#ifndef FYKE_ENGINE_KEYS_KEYSPACE_H
#define FYKE_ENGINE_KEYS_KEYSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/pool.h"
#include "engine/journal/overlay.h"
#include "engine/keys/key_slot.h"
#include "engine/state/record_codec.h"
#include "engine/state/store.h"
#include "engine/time/place.h"
#include "nfa/rule.h"
#include "nfa/state.h"

struct keyspace;
struct key_group; /* key.h */
struct key_measure;
struct kin;
struct kin_table;

/* What names a key. `hash` covers the key group's identity and the canonical bytes; `canonical` is
 * value_encode() of the values one after the other. All borrowed. */
struct key_ref {
    uint32_t key_group;
    struct hash128 hash;
    struct slice canonical;
    const struct value *values;
    uint32_t n_values;
};

struct key_entry;
struct stored_slot;

#define KEY_RECORD_MAX_VALUES ((1U << 28) - 1)

/* One block, with the key: the values, their text, the canonical bytes. With one slot, as nearly all have, and a
 * short key it is four cache lines. From `entry` on fields are the keyspace's own, but for the values. */
struct key_record {
    struct key_slot *slots; /* ascending by leader; only what holds something. `own_slot` as long as there was one at most */
    uint32_t n_slots, cap_slots;
    uint32_t key_group;
    uint32_t serial; /* of the last event that went to its rules (nfa/shared_event.h); not stored */
    struct etime next_time; /* ETIME_MAX: no timer */
    struct place last;      /* of the last event or deadline that changed it; PLACE_MIN: none */
    struct key_slot own_slot;
    struct key_entry *entry; /* has the hash: key_record_hash() */
    bool dirty : 1;    /* changed since the last keyspace_freeze() */
    bool in_store : 1; /* overlay or store have a head of it, or will when the commit is through */
    bool dropped : 1;  /* empty; kept until the store has forgotten it too */
    bool heavy : 1;    /* too much in it to be packed while it rests */
    uint32_t n_values : 28; /* at most KEY_RECORD_MAX_VALUES */
    uint32_t n_stored;
    struct key_record *newer, *older; /* in the list of its kind, by last use */
    uint64_t used;    /* when: a number that rises */
    uint64_t memory;  /* with everything that hangs on it, as if no event were shared */
    uint64_t outside; /* of that, what does not lie in the pool */
    uint64_t events;  /* kept, of every rule */
    struct stored_slot *stored; /* segments that the store has apart from the head, by slot */
    uint32_t bytes;             /* of the block */
    uint32_t canonical_bytes;   /* of them, the last; they end with the last value's text, if it is one */
    struct value values[];
};
_Static_assert(sizeof(struct key_record) == 208, "a key of 22 letters is left room for in 256 bytes");

static inline struct slice key_record_canonical(const struct key_record *rec)
{
    const char *end = (const char *)rec + rec->bytes;
    return slice_from(end - rec->canonical_bytes, rec->canonical_bytes);
}
struct hash128 key_record_hash(const struct key_record *rec);

struct keyspace_options {
    const struct ruleset *rs;
    const struct key_group *key_groups;
    uint32_t n_key_groups;
    const uint32_t *group_of_unit; /* of rules that are not disabled */
    const struct key_measure *measures;
    const struct kin_table *kin;
    uint32_t shard;
    size_t memory_bytes; /* this shard's part of the budget; 0: unlimited */
    /* Without a store everything stays in memory. */
    struct store *store;
    const struct overlay *overlay; /* committed, not in the store yet; NULL: there is no journal */
    const struct state_slots *slots;
    struct nfa_limits nfa;
};

/* Slot numbers of rules and measures (key.h) in stored records (header.h). */
struct state_slots {
    uint32_t *of_rule; /* per rule and copy, then per measure */
    uint32_t *rule_of; /* per slot; STATE_NO_RULE: free */
    uint32_t n;        /* slots */
};
#define STATE_NO_RULE UINT32_MAX

struct keyspace_figures {
    uint64_t keys; /* live, wherever they lie */
    uint64_t instances, events;
    uint64_t bytes; /* in memory */
    uint64_t timers;
    uint64_t evicted, loaded; /* so far */
    uint64_t resting, resting_bytes; /* of the keys in memory, packed ones (keyspace_pack.c) */
    uint64_t rested, woken; /* so far */
    bool over_budget;         /* nothing could be evicted at some time */
};

struct keyspace *keyspace_new(const struct keyspace_options *o);
void keyspace_free(struct keyspace *ks);
/* All is committed and in the store, which goes on without it; only keyspace_free() is left. What the
 * keyspace behind it need not read. */
struct keyspace_kept;
struct keyspace_kept *keyspace_leave_store(struct keyspace *ks);
void keyspace_kept_free(struct keyspace_kept *k);
/* In place of keyspace_restore(), over the same stored records, though for other rules. False: these ask for
 * more than is known; nothing is taken then. */
bool keyspace_adopt(struct keyspace *ks, struct keyspace_kept *k);

/* Memory of the shard's instances (instance_new). */
struct pool *keyspace_pool(struct keyspace *ks);

/* The record of a key; created when there is none. Fails only when stored bytes cannot be read. */
enum err keyspace_get(struct keyspace *ks, const struct key_ref *ref, struct key_record **ret,
                      struct error *err) FYKE_MUST_USE;
/* The same, but *ret = NULL when there is none. */
enum err keyspace_find(struct keyspace *ks, const struct key_ref *ref, struct key_record **ret,
                       struct error *err) FYKE_MUST_USE;

/* A key whose memory is fetched. */
struct key_fetch {
    struct hash128 hash;
    uint64_t rule_bits;            /* which rules' (key_rule_bit) */
    const struct key_entry *entry; /* from one step to the next, at most until keyspace_shrink(); NULL: none */
};
/* Fetches what an event of the key will need, from the table to what its instances keep: steps 0 to
 * KEYSPACE_PREFETCH_STEPS - 1, one after the other. Changes nothing else. */
#define KEYSPACE_PREFETCH_STEPS 5
void keyspace_prefetch(const struct keyspace *ks, struct key_fetch *f, uint32_t step);
/* The same for those that come next, at most so many: the first is at its last step, each behind it one step less far. */
void keyspace_prefetch_row(const struct keyspace *ks, struct key_fetch *row, uint32_t n);

/* keyspace_find() of a key that is in memory's reach by now; f: NULL, or as far as keyspace_prefetch() has come. */
enum err keyspace_find_fetched(struct keyspace *ks, const struct key_ref *ref, const struct key_fetch *f,
                               struct key_record **ret, struct error *err) FYKE_MUST_USE;
/* There is no record of it, nor was there one that the store has still; false: that is not known without a look. Like
 * keyspace_find() it may take records out of memory. */
bool keyspace_lacks(struct keyspace *ks, const struct key_fetch *f);
/* A record of a key of which these have just found none. */
struct key_record *keyspace_add(struct keyspace *ks, const struct key_ref *ref);

/* Of a rule without kin: its instance of this key, NULL when it holds nothing; keyspace_add_instance makes one. */
struct instance *keyspace_instance(const struct key_record *rec, uint32_t rule);
/* The same for who changes it; keyspace_touch() takes note. */
struct instance *keyspace_change(struct key_record *rec, uint32_t rule);
struct instance *keyspace_add_instance(struct keyspace *ks, struct key_record *rec, uint32_t rule);

/* ---- keyspace_kin.c: rules that share (nfa/kin.h) ---- */

/* Their slots stand together: from *ret_first on; returns how many. */
uint32_t keyspace_kin_slots(const struct key_record *rec, uint32_t leader, uint32_t *ret_first);
/* The slot of one rule, whether it shares or not; NULL: it holds nothing. */
struct key_slot *keyspace_slot(const struct keyspace *ks, const struct key_record *rec, uint32_t rule);
/* Calls fn for each rule of the slot. */
void key_slot_each_rule(const struct keyspace *ks, const struct key_slot *slot,
                        void (*fn)(void *ctx, uint32_t rule), void *ctx);
/* Takes out of the set the places of the rules that hold something; returns how many are left. */
uint32_t keyspace_kin_absent(const struct keyspace *ks, const struct key_record *rec,
                             const struct kin *kin, uint64_t *set);
/* A new instance for the rules at these places. */
struct key_slot *keyspace_add_kin(struct keyspace *ks, struct key_record *rec,
                                  const struct kin *kin, const uint64_t *set, uint32_t n);
/* The rule at the place shares no more; the last one may go, too: keyspace_kin_settle(). */
void keyspace_kin_leave(struct keyspace *ks, struct key_slot *slot, uint32_t place);
/* What the rule keeps by itself from now on; the slots move. */
void keyspace_kin_own(struct keyspace *ks, struct key_record *rec, uint32_t rule,
                      struct instance *in);
/* Slots without a rule go; the others run with the rule that allows most. */
void keyspace_kin_settle(struct keyspace *ks, struct key_record *rec, const struct kin *kin);

/* The same for a measure; `rule`: ruleset.n_units + its index in key_table.measures. */
struct measure_state *keyspace_measure(const struct key_record *rec, uint32_t rule);
struct measure_state *keyspace_add_measure(struct keyspace *ks, struct key_record *rec,
                                           uint32_t rule, const struct measure *m);

/* After events or deadlines were applied: takes the new position, forgets empty instances, re-keys
 * the timer, notes the record as used and, when `changed`, as dirty. Returns false when the record
 * was empty and is gone. */
bool keyspace_touch(struct keyspace *ks, struct key_record *rec, struct place at, bool changed);
/* Forgets a record that keyspace_get() created for nothing. */
void keyspace_drop_if_empty(struct keyspace *ks, struct key_record *rec);

/* The earliest timer of a stage; ETIME_MAX: none. */
struct etime keyspace_next_time(const struct keyspace *ks, uint32_t stage);
/* The record whose timer is earliest and < `before`, in order of (time, key hash); *ret = NULL:
 * none. The caller fires it and calls keyspace_touch(), which re-keys the timer. */
enum err keyspace_due(struct keyspace *ks, uint32_t stage, struct etime before,
                      struct key_record **ret, struct error *err) FYKE_MUST_USE;

/* The record of a key that has a timer, loaded when it must be; NULL: there is none. */
enum err keyspace_timed(struct keyspace *ks, struct hash128 hash, struct key_record **ret,
                        struct error *err) FYKE_MUST_USE;
/* The timers of a stage that are earlier than *before, which fn may lower, in no order. */
typedef void (*keyspace_timer_fn)(void *ctx, struct etime t, struct hash128 hash);
void keyspace_timers(const struct keyspace *ks, uint32_t stage, const struct etime *before,
                     keyspace_timer_fn fn, void *ctx);

/* Every live record in order of hash, loaded when it must be (--pending, dumps, figures). */
typedef enum err (*keyspace_each_fn)(void *ctx, struct key_record *rec, struct error *err);
enum err keyspace_each(struct keyspace *ks, keyspace_each_fn fn, void *ctx,
                       struct error *err) FYKE_MUST_USE;

/* Records in memory, in no order, until fn returns false; then false. */
typedef bool (*keyspace_look_fn)(void *ctx, const struct key_record *rec);
bool keyspace_in_memory(const struct keyspace *ks, keyspace_look_fn fn, void *ctx);
/* Keys of which a rule without kin keeps something, wherever they lie. */
uint64_t keyspace_held(const struct keyspace *ks, uint32_t rule);

void keyspace_figures(struct keyspace *ks, struct keyspace_figures *ret);

/* Between two passes: without any key in memory its tables go back to what they were at the start. */
void keyspace_shrink(struct keyspace *ks);

/* ---- durable state -------------------------------------------------------------------------
 * Between two barriers, called by the thread that commits. */

/* What one shard puts into a checkpoint: operations in order of record, with the bytes. */
struct frozen_op {
    struct record_key key;
    size_t at, len; /* in frozen.bytes */
    bool del;
};
struct frozen {
    struct frozen_op *ops;
    size_t n, cap;
    struct buf bytes;
};
void frozen_release(struct frozen *f);

/* Bytes of changed records in memory: what the next checkpoint will take. */
uint64_t keyspace_dirty_bytes(const struct keyspace *ks);
/* The budget could not be kept since the last keyspace_written(). */
bool keyspace_over_budget(const struct keyspace *ks);
bool keyspace_is_dirty(const struct keyspace *ks);
/* Encodes what has changed since the last time. From here on the records count as unchanged, but
 * none leaves memory before keyspace_written() says that the store has the bytes. */
void keyspace_freeze(struct keyspace *ks, struct frozen *ret);
/* Before the store is written: lets go of the version that was read. */
void keyspace_release_version(struct keyspace *ks);
void keyspace_written(struct keyspace *ks);
/* Reads through the shard's part of the store once: checks every value, sets the timers. */
enum err keyspace_restore(struct keyspace *ks, struct error *err) FYKE_MUST_USE;

#endif
