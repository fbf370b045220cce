#include "connectors/kafka_young.h"

#include <time.h>

#define ASK_MS 1000
#define ASK_EVERY_MS 250
#define STEP_MS 50

/* Not CLOCK_MONOTONIC: the brokers go on while this machine sleeps. */
static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void kafka_young_seen(struct kafka_young *y)
{
    if (y->seen_ms == 0) {
        y->seen_ms = now_ms();
    }
}

bool kafka_is_young(const struct kafka_young *y)
{
    return y->seen_ms > 0 && now_ms() - y->seen_ms < KAFKA_TOPIC_MS;
}

bool kafka_is_unknown(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

static void say(struct kafka_client *k, rd_kafka_topic_t *topic, struct kafka_young *y)
{
    if (!y->said) {
        y->said = true;
        kafka_say(k, "kafka: topic %s %s; waiting for it", rd_kafka_topic_name(topic),
                  kafka_is_young(y) ? "was made a moment ago and is not known to every broker yet"
                                    : "does not exist any more");
    }
}

bool kafka_young_ask(struct kafka_client *k, rd_kafka_topic_t *topic, struct kafka_young *y)
{
    int32_t n;
    if (now_ms() - y->asked_ms < ASK_EVERY_MS) {
        return false;
    }
    say(k, topic, y);
    rd_kafka_resp_err_t rc = kafka_ask(k, topic, ASK_MS, &n);
    y->asked_ms = now_ms();
    return rc == RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool kafka_young_wait(struct kafka_client *k, rd_kafka_topic_t *topic, struct kafka_young *y)
{
    while (kafka_is_young(y) && !kafka_stopping(k)) {
        if (kafka_young_ask(k, topic, y)) {
            return true;
        }
        kafka_serve(k, STEP_MS);
    }
    return false;
}
