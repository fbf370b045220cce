#include "connectors/kafka_txn_error.h"

#include <stdio.h>
#include <string.h>

#define ASK_MS 1000

static bool is_fence(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH ||
           code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED;
}

/* A new transaction would end the same way. */
static bool lasts(rd_kafka_resp_err_t code)
{
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: return true;
    default: return false;
    }
}

/* Why a transaction can only be aborted any more. Nothing can be begun while one is open: asked for
 * that, the client says what is in the way. */
static rd_kafka_resp_err_t abort_cause(struct kafka_txn *t, rd_kafka_resp_err_t code)
{
    bool follows = code == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
                   code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT || code == RD_KAFKA_RESP_ERR__STATE;
    rd_kafka_error_t *e = follows && t->open ? rd_kafka_begin_transaction(t->client.rk) : NULL;
    rd_kafka_resp_err_t cause = e && rd_kafka_error_txn_requires_abort(e) ? rd_kafka_error_code(e)
                                                                          : code;
    rd_kafka_error_destroy(e);
    return cause;
}

/* A fatal error hides behind the code of the call that met it. */
static rd_kafka_resp_err_t cause_of(struct kafka_txn *t, rd_kafka_resp_err_t code, char *why,
                                    size_t size)
{
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(t->client.rk, why, size);
    return fatal ? fatal : abort_cause(t, code);
}

static const char *hint(rd_kafka_resp_err_t code)
{
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
        return " (their time is event time; set message.timestamp.type=LogAppendTime on the topic)";
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: /* it has none any more */
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: return " (the topic was deleted)";
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        return " (max.message.bytes of the topic holds for a batch of messages: -X batch.size=… bounds it)";
    default: return "";
    }
}

static enum err fail_with(struct kafka_txn *t, rd_kafka_resp_err_t code, const char *what,
                          const char *why, struct error *err)
{
    t->broken = true;
    if (is_fence(code)) {
        t->fenced = true;
        return error_set(err, ERR_ABORTED, "kafka: %s: the transaction coordinator has turned this "
                                           "producer away", what);
    }
    char right[KAFKA_WHY_SIZE];
    bool denied = kafka_login_right(&t->client.login, code, right, sizeof(right));
    return error_set(err, lasts(code) ? ERR_KAFKA : ERR_ABORTED, "kafka: %s: %s%s", what,
                     denied ? right : why, hint(code));
}

/* The topic was made a moment ago; waits until it is known. */
static bool comes(struct kafka_txn *t, struct kafka_target *to)
{
    return kafka_is_young(&to->young) && kafka_young_wait(&t->client, to->handle, &to->young);
}

/* What was given up because of it must be sent anew, by a new producer. */
static enum err not_yet(struct kafka_txn *t, const struct kafka_target *to, struct error *err)
{
    t->broken = true;
    return error_set(err, ERR_ABORTED, "kafka: %s to %s were not delivered: the topic was made a moment ago "
                     "and not every broker knew it yet", to->what, to->name);
}

enum err kafka_txn_undelivered(struct kafka_txn *t, struct error *err)
{
    char why[KAFKA_WHY_SIZE] = "";
    rd_kafka_resp_err_t code = cause_of(t, t->failed, why, sizeof(why));
    /* A failed delivery is what makes others of the transaction fail, never the other way round. */
    code = lasts(t->failed) ? t->failed : code;
    t->broken = true;
    if (is_fence(code)) {
        return fail_with(t, code, "sending", why, err);
    }
    bool deleted = kafka_may_be_deleted(code);
    char gone[KAFKA_NAME_SIZE];
    if (deleted && kafka_txn_topic_gone(t, gone)) { /* the first that failed may be another's */
        struct kafka_target *young = kafka_txn_young(t, gone);
        return young && comes(t, young) ? not_yet(t, young, err) : kafka_deleted(gone, err);
    }
    if (deleted && kafka_is_unknown(code) && comes(t, t->failed_at)) { /* it has come meanwhile */
        return not_yet(t, t->failed_at, err);
    }
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED && code != t->failed) {
        kafka_serve(&t->client, 0); /* brings the log line that names the topic */
        const char *topic = t->client.login.denied_topic;
        return error_set(err, ERR_KAFKA, "kafka: topic %s: %s", topic[0] ? topic : "of the output",
                         kafka_why(&t->client, code, why, sizeof(why)));
    }
    return error_set(err, lasts(code) ? ERR_KAFKA : ERR_ABORTED,
                     "kafka: %s to %s were not delivered: %s%s", t->failed_at->what,
                     t->failed_at->name, kafka_why(&t->client, code, why, sizeof(why)), hint(code));
}

enum err kafka_txn_failed(struct kafka_txn *t, const rd_kafka_error_t *e, const char *what,
                          struct error *err)
{
    char why[256] = "";
    rd_kafka_resp_err_t code = cause_of(t, rd_kafka_error_code(e), why, sizeof(why));
    kafka_serve(&t->client, 0);
    if (t->failed && !is_fence(code)) {
        return kafka_txn_undelivered(t, err);
    }
    return fail_with(t, code, what, why[0] ? why : rd_kafka_error_string(e), err);
}

enum err kafka_txn_refused(struct kafka_txn *t, const rd_kafka_error_t *e, struct error *err)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(e);
    t->broken = true;
    kafka_error(&t->client, code, err, "transactional.id %s cannot be initialised", t->id);
    err->retriable = rd_kafka_error_is_retriable(e);
    return err->code;
}

enum err kafka_txn_unsent(struct kafka_txn *t, struct kafka_target *to,
                          const struct kafka_message *m, rd_kafka_resp_err_t code,
                          struct error *err)
{
    char why[256] = "";
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) { /* the client's word; the broker's comes below */
        t->broken = true;
        return error_set(err, ERR_LIMIT,
                         "kafka: %s to %s: one takes %zu bytes, more than message.max.bytes",
                         to->what, to->name, m->value.len);
    }
    code = cause_of(t, code, why, sizeof(why));
    /* The client refuses messages of a transaction that cannot be committed any more. */
    kafka_serve(&t->client, 0);
    if (t->failed && !is_fence(code)) {
        return kafka_txn_undelivered(t, err);
    }
    if (kafka_is_unknown(code) && comes(t, to)) {
        return not_yet(t, to, err);
    }
    return fail_with(t, code, to->name, why[0] ? why : rd_kafka_err2str(code), err);
}

bool kafka_txn_topic_gone(struct kafka_txn *t, char ret_name[KAFKA_NAME_SIZE])
{
    const struct rd_kafka_metadata *md;
    bool gone = false;
    if (rd_kafka_metadata(t->client.rk, 0, NULL, &md, ASK_MS) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return false;
    }
    for (int i = 0; i < md->topic_cnt && !gone; i++) {
        gone = md->topics[i].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        if (gone) {
            snprintf(ret_name, KAFKA_NAME_SIZE, "%s", md->topics[i].topic);
        }
    }
    rd_kafka_metadata_destroy(md);
    return gone;
}

struct kafka_target *kafka_txn_young(struct kafka_txn *t, const char *name)
{
    for (struct kafka_target *to = t->targets; to; to = to->next) {
        if (strcmp(to->name, name) == 0 && kafka_is_young(&to->young)) {
            return to;
        }
    }
    return NULL;
}

enum err kafka_txn_again(struct kafka_txn *t, struct error *err)
{
    return error_set(err, ERR_ABORTED, "kafka: transactional.id %s is done with", t->id);
}
