#include "connectors/kafka_table.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "connectors/kafka_client.h"

#define BATCH_RECORDS 1024
/* For one answer of a refresh: events wait meanwhile. */
#define REFRESH_MS 1000
#define PROBE_MS 500
#define PROBE_EVERY 5 /* polls that waited in vain */

struct kafka_table {
    struct table_feed feed; /* first: the engine's handle */
    struct kafka_client client;
    char *name;
    rd_kafka_topic_t *handle;
    struct partition_position *at; /* next offsets; RD_KAFKA_OFFSET_BEGINNING: nothing read */
    bool *ended;                   /* in this round */
    uint32_t n, left;
    bool assigned;
    rd_kafka_message_t *messages[BATCH_RECORDS]; /* of the batch handed out last */
    struct record records[BATCH_RECORDS];
    uint32_t n_messages;
    int patience;    /* polls without a record until the broker is asked again */
    bool asked_once; /* since a connection broke, without an answer */
};

static void drop_batch(struct kafka_table *t)
{
    for (uint32_t i = 0; i < t->n_messages; i++) {
        rd_kafka_message_destroy(t->messages[i]);
    }
    t->n_messages = 0;
}

/* ---- rounds ------------------------------------------------------------------------------- */

/* Partitions that were added since the last round are read from their beginning. */
static void grow(struct kafka_table *t, uint32_t n)
{
    if (n <= t->n) {
        return;
    }
    t->at = xrealloc(t->at, n * sizeof(*t->at));
    t->ended = xrealloc(t->ended, n * sizeof(*t->ended));
    for (; t->n < n; t->n++) {
        t->at[t->n] = (struct partition_position){.partition = (int32_t)t->n,
                                                  .offset = RD_KAFKA_OFFSET_BEGINNING};
    }
}

/* A position behind the end: the topic is not the one that was read before. */
static enum err check_position(struct kafka_table *t, const struct partition_position *p,
                               struct error *err)
{
    int64_t low, high;
    if (p->offset < 0) {
        return ERR_OK;
    }
    rd_kafka_resp_err_t rc = rd_kafka_query_watermark_offsets(t->client.rk, t->name, p->partition,
                                                              &low, &high, REFRESH_MS);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_error(&t->client, rc, err, "asking for the end of %s[%d]", t->name,
                           p->partition);
    }
    if (p->offset > high) {
        return error_set(err, ERR_KAFKA,
                         "%s[%d] ends at %lld and was read up to %lld: the topic was made anew, "
                         "restart to read it", t->name, p->partition, (long long)high,
                         (long long)p->offset);
    }
    return ERR_OK;
}

static enum err assign(struct kafka_table *t, struct error *err)
{
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new((int)t->n);
    for (uint32_t i = 0; i < t->n; i++) {
        rd_kafka_topic_partition_list_add(l, t->name, t->at[i].partition)->offset =
            t->at[i].offset;
        t->ended[i] = false;
    }
    kafka_consume(&t->client);
    rd_kafka_resp_err_t rc = rd_kafka_assign(t->client.rk, l);
    rd_kafka_topic_partition_list_destroy(l);
    t->left = t->n;
    t->assigned = rc == RD_KAFKA_RESP_ERR_NO_ERROR;
    return t->assigned ? ERR_OK : kafka_error(&t->client, rc, err, "reading %s", t->name);
}

static void unassign(struct kafka_table *t)
{
    if (t->assigned) {
        rd_kafka_assign(t->client.rk, NULL);
        t->assigned = false;
    }
}

/* The first round waits for the broker as every start does; a refresh asks once. */
static enum err count_partitions(struct kafka_table *t, struct error *err)
{
    int32_t n = (int32_t)t->n;
    if (t->n == 0) {
        FYKE_TRY(kafka_partitions(&t->client, t->handle, &n, err));
    } else {
        n = kafka_probe(&t->client, t->handle, REFRESH_MS);
        if (n == 0) {
            return kafka_error(&t->client, RD_KAFKA_RESP_ERR__TRANSPORT, err,
                               "no answer about %s", t->name);
        }
    }
    grow(t, (uint32_t)n);
    return ERR_OK;
}

static enum err begin(struct table_feed *feed, struct error *err)
{
    struct kafka_table *t = (struct kafka_table *)feed;
    drop_batch(t);
    unassign(t);
    FYKE_TRY(count_partitions(t, err));
    for (uint32_t i = 0; i < t->n; i++) {
        FYKE_TRY(check_position(t, &t->at[i], err));
    }
    return assign(t, err);
}

/* ---- reading ------------------------------------------------------------------------------ */

static void reached(struct kafka_table *t, const rd_kafka_message_t *m, int64_t next, bool end)
{
    uint32_t i = (uint32_t)m->partition;
    if (m->partition < 0 || i >= t->n) {
        return;
    }
    t->at[i].offset = next;
    if (end && !t->ended[i]) {
        t->ended[i] = true;
        t->left--;
    }
}

static enum err on_event(struct kafka_table *t, const rd_kafka_message_t *m, struct error *err)
{
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        reached(t, m, m->offset, true);
        return ERR_OK;
    }
    if (kafka_is_outage(m->err)) {
        return ERR_OK; /* the client reconnects; the round takes longer */
    }
    return kafka_error(&t->client, m->err, err, "reading %s[%d]", t->name, m->partition);
}

static void keep(struct kafka_table *t, rd_kafka_message_t *m)
{
    t->records[t->n_messages] = kafka_record_of(m);
    t->messages[t->n_messages++] = m;
    reached(t, m, m->offset + 1, false);
}

/* Where nothing comes though it is waited for: is anybody there? Asked twice, as the callbacks in between
 * may know better what is wrong. */
static void look_around(struct kafka_table *t)
{
    kafka_stopping(&t->client); /* alive, and waiting */
    if (!t->client.suspect || --t->patience > 0) {
        return;
    }
    t->patience = PROBE_EVERY;
    if (kafka_probe(&t->client, t->handle, PROBE_MS) == 0 && t->client.suspect) {
        if (t->asked_once) {
            kafka_lost(&t->client);
        }
        t->asked_once = true;
    } else {
        t->asked_once = false;
    }
}

static enum err poll(struct table_feed *feed, struct duration wait, struct table_feed_batch *ret,
                     struct error *err)
{
    struct kafka_table *t = (struct kafka_table *)feed;
    int wait_ms = (int)(wait.ns / NS_PER_MS);
    drop_batch(t);
    while (t->left > 0 && t->n_messages < BATCH_RECORDS) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(t->client.rk, wait_ms);
        if (!m) {
            break;
        }
        wait_ms = 0;
        if (!m->err) {
            kafka_room_took(&t->client.room, m);
            keep(t, m);
            continue;
        }
        enum err rc = on_event(t, m, err);
        rd_kafka_message_destroy(m);
        FYKE_TRY(rc);
    }
    kafka_room_look(&t->client.room, t->client.rk);
    if (t->left == 0 && t->client.down) {
        kafka_heard(&t->client); /* ends come from the broker, records may have been in a queue */
    } else if (wait.ns > 0 && t->left > 0 && t->n_messages == 0) {
        look_around(t);
    }
    *ret = (struct table_feed_batch){t->records, t->n_messages, t->left == 0, t->client.down};
    if (ret->done) {
        unassign(t);
    }
    return ERR_OK;
}

static uint32_t positions(struct table_feed *feed, const struct partition_position **ret)
{
    const struct kafka_table *t = (const struct kafka_table *)feed;
    *ret = t->at;
    return t->n;
}

/* ---- life --------------------------------------------------------------------------------- */

static void close_table(struct table_feed *feed)
{
    struct kafka_table *t = (struct kafka_table *)feed;
    drop_batch(t);
    if (t->client.rk) {
        unassign(t);
        rd_kafka_consumer_close(t->client.rk);
    }
    if (t->handle) {
        rd_kafka_topic_destroy(t->handle);
    }
    kafka_close(&t->client);
    free(t->name);
    free(t->at);
    free(t->ended);
    free(t);
}

static enum err open_table(struct kafka_table *t, const struct kafka_config *c, struct error *err)
{
    rd_kafka_conf_t *conf;
    FYKE_TRY(kafka_reader_conf(&t->client, c, "lookups", &conf, err));
    FYKE_TRY(kafka_open(&t->client, RD_KAFKA_CONSUMER, conf, err));
    t->handle = rd_kafka_topic_new(t->client.rk, t->name, NULL);
    return t->handle ? ERR_OK
                     : kafka_error(&t->client, rd_kafka_last_error(), err, "topic %s", t->name);
}

enum err kafka_table_new(const struct kafka_config *c, struct slice topic, struct table_feed **ret,
                         struct error *err)
{
    static const struct table_feed_ops ops = {begin, poll, positions, close_table};
    struct kafka_table *t = xcalloc(1, sizeof(*t));
    t->feed = (struct table_feed){.ops = &ops, .topic = topic};
    t->name = xstrndup(topic.ptr, topic.len);
    enum err rc = open_table(t, c, err);
    if (rc != ERR_OK) {
        close_table(&t->feed);
        return rc;
    }
    *ret = &t->feed;
    return ERR_OK;
}
