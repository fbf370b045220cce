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

/* Of one that was to end an earlier one nothing is added: it wrote where that one had. A coordinator that
 * turns a commit away has not made it before: it does so behind an abort by time, which only what is open
 * can meet. */
void kafka_left_open_take(struct kafka_left_open *l, struct kafka_journal *j)
{
    struct kafka_written *w = &j->txn.written;
    if (l && !l->what.parts && !l->what.positions) {
        l->what = *w;
        l->what.asked = w->asked && !j->txn.fenced;
        *w = (struct kafka_written){0};
    }
}

/* ---- ending ------------------------------------------------------------------------------- */

/* Its positions say so, as far as they are what the group holds now. Without any it cannot be told. */
static enum err was_committed(const struct kafka_left_open *l, struct kafka_journal *j, bool *ret,
                              struct error *err)
{
    const rd_kafka_topic_partition_list_t *its = l->what.positions;
    uint64_t its_seq = 0, seq = 0;
    *ret = l->what.asked;
    if (!l->what.asked || !its || its->cnt == 0) {
        return ERR_OK;
    }
    rd_kafka_topic_partition_list_t *now = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(now, its->elems[0].topic, its->elems[0].partition);
    enum err rc = kafka_journal_committed(j, now, err);
    *ret = kafka_journal_seq(j, &its->elems[0], &its_seq) &&
           kafka_journal_seq(j, &now->elems[0], &seq) && seq >= its_seq;
    rd_kafka_topic_partition_list_destroy(now);
    return rc;
}

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
    bool committed;
    if (!l || (!l->what.parts && !l->what.positions)) {
        return ERR_OK;
    }
    FYKE_TRY(was_committed(l, j, &committed, err));
    FYKE_TRY(committed ? ERR_OK : mark(l, j, err));
    forget(l);
    return ERR_OK;
}
