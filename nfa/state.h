/* The state of one rule for one key, and how events and time move it.
 *
 * An instance holds the retained events (those that pass a test of the rule and are young enough
 * to matter), where the used-up part ends, which starts have reported, and the quiet time. A
 * detector decides from counters whether a match may complete at this point; only then the finder
 * looks for it. Same input order, same answers: nothing here depends on batches, threads, wall
 * clock or on when state was saved and loaded.
 *
 * Thread rule: an instance belongs to one thread at a time. Ownership: retained events are cloned
 * into the `pool` given at creation; the pool outlives the instance. */
#ifndef FYKE_NFA_STATE_H
#define FYKE_NFA_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "nfa/event.h"
#include "nfa/rule.h"
#include "nfa/shared_event.h"

struct instance;
struct nfa_watch;

enum match_kind {
    MATCH_MATCH,
    MATCH_TIMEOUT,
    MATCH_QUIET_ENDED,
    MATCH_CAPPED,
    MATCH_PENDING,
    MATCH_OPEN, /* a part that may still become a match: for looking (open.c) */
};

/* What a rule says about a kind of match: its alert (NULL: none), whether it derives events. */
const struct emit_plan *rule_alert_plan(const struct rule *rule, enum match_kind kind);
bool rule_derives(const struct rule *rule, enum match_kind kind);
/* The plans of a kind: `emit …`, or `on timeout emit …`. */
const struct emit_plan *rule_plans(const struct rule *rule, enum match_kind kind, uint32_t *ret_n);

struct match_evidence {
    const struct event *event;
    uint32_t test;          /* rule.tests index of the step */
    const uint32_t *turns;  /* iteration (from 0) per enclosing repeated group, outside in */
    uint32_t n_turns;
};

struct match_absent {
    uint32_t test;
    struct etime from, to;
};

/* What the sink gets. Everything is valid during the callback only. */
struct match {
    const struct rule *rule;
    enum match_kind kind;
    const struct value *key; /* rule->n_key values */
    struct etime first_at, last_at, detected_at;
    bool by_deadline;
    const struct event *decided_by; /* not bound; NULL mostly */
    const struct match_evidence *evidence; /* total order */
    uint32_t n_evidence;
    const struct match_absent *absent;
    uint32_t n_absent;
    const struct value *emit; /* values of the alert's fields; missing = absent */
    uint32_t n_emit;
    /* Per plan of rule->emits (timeout: rule->timeouts) the values of an `emit event`, NULL for the
     * alert. NULL without such plans and for kinds that derive nothing. */
    const struct value *const *derived;
    /* The quiet time is kept apart (quiet.unit): the rule->quiet.n_per values that name it; what
     * keeps it says whether the alert goes out. NULL mostly. */
    const struct value *per;
    bool held_back;         /* by `quiet`: no alert, events only */
    uint32_t step;          /* timeout, open: test of the last step bound */
    uint64_t suppressed;    /* quiet: held back since the last alert that went out */
    uint64_t count;         /* quiet_ended: how many were held back; capped: dropped */
    uint64_t truncated;     /* no skip: matches beyond the cap */
    bool capped;
};

struct nfa_limits {
    uint32_t max_runs;    /* live first events per rule and key (1,000) */
    uint32_t max_matches; /* no skip: per key and point (1,000) */
    uint64_t max_steps;   /* tests that one search may evaluate; 0: NFA_DEFAULT_STEPS */
    bool forgetful;       /* searches remember no failures of parts that read names: for comparing */
    bool general;         /* every rule on the general detector: same bytes, for comparing */
    bool apart;           /* no rule shares its state with others (nfa/kin.h): same bytes, for comparing */
    const struct nfa_watch *watch; /* told what is asked (nfa/watch.h); NULL: nobody looks on */
};

/* About a fifth of a second. */
#define NFA_DEFAULT_STEPS UINT64_C(2000000)

struct nfa_counters {
    uint64_t detector_calls; /* events that passed a test */
    uint64_t finder_calls;
    uint64_t matches;
    uint64_t timeouts;
    uint64_t suppressed;
    uint64_t capped;       /* starts dropped by a cap */
    uint64_t exhausted;    /* searches that reached max_steps */
    uint64_t unremembered; /* failures of searches that found no room: they may be searched again */
    uint64_t truncated;
    struct eval_counters eval;
};
void nfa_counters_add(struct nfa_counters *to, const struct nfa_counters *from);

/* Working memory of one thread for all instances it runs: bindings, caches, scratch. */
struct nfa_scratch;
struct nfa_scratch *nfa_scratch_new(const struct ruleset *rs, struct nfa_limits limits);
void nfa_scratch_free(struct nfa_scratch *scratch);
struct nfa_counters *nfa_scratch_counters(struct nfa_scratch *scratch);
/* Lists, lookups and geoip; read at every call, so its owner may change it between two calls. */
struct eval_env;
void nfa_scratch_set_env(struct nfa_scratch *scratch, const struct eval_env *env);
/* For expressions outside instances: no bindings, no key. */
struct eval *nfa_scratch_eval(struct nfa_scratch *scratch);

typedef void (*match_fn)(void *ctx, const struct match *m);

/* One call's surroundings. */
struct nfa_call {
    struct nfa_scratch *scratch;
    const struct value *key; /* the key's values; lives as long as the call */
    match_fn on_match;
    void *ctx;
    struct etime history_begin; /* leading absences: the rule's history starts here (3.7) */
    const struct measure_reader *measures; /* profiles of this key; NULL: none */
    struct shared_event *shared; /* of an event that goes to several rules of the key; NULL: to one */
    struct kin_ask *kin; /* of an instance that stands for several rules, or of a copy of it (nfa/kin.h); NULL mostly */
    bool in_order; /* nothing comes any more that stands in front of what the instance has seen */
    /* The clock, where events behind it are evaluated (the end of a bounded input); NULL: none are. */
    const struct etime *clock;
};

struct instance *instance_new(const struct rule *rule, struct pool *pool);
void instance_free(struct instance *in);
/* The same when its pool goes as a whole: what lies in that is not given back to it. */
void instance_abandon(struct instance *in);

/* Which roles of the rule the event has (let filters evaluated), for one key mapping or all. */
uint64_t rule_roles_of(const struct rule *rule, const struct event *e, struct nfa_scratch *scratch);

/* The event has these roles for this key. Events of a key must come in the total order. Deadlines
 * before e->time must have been fired (instance_advance) already: this function does it first. Those
 * that the clock has not passed are fired only if the rule takes the event: it passes a test or is
 * counted. Returns true iff the stored bytes changed. */
bool instance_event(struct instance *in, const struct event *e, uint64_t roles,
                    const struct nfa_call *call);

/* In front of an instance, or without one: which tests of the rule an event passes by itself does not
 * depend on what the rule keeps of the key. */
bool rule_asks_alone(const struct rule *rule, const struct nfa_scratch *scratch);
/* Somebody wants to see every test asked (nfa/watch.h). */
bool nfa_scratch_is_watched(const struct nfa_scratch *scratch);
/* Of such a rule; call->key is the event's. */
uint64_t rule_own_tests(const struct rule *rule, const struct event *e, uint64_t roles,
                        const struct nfa_call *call);
/* False: an instance that keeps nothing would keep nothing of an event that passes these tests, whether or not
 * it counts the event. */
bool rule_begins(const struct rule *rule, uint64_t tests);
/* An instance that keeps something counts every event with these roles. */
bool rule_counts(const struct rule *rule, uint64_t roles);
/* instance_event() with the answer of rule_own_tests(). */
bool instance_event_asked(struct instance *in, const struct event *e, uint64_t roles,
                          uint64_t tests, const struct nfa_call *call);

/* Fires every deadline T < `before`, in order of T, and forgets when all that is kept is too old. Returns true
 * iff bytes changed. */
bool instance_advance(struct instance *in, struct etime before, const struct nfa_call *call);

/* The earliest T at which something is to do (deadline, end of quiet time, the newest of the retained events
 * too old to matter); ETIME_MAX: nothing. */
struct etime instance_next_time(const struct instance *in);

/* Of a unit that keeps a quiet time: an alert at `at` goes out, *ret_suppressed is what it must
 * tell, or is held back and counted. What was due before `at` must have been fired. */
bool instance_ask_quiet(struct instance *in, struct etime at, uint64_t *ret_suppressed,
                        const struct nfa_call *call);

/* Since instance_told() nothing has changed of what it weighs, when it is due, and that it is not empty: mostly
 * an event that could only have ended a match. */
bool instance_is_told(const struct instance *in);
void instance_told(struct instance *in);

/* Nothing kept: the engine may forget the instance. */
bool instance_is_empty(const struct instance *in);

/* Without, nothing ever waits for a deadline alone. */
bool rule_has_deadlines(const struct rule *rule);
/* Pending deadlines for `--pending`: calls on_match with kind MATCH_PENDING per match that only
 * waits for a deadline. */
void instance_pending(struct instance *in, const struct nfa_call *call);

/* ---- looking (open.c): nothing that is stored or reported later depends on it ---------------- */

/* An instance as it stands. */
struct instance_standing {
    bool anything;             /* something of it matters still */
    uint64_t events;           /* kept, and not too old to matter */
    uint64_t starts;           /* of them: may still begin a match */
    struct etime capped_until; /* alerts say `capped` up to here; ETIME_MIN: not capped */
    struct etime quiet_until;  /* the latest end of a quiet time; ETIME_MIN: none runs */
    uint64_t held;             /* alerts held back by quiet times that run */
};
struct instance_standing instance_standing(const struct instance *in, struct etime now);

/* What ends a part that is open, if nothing comes; "absent": nothing, from then on the absence is kept. */
struct open_deadline {
    const char *what; /* "window", "span", "gap", "absent" */
    struct slice step; /* "absent": of what, "no Reset"; else empty */
    struct etime at;
};
/* The window, span or gap, and the absences of one item. */
#define OPEN_MAX_ABSENT 8
#define OPEN_MAX_DEADLINES (3 + OPEN_MAX_ABSENT)
struct open_match {
    const struct match *match; /* MATCH_OPEN: `detected_at` is the time that was looked at */
    struct open_deadline deadlines[OPEN_MAX_DEADLINES];
    uint32_t n_deadlines;
};
typedef void (*open_fn)(void *ctx, const struct open_match *m);

/* Per start that may still begin a match the longest part that no event up to `now` has killed and no
 * deadline has ended; at most `most`, the oldest first. Returns how many there are beyond that, not
 * looked at. call->on_match is not used. */
uint64_t instance_open(struct instance *in, struct etime now, uint32_t most,
                       const struct nfa_call *call, open_fn fn, void *ctx);

/* ---- stored form (layout in state_codec.c) ------------------------------------------------
 * A small head plus segments of at most SEGMENT_MAX_BYTES (one retained event may exceed it).
 * Bytes depend only on the events and deadlines applied, never on batches or on when they are
 * asked for. Segment i is unchanged since the last instance_saved() iff instance_segment_dirty()
 * is false, so that a commit writes what changed and not what is kept. */
#define SEGMENT_MAX_BYTES 8192

void instance_encode_head(const struct instance *in, const struct event_near *near, struct buf *out);
/* Of such bytes: it keeps no event, and no quiet time that lasts. A rule that goes on remembers how many
 * alerts a quiet time held back until it speaks again; one that drains has nothing more to say. */
bool instance_head_is_over(struct slice head);
/* Number of segments; their ids are consecutive from *ret_first_id. What is stored under any other id is an
 * instance's no more. */
uint32_t instance_segments(const struct instance *in, uint64_t *ret_first_id);
bool instance_segment_dirty(const struct instance *in, uint32_t i);
void instance_encode_segment(const struct instance *in, uint32_t i, const struct event_near *near,
                             struct buf *out);
void instance_saved(struct instance *in);

/* `get` fetches segments by id, in the order of their ids, and gives an empty slice when one is absent. */
typedef struct slice (*segment_get)(void *ctx, uint64_t id);
struct stored_form {
    struct slice head;
    struct event_near head_near, segments_near; /* that they were encoded with */
    segment_get get;
    void *ctx;
};
/* Rebuilds an instance. NULL: corrupt bytes, `why` says so. */
struct instance *instance_load(const struct rule *rule, struct pool *pool,
                               struct nfa_scratch *scratch, const struct stored_form *from,
                               const char **why);

/* What instances have cost so far, in operations: the same on every machine. */
struct nfa_work {
    uint64_t tests;  /* conditions on bindings evaluated by searches */
    uint64_t visits; /* retained events looked at */
    uint64_t steps;  /* of the detector of the class */
};
struct nfa_work nfa_scratch_work(const struct nfa_scratch *scratch);

/* Fetches what an event will need, one after the other: the instance, where its events stand. */
void instance_prefetch(const struct instance *in);
void instance_prefetch_kept(const struct instance *in);
struct instance_weight {
    uint64_t bytes;   /* memory held, shared events as if they were its own */
    uint64_t outside; /* of them, what does not lie in the pool */
};
struct instance_weight instance_weigh(const struct instance *in);
uint64_t instance_retained(const struct instance *in); /* events kept */
void instance_dump(const struct instance *in, struct buf *out);

#endif
