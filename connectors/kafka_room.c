#include "connectors/kafka_room.h"

#include <stdlib.h>

/* A smaller queue is empty after every batch: each would ask. */
#define LEAST_MESSAGES 1000

/* Of fewer messages nothing is asked: a client of 2.0.2 whose queue was looked at does not always end when a right
 * has been taken away (kafka.security), and who reads little has room. */
#define LOOK_AFTER 256

bool kafka_room_look_is_known(rd_kafka_conf_t *conf)
{
    size_t size;
    return rd_kafka_conf_get(conf, KAFKA_LOOK_KEY, NULL, &size) == RD_KAFKA_CONF_OK;
}

static size_t number_of(rd_kafka_conf_t *conf, const char *key)
{
    char text[32] = "";
    size_t size = sizeof(text);
    return rd_kafka_conf_get(conf, key, text, &size) == RD_KAFKA_CONF_OK ? strtoul(text, NULL, 10) : 0;
}

void kafka_room_limits(struct kafka_room *r, rd_kafka_conf_t *conf)
{
    size_t messages = number_of(conf, "queued.min.messages");
    *r = (struct kafka_room){0};
    if (!kafka_room_look_is_known(conf) && messages >= LEAST_MESSAGES) {
        r->most_messages = messages;
        r->most_bytes = number_of(conf, "queued.max.messages.kbytes") * 1024;
    }
}

static size_t waiting(rd_kafka_t *rk)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
    size_t n = queue ? rd_kafka_queue_length(queue) : 0;
    if (queue) {
        rd_kafka_queue_destroy(queue);
    }
    return n;
}

/* Whatever is sent to a leader wakes the thread that serves its partitions, and then it looks. The question is
 * a cheap one, and nobody waits for the answer. */
static void make_it_look(rd_kafka_t *rk)
{
    rd_kafka_topic_partition_list_t *l;
    if (rd_kafka_assignment(rk, &l) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return; /* it looks within a second anyway */
    }
    for (int i = 0; i < l->cnt; i++) {
        l->elems[i].offset = RD_KAFKA_OFFSET_END;
    }
    if (l->cnt > 0) {
        rd_kafka_offsets_for_times(rk, l, 0);
    }
    rd_kafka_topic_partition_list_destroy(l);
}

/* What waits weighs as much per message as what was read. */
static bool is_over(const struct kafka_room *r, size_t messages, size_t weight, size_t part)
{
    return messages > r->most_messages / part || messages * weight > r->most_bytes / part;
}

void kafka_room_look(struct kafka_room *r, rd_kafka_t *rk)
{
    if (r->most_messages == 0 || r->messages < LOOK_AFTER) {
        return;
    }
    size_t left = waiting(rk), weight = r->bytes / r->messages;
    r->was_scarce |= is_over(r, left + r->messages, weight, 2);
    r->messages = r->bytes = 0;
    if (r->was_scarce && !is_over(r, left, weight, 4)) {
        r->was_scarce = false;
        make_it_look(rk);
    }
}
