/* A compacted Kafka topic as the content of lists and lookups: a consumer of its own that is
 * assigned every partition, reads committed records only, and belongs to no group. Between two
 * rounds nothing is assigned, so that nothing is fetched. */
#ifndef FYKE_CONNECTORS_KAFKA_TABLE_H
#define FYKE_CONNECTORS_KAFKA_TABLE_H

#include "connectors/kafka.h"
#include "engine/tables/table_feed.h"

/* `topic` is borrowed until close(). The first answer of a broker is waited for. */
enum err kafka_table_new(const struct kafka_config *c, struct slice topic, struct table_feed **ret,
                         struct error *err) FYKE_MUST_USE;

#endif
