/* The engine's durable state: opened at start, taken over, written at each commit.
 *
 *   restore.c      which state fits these rules; header → clocks, partitions, slots
 *   draining.c     old versions of rules that finish what they have open
 *   prune.c        rules that are gone leave the state
 *   handover.c     closed, or handed over to the next engine
 *   checkpoint.c   engine → header; freeze, write, tell
 *   table_state.c  the same for lists and lookups from topics
 *   value_state.c  the same for the clocks of values, in pages (clock_page.h)
 *   journaled.c, recover.c   with a journal (journaled.h)
 *
 * Without a journal the order of a commit is: alerts delivered, checkpoint, positions. So a crash
 * repeats alerts since the last checkpoint (with the same match_id) and loses none; a restart goes on
 * from the header, never from positions committed elsewhere. With one, all of it is one transaction,
 * and the database follows.
 *
 * Thread rule: the input thread's, between two barriers. */
#ifndef FYKE_ENGINE_STATE_CHECKPOINT_H
#define FYKE_ENGINE_STATE_CHECKPOINT_H

#include "engine/engine_parts.h"
#include "engine/journal/journaled.h"
#include "engine/state/header.h"
#include "engine/state/rules_apart.h"
#include "engine/state/store.h"

/* An open database that holds the last commit. */
struct engine_kept {
    struct store *store;
    uint32_t n_shards;
    struct keyspace_kept **keys; /* per shard */
    bool journaled;             /* then … */
    struct buf identity;        /* … of the log */
    struct store_origin origin; /* the same identity */
};

struct state {
    size_t told_bytes; /* of the last commit: header and pages */
    struct store *store;
    struct journaled *journaled; /* NULL: without a journal */
    struct header before; /* as found at start */
    bool found;
    bool *taken;          /* per partition of `before`: open in this run */
    struct value_clocks *clocks; /* per partition of `before`, n_clocks: as stored, until it is open */
    uint32_t n_clocks;
    struct rules_apart apart; /* as stored, or will be when the commit that is open is through */
    struct frozen unclocked; /* pages that nothing reads any more: deletions for the next commit */
    struct state_slots slots;
    uint64_t seq;         /* of the last commit */
    struct hash128 stored_rules; /* texts that the database holds, or will (rule_text_id); zero: none */
    bool taken_over;      /* dead rules dropped, shards restored */
    struct keyspace_kept **kept_keys; /* per shard, what stands for reading through the database; NULL: nothing */
    uint32_t n_kept_keys;
    struct frozen *frozen; /* per shard, then pages, between state_prepare() and state_committed() */
    bool failed;          /* what was written last is not durable: memory is ahead */
};

/* Opens options.state_dir; sets e->state. Before the shards are made: their number is the state's. Needs
 * no rules. */
enum err state_open_bare(struct engine *e, struct error *err) FYKE_MUST_USE;
/* draining.c: the set that runs is options.old_rules' answer to what is stored. */
enum err state_take_rules(struct engine *e, struct error *err) FYKE_MUST_USE;
/* Does it fit the rules? */
enum err state_fit(struct engine *e, struct error *err) FYKE_MUST_USE;
/* draining.c, at a commit: old versions that have nothing open any more leave the state. */
void state_note_drained(struct engine *e);
/* Clocks and shards as they were. */
enum err state_restore(struct engine *e, struct error *err) FYKE_MUST_USE;
/* Clocks of values (`watermark per`) as they are stored; damage is ERR_CORRUPT. */
enum err state_load_clocks(struct engine *e, struct error *err) FYKE_MUST_USE;
/* … of a partition that is open from now on; `i` is its number in `before`. */
void state_take_clocks(struct state *s, uint32_t i, struct partition *p);
/* What of them has changed since the last commit; before the header is described. */
void state_freeze_clocks(struct engine *e, struct frozen *out);
void state_drop_clocks(struct state *s);
/* Lists and lookups from topics: into the header (table_state.c) … */
void state_describe_tables(const struct engine *e, struct header *h);
/* … and, once their topics are read, a line for each that is not what it was. */
void state_compare_tables(const struct engine *e);
/* The state was written under another rule set, and nothing under this one yet. */
bool state_switches(const struct engine *e);
/* A partition that has just been opened, as it was. */
void state_restore_partition(struct engine *e, struct partition *p);
/* Of options.kept: the database and what is known of it become the engine's. */
void state_take_kept(struct engine *e, struct engine_kept *k);
/* The database is written without the shards: it is to be read through. */
void state_drop_kept_keys(struct state *s);
/* With a journal, what is committed goes into the database, unless `abandon` (tests: a crash). */
void state_close(struct engine *e, bool abandon);

/* For recover.c: how the directory is opened; does a header fit this run; the header of the database
 * becomes `before`. */
struct store_options state_store_options(const struct engine *e);
enum err state_check_header(const struct engine *e, const struct header *h,
                            struct error *err) FYKE_MUST_USE;
enum err state_take_header(struct engine *e, struct error *err) FYKE_MUST_USE;
/* … and what stands apart from it, once the shards are open. */
enum err state_take_rules_apart(struct engine *e, struct error *err) FYKE_MUST_USE;
/* prune.c: what belonged to rules that no slot is left for leaves the state, whose rules are those of
 * the run from then on. Before anything is restored. */
enum err state_drop_dead_rules(struct engine *e, struct error *err) FYKE_MUST_USE;

/* Nobody drops it: its rule goes on. */
bool state_slot_stays(const struct engine *e, const struct record_slot *slot);
/* Topics, declarations and slots of the header are those of the rules that run. */
void state_describe_rules(const struct engine *e, struct header *h);
/* A stored clock is that of the group. */
bool header_clock_is(const struct header_clock *h, const struct clock_group *def);

/* Doing so has something to write. */
bool state_writes_at_start(const struct engine *e);

/* Everything since the last one is written; without a journal it is durable then, with one when the
 * transaction that *ret becomes part of is through. */
enum err state_prepare(struct engine *e, struct journal_task *ret, struct error *err) FYKE_MUST_USE;
/* It is durable. */
void state_committed(struct engine *e, const struct journal_task *done);
/* It never will be. */
void state_drop_frozen(struct engine *e);
/* Changed records take so much of the budget that they should go out now. */
bool state_presses(struct engine *e);
/* Something has changed since the last checkpoint. */
bool state_is_dirty(const struct engine *e);
/* Says once when the budget cannot be kept. */
void state_watch_budget(struct engine *e);

/* Where reading must go on after a crash now, per partition (B): partition.restart. */
void checkpoint_restarts(struct engine *e);

#endif
