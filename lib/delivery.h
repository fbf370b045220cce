/* How alerts are delivered: exactly once from Kafka to Kafka, at least once everywhere else; and what
 * happens when a transaction is gone: the run begins anew from the last commit. */
#ifndef FYKE_LIB_DELIVERY_H
#define FYKE_LIB_DELIVERY_H

#include "connectors/kafka.h"
#include "engine/engine.h"
#include "engine/journal/journal.h"
#include "fyke/fyke.h"

#define DELIVERY_COMMIT_EVERY_MS 200 /* exactly once: an alert is seen when it is committed */

/* Clients as the run is configured, without what belongs to one of its lives. */
void delivery_kafka_config(const struct fyke_run_config *c, struct kafka_config *ret);

/* Opens a journal where alerts are to be delivered exactly once; *ret NULL: at least once. `topics` as for
 * kafka_source_new(); `n_tasks` of several instances; 0: this one alone. */
enum err delivery_open(const struct fyke_run_config *c, const struct kafka_config *kafka,
                       const struct ruleset *rs, const char *topics, uint32_t n_tasks,
                       struct journal **ret, struct error *err) FYKE_MUST_USE;
/* The alerts' topic, within the journal's transactions. */
enum err delivery_sink(const struct fyke_run_config *c, struct journal *j, struct sink **ret,
                       struct error *err) FYKE_MUST_USE;

/* One process, one life after the other. */
struct delivery_lives {
    uint32_t begun;      /* lives that ended with a lost transaction */
    uint32_t switched;   /* lives that ended for other rules */
    uint32_t fruitless;  /* of these in a row without a commit */
    uint64_t commits;    /* of all of them */
    struct kafka_rebuild *rebuild; /* going on in these lives, or over; NULL: none */
    struct kafka_left_open *left_open; /* owned: by the transaction that a life lost */
    struct engine_carried *carried; /* owned: the counters as of the last commit; NULL: none */
};

/* What a life counted up to its last commit. */
struct delivery_counted {
    struct engine_carried *carried; /* taken over; NULL: it did not come that far */
    uint64_t commits;
};

/* Can the run, which ended with `err`, begin anew? */
bool delivery_may_begin_anew(const struct delivery_lives *l, const struct kafka_config *kafka,
                             const struct error *err);
/* Should it? Says so and waits a moment. */
bool delivery_begins_anew(struct delivery_lives *l, const struct kafka_config *kafka,
                          struct delivery_counted now, const struct error *err);
/* Was the run told to end? */
bool delivery_stopped(const struct kafka_config *kafka);
/* The run goes on, with other rules or after a rebuild. */
void delivery_goes_on(struct delivery_lives *l, struct delivery_counted now);
/* Refuses a rebuild where there is none, else begins it. */
enum err delivery_begin_rebuild(struct delivery_lives *l, const struct fyke_run_config *c,
                                struct error *err) FYKE_MUST_USE;
/* A life came to its end. True: it was one of a rebuild, which is over; says so. */
bool delivery_ends_rebuild(struct delivery_lives *l, const struct kafka_config *kafka);
void delivery_release(struct delivery_lives *l);

/* What was read can be read again, and there is a state that says from where: other rules can take over. */
bool delivery_can_begin_again(const struct fyke_run_config *c);

#endif
