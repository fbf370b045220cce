#include "connectors/kafka_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_CONNECT_TIMEOUT_MS 10000
#define METADATA_TRY_MS 1000

void kafka_say(struct kafka_client *k, const char *fmt, ...)
{
    char line[512];
    if (!k->log) {
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    k->log(k->log_ctx, line);
}

/* Runs inside poll and flush, hence on the input thread. */
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct kafka_client *k = opaque;
    (void)rk;
    bool new_reason = strncmp(k->last_error, reason, sizeof(k->last_error) - 1) != 0;
    snprintf(k->last_error, sizeof(k->last_error), "%s", reason);
    if (new_reason && code != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        kafka_say(k, "kafka: %s", reason);
    }
}

/* librdkafka's own log lines come from its threads; what matters arrives through on_error. */
static void on_log(const rd_kafka_t *rk, int level, const char *fac, const char *text)
{
    (void)rk;
    (void)level;
    (void)fac;
    (void)text;
}

static enum err set(rd_kafka_conf_t *conf, const char *key, const char *value, struct error *err)
{
    char why[256];
    if (rd_kafka_conf_set(conf, key, value, why, sizeof(why)) != RD_KAFKA_CONF_OK) {
        return error_set(err, ERR_USAGE, "-X %s: %s", key, why);
    }
    return ERR_OK;
}

static enum err set_property(rd_kafka_conf_t *conf, const char *property, struct error *err)
{
    const char *eq = strchr(property, '=');
    char key[128];
    if (!eq || eq == property || (size_t)(eq - property) >= sizeof(key)) {
        return error_set(err, ERR_USAGE, "-X takes key=value, for example "
                                         "-X bootstrap.servers=broker:9092");
    }
    snprintf(key, sizeof(key), "%.*s", (int)(eq - property), property);
    return set(conf, key, eq + 1, err);
}

static bool has_brokers(rd_kafka_conf_t *conf)
{
    size_t len = 0;
    return rd_kafka_conf_get(conf, "bootstrap.servers", NULL, &len) == RD_KAFKA_CONF_OK && len > 1;
}

static enum err fill(rd_kafka_conf_t *conf, const struct kafka_config *c,
                     const struct kafka_default *defaults, size_t n, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        FYKE_TRY(set(conf, defaults[i].key, defaults[i].value, err));
    }
    for (size_t i = 0; i < c->n_properties; i++) {
        FYKE_TRY(set_property(conf, c->properties[i], err));
    }
    if (!has_brokers(conf)) {
        return error_set(err, ERR_USAGE,
                         "no broker is named: add -X bootstrap.servers=HOST:PORT");
    }
    return ERR_OK;
}

enum err kafka_conf(struct kafka_client *k, const struct kafka_config *c,
                    const struct kafka_default *defaults, size_t n_defaults,
                    rd_kafka_conf_t **ret, struct error *err)
{
    *k = (struct kafka_client){.log = c->log, .log_ctx = c->log_ctx};
    k->connect_timeout_ms =
        c->connect_timeout_ms ? c->connect_timeout_ms : DEFAULT_CONNECT_TIMEOUT_MS;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum err rc = fill(conf, c, defaults, n_defaults, err);
    if (rc != ERR_OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    rd_kafka_conf_set_opaque(conf, k);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    *ret = conf;
    return ERR_OK;
}

enum err kafka_open(struct kafka_client *k, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                    struct error *err)
{
    char why[256];
    k->rk = rd_kafka_new(type, conf, why, sizeof(why));
    if (!k->rk) {
        rd_kafka_conf_destroy(conf);
        return error_set(err, ERR_USAGE, "kafka: %s", why);
    }
    return ERR_OK;
}

static enum err metadata(struct kafka_client *k, rd_kafka_topic_t *topic,
                         const struct rd_kafka_metadata **ret, struct error *err)
{
    rd_kafka_resp_err_t rc = RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (int left = k->connect_timeout_ms; left > 0; left -= METADATA_TRY_MS) {
        rc = rd_kafka_metadata(k->rk, 0, topic, ret, METADATA_TRY_MS);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
            k->connected = true;
            return ERR_OK;
        }
        rd_kafka_poll(k->rk, 0); /* delivers the error callbacks */
    }
    enum err e = kafka_error(k, rc, err, "no broker answers");
    err->retriable = true;
    return e;
}

enum err kafka_partitions(struct kafka_client *k, const char *topic, int32_t *ret_n,
                          struct error *err)
{
    rd_kafka_topic_t *t = rd_kafka_topic_new(k->rk, topic, NULL);
    if (!t) {
        return kafka_error(k, rd_kafka_last_error(), err, "topic %s", topic);
    }
    const struct rd_kafka_metadata *m = NULL;
    enum err rc = metadata(k, t, &m, err);
    rd_kafka_topic_destroy(t);
    if (rc != ERR_OK) {
        return rc;
    }
    rd_kafka_resp_err_t code = m->topic_cnt ? m->topics[0].err
                                            : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *ret_n = m->topic_cnt ? m->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(m);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || (!code && *ret_n == 0)) {
        return error_set(err, ERR_USAGE, "topic %s does not exist on this broker", topic);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_error(k, code, err, "topic %s", topic);
    }
    return ERR_OK;
}

enum err kafka_error(struct kafka_client *k, rd_kafka_resp_err_t code, struct error *err,
                     const char *fmt, ...)
{
    char head[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(head, sizeof(head), fmt, ap);
    va_end(ap);
    bool more = k->last_error[0] && (code == RD_KAFKA_RESP_ERR__TRANSPORT ||
                                     code == RD_KAFKA_RESP_ERR__TIMED_OUT ||
                                     code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN);
    return error_set(err, ERR_KAFKA, "kafka: %s: %s%s%s", head, rd_kafka_err2str(code),
                     more ? ": " : "", more ? k->last_error : "");
}
