/* Positions that a run delivered exactly once has committed: a run that delivers at least once knows nothing of
 * them, begins where its own state says, and would overwrite them. */
#include "connectors/kafka_journal_parts.h"
#include "connectors/kafka_parts.h"

#define ASK_MS 5000

static enum err refuse(const struct kafka_config *c, const rd_kafka_topic_partition_t *p, uint64_t seq,
                       struct error *err)
{
    return error_set(err, ERR_STATE,
                     "%s[%d]: the position %lld of application %s was committed exactly once (commit %llu); a "
                     "run delivered at least once would begin elsewhere and overwrite it. Deliver exactly "
                     "once, take another --app, or begin anew with --reset-state",
                     p->topic, p->partition, (long long)p->offset, c->app, (unsigned long long)seq);
}

enum err kafka_source_check_positions(struct source *base, const struct kafka_config *c, struct error *err)
{
    struct kafka_source *s = (struct kafka_source *)base;
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new((int)s->n_parts);
    for (size_t i = 0; i < s->n_parts; i++) {
        rd_kafka_topic_partition_list_add(l, s->parts[i].topic, s->parts[i].partition);
    }
    enum err rc = ERR_OK;
    uint64_t seq;
    /* Who may not ask for them may not overwrite them either. */
    bool known = rd_kafka_committed(s->client.rk, l, ASK_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; known && rc == ERR_OK && i < l->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &l->elems[i];
        if (!p->err && p->offset >= 0 &&
            kafka_metadata_read(c->app, slice_from(p->metadata, p->metadata_size), &seq)) {
            rc = refuse(c, p, seq, err);
        }
    }
    rd_kafka_topic_partition_list_destroy(l);
    return rc;
}
