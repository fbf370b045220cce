/* The inputs of a run that feed lists and lookups, and the others. */
#ifndef FYKE_LIB_TABLE_INPUTS_H
#define FYKE_LIB_TABLE_INPUTS_H

#include "connectors/kafka.h"
#include "engine/tables/table_feed.h"
#include "nfa/rule.h"

struct table_inputs {
    const char **events; /* inputs that are left for the source of events */
    size_t n_events;
    struct table_feed **feeds; /* one per topic that a list or lookup reads */
    uint32_t n_feeds;
    const char ***paths; /* per feed */
};

/* `inputs`: as given; borrowed. `kafka`: not NULL when the topics are on a broker. */
enum err table_inputs_open(struct table_inputs *t, const struct ruleset *rs,
                           const char *const *inputs, size_t n, bool kcat,
                           const struct kafka_config *kafka, struct error *err) FYKE_MUST_USE;
void table_inputs_release(struct table_inputs *t);

#endif
