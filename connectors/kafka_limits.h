/* What a topic takes. The limit of the broker (max.message.bytes) holds for a batch, and the client, which knows
 * no limit of a topic, makes batches of up to a megabyte: however small the messages are, a full one would
 * never get through. */
#ifndef FYKE_CONNECTORS_KAFKA_LIMITS_H
#define FYKE_CONNECTORS_KAFKA_LIMITS_H

#include "connectors/kafka_txn.h"

/* Of a batch beside its messages, with room. */
#define KAFKA_BATCH_ROOM 1024

/* max.message.bytes of the topic; 0: the broker does not tell. */
int kafka_topic_limit(struct kafka_client *k, const char *topic);
/* Batches of a producer to be, such that topics take them that take `limit` bytes. 0: any. *ret: bytes of
 * a batch. */
enum err kafka_limit_batches(rd_kafka_conf_t *conf, int limit, int *ret,
                             struct error *err) FYKE_MUST_USE;
/* The same of one that is initialised, has begun nothing and knows its targets: it is made once more if need be.
 * `least`: limit of another topic, as above. `asks`: a client for questions. */
enum err kafka_txn_limit(struct kafka_txn *t, const struct kafka_config *c, struct kafka_client *asks,
                         int least, struct error *err) FYKE_MUST_USE;

#endif
