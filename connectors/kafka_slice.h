/* A bounded part of Kafka topics: per partition the offsets [first, end), read once and committed by
 * nobody. Partitions are assigned, no group is joined. Ends are the stable ends at the opening, so what
 * is written meanwhile, and open transactions, are no part of it. */
#ifndef FYKE_CONNECTORS_KAFKA_SLICE_H
#define FYKE_CONNECTORS_KAFKA_SLICE_H

#include "connectors/kafka.h"

struct kafka_range {
    uint32_t topic;
    int32_t partition;
    int64_t low; /* lowest offset that the topic holds */
    int64_t first, end;
};

/* `from`: per partition from the first record at or behind this time of writing on; ETIME_MIN: from
 * the lowest. *ranges: by topic, then partition; the caller frees it. */
enum err kafka_slice_plan(const struct kafka_config *c, const struct ruleset *rs,
                          const char *topics, struct etime from, struct kafka_range **ranges,
                          size_t *n, struct error *err) FYKE_MUST_USE;
/* A source over these ranges alone; what is not there any more is an error with the numbers. */
enum err kafka_slice_new(const struct kafka_config *c, const struct ruleset *rs,
                         const char *topics, const struct kafka_range *ranges, size_t n,
                         struct source **ret, struct error *err) FYKE_MUST_USE;

#endif
