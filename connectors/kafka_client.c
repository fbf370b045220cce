#include "connectors/kafka_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/say.h"

#define DEFAULT_CONNECT_TIMEOUT_MS 10000
#define METADATA_TRY_MS 1000
#define AWAIT_STEP_MS 100
/* Of the first tries: why a login fails comes between two of them, and need not wait a second. */
#define FIRST_TRY_MS 250

/* ---- messages ----------------------------------------------------------------------------- */

void kafka_say(const struct kafka_client *k, const char *fmt, ...)
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

bool kafka_is_outage(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
           code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__RESOLVE ||
           code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE ||
           code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT;
}

bool kafka_stopping(const struct kafka_client *k)
{
    if (k->beat) {
        k->beat(k->beat_ctx);
    }
    return k->stop && *k->stop;
}

enum err kafka_cut_short(const struct kafka_client *k, enum err rc, struct error *err)
{
    err->stopped = rc != ERR_OK && kafka_stopping(k);
    return rc;
}

void kafka_serve(struct kafka_client *k, int ms)
{
    if (k->consuming) {
        usleep((useconds_t)ms * 1000);
    } else {
        rd_kafka_poll(k->rk, ms);
    }
}

void kafka_consume(struct kafka_client *k)
{
    rd_kafka_poll_set_consumer(k->rk);
    k->consuming = k->asks = true;
}

/* Tried again and again, so it is said once per outage. What is not connected yet ends with it. */
static void on_refusal(struct kafka_client *k)
{
    snprintf(k->last_error, sizeof(k->last_error), "%s", k->login.why);
    k->suspect = true;
    if (k->connected && !k->login.said) {
        k->login.said = true;
        kafka_say(k, "kafka: %s: %s; trying on", k->role, k->login.why);
    }
}

/* Runs inside poll and flush, hence on the input thread. A broken connection may be one of many, or
 * one that the broker closed for being idle: no news until somebody asks and gets no answer. The
 * client's "all brokers down" is no help, it does not come when one of them is the coordinator. */
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct kafka_client *k = opaque;
    (void)rk;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        k->suspect = true;
        return;
    }
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        return; /* the next call returns it, and ends the run */
    }
    if (kafka_login_error(&k->login, (rd_kafka_resp_err_t)code, reason)) {
        on_refusal(k);
        return;
    }
    if (k->asks && (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                    code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)) {
        k->missing = true; /* of each partition; who reads it asks, and says it once */
        return;
    }
    bool news = strncmp(k->last_error, reason, sizeof(k->last_error) - 1) != 0;
    snprintf(k->last_error, sizeof(k->last_error), "%s", reason);
    if (kafka_is_outage((rd_kafka_resp_err_t)code)) {
        k->suspect = true;
    } else if (news && k->connected) {
        kafka_say(k, "kafka: %s: %s", k->role, reason);
    }
}

void kafka_heard(struct kafka_client *k)
{
    k->connected = true;
    k->suspect = false;
    k->login.refused = false;
    if (k->down) {
        k->down = k->login.said = false;
        kafka_say(k, SAY_INFO "kafka: %s: the broker answers again", k->role);
    }
}

void kafka_lost(struct kafka_client *k)
{
    bool told = k->down || (k->login.refused && k->login.said);
    k->down = true;
    if (!told) {
        kafka_say(k, "kafka: %s: no broker answers any more%s%s; trying on", k->role,
                  k->last_error[0] ? ": " : "", k->last_error);
    }
}

/* The client's own log lines: only for those who ask with -X debug=…. They are queued and come out
 * where callbacks do. */
static void on_log(const rd_kafka_t *rk, int level, const char *fac, const char *text)
{
    struct kafka_client *k = rd_kafka_opaque(rk);
    if (k && !kafka_login_log(&k->login, text) && level >= 7) {
        kafka_say(k, SAY_DEBUG "kafka: %s: %s: %s", k->role, fac, text);
    }
}

const char *kafka_why(const struct kafka_client *k, rd_kafka_resp_err_t code, char *buf,
                      size_t size)
{
    return kafka_login_right(&k->login, code, buf, size) ? buf : rd_kafka_err2str(code);
}

/* What cannot go on says so of every message and call, and once why. */
static rd_kafka_resp_err_t root_cause(const struct kafka_client *k, rd_kafka_resp_err_t code)
{
    bool follows = code == RD_KAFKA_RESP_ERR__FATAL || code == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
                   code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    rd_kafka_resp_err_t cause =
        follows && k->rk ? rd_kafka_fatal_error(k->rk, NULL, 0) : RD_KAFKA_RESP_ERR_NO_ERROR;
    return cause ? cause : code;
}

enum err kafka_error(struct kafka_client *k, rd_kafka_resp_err_t code, struct error *err,
                     const char *fmt, ...)
{
    char head[200], why[KAFKA_WHY_SIZE];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(head, sizeof(head), fmt, ap);
    va_end(ap);
    code = root_cause(k, code);
    if (k->login.refused && !k->connected) {
        return error_set(err, ERR_KAFKA, "kafka: %s", k->login.why);
    }
    bool more = k->last_error[0] && kafka_is_outage(code);
    error_set(err, ERR_KAFKA, "kafka: %s: %s%s%s", head, kafka_why(k, code, why, sizeof(why)),
              more ? ": " : "", more ? k->last_error : "");
    err->retriable = kafka_is_outage(code);
    return err->code;
}

/* ---- configuration ------------------------------------------------------------------------ */

static enum err set(rd_kafka_conf_t *conf, const char *key, const char *value, struct error *err)
{
    char why[256];
    if (rd_kafka_conf_set(conf, key, value, why, sizeof(why)) != RD_KAFKA_CONF_OK) {
        return error_set(err, ERR_USAGE, "-X %s: %s", key, why);
    }
    return ERR_OK;
}

static enum err check_fixed(const struct kafka_setup *setup, const char *key, const char *value,
                            struct error *err)
{
    for (size_t i = 0; i < setup->n_fixed; i++) {
        const struct kafka_property *f = &setup->fixed[i];
        if (strcmp(f->key, key) == 0 && strcmp(f->value, value) != 0) {
            return error_set(err, ERR_USAGE, "-X %s cannot be changed: fyke needs %s", key,
                             f->value);
        }
    }
    return ERR_OK;
}

static enum err set_property(rd_kafka_conf_t *conf, const struct kafka_setup *setup,
                             const char *property, struct error *err)
{
    const char *eq = strchr(property, '=');
    char key[128];
    if (!eq || eq == property || (size_t)(eq - property) >= sizeof(key)) {
        return error_set(err, ERR_USAGE, "-X takes key=value, for example "
                                         "-X bootstrap.servers=broker:9092");
    }
    snprintf(key, sizeof(key), "%.*s", (int)(eq - property), property);
    if (strncmp(key, KAFKA_CHANGELOG_PREFIX, strlen(KAFKA_CHANGELOG_PREFIX)) == 0) {
        return ERR_OK; /* of the changelog topic (kafka_changelog.c), not of a client */
    }
    FYKE_TRY(check_fixed(setup, key, eq + 1, err));
    return set(conf, key, eq + 1, err);
}

/* One that older clients do not know is no loss (kafka_room.h). */
static enum err set_default(rd_kafka_conf_t *conf, const struct kafka_property *d, struct error *err)
{
    bool is_unknown = strcmp(d->key, KAFKA_LOOK_KEY) == 0 && !kafka_room_look_is_known(conf);
    return is_unknown ? ERR_OK : set(conf, d->key, d->value, err);
}

enum err kafka_conf_int(rd_kafka_conf_t *conf, const char *key, int *ret, struct error *err)
{
    char text[64];
    size_t len = sizeof(text);
    if (rd_kafka_conf_get(conf, key, text, &len) != RD_KAFKA_CONF_OK) {
        return error_set(err, ERR_USAGE, "-X %s cannot be read back", key);
    }
    *ret = (int)strtol(text, NULL, 10);
    return ERR_OK;
}

static bool is_set(rd_kafka_conf_t *conf, const char *key)
{
    size_t len = 0;
    return rd_kafka_conf_get(conf, key, NULL, &len) == RD_KAFKA_CONF_OK && len > 1;
}

static enum err set_client_id(rd_kafka_conf_t *conf, const char *instance_id, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf id = BUF_INIT;
    buf_printf(&id, "fyke%s%s", instance_id ? "-" : "", instance_id ? instance_id : "");
    return set(conf, "client.id", buf_cstr(&id), err);
}

/* A broker that hangs does not close its connections: only a time-out shows that it does not answer,
 * and until then nobody asks who leads in its place. The client would wait a minute. */
static const struct kafka_property common[] = {
    {"socket.timeout.ms", "10000"},
    {"socket.connection.setup.timeout.ms", "10000"},
};

static enum err fill(rd_kafka_conf_t *conf, const struct kafka_config *c,
                     const struct kafka_setup *setup, struct error *err)
{
    FYKE_TRY(set_client_id(conf, c->instance_id, err));
    for (size_t i = 0; i < FYKE_ARRAY_LEN(common); i++) {
        FYKE_TRY(set(conf, common[i].key, common[i].value, err));
    }
    for (size_t i = 0; i < setup->n_defaults; i++) {
        FYKE_TRY(set_default(conf, &setup->defaults[i], err));
    }
    for (size_t i = 0; i < setup->n_fixed; i++) {
        FYKE_TRY(set(conf, setup->fixed[i].key, setup->fixed[i].value, err));
    }
    for (size_t i = 0; i < c->n_properties; i++) {
        FYKE_TRY(set_property(conf, setup, c->properties[i], err));
    }
    if (!is_set(conf, "bootstrap.servers")) {
        return error_set(err, ERR_USAGE,
                         "no broker is named: add -X bootstrap.servers=HOST:PORT");
    }
    return set(conf, "log.queue", "true", err);
}

enum err kafka_conf(struct kafka_client *k, const struct kafka_config *c,
                    const struct kafka_setup *setup, rd_kafka_conf_t **ret, struct error *err)
{
    *k = (struct kafka_client){
        .role = setup->role, .log = c->log, .log_ctx = c->log_ctx, .stop = c->stop};
    k->beat = c->beat;
    k->beat_ctx = c->beat_ctx;
    k->connect_timeout_ms =
        c->connect_timeout_ms ? c->connect_timeout_ms : DEFAULT_CONNECT_TIMEOUT_MS;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum err rc = fill(conf, c, setup, err);
    if (rc != ERR_OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    kafka_login_read(&k->login, conf);
    if (!k->login.group[0]) { /* a producer sends positions of the group too */
        snprintf(k->login.group, sizeof(k->login.group), "%s", c->app ? c->app : "");
    }
    rd_kafka_conf_set_opaque(conf, k);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    *ret = conf;
    return ERR_OK;
}

static const struct kafka_property reader_defaults[] = {
    {KAFKA_LOOK_KEY, KAFKA_LOOK_MS},
    {"retry.backoff.ms", "10"},
    {"reconnect.backoff.max.ms", "500"},
    {"fetch.wait.max.ms", "100"},
    {"socket.nagle.disable", "true"},
};

static const struct kafka_property reader_fixed[] = {
    {"isolation.level", "read_committed"}, {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"}, {"enable.partition.eof", "true"},
    {"auto.offset.reset", "error"},
};

enum err kafka_reader_conf(struct kafka_client *k, const struct kafka_config *c, const char *role,
                           rd_kafka_conf_t **ret, struct error *err)
{
    /* The client wants a group even where nothing is joined and nothing committed. */
    struct kafka_property defaults[FYKE_ARRAY_LEN(reader_defaults) + 1] = {{"group.id", c->app}};
    memcpy(defaults + 1, reader_defaults, sizeof(reader_defaults));
    const struct kafka_setup setup = {role, defaults, FYKE_ARRAY_LEN(defaults), reader_fixed,
                                      FYKE_ARRAY_LEN(reader_fixed)};
    return kafka_conf(k, c, &setup, ret, err);
}

enum err kafka_open(struct kafka_client *k, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                    struct error *err)
{
    char why[256];
    if (type == RD_KAFKA_CONSUMER) {
        kafka_room_limits(&k->room, conf);
    }
    k->rk = rd_kafka_new(type, conf, why, sizeof(why));
    if (!k->rk) {
        rd_kafka_conf_destroy(conf); /* rd_kafka_new() takes it only when it succeeds */
        return error_set(err, ERR_USAGE, "kafka: %s", why);
    }
    k->login.writes = type == RD_KAFKA_PRODUCER;
    rd_kafka_set_log_queue(k->rk, NULL);
    return ERR_OK;
}

/* ---- metadata ----------------------------------------------------------------------------- */

/* A topic that was made a moment ago may have no leader yet. */
static bool comes_soon(const struct rd_kafka_metadata_topic *t)
{
    if (t->err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) {
        return true;
    }
    for (int i = 0; i < t->partition_cnt; i++) {
        if (t->partitions[i].err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) {
            return true;
        }
    }
    return false;
}

static rd_kafka_resp_err_t topic_state(const struct rd_kafka_metadata *m, int32_t *ret_n)
{
    *ret_n = 0;
    if (m->topic_cnt == 0) {
        return RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    }
    *ret_n = m->topics[0].partition_cnt;
    if (comes_soon(&m->topics[0])) {
        return RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    }
    if (m->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR && *ret_n == 0) {
        return RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    }
    return m->topics[0].err;
}

rd_kafka_resp_err_t kafka_ask(struct kafka_client *k, rd_kafka_topic_t *topic, int timeout_ms,
                              int32_t *ret_n)
{
    const struct rd_kafka_metadata *m = NULL;
    *ret_n = 0;
    rd_kafka_resp_err_t rc = rd_kafka_metadata(k->rk, 0, topic, &m, timeout_ms);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return rc;
    }
    kafka_heard(k);
    rc = topic_state(m, ret_n);
    rd_kafka_metadata_destroy(m);
    return rc;
}

int32_t kafka_probe(struct kafka_client *k, rd_kafka_topic_t *topic, int timeout_ms)
{
    int32_t n;
    return kafka_ask(k, topic, timeout_ms, &n) == RD_KAFKA_RESP_ERR_NO_ERROR ? n : 0;
}

rd_kafka_resp_err_t kafka_find(struct kafka_client *k, rd_kafka_topic_t *topic, int32_t *ret_n)
{
    rd_kafka_resp_err_t rc = RD_KAFKA_RESP_ERR__TIMED_OUT;
    int try_ms = 0;
    for (int left = k->connect_timeout_ms; left > 0 && !kafka_stopping(k); left -= try_ms) {
        try_ms = k->connect_timeout_ms - left < METADATA_TRY_MS ? FIRST_TRY_MS : METADATA_TRY_MS;
        rc = kafka_ask(k, topic, left < try_ms ? left : try_ms, ret_n);
        kafka_serve(k, 0); /* delivers the error callbacks */
        if (rc == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) {
            kafka_serve(k, METADATA_TRY_MS);
        } else if (!kafka_is_outage(rc) || (k->login.refused && !k->connected)) {
            break;
        }
    }
    return rc;
}

enum err kafka_not_found(struct kafka_client *k, const char *topic, rd_kafka_resp_err_t code,
                         struct error *err)
{
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        return error_set(err, ERR_USAGE, "topic %s does not exist on this broker", topic);
    }
    if (!k->connected) {
        enum err e = kafka_error(k, code, err, "no broker answers");
        err->retriable = !k->login.refused;
        return kafka_cut_short(k, e, err);
    }
    enum err e = kafka_error(k, code, err, "topic %s", topic);
    return err->retriable ? kafka_cut_short(k, e, err) : e;
}

enum err kafka_partitions(struct kafka_client *k, rd_kafka_topic_t *topic, int32_t *ret_n,
                          struct error *err)
{
    rd_kafka_resp_err_t rc = kafka_find(k, topic, ret_n);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_not_found(k, rd_kafka_topic_name(topic), rc, err);
    }
    return ERR_OK;
}

enum err kafka_await_topic(struct kafka_client *k, rd_kafka_topic_t *topic, int32_t *ret_n,
                           struct error *err)
{
    rd_kafka_resp_err_t rc = kafka_find(k, topic, ret_n);
    for (int left = KAFKA_TOPIC_MS; rc == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && left > 0 &&
                                    !kafka_stopping(k);
         left -= AWAIT_STEP_MS) {
        kafka_serve(k, AWAIT_STEP_MS);
        rc = kafka_find(k, topic, ret_n);
    }
    return rc == RD_KAFKA_RESP_ERR_NO_ERROR
               ? ERR_OK
               : kafka_not_found(k, rd_kafka_topic_name(topic), rc, err);
}
