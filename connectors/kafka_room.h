/* Room in the client's queue. It asks for no more records while queued.min.messages or
 * queued.max.messages.kbytes wait there, and before 2.2 looks only once a second whether there is room again:
 * who reads 100,000 records in less than that stands still for the rest of the second. Later versions look as
 * often as fetch.queue.backoff.ms says.
 *
 * What waits is bounded by the client's limits and what one answer of a broker overshoots them by. */
#ifndef FYKE_CONNECTORS_KAFKA_ROOM_H
#define FYKE_CONNECTORS_KAFKA_ROOM_H

#include <librdkafka/rdkafka.h>

#include <stdbool.h>
#include <stddef.h>

/* How often a client looks that can be told; unknown to older ones. */
#define KAFKA_LOOK_KEY "fetch.queue.backoff.ms"
#define KAFKA_LOOK_MS "20"

struct kafka_room {
    size_t most_messages, most_bytes; /* 0: the client looks by itself */
    size_t messages, bytes; /* taken since it was looked at */
    bool was_scarce; /* more than half of what may wait did */
};

bool kafka_room_look_is_known(rd_kafka_conf_t *conf);
/* Of the configuration that the consumer is made with. */
void kafka_room_limits(struct kafka_room *r, rd_kafka_conf_t *conf);
static inline void kafka_room_took(struct kafka_room *r, const rd_kafka_message_t *m)
{
    r->messages++;
    r->bytes += m->len + m->key_len;
}
/* After each message, or some: when little is left of much, the client is made to look. */
void kafka_room_look(struct kafka_room *r, rd_kafka_t *rk);

#endif
