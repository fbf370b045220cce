/* The inside of a keyspace. Private to keyspace*.c and evict.c.
 *
 *   table ── entry ── record (or NULL: evicted, only its timer is here)
 *
 * An evicted record without a timer has no entry: it is `unlisted`, the store alone knows it. */
#ifndef FYKE_ENGINE_KEYS_KEYSPACE_PARTS_H
#define FYKE_ENGINE_KEYS_KEYSPACE_PARTS_H

#include "base/arena.h"
#include "base/short_lz.h"
#include "engine/keys/entry_table.h"
#include "engine/keys/key_entries.h"
#include "engine/keys/keyspace.h"

/* In order of heap; a look at the times of one level of children touches one cache line or two. */
struct key_timers {
    struct etime *times;
    uint32_t *numbers; /* of entries */
    size_t n, cap;
};

/* keyspace_pack.c: blocks by classes of 8 bytes. */
#define KEY_PACKED_CLASSES 260
struct packed_chunk;
struct packed_hole;
struct packed_memory {
    struct packed_hole *holes[KEY_PACKED_CLASSES];
    struct packed_chunk *chunks;
    char *at; /* of the newest chunk, what is left of it */
    size_t left;
    size_t live_bytes;
};

/* Entries and timers, which may outlive a keyspace: of an entry of a life before only the record's timer is
 * known, its record is no more in memory. */
struct key_index {
    struct key_entries entries;
    struct entry_table table; /* of their numbers */
    struct key_timers *heaps;
    uint32_t n_heaps; /* a stage has one (keyspace.heap_of_stage); of stages before some may be left, empty */
    size_t timer_bytes;
    uint8_t life;
    struct packed_memory memory; /* of records that rest */
    struct short_lz_dict alike;  /* by which they are packed */
    size_t n_packed;
    uint32_t hand; /* entry at which the next one to evict is looked for */
};

/* Segments of one slot that stand in the store by themselves. */
struct stored_slot {
    uint32_t slot;
    uint32_t n;
    uint64_t first;
};

/* A rule with the slot that holds what it keeps. */
struct rule_slot {
    uint32_t rule;
    struct key_slot *slot;
};

struct record_list {
    struct key_record *oldest, *newest;
};

struct keyspace {
    struct keyspace_options options;
    struct pool pool;
    struct key_index index;
    uint16_t *heap_of_stage;
    struct record_list clean, dirty; /* but … */
    struct record_list heavy;        /* … of those that could rest, what does not: with a store of the clean */
    uint64_t n_uses;

    /* Live keys, wherever they lie. */
    uint64_t n_records, n_instances, n_events;
    uint64_t *held; /* per unit without kin: instances, wherever they lie */
    uint64_t n_unlisted;
    uint64_t outside;      /* bytes held by records, but not in the pool */
    uint64_t dirty_memory; /* of changed records, as if no event were shared */
    uint64_t n_evicted, n_loaded, n_rested, n_woken;
    bool over_budget;
    bool writing; /* between keyspace_freeze() and keyspace_written() */

    /* NULL without a store. */
    struct store_reader *reader;
    struct nfa_scratch *scratch; /* made when something is loaded first */
    struct arena values;         /* key values while a record is being loaded */
    struct record_slots decoded;
    struct rule_slot *by_rule; /* of the record that is being frozen */
    size_t n_by_rule, cap_by_rule;
    struct buf raw, packed; /* of a record that goes to rest, or wakes */
    struct stored_slot *woken; /* what the store has of it apart */
    size_t n_woken_slots, cap_woken_slots;
    struct buf segment;     /* that is being put into a head */
};

static inline uint64_t key_index_bytes(const struct key_index *x)
{
    return x->entries.n * sizeof(struct key_entry) + entry_table_bytes(&x->table) + x->timer_bytes +
           x->memory.live_bytes;
}
/* What the budget is about. */
static inline uint64_t keyspace_memory(const struct keyspace *ks)
{
    return ks->pool.live_bytes + key_index_bytes(&ks->index) + ks->outside;
}
/* Of that, what records are built of. */
static inline uint64_t keyspace_built_memory(const struct keyspace *ks)
{
    return ks->pool.live_bytes + ks->outside;
}

/* NULL: it is not in memory. */
static inline struct key_record *key_entry_record(const struct keyspace *ks, const struct key_entry *e)
{
    return e != NULL && !e->rests && e->life == ks->index.life ? e->rec : NULL;
}

/* ---- keyspace_index.c --------------------------------------------------------------------- */

void key_index_init(struct key_index *x, uint32_t n_heaps);
void key_index_release(struct key_index *x);
/* Without an entry it goes back to what it was at the start. */
void key_index_shrink(struct key_index *x);
struct key_entry *keyspace_entry(const struct keyspace *ks, struct hash128 hash);
struct key_entry *keyspace_add_entry(struct keyspace *ks, struct hash128 hash,
                                     uint32_t stage);
void keyspace_drop_entry(struct keyspace *ks, struct key_entry *e);

/* ---- keyspace.c --------------------------------------------------------------------------- */

/* A record in memory with nothing in it, in no list. NULL: its entry is made. */
struct key_record *keyspace_new_record(struct keyspace *ks, const struct key_ref *ref, struct key_entry *e);
/* Of all records, what does not lie in the pool; only that and the index are to be released then. */
void keyspace_free_outside(struct keyspace *ks);
/* Its memory; entry and lists know it no more. */
void keyspace_free_record(struct keyspace *ks, struct key_record *rec);
/* First slot whose leader is not below it. */
uint32_t key_record_place(const struct key_record *rec, uint32_t leader);
/* Adds an instance's place; the caller counts it. */
struct key_slot *keyspace_insert_slot(struct keyspace *ks, struct key_record *rec, uint32_t rule);
/* Takes the record's memory anew. */
void keyspace_weigh(struct keyspace *ks, struct key_record *rec);

/* ---- keyspace_kin.c ----------------------------------------------------------------------- */

/* The leader of the rule's kin, or the rule. */
uint32_t keyspace_leader(const struct keyspace *ks, uint32_t rule);
bool keyspace_has_kin(const struct keyspace *ks, uint32_t rule);
/* Puts every rule of the record with its slot into ks->by_rule, ascending by rule. */
void keyspace_list_rules(struct keyspace *ks, const struct key_record *rec);
/* What was loaded for a rule: shares the instance of kin that is the same, or becomes a slot. */
void keyspace_kin_join(struct keyspace *ks, struct key_record *rec, struct key_slot *loaded);

/* ---- keyspace_timers.c -------------------------------------------------------------------- */

void key_timers_release(struct key_index *x);
void keyspace_set_timer(struct keyspace *ks, struct key_entry *e, struct etime t);

/* ---- evict.c ------------------------------------------------------------------------------ */

void record_list_add(struct record_list *l, struct key_record *rec);
void record_list_remove(struct record_list *l, struct key_record *rec);
/* By what it is now. */
void keyspace_enlist(struct keyspace *ks, struct key_record *rec);
void keyspace_delist(struct keyspace *ks, struct key_record *rec);
/* Moves the record to the newest end of the list it belongs to. */
void keyspace_used(struct keyspace *ks, struct key_record *rec);
void keyspace_mark_dirty(struct keyspace *ks, struct key_record *rec);
/* Lets records go until the budget is kept, as far as that is possible; of it those that are built have a part. */
#define KEYSPACE_BUILT_SHARE 4
void keyspace_evict_now(struct keyspace *ks);
static inline void keyspace_evict(struct keyspace *ks)
{
    uint64_t budget = ks->options.memory_bytes;
    if (budget != 0 &&
        (keyspace_built_memory(ks) > budget / KEYSPACE_BUILT_SHARE || keyspace_memory(ks) > budget)) {
        keyspace_evict_now(ks);
    }
}
/* What it stands for is in the store alone. */
void keyspace_unlist(struct keyspace *ks, struct key_entry *e);

/* ---- keyspace_pack.c ---------------------------------------------------------------------- */

void packed_memory_release(struct packed_memory *m);
/* The record used longest ago goes to rest, or takes its turn again; false: there is none that may. */
bool keyspace_rest_oldest(struct keyspace *ks);
/* Builds it anew. */
enum err keyspace_wake(struct keyspace *ks, struct key_entry *e, struct key_record **ret,
                       struct error *err) FYKE_MUST_USE;
/* Only the store has it. False: nothing rests. */
bool keyspace_evict_packed(struct keyspace *ks);
void keyspace_drop_packed(struct keyspace *ks, struct key_entry *e);

/* ---- keyspace_store.c --------------------------------------------------------------------- */

/* What is committed under a key, wherever it lies below memory. */
enum err keyspace_read(struct keyspace *ks, const struct record_key *key, struct slice *ret,
                       bool *found, struct error *err) FYKE_MUST_USE;
/* *ret = NULL: there is none. */
enum err keyspace_load(struct keyspace *ks, struct hash128 hash, struct key_record **ret,
                       struct error *err) FYKE_MUST_USE;
void keyspace_free_stored(struct keyspace *ks, struct key_record *rec);
/* The store has the record's head, and these segments apart from it. */
void keyspace_note_stored(struct keyspace *ks, struct key_record *rec, const struct stored_slot *apart,
                          uint32_t n);
/* … those that its head says. */
void keyspace_note_head(struct keyspace *ks, struct key_record *rec, const struct record_head *head);
/* STATE_NO_RULE: none has it. */
uint32_t keyspace_rule_of_slot(const struct keyspace *ks, uint32_t slot);
/* A record of its stored form, in no list; segments that stand apart are read from below. */
enum err keyspace_build(struct keyspace *ks, const struct record_key *key, const struct record_head *head,
                        struct key_record **ret, struct error *err) FYKE_MUST_USE;
/* NULL: none has such slots. */
const struct key_group *keyspace_head_group(const struct keyspace *ks, const struct record_head *head);
enum err keyspace_damaged(const struct record_key *key, const char *why, struct error *err);
/* NULL: no rule has such keys. */
const struct key_group *keyspace_group(const struct keyspace *ks, struct hash128 identity);

/* ---- keyspace_freeze.c -------------------------------------------------------------------- */

/* The head of a record as it is now, of ks->by_rule; its slots lie in ks->decoded, what they hold in `bytes`.
 * All segments stand in it if they take at most `max_inside` bytes together. Returns whether they do. */
bool keyspace_head_of(struct keyspace *ks, const struct key_record *rec, size_t max_inside,
                      struct buf *bytes, struct record_head *ret);

/* ---- keyspace_restore.c ------------------------------------------------------------------- */

/* Hashes of the records that only the store knows, appended. */
struct hash_list {
    struct hash128 *items;
    size_t n, cap;
};
enum err keyspace_unlisted(struct keyspace *ks, struct hash_list *ret,
                           struct error *err) FYKE_MUST_USE;

#endif
