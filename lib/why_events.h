/* The records of one key of one rule, and evaluations over them. */
#ifndef FYKE_LIB_WHY_EVENTS_H
#define FYKE_LIB_WHY_EVENTS_H

#include "connectors/geoip.h"
#include "connectors/memory.h"
#include "engine/keys/key.h"
#include "lib/why.h"
#include "lib/why_clocks.h"
#include "nfa/ruleset_subset.h"

/* An event as its declaration reads it. */
struct why_event {
    struct why_event *next; /* of the same record, in the order of the declarations */
    const struct event *event;
};

struct why_record {
    struct record record; /* everything it points to lives in the arena of the events */
    struct etime time;    /* of its first event, or to which it moves the clock */
    struct etime max;     /* of the partition when it was read; ETIME_MIN: it is the first */
    bool asked;           /* of the key; else it tells the time (lib/why_clocks.h) */
    bool late;
    struct why_event *events; /* of the key; only with why_events.keep */
};

struct why_events {
    const struct why_config *config;
    struct why_result *result;
    const struct ruleset *rs; /* the rule and what derives for it */
    const struct rule *rule;
    struct arena arena;
    struct key_table keys;
    struct key_eval eval;
    const struct key_group *group; /* of the rule; NULL: it is disabled */
    struct value *key;             /* that is asked for, in the group */
    struct slice key_text;         /* as alerts spell it */
    struct why_record *records;    /* in the order of reading */
    size_t n, cap, n_asked;
    struct why_clocks clocks;
    struct source_partition *partitions; /* of the input */
    size_t n_partitions, cap_partitions;
    struct engine *engine; /* while the input is read */
    struct geoip_files *geoip;
    bool keep; /* the events themselves, beside their records */
    bool too_many, too_many_clocks;
};

void why_events_init(struct why_events *w, const struct why_config *c, const struct ruleset *rs,
                     const struct rule *rule, struct why_result *ret);
void why_events_release(struct why_events *w);
/* Reads the input. ERR_USAGE: the rule has no such keys. */
enum err why_events_read(struct why_events *w, struct error *err) FYKE_MUST_USE;

/* By default what a run over the whole input does for the key: what is late is judged anew, history begins and
 * the clock ends where they do there. */
struct why_evaluation {
    bool flush;     /* every deadline fires, not only those up to `at` */
    bool pending;   /* matches that wait for a deadline, too */
    struct why_result *count; /* takes in which events the rule is given for the key, and its clock; may be
                                 NULL */
    const struct rule *instead;    /* of the rule (nfa/ruleset_subset.h); NULL: itself */
    const struct nfa_watch *watch; /* looks on; NULL: nobody does */
    uint32_t max_runs;             /* instead of what the options say; 0: that */
    const struct profiles_given *given; /* instead of what profiles follow, or who looks on; NULL */
    const struct table_watch *table_watch; /* looks on while lists and lookups are asked; NULL */
    /* A part of it, as a test would have it. */
    bool part;
    struct etime from;  /* records in front of it are left out */
    bool with_first;    /* but for the first of each partition: history begins there */
    struct etime until; /* everything up to here is decided */
};
/* Is it the key that is asked for, or one that its quiet time knows of? `key`: of an alert. */
bool why_key_meets(struct why_events *w, struct slice key);
/* Is the record in that part? */
bool why_in_part(const struct why_events *w, const struct why_record *r,
                 const struct why_evaluation *how);
/* Over the records up to `at`; `rs` is as declared as the rules that the records were read under. A rule that
 * is disabled gives nothing. */
enum err why_evaluate(const struct why_events *w, const struct ruleset *rs, uint32_t rule,
                      const struct why_evaluation *how, struct memory_sink *sink,
                      struct error *err) FYKE_MUST_USE;

#endif
