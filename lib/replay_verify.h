/* A replay held against the alerts that a run has delivered, by match_id: kinds of alerts that a live
 * run writes (all but `pending`), detected in the range, of rules with the plan that they have now, of keys
 * that were settled by then. */
#ifndef FYKE_LIB_REPLAY_VERIFY_H
#define FYKE_LIB_REPLAY_VERIFY_H

#include "connectors/kafka.h"
#include "lib/replay.h"
#include "lib/replay_settled.h"

struct replay_verify {
    struct map ids; /* match_id → what it lacks */
    struct map plans; /* rule name → its rule */
};

void replay_verify_init(struct replay_verify *v, const struct ruleset *rs);
void replay_verify_release(struct replay_verify *v);
/* Alerts of a rule in shadow need not have been delivered: a run keeps them or writes them elsewhere. */
void replay_verify_add(struct replay_verify *v, struct slice match_id, bool shadow);
/* `from`: "kafka:TOPIC", read committed to its end, or a file of alerts. */
enum err replay_verify_run(struct replay_verify *v, const struct replay_settled *settled,
                           const char *from,
                           const struct kafka_config *kafka, struct replay_result *r,
                           struct error *err) FYKE_MUST_USE;

#endif
