/* The inside of struct engine, for the files that implement engine.h:
 *   engine.c   life cycle                 intake.c   records → order buffers
 *   process.c  release → shards → alerts  idle.c     partitions that say nothing
 *   feed.c     what shards get, by level  task_set_run.c  the loop of a run
 *   commit.c   deliver, checkpoint, positions        summary.c, carry.c  figures
 *   checkpoint.c, restore.c   durable state (checkpoint.h)
 * Private to engine/. */
#ifndef FYKE_ENGINE_ENGINE_PARTS_H
#define FYKE_ENGINE_ENGINE_PARTS_H

#include "base/arena.h"
#include "engine/engine.h"
#include "engine/feed.h"
#include "engine/keys/key.h"
#include "engine/out/out_order.h"
#include "engine/shard.h"
#include "engine/slices.h"
#include "engine/tables/tables.h"
#include "engine/time/clock_group.h"
#include "engine/time/event_block.h"
#include "engine/time/partition.h"
#include "engine/wanted.h"
#include "engine/worker.h"

#define ENGINE_DEFAULT_SHARDS 16

/* What one thread decodes with. Lane 0 is the input thread's. */
struct decode_lane {
    struct decoder *decoder;
    struct event_blocks blocks;
};

/* A record decoded ahead of its turn; its block is held until then. */
struct decoded_record {
    struct decoded decoded;
    struct event_block *block;
};

/* Events that a pass holds, of one block one after the other. */
struct held_block {
    struct event_block *block;
    uint64_t n;
};

/* Clock groups that read a topic. */
struct topic_groups {
    uint32_t *groups;
    uint32_t n;
};

struct engine {
    const struct ruleset *rs;
    struct engine_options options;
    struct arena arena; /* tables that live as long as the engine */
    struct slice *evidence_fields;
    struct alert_options alerts;

    struct partition **partitions; /* owned, in order of opening */
    size_t n_partitions, cap_partitions;
    struct partition *last_used; /* records come in runs of one partition */
    struct clock_state *clocks;  /* per clock group */
    struct topic_groups *topic_groups;

    struct decode_lane *lanes; /* one per thread */
    uint32_t n_lanes;
    struct decoded_record *decoded; /* of a batch */
    size_t cap_decoded;
    struct tables *tables; /* lists and lookups in force */
    struct key_table keys;
    struct wanted wanted;
    bool shows_all;      /* somebody looks at every event that comes to a key */
    bool plain_intake;   /* nobody is told of single events on their way in, and none is kept for a restart */
    bool reads_once;     /* nothing is read again, nor told of: what no rule wants need not wait for its turn */
    struct key_eval key_eval; /* its arena holds the keys of one pass */

    struct shard *shards;
    uint32_t n_shards;
    struct workers *workers;
    struct etime *fire_before;   /* of the pass, per clock group */
    struct etime *history_begin; /* of the pass, per clock group */
    struct etime *watermark;     /* of the pass, per clock group */
    bool *in_order;              /* per clock group: nothing comes behind the clock */
    struct feed *feeds;          /* of the pass, per clock group */
    struct held_block *held;     /* blocks of the events in this pass */
    size_t n_held, cap_held;

    struct spill spill;
    bool said_spilled;
    uint64_t clock_holds, position_holds;
    uint64_t pauses; /* partitions held back, so far */
    struct slices slices;
    bool more; /* the last pass left deadlines that are due; the clocks stand still until they fired */
    struct out_order out;
    bool hold_back; /* bounded run: alerts leave in the order of the whole run */
    struct source *source;
    struct sink *sink;
    struct ptime last_commit;
    uint64_t fired_before_commit; /* of engine_fired() */
    bool dirty; /* records read since the last commit */
    bool alert_waits; /* for the next commit */
    const volatile sig_atomic_t *stop; /* of the run; NULL: none */
    bool asked_to_stop, has_stopped;   /* engine_ask_stop() */
    bool prepares; /* engine_prepare_stop(): a commit is wanted */
    const struct ruleset *renewed;     /* contents to be taken at the next commit; NULL: none */
    struct slice renewed_texts;
    struct slice rule_texts;           /* of the set in force */
    struct hash128 texts_id;           /* of the two: rule_text_id() */
    struct hash128 fingerprint;        /* of the rule set in force, its lists included */
    bool *drained;                     /* per old version: it has nothing open any more */
    uint32_t n_drained;

    struct state *state;                  /* checkpoint.h; NULL: memory only */
    struct partition_position *positions; /* of engine_positions() */
    bool said_over_budget;

    /* Counters of engine_summary. */
    uint64_t records, events, evaluated, late, after_idle, tombstones, unclaimed, repeated;
    uint64_t invalid[INVALID_REASON_COUNT];
    uint64_t bad_values, missing_key, misplaced, outside, derived, undecided;
    uint64_t *rule_alerts, *rule_shadow;
    uint64_t alerts_total, checkpoints, checkpoint_bytes, commits, commit_bytes, pending;
    uint64_t restored, followed;
    struct nfa_counters nfa_before;   /* of earlier lives */
    struct engine_carried *at_commit; /* counters as of the last commit; with a journal */
    uint32_t invalid_shown; /* invalid records that were shown on the log */
    struct partition_summary *partition_summaries;
    struct table_standing *table_summaries;
};

struct ptime engine_now(const struct engine *e);
void engine_say(const struct engine *e, const char *fmt, ...) FYKE_PRINTF(2, 3);
void engine_say_with(const struct engine_options *o, const char *fmt, ...) FYKE_PRINTF(2, 3);

/* NULL: not open. */
struct partition *engine_find_partition(struct engine *e, uint32_t topic, int32_t partition);
/* The last one that was found or opened. */
static inline bool engine_used_last(const struct engine *e, uint32_t topic, int32_t partition)
{
    const struct partition *p = e->last_used;
    return p != NULL && p->topic->index == topic && p->id == partition;
}
/* Opens a partition; the clock groups of its topic wait for it from now on. */
struct partition *engine_open_partition(struct engine *e, const struct source_partition *sp);

/* For a task that is restored on a thread of its own: takes over what was stored, unless that means to
 * write to the journal; then engine_begin() does it. */
enum err engine_restore(struct engine *e, struct error *err) FYKE_MUST_USE;
/* Instead of the one that it was restored with. */
void engine_set_journal(struct engine *e, struct journal *j);
/* An old version, or a copy of it, that has left the state. */
bool engine_has_drained(const struct engine *e, const struct rule *rule);

void engine_note_first_offsets(struct engine *e, const struct source_partition *parts, uint32_t n);
/* engine_renew_tables() */
enum err engine_take_renewed(struct engine *e, struct error *err) FYKE_MUST_USE;

/* keyed.c, in a group: of several instances, do the events of a record belong to this task? ERR_STATE: too many of
 * the partition do not. */
enum err engine_check_keys(struct engine *e, struct partition *p, const struct record *r,
                           struct event *const *events, uint32_t n,
                           struct error *err) FYKE_MUST_USE;
/* No rule of them wants an event: their counters have it nevertheless. */
void engine_count_unwanted(struct engine *e, const struct wanted_ask *ask);
/* Of an event that is released at this time: its group need not see it, for no rule of it wants it, its history has
 * begun, and its clock would not refuse it. `ask`: of the group and the event's declaration. */
static inline bool engine_passes_by(const struct engine *e, const struct clock_state *c, struct wanted_ask *ask,
                                    const struct event *event, struct etime time)
{
    return e->reads_once && c->has_history && time.ns == event->time.ns && time.ns >= c->limit.time.ns &&
           (time.ns > c->limit.time.ns || place_cmp(place_of(event), c->limit) >= 0) && !wanted_ask(ask, event);
}
/* A record that is not evaluated. */
enum err engine_refuse(struct engine *e, enum refused_why why, const char *reason,
                       const struct record *r, struct error *err) FYKE_MUST_USE;
/* A copy of the event's record, in its block, if a key may have passed its place; else NULL. */
const struct record *engine_keep_record(const struct engine *e, const struct order_item *item,
                                        const struct record *r);
enum err engine_sync_refused(const struct engine *e, struct error *err) FYKE_MUST_USE;
/* The clock has passed the event's key: counted, and its record reported. */
enum err engine_refuse_passed(struct engine *e, const struct event *ev, const struct record *kept,
                              struct error *err) FYKE_MUST_USE;
/* Bytes of events that wait. */
size_t engine_buffered_bytes(const struct engine *e);

/* Releases and evaluates everything that is in order; alerts gather in e->out. Where many deadlines
 * are due, one slice of it (e->more): the next call goes on. A commit may stand in between. */
enum err engine_release(struct engine *e, struct error *err) FYKE_MUST_USE;
/* Times so far that deadlines or expiries of a key were due. */
uint64_t engine_fired(const struct engine *e);
/* Goes on until nothing is left of what the clocks allow. */
enum err engine_drain(struct engine *e, struct error *err) FYKE_MUST_USE;
/* Writes alerts: those that are safe, or all. */
enum err engine_write_alerts(struct engine *e, bool all, struct error *err) FYKE_MUST_USE;
/* engine_process(), with commits between slices of deadlines where they are due; ends early when
 * *stop becomes non-zero. */
enum err engine_process_slices(struct engine *e, const volatile sig_atomic_t *stop,
                               struct error *err) FYKE_MUST_USE;
struct journal_task;
/* With a journal (engine/journal/journal.h): a commit in two steps, around that of the journal. */
enum err engine_prepare_commit(struct engine *e, struct journal_task *ret,
                               struct error *err) FYKE_MUST_USE;
enum err engine_settle_commit(struct engine *e, const struct journal_task *done,
                              struct error *err) FYKE_MUST_USE;
/* It is time to commit. */
bool engine_commit_due(struct engine *e);
/* An alert is written that nobody can read before the next commit: where the input has been read to its end it
 * need not wait for the time of one. False: none waits; else *ret is how long it should at most. */
bool engine_alert_waits(const struct engine *e, struct duration *ret);
/* engine_prepare_stop(): in front of a batch, so that evaluation goes on between this commit and the stop. */
enum err engine_take_preparation(struct engine *e, struct error *err) FYKE_MUST_USE;
/* Commits when it is time to. */
enum err engine_keep_pace(struct engine *e, struct error *err) FYKE_MUST_USE;
/* Counts (and with --pending reports) what waits for deadlines. */
enum err engine_gather_pending(struct engine *e, struct error *err) FYKE_MUST_USE;

/* carry.c: what the last commit counted; counters that go on from an earlier life. */
void engine_note_counters(struct engine *e);
void engine_begin_counters(struct engine *e);
void engine_begin_partition_counters(const struct engine *e, struct partition *p);
void engine_nfa_counters(const struct engine *e, struct nfa_counters *ret);
void engine_partition_summary(const struct partition *p, struct partition_summary *ret);

/* A record of this partition has come / its end was reached. */
static inline void idle_note_record(struct engine *e, struct partition *p)
{
    p->at_end = p->idle = p->ended = false;
    if (p->topic->idle_after.ns > 0 && !e->hold_back) {
        p->quiet_since = engine_now(e);
    }
}
void idle_note_end(struct engine *e, const struct partition_position *at);
void idle_note_lost_end(struct engine *e, const struct partition_position *at);
/* Lets partitions go that have been silent for long enough; names those that hold the clock. */
void idle_check(struct engine *e);
/* Behind a commit: names the events that hold the position of a restart for long (position.c). */
void position_check(struct engine *e);
/* Holds partitions back that are far ahead while what waits is over its budget; what does not fit
 * nevertheless goes to disk. */
enum err engine_balance(struct engine *e, struct error *err) FYKE_MUST_USE;
/* The second half of it. */
enum err engine_spill(struct engine *e, struct error *err) FYKE_MUST_USE;

#endif
