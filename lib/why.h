/* Why a rule fired for a key, or why it did not.
 *
 * The events of the key are taken from the input by one run of the rule; what was late there is known.
 * Then the rule is evaluated over them again and again, each time with one place of it looser
 * (dsl/mutate.h): a change that brings about a match says what stood in the way. So what is told can be
 * tried: the rule with that change fires on that input. */
#ifndef FYKE_LIB_WHY_H
#define FYKE_LIB_WHY_H

#include <signal.h>

#include "base/arena.h"
#include "dsl/mutate.h"
#include "fyke/fyke.h"
#include "lib/rules.h"

#define WHY_MAX_RECORDS 200000 /* of the key */
#define WHY_MAX_CLOCKS 1000000 /* of others, that tell the time */

struct why_config {
    struct fyke_options options; /* state_dir stays NULL */
    const char *const *inputs;   /* files, or one of Kafka as `replay` takes it */
    size_t n_inputs;
    bool kcat;
    const char *const *kafka_properties; /* "key=value" */
    size_t n_kafka_properties;
    const char *rule;
    struct slice key; /* as the Kafka key of an alert; empty: a rule without `for each` */
    struct etime from; /* nothing in front of it is looked at; ETIME_MIN: the beginning of the input */
    struct etime at;   /* ETIME_MAX: the end of the input */
    const volatile sig_atomic_t *stop;
};

/* A looser rule that fires; `capped`: the rule itself with a larger bound of open starts. */
struct why_reason {
    struct mutation change;
    bool capped;
    uint32_t starts;        /* capped: as many open starts are enough */
    struct slice words;     /* of the change */
    struct duration needed; /* windows, gaps, silences, lateness: just enough; 0: none of these */
    struct slice alert;     /* the match that comes about, as JSON */
    struct slice actual;    /* of a condition: what it read beside fields of its event; or empty */
    struct etime detected;
};

/* An event that was late when it was read. */
struct why_late {
    struct slice topic, source; /* source: the declaration */
    int32_t partition;
    int64_t offset;
    struct etime time;
    struct duration by; /* behind what the partition still took */
};

struct why_result {
    struct arena arena;
    uint64_t records;      /* of the input */
    bool keyed;            /* the rule has keys */
    bool disabled;         /* the rule: it is not evaluated */
    bool shadow;           /* its alerts stay inside */
    uint64_t events;       /* that the rule was given for the key, up to `at` */
    struct etime first, last; /* of these; ETIME_MIN: none */
    struct etime clock;    /* of the rule, where the input ends: what lies before it is decided */
    struct slice *alerts;  /* of the rule and the key up to `at`, in order */
    size_t n_alerts, cap_alerts;
    bool capped;           /* starts of the key were dropped by a cap */
    struct etime last_alert;
    bool fired;            /* the last of them is where the key stands at `at`: no event of it came since */
    struct slice pending;  /* a match that waits for its deadline; empty: none */
    struct slice furthest; /* the longest part of a match, as the timeout that it would give */
    uint32_t reached, parts; /* without reasons: items of the pattern that matched, of how many */
    struct slice nearest;    /* the event that came nearest to the next one, what it read and what was wanted; or
                                empty */
    struct why_reason *reasons; /* the nearest match first */
    size_t n_reasons, cap_reasons;
    struct why_late *late; /* of the key, up to `at` */
    size_t n_late, cap_late;
};
void why_config_init(struct why_config *c);
void why_result_init(struct why_result *r);
void why_result_release(struct why_result *r);

/* ERR_USAGE: there is none. */
enum err why_find_rule(const struct ruleset *rs, const char *name, uint32_t *ret,
                       struct error *err) FYKE_MUST_USE;

/* `rules` keep every field (rules_keeping_fields). On FYKE_OK *ret is filled; its changes point into `rules`. Otherwise fyke_last_error() says why. */
enum fyke_result why_run(const struct fyke_rules *rules, const struct why_config *c,
                         struct why_result *ret);

#endif
