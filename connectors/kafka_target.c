/* What a transactional producer sends to. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "connectors/kafka_txn.h"

enum err kafka_target_open(struct kafka_txn *t, struct kafka_target *to, struct error *err)
{
    int32_t partitions;
    if (!to->txn) {
        to->txn = t;
        to->next = t->targets;
        t->targets = to;
    }
    to->handle = rd_kafka_topic_new(t->client.rk, to->name, NULL);
    if (!to->handle) {
        return kafka_error(&t->client, rd_kafka_last_error(), err, "topic %s", to->name);
    }
    enum err rc = to->made ? kafka_await_topic(&t->client, to->handle, &partitions, err)
                           : kafka_partitions(&t->client, to->handle, &partitions, err);
    if (rc == ERR_OK && to->made) {
        kafka_young_seen(&to->young);
    }
    return rc;
}

void kafka_target_partitions(struct kafka_target *to, uint32_t n)
{
    to->ends = xcalloc(n, sizeof(*to->ends));
    to->lowest = xcalloc(n, sizeof(*to->lowest));
    for (uint32_t p = 0; p < n; p++) {
        to->lowest[p] = INT64_MAX;
    }
    to->n_ends = n;
}

static void unlist(struct kafka_target *to)
{
    for (struct kafka_target **at = to->txn ? &to->txn->targets : NULL; at && *at; at = &(*at)->next) {
        if (*at == to) {
            *at = to->next;
            return;
        }
    }
}

void kafka_target_close(struct kafka_target *to)
{
    unlist(to);
    if (to->handle) {
        rd_kafka_topic_destroy(to->handle);
    }
    free(to->name);
    free(to->ends);
    free(to->lowest);
    free(to->noted);
    *to = (struct kafka_target){0};
}
