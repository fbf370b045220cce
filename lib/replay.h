/* Replays: what a rule set says about a part of the past. What `fyke replay` runs.
 *
 *   data      ──────────[ warm-up )[ from … to )[ cool-down )──────────
 *   evaluated           └──────────────────────────────────┘
 *   counted                         └─────────┘  by the time of detection
 *
 * Events outside are read as far as they say how far time has come and what is late. Nothing of an
 * application is touched: no group, no commits, state in memory, no sink but what is asked for.
 * The figures depend on data, rules and range alone: not on threads, batches or buffers. */
#ifndef FYKE_LIB_REPLAY_H
#define FYKE_LIB_REPLAY_H

#include <signal.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/map.h"
#include "fyke/fyke.h"
#include "lib/replay_span.h"

#define REPLAY_TOP_KEYS 10
#define REPLAY_EXAMPLES 20 /* of what stands apart */
/* What is kept of each takes some 100 bytes. */
#define REPLAY_MAX_MATCHES UINT64_C(20000000)

struct replay_progress {
    uint64_t records;
    double seconds, share; /* share of what is to be read; below 0: unknown */
    struct etime reached;  /* event time; ETIME_MIN: nothing read yet */
};

/* One alert line that counts; false ends the replay. */
typedef bool (*replay_line_fn)(void *ctx, struct slice json);

/* What was known to be bad (lib/replay_labels.h). */
struct replay_label_options {
    const char *file; /* NULL: none */
    const char *test; /* on a record: "FIELD", "FIELD = VALUE", "FIELD != VALUE"; NULL: none */
    const char *key;  /* field of records that episodes go by; NULL: only those of the file */
    const char *amount; /* field of records; NULL: none */
    struct duration gap; /* labelled events of a key further apart are another episode */
    bool has_alert_cost;
    struct decimal alert_cost; /* of looking at an alert, in the unit of the amounts */
};
#define REPLAY_EPISODE_GAP ((struct duration){86400 * NS_PER_S})

/* `options.memory_bytes` of a replay, all rule sets together, unless it is told: it keeps no state that could be
 * evicted, and what rests is packed and built anew at a price (docs/state.md). */
#define REPLAY_MEMORY_BYTES (UINT64_C(4) << 30)

struct replay_config {
    struct fyke_options options; /* state_dir stays NULL */
    const char *const *inputs;
    size_t n_inputs;
    bool kcat;
    const char *const *kafka_properties; /* "key=value"; inputs "kafka", "kafka:T1,T2" */
    size_t n_kafka_properties;
    const char *manifest; /* file that names the slice: read if it is there, else written; NULL */
    const char *cache;    /* directory that keeps what came from Kafka; NULL */
    bool verify;          /* one of the two must be there already */
    const char *verify_against; /* delivered alerts: "kafka:TOPIC" or a file; NULL */
    const char *from_state; /* what `fyke state export` wrote: evaluation goes on from there; NULL */
    struct etime from, to; /* ETIME_MIN, ETIME_MAX: where the data begins and ends */
    bool has_warm_up, has_cool_down;
    struct duration warm_up;   /* instead of what the rules need; infinite: everything there is */
    struct duration cool_down; /* instead of the longest horizon */
    uint32_t batch;            /* records read at a time; 0: what the engine asks for */
    const volatile sig_atomic_t *stop;
    const struct replay_label_options *labels; /* NULL: none */
    bool keep_alerts; /* result.alerts */
    bool funnel;      /* steps of rules (lib/replay_funnel.h): of replay_run() alone */
    replay_line_fn line; /* NULL: none */
    void *line_ctx;
    /* Called for each event of the range before it is taken; may wait. Decides nothing. NULL. */
    void (*pace)(void *ctx, struct etime t);
    void *pace_ctx;
    void (*progress)(void *ctx, const struct replay_progress *p); /* now and then; NULL */
    void *progress_ctx;
};

void replay_config_init(struct replay_config *c);

/* ---- results -------------------------------------------------------------------------------- */

struct replay_day {
    int64_t day; /* since 1970 */
    uint64_t n;
};
/* Ascending. */
struct replay_days {
    struct replay_day *items;
    size_t n, cap;
};
void replay_days_add(struct replay_days *d, struct etime t, uint64_t n);

struct replay_key {
    struct slice text; /* as the Kafka key of an alert; empty without `for each` */
    uint64_t n;
};

struct replay_lengths {
    int64_t *ns;
    size_t n, cap;
};
/* Ascending. */
void replay_lengths_sort(struct replay_lengths *l);
/* Of sorted lengths: the least value that `percent` of them do not exceed; 0 without any. */
int64_t replay_percentile(const struct replay_lengths *l, unsigned percent);

/* Of all rules together, or of one: then events, episodes and amount are those of all. */
struct replay_label_figures {
    uint64_t true_alerts; /* their evidence holds a labelled event */
    uint64_t events, found, late; /* labelled events of the range; in evidence; late */
    uint64_t episodes, episodes_found;
    struct decimal amount, found_amount;
    uint64_t outside, unread, foreign; /* labels not of the range; never met; of other topics */
};

/* So many first events got as far as this step, in the range, of so many keys. */
struct replay_step {
    struct slice label;
    uint64_t reached, keys;
};

struct replay_rule {
    uint32_t index; /* in the rule set */
    uint64_t matches, timeouts, others; /* of the range; others: quiet_ended, capped */
    uint64_t keys;
    uint64_t begun_before; /* of these: their first event stands before `from` */
    uint64_t ends_behind;  /* not of these: begun before `to`, detected behind it */
    uint64_t warm;         /* not of these: detected in the warm-up */
    /* From a state: it holds nothing of the rule as it is now; what was detected before this time was
     * delivered before the state was written. */
    bool begins_anew;
    struct etime decided_before;
    uint64_t operations; /* of its evaluation, warm-up and cool-down too */
    struct replay_step *steps; /* with a funnel */
    uint32_t n_steps;
    /* Keys that were not settled when the range began (lib/replay_settled.h), by text, of `n_tracked` that
     * were met near the beginning of the warm-up; hangs_together: none of the rule's keys ever is. */
    struct slice *unsettled;
    size_t n_unsettled, n_tracked;
    bool hangs_together;
    struct replay_label_figures labels;
    struct replay_days days; /* matches and timeouts, by the day of detection */
    struct replay_lengths took;   /* from the first event to detection */
    struct replay_lengths waited; /* from the last event to detection */
    struct replay_key top[REPLAY_TOP_KEYS]; /* most first, then by text */
    size_t n_top;
    struct map by_key; /* key text → number */
};

/* A match at the edge of the range. */
struct replay_edge {
    uint32_t rule;
    bool behind; /* ends behind `to`; else it began before `from` */
    struct etime first, detected;
    char *key, match_id[HASH128_HEX_MAX];
};

/* Against the alerts that a run has delivered (lib/replay_verify.h). */
struct replay_difference {
    bool delivered; /* and not found by the replay; else the other way round */
    char match_id[HASH128_HEX_MAX];
};
struct replay_verified {
    uint64_t same, only_delivered, only_replayed;
    uint64_t repeated;    /* delivered more than once */
    uint64_t unsettled;   /* delivered, of keys that were not settled then: left out */
    uint64_t other_plans; /* of rules that are others now, or gone */
    uint64_t before_state; /* delivered before the state was written that the replay goes on from */
    struct replay_difference examples[REPLAY_EXAMPLES];
    size_t n_examples;
};

struct replay_alerts;
struct replay_near;

struct replay_result {
    const struct ruleset *rs;
    struct replay_span span;
    struct etime from, to;              /* as stated */
    struct etime evaluated_from, evaluated_before;
    bool from_beginning;                /* the warm-up is everything there is, or a state */
    bool has_funnel;
    bool has_savepoint;                 /* evaluation went on from a state */
    uint64_t savepoint_commit;          /* its number */
    struct etime data_first, data_last; /* of valid events read; ETIME_MIN: none */
    /* Every partition was read past `to` (all that counts is decided) and past the cool-down. */
    bool reached_to, reached_end;
    uint64_t records, read_events, late, invalid, outside;
    /* From Kafka: offsets read in front of those that the broker names for the time, since events of
     * the range stand there; partitions whose part of the log begins where the topic does by now. */
    uint64_t earlier, removed;
    bool repeats; /* a manifest named the slice, and it is the same */
    uint64_t events;                    /* of the range, evaluated */
    uint64_t warm_events, cool_events;
    uint64_t late_in_range;
    struct replay_days event_days;
    struct arena arena; /* of what is listed */
    bool settled_full;  /* more keys than can be followed: the others are unsettled */
    struct replay_rule *rules;
    uint32_t n_rules;
    struct replay_edge *edges; /* of each side and rule the first ones */
    size_t n_edges, cap_edges;
    uint64_t matches;           /* matches and timeouts of all rules */
    bool has_verified;
    struct replay_verified verified;
    bool has_labels;
    struct replay_label_options label_options;
    struct replay_label_figures labels;
    struct replay_lengths to_detect; /* per episode found: from its first event to the first alert */
    const struct replay_near *near_misses; /* lib/replay_near.h; borrowed; NULL: not asked for */
    uint32_t near_shown; /* changes per rule */
    struct replay_alerts *alerts; /* all that were detected, whether they count or not; NULL */
    struct hash128 digest;
    double wall_s, cpu_s;
};
void replay_result_release(struct replay_result *r);

/* Alerts of the rule per day of the range; by what was read where the range has no end. */
double replay_per_day(const struct replay_result *r, uint64_t n);
/* False: the range, or what was read of it, has no length, so there is no rate; replay_per_day() is 0. */
bool replay_has_rate(const struct replay_result *r);
/* found amounts − alerts × alert_cost. */
double replay_benefit(const struct replay_result *r, const struct replay_label_figures *f,
                      uint64_t alerts);

/* On FYKE_OK and FYKE_INTERRUPTED *ret is filled; `rules` must outlive it. Otherwise
 * fyke_last_error() says why. */
enum fyke_result replay_run(const struct fyke_rules *rules, const struct replay_config *c,
                            struct replay_result *ret);

/* Several rule sets in one read of the data, each as replay_run() would; results[i] is that of sets[i].
 * `line` is told of the first one's matches, and delivered alerts are held against those. */
#define REPLAY_MAX_SETS 64
enum fyke_result replay_run_sets(const struct fyke_rules *const *sets, uint32_t n,
                                 const struct replay_config *c, struct replay_result *results);

/* The same of an old and a new set, in which rules that are the same are evaluated once. Costs and settled keys are not
 * told. `was` serves no further evaluation. */
enum fyke_result replay_run_both(struct fyke_rules *was, const struct fyke_rules *is,
                                 const struct replay_config *c, struct replay_result results[2]);

#endif
