/* How alerts are delivered: exactly once from Kafka to Kafka, at least once everywhere else; and what
 * happens when a transaction is gone: the run begins anew from the last commit. */
#ifndef FYKE_LIB_DELIVERY_H
#define FYKE_LIB_DELIVERY_H

#include "connectors/kafka.h"
#include "engine/engine.h"
#include "engine/journal.h"
#include "fyke/fyke.h"

#define DELIVERY_COMMIT_EVERY_MS 200 /* exactly once: an alert is seen when it is committed */

/* Opens a journal where alerts are to be delivered exactly once; *ret NULL: at least once. */
enum err delivery_open(const struct fyke_run_config *c, const struct kafka_config *kafka,
                       const struct ruleset *rs, struct journal **ret, struct error *err) FYKE_MUST_USE;
/* The alerts' topic, within the journal's transactions. */
enum err delivery_sink(const struct fyke_run_config *c, struct journal *j, struct sink **ret,
                       struct error *err) FYKE_MUST_USE;

/* One process, one life after the other. */
struct delivery_lives {
    uint32_t begun;      /* lives that ended with a lost transaction */
    uint32_t switched;   /* lives that ended for other rules */
    uint32_t fruitless;  /* of these in a row without a commit */
    uint64_t commits;    /* of all of them */
    struct engine_carried *carried; /* owned: the counters as of the last commit; NULL: none */
};

/* Should the run, which ended with `err`, begin anew? Says so and waits a moment. `e` may be NULL: it
 * did not even open. */
bool delivery_begins_anew(struct delivery_lives *l, const struct kafka_config *kafka,
                          struct engine *e, const struct error *err);
/* A life has ended with a commit, another one follows: the counters go on. */
void delivery_goes_on(struct delivery_lives *l, struct engine *e);
void delivery_release(struct delivery_lives *l);

#endif
