#include "connectors/kafka_left_open.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/kafka_journal_parts.h"

/* Of the kind that the journal leaves out where it reads, were it ever to be seen. */
static const struct slice key_end = {"\0JX", 3};

struct kafka_left_open {
    struct kafka_written what; /* of the lost transaction; nothing: there is none */
};

struct kafka_left_open *kafka_left_open_new(void)
{
    return xcalloc(1, sizeof(struct kafka_left_open));
}

static void forget(struct kafka_left_open *l)
{
    if (l->what.parts) {
        rd_kafka_topic_partition_list_destroy(l->what.parts);
    }
    if (l->what.positions) {
        rd_kafka_topic_partition_list_destroy(l->what.positions);
    }
    l->what = (struct kafka_written){0};
}

void kafka_left_open_free(struct kafka_left_open *l)
{
    if (l) {
        forget(l);
    }
    free(l);
}

/* ---- keeping ------------------------------------------------------------------------------ */

/* A coordinator that turns a commit away has not made it before: it does so behind an abort by time, which
 * only what is open can meet. */
static bool may_be_committed(const struct kafka_txn *t)
{
    return t->written.asked && !t->fenced;
}

/* Of one that was to end an earlier one nothing is added: it wrote where that one had. */
void kafka_left_open_take(struct kafka_left_open *l, struct kafka_txn *t)
{
    if (l && !l->what.parts && !l->what.positions && !may_be_committed(t)) {
        l->what = t->written;
        t->written = (struct kafka_written){0};
    }
}

/* ---- ending ------------------------------------------------------------------------------- */

/* All partitions of one topic. Reports of the messages point to `to`. */
static enum err mark_topic(struct kafka_txn *t, const rd_kafka_topic_partition_t *parts, int n,
                           struct kafka_target *to, struct error *err)
{
    FYKE_TRY(kafka_target_open(t, to, err));
    for (int i = 0; i < n; i++) {
        struct kafka_message m = {.partition = parts[i].partition, .has_key = true, .key = key_end};
        FYKE_TRY(kafka_txn_send(t, to, &m, err));
    }
    return kafka_txn_flush(t, err);
}

/* Of a topic that was deleted nothing can be seen any more. */
static bool is_gone(struct kafka_txn *t, const char *name)
{
    int32_t n;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(t->client.rk, name, NULL);
    bool gone = handle && kafka_is_unknown(kafka_find(&t->client, handle, &n));
    if (handle) {
        rd_kafka_topic_destroy(handle);
    }
    return gone;
}

static enum err mark_topics(struct kafka_txn *t, rd_kafka_topic_partition_list_t *l, struct error *err)
{
    enum err rc = ERR_OK;
    rd_kafka_topic_partition_list_sort(l, NULL, NULL);
    for (int i = 0, n = 1; rc == ERR_OK && i < l->cnt; i += n, n = 1) {
        while (i + n < l->cnt && strcmp(l->elems[i + n].topic, l->elems[i].topic) == 0) {
            n++;
        }
        if (is_gone(t, l->elems[i].topic)) {
            continue;
        }
        struct kafka_target to = {.name = xstrdup(l->elems[i].topic),
                                  .what = "ends of a lost transaction"};
        rc = mark_topic(t, &l->elems[i], n, &to, err);
        if (rc != ERR_OK) {
            kafka_txn_close_transaction(t);
        }
        kafka_target_close(&to);
    }
    return rc;
}

/* Positions may be set by who is no member, as nothing comes of it. */
static enum err mark(struct kafka_left_open *l, struct kafka_journal *j, struct error *err)
{
    FYKE_TRY(l->what.parts ? mark_topics(&j->txn, l->what.parts, err) : ERR_OK);
    rd_kafka_consumer_group_metadata_t *nobody = rd_kafka_consumer_group_metadata_new(j->log.group);
    enum err rc = kafka_txn_abort(&j->txn, l->what.positions, nobody, err);
    rd_kafka_consumer_group_metadata_destroy(nobody);
    return rc;
}

enum err kafka_left_open_end(struct kafka_left_open *l, struct kafka_journal *j, struct error *err)
{
    if (!l || (!l->what.parts && !l->what.positions)) {
        return ERR_OK;
    }
    FYKE_TRY(mark(l, j, err));
    forget(l);
    return ERR_OK;
}
