/* What the connectors ask of the broker's administration: topics made, removed, described. */
#ifndef FYKE_CONNECTORS_KAFKA_ADMIN_H
#define FYKE_CONNECTORS_KAFKA_ADMIN_H

#include "base/buf.h"
#include "connectors/kafka_client.h"

struct kafka_topic_plan {
    const char *topic;
    int partitions, replication;
    const struct kafka_property *config;
    size_t n_config;
};

/* Codes of the topic, with the broker's words in `why`. */
rd_kafka_resp_err_t kafka_create_topic(struct kafka_client *k, const struct kafka_topic_plan *plan,
                                       struct buf *why);
rd_kafka_resp_err_t kafka_delete_topic(struct kafka_client *k, const char *topic, struct buf *why);
/* Calls `fn` for every entry of the topic's configuration. */
typedef void (*kafka_config_fn)(void *ctx, const char *key, const char *value);
rd_kafka_resp_err_t kafka_describe_topic(struct kafka_client *k, const char *topic,
                                         kafka_config_fn fn, void *ctx, struct buf *why);
/* Of the cluster; 0: no answer. */
int kafka_count_brokers(struct kafka_client *k);

#endif
