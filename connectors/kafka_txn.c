#include "connectors/kafka_txn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/xalloc.h"
#include "connectors/kafka_limits.h"
#include "connectors/kafka_txn_error.h"

#define STEP_MS 500
#define CALL_MS 5000 /* one call of the transaction interface; repeated while it may succeed */
/* How long a stopped run goes on trying; the next one goes on from the last commit. */
#define STOP_MS 10000
#define EXPLAIN_MS 3000
/* Without acknowledgement for so long the broker counts as away. */
#define SUSPECT_MS 1000
#define SILENT_MS 10000
/* Meanwhile: are the topics still there? */
#define TOPICS_EVERY_MS 2000
#define GONE_TIMES 3
/* At the end: what cannot be aborted by then is aborted by the next instance or by time. */
#define ABORT_FLUSH_MS 3000
#define ABORT_MS 5000
#define PURGE_MS 1000
/* Over the transaction time-out: what the coordinator takes to notice. */
#define GRACE_MS 10000

static const struct kafka_property defaults[] = {
    {"linger.ms", "5"},
    {"queue.buffering.max.kbytes", "65536"},
    {"retry.backoff.ms", "10"},
    {"reconnect.backoff.max.ms", "500"},
    {"socket.nagle.disable", "true"},
    {"partitioner", "murmur2"}, /* as the Java client; a null key always goes to one partition */
};

/* Not CLOCK_MONOTONIC: the coordinator's clock runs on while this machine sleeps. */
static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Of a message that was sent twice the broker may tell none. */
static void note_offset(struct kafka_target *to, int32_t partition, int64_t offset)
{
    if (partition < 0 || (uint32_t)partition >= to->n_ends || offset < 0) {
        return;
    }
    if (offset >= to->ends[partition]) {
        to->ends[partition] = offset + 1;
    }
    if (offset < to->lowest[partition]) {
        to->lowest[partition] = offset;
    }
}

/* Runs inside poll and flush, hence on the input thread. */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct kafka_client *client = opaque;
    struct kafka_txn *t = (struct kafka_txn *)((char *)client - offsetof(struct kafka_txn, client));
    struct kafka_target *to = m->_private;
    (void)rk;
    t->queued_bytes -= (int64_t)(m->len + m->key_len);
    if (rd_kafka_message_status(m) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED) {
        kafka_written_note(t, to, m->partition);
    }
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_heard(&t->client);
        note_offset(to, m->partition, m->offset);
    } else if (t->failed == RD_KAFKA_RESP_ERR_NO_ERROR) {
        t->failed = m->err;
        t->failed_at = to;
    }
}

/* ---- waiting ------------------------------------------------------------------------------ */

struct patience {
    int waited_ms, stopped_ms;
    int asked_ms; /* of waited_ms, when it was last asked for the topics */
    int gone;     /* so often in a row one of them was not there */
};

/* After a call that took `ms` and may succeed later: is it worth another? Says when nobody
 * answers. */
static bool goes_on(struct kafka_txn *t, struct patience *p, int ms)
{
    p->waited_ms += ms;
    p->stopped_ms += kafka_stopping(&t->client) ? ms : 0;
    if (p->waited_ms >= (t->client.suspect ? SUSPECT_MS : SILENT_MS)) {
        kafka_lost(&t->client);
    }
    return p->stopped_ms < STOP_MS;
}

/* What waits for a topic that was deleted looks like a broker that is silent. One that has just started may
 * know less for a moment: asked more than once. */
static enum err check_topics(struct kafka_txn *t, struct patience *p, struct error *err)
{
    if (p->waited_ms - p->asked_ms < TOPICS_EVERY_MS || t->client.suspect) {
        return ERR_OK;
    }
    char name[KAFKA_NAME_SIZE];
    p->asked_ms = p->waited_ms;
    p->gone = kafka_txn_topic_gone(t, name) && !kafka_txn_young(t, name) ? p->gone + 1 : 0;
    if (p->gone < GONE_TIMES) {
        return ERR_OK;
    }
    t->broken = true;
    return kafka_deleted(name, err);
}

static enum err given_up(struct kafka_txn *t, rd_kafka_resp_err_t code, struct error *err)
{
    char name[KAFKA_NAME_SIZE];
    t->broken = true;
    if (kafka_txn_topic_gone(t, name)) {
        return kafka_deleted(name, err);
    }
    return kafka_error(&t->client, code, err,
                       "stopped while the broker does not answer; the next run goes on from the "
                       "last commit");
}

/* The transaction's time is over and the call has not come back: what the coordinator aborts by itself
 * needs no answer any more. */
static enum err stuck(struct kafka_txn *t, const char *what, struct error *err)
{
    t->broken = true;
    return error_set(err, ERR_ABORTED,
                     "kafka: %s: the group's coordinator does not answer, and the transaction is "
                     "older than transaction.timeout.ms (%d)",
                     what, t->timeout_ms);
}

/* One call of the transaction interface until it succeeds or cannot any more. False: it is under way
 * beside us, and is asked for again. */
typedef bool (*txn_call)(struct kafka_txn *t, void *ctx, rd_kafka_error_t **ret);

static enum err repeat(struct kafka_txn *t, txn_call call, void *ctx, const char *what,
                       struct error *err)
{
    struct patience p = {0};
    for (;;) {
        int64_t from = now_ms();
        rd_kafka_error_t *e = NULL;
        bool ended = call(t, ctx, &e);
        if (ended && !e) {
            kafka_heard(&t->client);
            return ERR_OK;
        }
        rd_kafka_resp_err_t code = ended ? rd_kafka_error_code(e) : RD_KAFKA_RESP_ERR__TIMED_OUT;
        if (ended && !rd_kafka_error_is_retriable(e)) {
            enum err rc = kafka_txn_failed(t, e, what, err);
            rd_kafka_error_destroy(e);
            return rc;
        }
        rd_kafka_error_destroy(e);
        kafka_serve(&t->client, 10); /* also a pause between calls that fail at once */
        if (!ended && kafka_txn_overdue(t)) {
            return stuck(t, what, err);
        }
        if (!goes_on(t, &p, (int)(now_ms() - from))) {
            return given_up(t, code, err);
        }
    }
}

/* ---- life --------------------------------------------------------------------------------- */

/* A request must not wait longer than its transaction may live: the client insists on it. */
static enum err shorten_requests(struct kafka_txn *t, rd_kafka_conf_t *conf, struct error *err)
{
    char value[16], why[256];
    int now;
    FYKE_TRY(kafka_conf_int(conf, "socket.timeout.ms", &now, err));
    if (now <= t->timeout_ms) {
        return ERR_OK;
    }
    snprintf(value, sizeof(value), "%d", t->timeout_ms);
    return rd_kafka_conf_set(conf, "socket.timeout.ms", value, why, sizeof(why)) == RD_KAFKA_CONF_OK
               ? ERR_OK
               : error_set(err, ERR_USAGE, "transaction.timeout.ms %d: %s", t->timeout_ms, why);
}

static enum err read_limits(struct kafka_txn *t, rd_kafka_conf_t *conf, struct error *err)
{
    int kbytes;
    FYKE_TRY(kafka_conf_int(conf, "transaction.timeout.ms", &t->timeout_ms, err));
    FYKE_TRY(kafka_conf_int(conf, "message.max.bytes", &t->max_bytes, err));
    FYKE_TRY(kafka_conf_int(conf, "queue.buffering.max.messages", &t->queue_messages, err));
    FYKE_TRY(kafka_conf_int(conf, "queue.buffering.max.kbytes", &kbytes, err));
    t->queue_bytes = (int64_t)kbytes * 1024;
    FYKE_TRY(kafka_limit_batches(conf, t->limit, &t->batch_bytes, err));
    return shorten_requests(t, conf, err);
}

enum err kafka_txn_open(struct kafka_txn *t, const struct kafka_config *c, const char *id,
                        struct error *err)
{
    struct kafka_property fixed[] = {{"enable.idempotence", "true"}, {"transactional.id", id}};
    struct kafka_property all[FYKE_ARRAY_LEN(defaults) + 1];
    memcpy(all, defaults, sizeof(defaults));
    all[FYKE_ARRAY_LEN(defaults)] =
        (struct kafka_property){"transaction.timeout.ms", t->shared ? "10000" : "30000"};
    struct kafka_setup setup = {"output", all, FYKE_ARRAY_LEN(all), fixed, FYKE_ARRAY_LEN(fixed)};
    rd_kafka_conf_t *conf;
    t->id = xstrdup(id);
    t->fault = c->fault;
    FYKE_TRY(kafka_conf(&t->client, c, &setup, &conf, err));
    enum err rc = read_limits(t, conf, err);
    if (rc != ERR_OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    FYKE_TRY(kafka_open(&t->client, RD_KAFKA_PRODUCER, conf, err));
    t->aside = kafka_aside_new(t->client.rk);
    return ERR_OK;
}

static const char *reason(const struct kafka_txn *t, const rd_kafka_error_t *e)
{
    return t->client.last_error[0] ? t->client.last_error : rd_kafka_error_string(e);
}

/* The broker has answered before, so this ends: the coordinator is found, and what a predecessor
 * left open is aborted first, which is what it may take long for. */
enum err kafka_txn_init(struct kafka_txn *t, struct error *err)
{
    bool said = false;
    int64_t from = now_ms(), limit_ms = t->timeout_ms + GRACE_MS;
    for (;;) {
        rd_kafka_error_t *e = rd_kafka_init_transactions(t->client.rk, CALL_MS);
        if (!e) {
            kafka_heard(&t->client);
            t->ready = true;
            return ERR_OK;
        }
        kafka_serve(&t->client, 10);
        int64_t waited_ms = now_ms() - from;
        bool again = rd_kafka_error_is_retriable(e) && waited_ms < limit_ms &&
                     !kafka_stopping(&t->client);
        if (again && !said && waited_ms >= EXPLAIN_MS) {
            said = true;
            kafka_say(&t->client, "kafka: waiting for the transaction coordinator: %s",
                      reason(t, e));
        }
        enum err rc = again ? ERR_OK : kafka_txn_refused(t, e, err);
        if (rc != ERR_OK && rd_kafka_error_is_retriable(e)) {
            err->retriable = true;
            kafka_cut_short(&t->client, rc, err);
        }
        rd_kafka_error_destroy(e);
        if (!again) {
            return rc;
        }
    }
}

static void abort_open(struct kafka_txn *t)
{
    fault_point(t->fault, "kafka-before-abort");
    /* Before 2.3.0 an abort that overtakes the first message of its transaction is fatal. */
    rd_kafka_flush(t->client.rk, ABORT_FLUSH_MS);
    rd_kafka_error_destroy(rd_kafka_abort_transaction(t->client.rk, ABORT_MS));
    fault_point(t->fault, "kafka-after-abort");
}

void kafka_txn_close_transaction(struct kafka_txn *t)
{
    if (!t->client.rk) {
        return;
    }
    if (t->open && rd_kafka_fatal_error(t->client.rk, NULL, 0) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        abort_open(t);
    }
    t->open = false;
    rd_kafka_purge(t->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(t->client.rk, PURGE_MS);
}

void kafka_txn_close(struct kafka_txn *t)
{
    kafka_txn_close_transaction(t);
    if (kafka_aside_close(t->aside)) {
        kafka_close(&t->client);
    }
    kafka_written_release(t);
    free(t->id);
    *t = (struct kafka_txn){0};
}

/* ---- a transaction ------------------------------------------------------------------------ */

static enum err begin(struct kafka_txn *t, struct error *err)
{
    if (t->open) {
        return ERR_OK;
    }
    fault_point(t->fault, "kafka-before-begin");
    t->begun_ms = now_ms();
    rd_kafka_error_t *e = rd_kafka_begin_transaction(t->client.rk);
    if (e) {
        enum err rc = kafka_txn_failed(t, e, "beginning a transaction", err);
        rd_kafka_error_destroy(e);
        return rc;
    }
    t->open = true;
    fault_point(t->fault, "kafka-after-begin");
    return ERR_OK;
}

enum err kafka_txn_send(struct kafka_txn *t, struct kafka_target *to, struct kafka_message *m,
                        struct error *err)
{
    struct patience p = {0};
    if (t->broken) {
        return kafka_txn_again(t, err);
    }
    FYKE_TRY(begin(t, err));
    m->topic = to->handle;
    m->opaque = to;
    for (;;) {
        rd_kafka_resp_err_t rc = kafka_send(t->client.rk, m);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
            t->queued_bytes += (int64_t)((m->has_key ? m->key.len : 0) +
                                         (m->has_value ? m->value.len : 0));
            kafka_serve(&t->client, 0);
            return t->failed ? kafka_txn_undelivered(t, err) : ERR_OK;
        }
        if (rc != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            return kafka_txn_unsent(t, to, m, rc, err);
        }
        kafka_serve(&t->client, STEP_MS); /* full: serve deliveries until there is room */
        if (t->failed) {
            return kafka_txn_undelivered(t, err);
        }
        FYKE_TRY(check_topics(t, &p, err));
        if (!goes_on(t, &p, STEP_MS)) {
            return given_up(t, rc, err);
        }
    }
}

static enum err flush(struct kafka_txn *t, struct error *err)
{
    struct patience p = {0};
    for (;;) {
        rd_kafka_resp_err_t rc = rd_kafka_flush(t->client.rk, STEP_MS);
        if (t->failed) {
            return kafka_txn_undelivered(t, err);
        }
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
            return ERR_OK;
        }
        FYKE_TRY(check_topics(t, &p, err));
        if (!goes_on(t, &p, STEP_MS)) {
            return given_up(t, rc, err);
        }
    }
}

struct offsets {
    const rd_kafka_topic_partition_list_t *list;
    const rd_kafka_consumer_group_metadata_t *group;
    bool under_way;
};

static bool send_offsets(struct kafka_txn *t, void *ctx, rd_kafka_error_t **ret)
{
    struct offsets *o = ctx;
    if (!o->under_way) {
        kafka_aside_begin(t->aside, o->list, o->group, CALL_MS);
    }
    o->under_way = !kafka_aside_ended(t->aside, STEP_MS, ret);
    return !o->under_way;
}

static bool committing(struct kafka_txn *t, void *ctx, rd_kafka_error_t **ret)
{
    (void)ctx;
    *ret = rd_kafka_commit_transaction(t->client.rk, CALL_MS);
    return true;
}

static bool aborting(struct kafka_txn *t, void *ctx, rd_kafka_error_t **ret)
{
    (void)ctx;
    *ret = rd_kafka_abort_transaction(t->client.rk, CALL_MS);
    return true;
}

/* "the positions of logins, payments": which of the topics is meant the client does not tell. */
static void name_topics(const rd_kafka_topic_partition_list_t *list, char *buf, size_t size)
{
    int used = snprintf(buf, size, "sending the positions of");
    for (int i = 0; i < list->cnt && used > 0 && (size_t)used < size; i++) {
        if (i == 0 || strcmp(list->elems[i].topic, list->elems[i - 1].topic) != 0) {
            used += snprintf(buf + used, size - (size_t)used, "%s %s", i == 0 ? "" : ",",
                             list->elems[i].topic);
        }
    }
}

/* A position may be set by who may read its topic. */
static enum err commit_offsets(struct kafka_txn *t, const rd_kafka_topic_partition_list_t *offsets,
                               const rd_kafka_consumer_group_metadata_t *group, struct error *err)
{
    struct offsets o = {.list = offsets, .group = group};
    char what[200];
    name_topics(offsets, what, sizeof(what));
    fault_point(t->fault, "kafka-before-offsets");
    kafka_written_positions(t, offsets);
    t->client.login.writes = false;
    enum err rc = repeat(t, send_offsets, &o, what, err);
    t->client.login.writes = true;
    FYKE_TRY(rc);
    fault_point(t->fault, "kafka-after-offsets");
    return ERR_OK;
}

enum err kafka_txn_flush(struct kafka_txn *t, struct error *err)
{
    return t->broken ? kafka_txn_again(t, err) : flush(t, err);
}

/* Everything that the transaction is to hold is with the broker. */
static enum err complete(struct kafka_txn *t, const rd_kafka_topic_partition_list_t *offsets,
                         const rd_kafka_consumer_group_metadata_t *group, struct error *err)
{
    if (t->broken) {
        return kafka_txn_again(t, err);
    }
    FYKE_TRY(begin(t, err));
    FYKE_TRY(flush(t, err));
    return offsets ? commit_offsets(t, offsets, group, err) : ERR_OK;
}

static enum err end_by(struct kafka_txn *t, txn_call call, const char *what, struct error *err)
{
    FYKE_TRY(repeat(t, call, NULL, what, err));
    t->open = false;
    kafka_written_clear(t);
    return ERR_OK;
}

enum err kafka_txn_commit(struct kafka_txn *t, const rd_kafka_topic_partition_list_t *offsets,
                          const rd_kafka_consumer_group_metadata_t *group, struct error *err)
{
    FYKE_TRY(complete(t, offsets, group, err));
    fault_point(t->fault, "kafka-before-commit");
    t->written.asked = true;
    FYKE_TRY(end_by(t, committing, "committing the transaction", err));
    fault_point(t->fault, "kafka-after-commit");
    return ERR_OK;
}

enum err kafka_txn_abort(struct kafka_txn *t, const rd_kafka_topic_partition_list_t *positions,
                         const rd_kafka_consumer_group_metadata_t *group, struct error *err)
{
    FYKE_TRY(complete(t, positions, group, err));
    return end_by(t, aborting, "aborting a transaction", err);
}

bool kafka_txn_presses(struct kafka_txn *t)
{
    kafka_serve(&t->client, 0);
    return t->open && (rd_kafka_outq_len(t->client.rk) >= t->queue_messages / 2 ||
                       t->queued_bytes >= t->queue_bytes / 2 ||
                       now_ms() - t->begun_ms >= t->timeout_ms / 4);
}

bool kafka_txn_overdue(const struct kafka_txn *t)
{
    return t->open && now_ms() - t->begun_ms >= t->timeout_ms;
}
