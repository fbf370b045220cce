/* The records of one key of one rule, and evaluations over them. */
#ifndef FYKE_LIB_WHY_EVENTS_H
#define FYKE_LIB_WHY_EVENTS_H

#include "connectors/geoip.h"
#include "connectors/memory.h"
#include "engine/keys/key.h"
#include "lib/why.h"
#include "nfa/ruleset_subset.h"

/* An event as its declaration reads it. */
struct why_event {
    struct why_event *next; /* of the same record, in the order of the declarations */
    const struct event *event;
};

struct why_record {
    struct record record; /* everything it points to lives in the arena of the events */
    struct etime time;    /* of its first event */
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
    struct buf text;
    struct why_record *records;
    size_t n, cap;
    struct source_partition *partitions; /* of these records */
    size_t n_partitions, cap_partitions;
    struct engine *engine; /* while the input is read */
    struct geoip_files *geoip;
    bool keep; /* the events themselves, beside their records */
    bool too_many;
};

void why_events_init(struct why_events *w, const struct why_config *c, const struct ruleset *rs,
                     const struct rule *rule, struct why_result *ret);
void why_events_release(struct why_events *w);
/* Reads the input. */
enum err why_events_read(struct why_events *w, struct error *err) FYKE_MUST_USE;

struct why_evaluation {
    bool with_late; /* late ones too, for rules that let them be */
    bool flush;     /* every deadline fires, not only those up to `at` */
    bool pending;   /* matches that wait for a deadline, too */
    struct etime from; /* records in front of it are left out; ETIME_MIN: none is */
};
/* Over the records up to `at`; `rs` is as declared as the rules that the records were read under. */
enum err why_evaluate(const struct why_events *w, const struct ruleset *rs, uint32_t rule,
                      const struct why_evaluation *how, struct memory_sink *sink,
                      struct error *err) FYKE_MUST_USE;

#endif
