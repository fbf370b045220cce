/* A topic that was made a moment ago, by us or by another instance, is known to one broker and not yet to the
 * next. So for KAFKA_TOPIC_MS from when a client has first seen a topic of ours, "there is no such topic" means
 * that who says so has not heard of it yet. Behind that it is gone. */
#ifndef FYKE_CONNECTORS_KAFKA_YOUNG_H
#define FYKE_CONNECTORS_KAFKA_YOUNG_H

#include "connectors/kafka_client.h"

struct kafka_young {
    int64_t seen_ms;  /* for the first time, by a clock that does not stand still; 0: not yet */
    int64_t asked_ms; /* when it was last asked for */
    bool said;        /* that it is waited for */
};

/* A broker knows it. Only the first call counts. */
void kafka_young_seen(struct kafka_young *y);
bool kafka_is_young(const struct kafka_young *y);
/* The codes that say so, the broker's and the client's own. */
bool kafka_is_unknown(rd_kafka_resp_err_t code);
/* Asks for the topic, a few times a second at most, which is also what makes a client go on that took it for
 * gone: by itself it asks every few minutes. True: it is known. The first time a line says what is waited for. */
bool kafka_young_ask(struct kafka_client *k, rd_kafka_topic_t *topic, struct kafka_young *y);
/* Until it is known. False: it is not young any more, or the run was told to end. */
bool kafka_young_wait(struct kafka_client *k, rd_kafka_topic_t *topic, struct kafka_young *y);

#endif
