/* Alerts to a topic by an idempotent producer: at least once. The message: kafka_out.c. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "connectors/kafka_limits.h"

#define SLICE_MS 500
/* How long a stopped run waits for acknowledgements; what is missing then is written again by the
 * next one, for its checkpoint comes after them. */
#define STOP_MS 10000

/* Without acknowledgement for so long the broker counts as away. */
#define SUSPECT_MS 1000 /* when a connection broke */
#define SILENT_MS 10000
/* Meanwhile: is the topic still there? */
#define GONE_EVERY_MS 2000
#define GONE_TIMES 3
#define ASK_MS 1000

struct kafka_sink {
    struct sink base;
    struct kafka_client client;
    char *topic;
    rd_kafka_topic_t *handle;
    int limit; /* of the topic; 0: not known */
    uint64_t failed; /* delivery reports with an error since the last flush */
    rd_kafka_resp_err_t failed_code;
};

static const struct kafka_property defaults[] = {
    {"linger.ms", "5"},
    {"message.timeout.ms", "0"}, /* alerts wait for as long as an outage lasts */
    {"queue.buffering.max.kbytes", "65536"},
    {"retry.backoff.ms", "10"},
    {"reconnect.backoff.max.ms", "500"},
    {"socket.nagle.disable", "true"},
    {"partitioner", "murmur2"}, /* as the Java client; a null key always goes to one partition */
};

static const struct kafka_property fixed[] = {
    {"enable.idempotence", "true"}, /* and with it acks=all */
};

/* Runs inside poll and flush, hence on the input thread. */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct kafka_sink *s = m->_private;
    (void)rk;
    (void)opaque;
    if (m->err) {
        s->failed++;
        s->failed_code = m->err;
    } else {
        kafka_heard(&s->client);
    }
}

/* ---- writing ------------------------------------------------------------------------------ */

static enum err not_acknowledged(struct kafka_sink *s, rd_kafka_resp_err_t code, struct error *err)
{
    return kafka_error(&s->client, code, err,
                       "stopped while alerts to %s are not acknowledged; the next run writes them",
                       s->topic);
}

static enum err send_or_wait(struct kafka_sink *s, const struct out_record *r,
                             struct kafka_message *m, struct error *err)
{
    int stopped_ms = 0;
    for (;;) {
        rd_kafka_resp_err_t rc = kafka_send(s->client.rk, m);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
            kafka_serve(&s->client, 0);
            return ERR_OK;
        }
        if (rc == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && kafka_leave_value_out(r, m)) {
            continue;
        }
        if (rc == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
            return kafka_too_large(r, s->topic, err);
        }
        if (kafka_may_be_deleted(rc)) {
            return kafka_deleted(s->topic, err);
        }
        if (rc != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            return kafka_error(&s->client, rc, err, "alert to %s", s->topic);
        }
        if (stopped_ms >= STOP_MS) {
            return not_acknowledged(s, rc, err);
        }
        kafka_serve(&s->client, SLICE_MS); /* full: serve deliveries until there is room */
        stopped_ms += kafka_stopping(&s->client) ? SLICE_MS : 0;
    }
}

static enum err sink_write(struct sink *base, const struct out_record *r, struct error *err)
{
    struct kafka_sink *s = (struct kafka_sink *)base;
    struct kafka_message m = kafka_message_of(r);
    m.topic = s->handle;
    m.opaque = s;
    enum err rc = send_or_wait(s, r, &m, err);
    if (m.headers) {
        rd_kafka_headers_destroy(m.headers);
    }
    return rc;
}

static enum err not_delivered(struct kafka_sink *s, struct error *err)
{
    uint64_t n = s->failed;
    s->failed = 0;
    int32_t partitions;
    if (kafka_may_be_deleted(s->failed_code) &&
        kafka_ask(&s->client, s->handle, ASK_MS, &partitions) == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        return kafka_deleted(s->topic, err);
    }
    return kafka_error(&s->client, s->failed_code, err, "%llu alerts to %s were not delivered%s",
                       (unsigned long long)n, s->topic,
                       s->failed_code == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP
                           ? " (their time is event time; set message.timestamp.type="
                             "LogAppendTime on the topic)"
                           : "");
}

/* Of a topic that was deleted nothing else tells. A broker that has just started may not know it yet. */
static bool is_gone(struct kafka_sink *s, int waited_ms, int *times)
{
    int32_t n;
    if (waited_ms % GONE_EVERY_MS != 0) {
        return false;
    }
    bool gone = kafka_ask(&s->client, s->handle, ASK_MS, &n) == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *times = gone ? *times + 1 : 0;
    return *times >= GONE_TIMES;
}

/* Waits through an outage: the checkpoint must not come before the alerts. */
static enum err sink_flush(struct sink *base, struct error *err)
{
    struct kafka_sink *s = (struct kafka_sink *)base;
    rd_kafka_resp_err_t rc;
    int stopped_ms = 0, waited_ms = 0, gone = 0;
    do {
        rc = rd_kafka_flush(s->client.rk, SLICE_MS);
        waited_ms += SLICE_MS;
        stopped_ms += kafka_stopping(&s->client) ? SLICE_MS : 0;
        if (rc == RD_KAFKA_RESP_ERR__TIMED_OUT &&
            waited_ms >= (s->client.suspect ? SUSPECT_MS : SILENT_MS)) {
            kafka_lost(&s->client);
        }
        if (rc == RD_KAFKA_RESP_ERR__TIMED_OUT && is_gone(s, waited_ms, &gone)) {
            return kafka_deleted(s->topic, err);
        }
    } while (rc == RD_KAFKA_RESP_ERR__TIMED_OUT && !s->failed && stopped_ms < STOP_MS);
    if (s->failed) {
        return not_delivered(s, err);
    }
    if (rc == RD_KAFKA_RESP_ERR__TIMED_OUT) {
        return not_acknowledged(s, rc, err);
    }
    return rc ? kafka_error(&s->client, rc, err, "alerts to %s", s->topic) : ERR_OK;
}

/* ---- life --------------------------------------------------------------------------------- */

static void sink_close(struct sink *base)
{
    struct kafka_sink *s = (struct kafka_sink *)base;
    if (s->handle) {
        rd_kafka_topic_destroy(s->handle);
    }
    if (s->client.rk) {
        /* A run that failed leaves messages behind, which must not hold up its end. */
        rd_kafka_purge(s->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        kafka_close(&s->client);
    }
    free(s->topic);
    free(s);
}

static enum err open_client(struct kafka_sink *s, const struct kafka_config *c, int *ret_batch,
                            struct error *err)
{
    static const struct kafka_setup setup = {"alerts", defaults, FYKE_ARRAY_LEN(defaults), fixed,
                                             FYKE_ARRAY_LEN(fixed)};
    rd_kafka_conf_t *conf;
    int32_t partitions;
    FYKE_TRY(kafka_conf(&s->client, c, &setup, &conf, err));
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    enum err rc = kafka_limit_batches(conf, s->limit, ret_batch, err);
    if (rc != ERR_OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    FYKE_TRY(kafka_open(&s->client, RD_KAFKA_PRODUCER, conf, err));
    s->handle = rd_kafka_topic_new(s->client.rk, s->topic, NULL);
    if (!s->handle) {
        return kafka_error(&s->client, rd_kafka_last_error(), err, "topic %s", s->topic);
    }
    /* Also warms the producer's metadata: the first produce to a cold topic takes a second. */
    return kafka_partitions(&s->client, s->handle, &partitions, err);
}

static enum err open_sink(struct kafka_sink *s, const struct kafka_config *c, struct error *err)
{
    int batch, smaller;
    FYKE_TRY(open_client(s, c, &batch, err));
    s->limit = kafka_topic_limit(&s->client, s->topic);
    if (s->limit == 0 || s->limit >= batch + KAFKA_BATCH_ROOM) {
        return ERR_OK;
    }
    rd_kafka_topic_destroy(s->handle);
    s->handle = NULL;
    kafka_close(&s->client);
    return open_client(s, c, &smaller, err);
}

enum err kafka_sink_new(const struct kafka_config *c, const char *topic, struct sink **ret,
                        struct error *err)
{
    static const struct sink_ops ops = {sink_write, sink_flush, sink_close};
    struct kafka_sink *s = xcalloc(1, sizeof(*s));
    s->base.ops = &ops;
    s->topic = xstrdup(topic);
    enum err rc = open_sink(s, c, err);
    if (rc != ERR_OK) {
        sink_close(&s->base);
        return rc;
    }
    *ret = &s->base;
    return ERR_OK;
}
