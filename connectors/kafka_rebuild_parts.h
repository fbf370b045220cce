/* The inside of a rebuild, for the source and the journal. Private to connectors/. */
#ifndef FYKE_CONNECTORS_KAFKA_REBUILD_PARTS_H
#define FYKE_CONNECTORS_KAFKA_REBUILD_PARTS_H

#include <librdkafka/rdkafka.h>

#include "base/attr.h"
#include "base/error.h"
#include "connectors/kafka_rebuild.h"

struct kafka_part;

struct kafka_rebuild {
    rd_kafka_topic_partition_list_t *until; /* the group's positions as they were; NULL: not asked yet */
    bool reached; /* by all of the life's partitions: positions are committed again */
    bool over;
    uint64_t withheld;
};

/* Is one going on? `b` may be NULL. */
bool kafka_rebuild_goes_on(const struct kafka_rebuild *b);
/* Takes the positions over; ERR_USAGE when the group has none at all. */
enum err kafka_rebuild_take(struct kafka_rebuild *b, rd_kafka_topic_partition_list_t *positions,
                            const char *group, struct error *err) FYKE_MUST_USE;
/* The partition's end is its position. *ret_lost: oldest records that are not there any more. ERR_KAFKA
 * when the topic ends in front of it. */
enum err kafka_rebuild_limit(const struct kafka_rebuild *b, struct kafka_part *p, int64_t *ret_lost,
                             struct error *err) FYKE_MUST_USE;

#endif
