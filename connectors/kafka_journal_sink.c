/* Topics that are written within the journal's transactions: alerts, late records, dead letters. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "connectors/kafka_journal_parts.h"
#include "connectors/kafka_rebuild_parts.h"

#define ROOM_BYTES 8192 /* beside key and value: headers, the format's own */

struct journal_sink {
    struct sink base; /* first: the engine's handle */
    struct kafka_journal *journal;
    struct kafka_target to;
};

static enum err sink_write(struct sink *base, const struct out_record *r, struct error *err)
{
    struct journal_sink *s = (struct journal_sink *)base;
    struct kafka_txn *t = &s->journal->txn;
    if (kafka_rebuild_goes_on(s->journal->config->rebuild)) {
        s->journal->config->rebuild->withheld++;
        return ERR_OK;
    }
    struct kafka_message m = kafka_message_of(r);
    fault_point(t->fault, "kafka-before-alert");
    int most = s->to.limit > 0 && s->to.limit < t->max_bytes ? s->to.limit : t->max_bytes;
    if (m.value.len + m.key.len + ROOM_BYTES > (size_t)most) {
        kafka_leave_value_out(r, &m);
    }
    enum err rc = kafka_txn_send(t, &s->to, &m, err);
    if (m.headers) {
        rd_kafka_headers_destroy(m.headers);
    }
    if (rc == ERR_LIMIT) {
        return kafka_too_large(r, s->to.name, err);
    }
    if (rc != ERR_OK) {
        return kafka_journal_judge(s->journal, rc, err);
    }
    fault_point(t->fault, "kafka-after-alert");
    return ERR_OK;
}

/* Nothing is delivered before the commit, which carries everything. */
static enum err sink_flush(struct sink *base, struct error *err)
{
    (void)base;
    (void)err;
    return ERR_OK;
}

/* Reports of its messages may still be under way, and point here: the transaction ends first. */
static void sink_close(struct sink *base)
{
    struct journal_sink *s = (struct journal_sink *)base;
    kafka_txn_close_transaction(&s->journal->txn);
    kafka_target_close(&s->to);
    free(s);
}

enum err kafka_journal_sink(struct journal *j, const char *topic, struct sink **ret,
                            struct error *err)
{
    static const struct sink_ops ops = {sink_write, sink_flush, sink_close};
    struct journal_sink *s = xcalloc(1, sizeof(*s));
    s->base.ops = &ops;
    s->journal = (struct kafka_journal *)j;
    s->to = (struct kafka_target){.name = xstrdup(topic), .what = "alerts"};
    enum err rc = kafka_target_open(&s->journal->txn, &s->to, err);
    if (rc != ERR_OK) {
        sink_close(&s->base);
        return rc;
    }
    *ret = &s->base;
    return ERR_OK;
}
