#include <time.h>

#include "connectors/kafka_changelog.h"

#define ASK_MS 5000
#define POLL_MS 100
#define TRY_AGAIN_MS 100

struct reading {
    struct kafka_changelog *log;
    int32_t partition;
    bool first;    /* it begins at whatever is the first entry */
    bool again;    /* the client has given up looking for that */
    int64_t next;  /* behind everything seen, transaction markers included */
    int64_t until; /* end of the log when its end was first reached; -1: not yet */
    int64_t told_ms; /* when something last came */
    bool decided; /* nothing is waited for behind the stable end */
    bool done;
    journal_entry_fn fn;
    void *ctx;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum err kafka_changelog_bounds(struct kafka_changelog *log, uint32_t task, int64_t *ret_first,
                                int64_t *ret_end, struct error *err)
{
    int64_t from = now_ms();
    rd_kafka_resp_err_t rc;
    do {
        rc = rd_kafka_query_watermark_offsets(log->client.rk, log->topic, (int32_t)task, ret_first,
                                              ret_end, ASK_MS);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
            return ERR_OK;
        }
        kafka_serve(&log->client, TRY_AGAIN_MS);
    } while (now_ms() - from < log->wait_ms && !kafka_stopping(&log->client));
    kafka_error(&log->client, rc, err, "asking for the ends of %s[%u]", log->topic, task);
    return kafka_cut_short(&log->client, err->code, err);
}

static enum err assign(struct kafka_changelog *log, uint32_t task, int64_t from, struct error *err)
{
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(l, log->topic, (int32_t)task)->offset = from;
    /* Callbacks stay with rd_kafka_poll(), which the client's other users call: were they to find
     * messages there (rd_kafka_poll_set_consumer), the client would end the process. */
    rd_kafka_resp_err_t rc = rd_kafka_assign(log->client.rk, l);
    rd_kafka_topic_partition_list_destroy(l);
    return rc ? kafka_error(&log->client, rc, err, "reading %s[%u]", log->topic, task) : ERR_OK;
}

static enum err take_entry(struct reading *r, const rd_kafka_message_t *m, struct error *err)
{
    struct journal_entry e = {
        .key = slice_from(m->key, m->key_len),
        .deleted = m->payload == NULL,
        .value = slice_from(m->payload, m->len),
        .position = m->offset,
    };
    r->next = m->offset + 1;
    FYKE_TRY(r->fn(r->ctx, &e, &r->done, err));
    r->done |= r->until >= 0 && r->next >= r->until;
    return ERR_OK;
}

/* The stable end: everything before it is decided. What the log holds behind it belongs to open
 * transactions; it is waited for up to where the log ended when we first came here. */
static void stable_end(struct reading *r, int64_t offset)
{
    int64_t low, high = offset;
    r->next = offset > r->next ? offset : r->next;
    rd_kafka_get_watermark_offsets(r->log->client.rk, r->log->topic, r->partition, &low, &high);
    if (r->until < 0) {
        r->until = high;
    }
    r->done |= r->decided || r->next >= r->until;
}

/* Where the first entry is can only not be told by a broker that does not know the topic yet. */
static bool looks_in_vain(const struct reading *r, const rd_kafka_message_t *m)
{
    return m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && r->first && r->next == 0;
}

static enum err take(struct reading *r, const rd_kafka_message_t *m, struct error *err)
{
    struct kafka_changelog *log = r->log;
    if (kafka_is_unknown(m->err) || looks_in_vain(r, m)) {
        log->client.missing = true;
        r->again |= looks_in_vain(r, m);
        return ERR_OK;
    }
    r->told_ms = now_ms();
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return take_entry(r, m, err);
    }
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        stable_end(r, m->offset);
        return ERR_OK;
    }
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        return error_set(err, ERR_STATE, "%s[%d]: position %lld is not there any more (%s)",
                         log->topic, r->partition, (long long)r->next, rd_kafka_message_errstr(m));
    }
    if (kafka_is_outage(m->err)) {
        return ERR_OK; /* the client reconnects; how long that may take is bounded below */
    }
    return kafka_error(&log->client, m->err, err, "reading %s[%d]", log->topic, r->partition);
}

static enum err too_long(const struct reading *r, struct error *err)
{
    const struct kafka_changelog *log = r->log;
    enum err rc =
        log->client.missing
            ? error_set(err, ERR_KAFKA, "kafka: topic %s does not exist any more: it was asked for, for %d ms",
                        log->topic, log->wait_ms)
        : r->until < 0
            ? error_set(err, ERR_KAFKA, "kafka: %s[%d] cannot be read on at %lld: nothing came for "
                                        "%d ms%s%s",
                        log->topic, r->partition, (long long)r->next, log->wait_ms,
                        log->client.last_error[0] ? ": " : "", log->client.last_error)
            : error_set(err, ERR_KAFKA,
                        "kafka: %s[%d] is stable up to %lld and ends at %lld: an open transaction "
                        "holds the rest back for more than %d ms",
                        log->topic, r->partition, (long long)r->next, (long long)r->until,
                        log->wait_ms);
    err->retriable = true;
    return rc;
}

/* A broker that was asked for records or for who leads the topic does not know it (kafka_young.h). */
static enum err ask_again(struct reading *r, struct error *err)
{
    struct kafka_changelog *log = r->log;
    if (log->client.missing) {
        log->client.missing = !kafka_young_ask(&log->client, log->handle, &log->young);
    }
    if (!r->again || log->client.missing) {
        return ERR_OK;
    }
    r->again = false;
    return assign(log, (uint32_t)r->partition, RD_KAFKA_OFFSET_BEGINNING, err);
}

static enum err read_on(struct reading *r, struct error *err)
{
    while (!r->done) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(r->log->client.rk, POLL_MS);
        kafka_serve(&r->log->client, 0);
        if (m) {
            kafka_room_took(&r->log->client.room, m);
            enum err rc = take(r, m, err);
            rd_kafka_message_destroy(m);
            FYKE_TRY(rc);
            kafka_room_look(&r->log->client.room, r->log->client.rk);
            continue;
        }
        FYKE_TRY(ask_again(r, err));
        if (now_ms() - r->told_ms > r->log->wait_ms) {
            return too_long(r, err);
        }
        if (kafka_stopping(&r->log->client)) {
            error_set(err, ERR_KAFKA, "stopped while reading %s", r->log->topic);
            return kafka_cut_short(&r->log->client, err->code, err);
        }
    }
    return ERR_OK;
}

static enum err read_from(struct reading *r, int64_t from, struct error *err)
{
    r->first = from < 0;
    FYKE_TRY(assign(r->log, (uint32_t)r->partition, from < 0 ? RD_KAFKA_OFFSET_BEGINNING : from, err));
    enum err rc = read_on(r, err);
    rd_kafka_assign(r->log->client.rk, NULL);
    return rc;
}

/* Behind what a commit wrote stands at least the mark of its end: that alone is nothing to read. */
enum err kafka_changelog_read_decided(struct kafka_changelog *log, uint32_t task, int64_t from,
                                      int64_t until, journal_entry_fn fn, void *ctx,
                                      struct error *err)
{
    int64_t low, end;
    struct reading r = {.log = log,
                        .partition = (int32_t)task,
                        .next = from,
                        .until = until,
                        .decided = true,
                        .told_ms = now_ms(),
                        .fn = fn,
                        .ctx = ctx};
    bool known = rd_kafka_get_watermark_offsets(log->client.rk, log->topic, (int32_t)task, &low,
                                                &end) == RD_KAFKA_RESP_ERR_NO_ERROR;
    return known && end >= 0 && end <= from + 1 ? ERR_OK : read_from(&r, from, err);
}

enum err kafka_changelog_read(struct kafka_changelog *log, uint32_t task, int64_t from,
                              journal_entry_fn fn, void *ctx, struct error *err)
{
    struct reading r = {.log = log,
                        .partition = (int32_t)task,
                        .next = from < 0 ? 0 : from,
                        .until = -1,
                        .told_ms = now_ms(),
                        .fn = fn,
                        .ctx = ctx};
    return read_from(&r, from, err);
}
