/* The engine: records in, alerts out.
 *
 * An event's way is straight:
 *   source → decode.c → order.c (lateness, total order, clock groups) → key.c → shard.c (state,
 *   automata, timers) → emit.c (alerts) → sink → commit.c (checkpoint, then offsets)
 *
 * The input thread runs everything up to the shards; shards are owned by worker threads and work
 * between two barriers. Same input and rules give the same bytes for any number of threads. */
#ifndef FYKE_ENGINE_ENGINE_H
#define FYKE_ENGINE_ENGINE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "engine/decode/decode.h"
#include "engine/io.h"
#include "engine/tables/tables.h"
#include "engine/time/event_block.h"
#include "nfa/eval_env.h"
#include "nfa/rule.h"
#include "nfa/state.h"

struct engine;

/* What happens to the watermark when a bounded input ends. */
enum watermark_end {
    END_DEFAULT, /* per rule: least over its sources of (largest time read − bound) */
    END_AT,      /* on to watermark_end_at */
    END_FLUSH,   /* to the end of time */
};

/* Processing time comes from outside (base/clock.h). */
struct engine_clock {
    struct ptime (*now)(void *ctx);
    void *ctx;
    /* Wall clock, for the times of log lines. The engine never asks. */
    struct etime (*wall)(void *ctx);
};

/* Diagnostics of a run for stderr: one line each, already worded, perhaps behind its level
 * (base/say.h). Never payloads. */
typedef void (*engine_log)(void *ctx, const char *line);

/* What a run tells whoever looks after the process, on the input thread: that reading begins (state
 * restored, positions known), then between any two batches, then that nothing more is read. Waiting
 * inside a commit is a sign of life in any of them and no place to change anything. */
enum engine_phase {
    ENGINE_READY,
    ENGINE_RUNNING,
    ENGINE_STOPPING,
    ENGINE_WAITING,
    ENGINE_STANDING, /* between two batches of a task set that has no task yet */
};
typedef void (*engine_beat)(void *ctx, enum engine_phase phase);

/* Records that were not evaluated, for a dead-letter or late sink. */
enum refused_why { REFUSED_INVALID, REFUSED_LATE, REFUSED_AFTER_IDLE };
typedef enum err (*engine_refused)(void *ctx, enum refused_why why, const char *reason,
                                   const struct record *r, struct error *err);

/* A part of event time (replay): only events of [from, before) are evaluated. The others say how far
 * time has come and what is late, as they always do. Leading absences look back to `from` at most. */
struct engine_range {
    struct etime from, before;
};

/* What becomes of a valid event when it is read. */
enum event_fate { FATE_EVALUATED, FATE_OUTSIDE, FATE_LATE };
/* Every valid event, on the input thread, in the order of reading; `r`: its record, NULL if pushed as
 * an event; of engine_run() with its headers only where rules or `refused` want them. */
typedef void (*engine_observer)(void *ctx, enum event_fate fate, const struct event *e,
                                const struct record *r);

/* Every event that is given to a key of rules, on the input thread; events of a key come in order. */
struct key_group;
typedef void (*engine_keyed)(void *ctx, const struct key_group *g, const struct value *values,
                             const struct event *e);

/* Who knows the rules of the state: old versions of rules finish what they have open (nfa/rule_link.h). */
struct engine_old_rules {
    /* At the opening, when there is a state, last written under `texts` (empty: none are stored) with that
     * fingerprint: which set runs in place of the one given, with old versions beside its rules. */
    const struct ruleset *(*open)(void *ctx, struct slice texts, struct hash128 fingerprint);
    /* At a commit: this old version of that set has nothing open any more. */
    void (*drained)(void *ctx, const struct rule *rule);
    /* What is stored under this fingerprint from now on; borrowed until the next call. */
    struct slice (*texts)(void *ctx, struct hash128 fingerprint);
    void *ctx;
};

struct journal;
struct engine_carried;

struct engine_options {
    const char *app;             /* names the state; default "fyke" */
    const char *state_dir;       /* NULL: memory only */
    /* Exactly once (engine/journal/journal.h): commits go there, the state directory is a copy that follows.
     * NULL: at least once. Borrowed; the engine opens it, the owner closes it. */
    struct journal *journal;
    struct slice rule_texts; /* stored beside the state (engine_stored_rules()); empty: nothing is */
    const struct engine_old_rules *old_rules; /* NULL: what is open of changed rules is dropped */
    /* Several tasks share a process (engine/tasks/task_set.h): this one is that number, with a part of the
     * changelog of its own; the journal is open already, and commits are made for all tasks at once,
     * by whoever owns them. */
    bool in_group;
    uint32_t task;
    enum err (*commit)(void *ctx, struct error *err);
    void *commit_ctx;
    const struct engine_carried *carried; /* counters of earlier lives of the run; may be NULL */
    size_t overlay_bytes; /* bound of what is committed and not in the copy; 0: half of memory_bytes */
    struct duration checkpoint_every; /* of the copy, processing time; default 5 s */
    size_t recovery_batch_bytes; /* read from the changelog before they are written; 0: half of memory_bytes */
    size_t state_map_bytes;      /* upper bound of its file; 0: 64 GiB (sparse) */
    bool reset_state;            /* delete what it holds */
    uint32_t threads;            /* -j, at least 1 */
    uint32_t shards;             /* 0: 16; fixed when the state is created */
    size_t memory_bytes;         /* budget of the hot index over the state; default 512 MiB */
    size_t buffer_bytes;         /* budget of the order buffer; more waits on disk */
    const char *scratch_dir;     /* for that; NULL: the state directory, or /tmp */
    uint32_t slice;              /* deadlines per pass; 0: 10,000 */
    struct duration commit_every; /* processing time between commits; default 1 s */
    enum watermark_end watermark_end;
    struct etime watermark_end_at;
    bool partitions_join;        /* some open with their first record, which may stand behind the clock */
    bool pending;                /* --pending */
    bool shadow;                 /* deliver alerts of rules in status shadow */
    bool show_derived;           /* a match that only derives events leaves a line too (tests) */
    bool emit_only;              /* nobody reads more of an alert's text than `emit` */
    bool strict;                 /* first invalid record is fatal (ERR_INPUT) */
    uint32_t max_evidence;       /* per step; default 100 */
    const char *evidence_fields; /* "a,b", "*" or NULL */
    struct nfa_limits nfa;
    struct decode_limits decode;
    struct engine_clock clock;
    engine_log log;
    void *log_ctx;
    engine_refused refused;      /* may be NULL */
    void *refused_ctx;
    const struct engine_range *range; /* NULL: all of event time; must outlive the engine */
    engine_observer observe;          /* may be NULL */
    void *observe_ctx;
    engine_keyed keyed;               /* may be NULL */
    void *keyed_ctx;
    engine_beat beat;            /* of engine_run(); may be NULL */
    void *beat_ctx;
    /* At a commit: what was refused so far is delivered when it returns. May be NULL. */
    enum err (*refused_sync)(void *ctx, struct error *err);
    /* Lists, lookups, addresses (engine/tables/tables.h). */
    const struct table *const *given_tables; /* instead of the rule set's; NULL: none */
    struct table_feed *const *table_feeds;   /* one per topic that a table comes from */
    uint32_t n_table_feeds;
    const struct geoip *geoip;               /* NULL: none */
    struct hash128 geoip_identity;
    /* The state was written under other rules, which these take the place of: may they? NULL: yes. On the
     * thread that opens the engine. */
    enum err (*may_switch)(void *ctx, struct hash128 stored, struct error *err);
    void *may_switch_ctx;
    const struct profiles_given *given; /* tests: instead of following events; NULL */
    const struct table_watch *table_watch; /* looks on while lists and lookups are asked; with one thread; NULL */
    struct engine_kept *kept;    /* engine_keep(): instead of state_dir and journal being opened; taken over */
    /* What an engine kept that has met the state of this one (engine_meet()): becomes part of it for rules that
     * are new, in the commit that makes the rules others. Borrowed. NULL: none. */
    struct engine_kept *warmed;
    struct fault *fault;         /* tests: fault point to die at; NULL */
};

void engine_options_init(struct engine_options *o);

/* `rs` must outlive the engine. Opens (and locks) the state directory; what rules that are not in `rs`
 * had kept is dropped when the engine begins. */
enum err engine_new(const struct ruleset *rs, const struct engine_options *o,
                    struct engine **ret, struct error *err) FYKE_MUST_USE;
/* With a journal, brings the state directory to the last commit. */
void engine_free(struct engine *e);
/* The same as a crash would leave it: nothing more is written (tests). */
void engine_abandon(struct engine *e);
/* After ERR_ABORTED: the counters as of the last commit, for the next life (options.carried). NULL:
 * none yet. */
struct engine_carried *engine_carry(struct engine *e);
void engine_carried_free(struct engine_carried *c);

/* Runs until the source is finished or *stop becomes non-zero; then everything released is
 * evaluated, delivered and checkpointed. */
enum err engine_run(struct engine *e, struct source *source, struct sink *sink,
                    const volatile sig_atomic_t *stop, struct error *err) FYKE_MUST_USE;

/* During options.beat: the run ends at the next commit, before anything else is read, and
 * engine_has_stopped() tells that end from the others. A new engine goes on from there. */
void engine_ask_stop(struct engine *e);
bool engine_has_stopped(const struct engine *e);
/* During options.beat: a commit is made soon, with a journal a checkpoint as well, so that little is left to
 * write at the stop; engine_is_prepared() tells when that is done, or need not be. */
void engine_prepare_stop(struct engine *e);
bool engine_is_prepared(const struct engine *e);

/* The state of an engine that has stopped, left open for the next one; free the engine afterwards. NULL: it
 * cannot be; engine_free() closes it. */
struct engine_kept;
struct engine_kept *engine_keep(struct engine *e);
/* The header of its last commit. */
enum err engine_kept_header(struct engine_kept *k, struct buf *ret, struct error *err) FYKE_MUST_USE;
/* Closes what no engine took over. */
void engine_kept_free(struct engine_kept *k);
/* During options.beat: lists and lookups that come from files have the contents of `rs` from the next
 * commit on. Its rules are the same, its fingerprint is the one in force, and `texts` stand in place of
 * options.rule_texts. Borrowed until the next beat after the one at which others are given. */
void engine_renew_tables(struct engine *e, const struct ruleset *rs, struct slice texts);

/* The texts of the rule set under which a state was written last, appended to `ret`, and its
 * fingerprint; brings the directory to the journal's last commit. *found = false: there are none. */
enum err engine_stored_rules(const struct engine_options *o, struct buf *ret,
                             struct hash128 *fingerprint, bool *found,
                             struct error *err) FYKE_MUST_USE;

/* ---- stepwise use: the library, inline tests ---------------------------------------------- */

/* Lists and lookups from topics as they are now; before engine_begin(), where there are options.table_feeds. */
enum err engine_load_tables(struct engine *e, struct error *err) FYKE_MUST_USE;
/* Opens partitions and positions without a source. */
enum err engine_begin(struct engine *e, const struct source_partition *parts, uint32_t n,
                      struct sink *sink, struct error *err) FYKE_MUST_USE;
/* Judges lateness and buffers. */
enum err engine_push(struct engine *e, const struct record *r, struct error *err) FYKE_MUST_USE;
/* The same for many; several threads decode. */
enum err engine_push_batch(struct engine *e, const struct record *records, uint32_t n,
                           struct error *err) FYKE_MUST_USE;
/* Pushes an event that is already decoded (inline tests: required fields may be missing). */
enum err engine_push_event(struct engine *e, const struct event *event,
                           struct error *err) FYKE_MUST_USE;
/* The same for many that stand in a block, as decoding leaves them, which the caller keeps until the engine
 * is freed: they are not copied. */
enum err engine_push_held(struct engine *e, struct event *const *events, uint32_t n, struct event_block *block,
                          struct error *err) FYKE_MUST_USE;
/* Releases what is in order now, evaluates it, hands alerts to the sink. */
enum err engine_process(struct engine *e, struct error *err) FYKE_MUST_USE;
/* Event time moves on to at least T for every clock group, as if every partition had said so. */
enum err engine_advance(struct engine *e, struct etime t, struct error *err) FYKE_MUST_USE;
/* Instead of what the options say; before engine_finish(). */
void engine_set_watermark_end(struct engine *e, enum watermark_end end, struct etime at);
/* End of bounded input, by options.watermark_end. */
enum err engine_finish(struct engine *e, struct error *err) FYKE_MUST_USE;
/* Alerts delivered, state checkpointed, source committed. */
enum err engine_commit(struct engine *e, struct error *err) FYKE_MUST_USE;

/* Where reading goes on after a restart: the first offset needed per partition, for those that the
 * state knows. Valid until the next call. engine_run() tells its source by itself. */
uint32_t engine_positions(struct engine *e, const struct partition_position **ret);

/* Between two calls: other content for lists and lookups that come from files; per table of the
 * rule set, NULL keeps it. The content is borrowed as long as it is in force. */
void engine_swap_tables(struct engine *e, const struct table *const *content);

/* ---- looking (look.c): between two batches; nothing that is evaluated later depends on it ---- */

/* A rule for a key. */
struct engine_standing {
    const struct rule *rule;
    struct etime watermark; /* ETIME_MIN: time has not begun */
    bool kept;              /* something is kept for the key; else the rest is empty */
    struct instance_standing state;
    uint64_t left_out; /* open starts beyond the bound */
};
/* `json`: the part or the waiting match as an alert of kind open or pending, every kept field shown. */
struct engine_open {
    const struct rule *rule;
    struct etime watermark;
    struct slice json;
    const struct open_deadline *deadlines;
    uint32_t n_deadlines;
};
struct engine_looker {
    void (*open)(void *ctx, const struct engine_open *o); /* of a rule: before its standing */
    void (*standing)(void *ctx, const struct engine_standing *s);
    void *ctx;
    uint32_t most; /* parts per rule that are looked at */
};
/* `key`: as the Kafka key of an alert. `rule`: NULL: all that have such keys. ERR_USAGE: no such rule, or
 * its key is no such value. */
enum err engine_look(struct engine *e, const char *rule, struct slice key,
                     const struct engine_looker *l, struct error *err) FYKE_MUST_USE;

/* What a rule has cost since the engine was opened, and what is kept for it in memory. */
struct engine_rule_figures {
    uint64_t events;      /* of its sources, handed to a key of it */
    struct nfa_work work; /* operations */
    uint64_t alerts, shadow;
    uint64_t keys, kept, open; /* keys in memory that hold something; events; starts of matches */
};
/* Per rule of the set, in its order. *ret_whole = false: not all keys in memory were looked at. */
void engine_rule_figures(struct engine *e, struct engine_rule_figures *ret, bool *ret_whole);

/* What the rule has cost, counted: an event that it is handed, with the tests that read the event alone, is one. */
static inline uint64_t engine_rule_operations(const struct engine_rule_figures *f)
{
    return f->events + f->work.tests + f->work.visits + f->work.steps;
}

/* ---- beside a running one: the past for rules that are new (meet.c) --------------------------- */

/* Between engine_push(): evaluates what is in order, within the budgets. */
enum err engine_warm_step(struct engine *e, struct error *err) FYKE_MUST_USE;
/* Everything was pushed that the engine with this header has read, and nothing else: evaluates what that one has
 * evaluated, writes it, and stops (engine_keep()). ERR_USAGE: their clocks are not the same. */
enum err engine_meet(struct engine *e, struct slice header, struct error *err) FYKE_MUST_USE;
uint32_t engine_shards(const struct engine *e);

/* ---- figures ------------------------------------------------------------------------------ */

struct partition_summary {
    uint32_t topic;
    int32_t partition;
    int64_t next_offset;
    struct etime max_time; /* ETIME_MIN: nothing read */
    struct etime watermark;
    uint64_t read, late, invalid, idle_advances;
};

struct engine_summary {
    uint64_t records, events, evaluated, late, after_idle, tombstones, unclaimed, repeated;
    uint64_t invalid[INVALID_REASON_COUNT];
    uint64_t bad_values, missing_key;
    uint64_t misplaced; /* several instances: records that may be in the partition of another key */
    uint64_t outside;   /* events outside of options.range */
    uint64_t derived;   /* events that rules derived */
    uint64_t undecided; /* at the end: read, but a deadline that derives may lie before them */
    const uint64_t *alerts; /* per rule: kind match, delivered */
    const uint64_t *shadow; /* per rule: kind match, kept inside */
    uint64_t alerts_total;
    uint64_t live_keys, live_events, live_bytes, pending_deadlines;
    uint64_t deadlines;  /* times that deadlines or expiries of a key were due */
    uint64_t slices;     /* passes that were cut because too many were due */
    uint64_t clock_holds;      /* times that a clock was held for 10 s */
    uint64_t position_holds;   /* events far ahead that held the position of a restart for a minute */
    uint64_t values_forgotten; /* `watermark per`: values that the table had no room for */
    uint64_t pauses;     /* partitions held back because they were ahead */
    uint64_t spilled_events, spilled_bytes, spill_runs, spill_merges; /* events that waited on disk */
    uint64_t most_spilled_bytes; /* on disk at one time */
    const struct partition_summary *partitions;
    uint32_t n_partitions;
    struct nfa_counters nfa;
    uint64_t checkpoints, checkpoint_bytes; /* of the state directory; bytes of records */
    uint64_t commits, commit_bytes;         /* with a journal: bytes of records and headers sent */
    uint64_t restored, followed; /* entries of changelogs read to open a state; for warm copies */
    uint32_t tasks, restoring, warm; /* of an instance: here, on their way, kept for others */
    uint64_t evicted, loaded; /* keys that left memory and came back */
    uint64_t resting_keys, rested, woken; /* packed in memory now; keys that were packed, and built anew */
    const struct table_standing *tables; /* per list and lookup of the rule set */
    uint64_t table_records, table_bad_records; /* read from topics of lists and lookups */
    uint64_t table_refreshes, table_failures;  /* content renewed; could not be read again */
};
void engine_summary(struct engine *e, struct engine_summary *ret);
/* Its partitions alone, which costs little: for looking between two batches. */
uint32_t engine_partition_figures(struct engine *e, const struct partition_summary **ret);

#endif
