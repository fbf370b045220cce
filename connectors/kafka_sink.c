/* Alerts to a topic: value as one JSON object, the rule key as message key, event time as record
 * timestamp, headers fyke-rule and fyke-match-id (docs/formats.md). */
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "connectors/kafka_client.h"

#define FLUSH_SLICE_MS 1000
/* How long acknowledgements may be missing before the run gives up; alerts wait meanwhile. */
#define FLUSH_TIMEOUT_MS 120000

struct kafka_sink {
    struct sink base;
    struct kafka_client client;
    char *topic;
    uint64_t failed; /* delivery reports with an error since the last flush */
    rd_kafka_resp_err_t failed_code;
};

static const struct kafka_default sink_defaults[] = {
    {"client.id", "fyke"},
    {"enable.idempotence", "true"},
    {"linger.ms", "5"},
    {"retry.backoff.ms", "10"},
    {"reconnect.backoff.max.ms", "500"},
    {"socket.nagle.disable", "true"},
    {"partitioner", "murmur2"}, /* as the Java client; a null key always goes to one partition */
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    (void)opaque;
    struct kafka_sink *s = m->_private;
    if (m->err) {
        s->failed++;
        s->failed_code = m->err;
    }
}

static rd_kafka_resp_err_t produce(struct kafka_sink *s, const struct out_record *r)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
    rd_kafka_header_add(headers, "fyke-rule", -1, r->rule.ptr, (ssize_t)r->rule.len);
    if (r->match_id.len) {
        rd_kafka_header_add(headers, "fyke-match-id", -1, r->match_id.ptr,
                            (ssize_t)r->match_id.len);
    }
    int64_t ms = r->event_time.ns > 0 ? r->event_time.ns / NS_PER_MS : 0;
    rd_kafka_resp_err_t rc = rd_kafka_producev(
        s->client.rk, RD_KAFKA_V_TOPIC(s->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)r->value.ptr, r->value.len),
        RD_KAFKA_V_KEY((void *)(uintptr_t)(r->has_key ? r->key.ptr : NULL),
                       r->has_key ? r->key.len : 0),
        RD_KAFKA_V_TIMESTAMP(ms), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(s),
        RD_KAFKA_V_END);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_headers_destroy(headers);
    }
    return rc;
}

static enum err sink_write(struct sink *base, const struct out_record *r, struct error *err)
{
    struct kafka_sink *s = (struct kafka_sink *)base;
    for (;;) {
        rd_kafka_resp_err_t rc = produce(s, r);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_poll(s->client.rk, 0);
            return ERR_OK;
        }
        if (rc != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            return kafka_error(&s->client, rc, err, "alert to %s", s->topic);
        }
        rd_kafka_poll(s->client.rk, 100); /* full: serve deliveries until there is room */
    }
}

static enum err sink_flush(struct sink *base, struct error *err)
{
    struct kafka_sink *s = (struct kafka_sink *)base;
    rd_kafka_resp_err_t rc = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int waited = 0; waited < FLUSH_TIMEOUT_MS; waited += FLUSH_SLICE_MS) {
        rc = rd_kafka_flush(s->client.rk, FLUSH_SLICE_MS);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR || s->failed) {
            break;
        }
    }
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR && !s->failed) {
        return kafka_error(&s->client, rc, err, "alerts to %s are not acknowledged", s->topic);
    }
    if (s->failed) {
        uint64_t n = s->failed;
        s->failed = 0;
        return kafka_error(&s->client, s->failed_code, err, "%llu alerts to %s were not delivered",
                           (unsigned long long)n, s->topic);
    }
    return ERR_OK;
}

static void sink_close(struct sink *base)
{
    struct kafka_sink *s = (struct kafka_sink *)base;
    if (s->client.rk) {
        rd_kafka_destroy(s->client.rk);
    }
    free(s->topic);
    free(s);
}

static const struct sink_ops kafka_sink_ops = {sink_write, sink_flush, sink_close};

static enum err open_sink(struct kafka_sink *s, const struct kafka_config *c, struct error *err)
{
    rd_kafka_conf_t *conf;
    FYKE_TRY(kafka_conf(&s->client, c, sink_defaults, FYKE_ARRAY_LEN(sink_defaults), &conf, err));
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    FYKE_TRY(kafka_open(&s->client, RD_KAFKA_PRODUCER, conf, err));
    /* Also warms the producer's metadata: the first produce to a cold topic takes a second. */
    int32_t partitions;
    return kafka_partitions(&s->client, s->topic, &partitions, err);
}

enum err kafka_sink_new(const struct kafka_config *c, const char *topic, struct sink **ret,
                        struct error *err)
{
    struct kafka_sink *s = xcalloc(1, sizeof(*s));
    s->base.ops = &kafka_sink_ops;
    s->topic = xstrdup(topic);
    enum err rc = open_sink(s, c, err);
    if (rc != ERR_OK) {
        sink_close(&s->base);
        return rc;
    }
    *ret = &s->base;
    return ERR_OK;
}
