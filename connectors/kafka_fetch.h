/* Messages in the order in which the client has them. One by one each takes some locks and looks at the clock;
 * many at a time they do not. But before 2.1.0 a client that takes many loses those in front of a change that
 * another thread makes to the partition meanwhile (its issue 4208): so nobody may assign, pause or seek while
 * this runs, which a member of a group, whose client pauses by itself, cannot promise.
 *
 * After each change made between two calls the rest is dropped: the client reads it again. */
#ifndef FYKE_CONNECTORS_KAFKA_FETCH_H
#define FYKE_CONNECTORS_KAFKA_FETCH_H

#include <librdkafka/rdkafka.h>

#include <stddef.h>

#define KAFKA_FETCH_MANY 256 /* the client has just touched them when they are looked at */

struct kafka_fetch {
    rd_kafka_message_t *messages[KAFKA_FETCH_MANY];
    size_t at, n; /* the next one, all */
};

/* NULL: there is none. At most `most` are taken from the client; at once. */
rd_kafka_message_t *kafka_fetch_many(struct kafka_fetch *f, rd_kafka_t *rk, size_t most);
void kafka_fetch_drop(struct kafka_fetch *f);

#endif
