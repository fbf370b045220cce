#include "connectors/kafka_fetch.h"

static void fill(struct kafka_fetch *f, rd_kafka_t *rk, size_t most)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
    ssize_t n = queue ? rd_kafka_consume_batch_queue(queue, 0, f->messages,
                                                     most < KAFKA_FETCH_MANY ? most : KAFKA_FETCH_MANY)
                      : 0;
    if (queue) {
        rd_kafka_queue_destroy(queue);
    }
    f->at = 0;
    f->n = n > 0 ? (size_t)n : 0;
}

rd_kafka_message_t *kafka_fetch_many(struct kafka_fetch *f, rd_kafka_t *rk, size_t most)
{
    if (f->at == f->n) {
        fill(f, rk, most);
    }
    return f->at < f->n ? f->messages[f->at++] : NULL;
}

void kafka_fetch_drop(struct kafka_fetch *f)
{
    while (f->at < f->n) {
        rd_kafka_message_destroy(f->messages[f->at++]);
    }
}
