#include "connectors/kafka_limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/kafka_admin.h"

static void note_limit(void *ctx, const char *key, const char *value)
{
    int *ret = ctx;
    if (strcmp(key, "max.message.bytes") == 0) {
        *ret = (int)strtol(value, NULL, 10);
    }
}

/* Whoever may not ask writes as before. */
int kafka_topic_limit(struct kafka_client *k, const char *topic)
{
    FYKE_CLEANUP(buf_release) struct buf why = BUF_INIT;
    int limit = 0;
    rd_kafka_resp_err_t rc = kafka_describe_topic(k, topic, note_limit, &limit, &why);
    return rc == RD_KAFKA_RESP_ERR_NO_ERROR && limit > 0 ? limit : 0;
}

static int batch_for(int limit)
{
    return limit > 2 * KAFKA_BATCH_ROOM ? limit - KAFKA_BATCH_ROOM : 1; /* a message each */
}

enum err kafka_limit_batches(rd_kafka_conf_t *conf, int limit, int *ret, struct error *err)
{
    char value[16], why[256];
    FYKE_TRY(kafka_conf_int(conf, "batch.size", ret, err));
    if (limit == 0 || batch_for(limit) >= *ret) {
        return ERR_OK;
    }
    *ret = batch_for(limit);
    snprintf(value, sizeof(value), "%d", *ret);
    return rd_kafka_conf_set(conf, "batch.size", value, why, sizeof(why)) == RD_KAFKA_CONF_OK
               ? ERR_OK
               : error_set(err, ERR_USAGE, "batch.size %s: %s", value, why);
}

static int least_of(int a, int b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

static enum err make_again(struct kafka_txn *t, const struct kafka_config *c, const char *id, int limit,
                           struct error *err)
{
    struct kafka_target *targets = t->targets;
    bool shared = t->shared;
    for (struct kafka_target *to = targets; to; to = to->next) {
        rd_kafka_topic_destroy(to->handle);
        to->handle = NULL;
    }
    kafka_txn_close(t);
    t->shared = shared;
    t->limit = limit;
    t->targets = targets;
    FYKE_TRY(kafka_txn_open(t, c, id, err));
    for (struct kafka_target *to = targets; to; to = to->next) {
        FYKE_TRY(kafka_target_open(t, to, err));
    }
    return kafka_txn_init(t, err);
}

enum err kafka_txn_limit(struct kafka_txn *t, const struct kafka_config *c, struct kafka_client *asks,
                         int least, struct error *err)
{
    for (struct kafka_target *to = t->targets; to; to = to->next) {
        to->limit = kafka_topic_limit(asks, to->name);
        least = least_of(least, to->limit);
    }
    if (least == 0 || batch_for(least) >= t->batch_bytes) {
        return ERR_OK;
    }
    char *id = xstrdup(t->id);
    enum err rc = make_again(t, c, id, least, err);
    free(id);
    return rc;
}
