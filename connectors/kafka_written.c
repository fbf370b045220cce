/* What the open transaction of a producer has written to. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "connectors/kafka_txn.h"

/* A partition is noted once in a transaction: `noted` has the number of the last one that it was noted in. */
void kafka_written_note(struct kafka_txn *t, struct kafka_target *to, int32_t partition)
{
    if (partition < 0) {
        return; /* it never got so far as to have one */
    }
    uint32_t i = (uint32_t)partition;
    if (i >= to->n_noted) {
        to->noted = xrealloc(to->noted, (i + 1) * sizeof(*to->noted));
        while (to->n_noted <= i) {
            to->noted[to->n_noted++] = 0;
        }
    }
    if (to->noted[i] == t->number + 1) {
        return;
    }
    to->noted[i] = t->number + 1;
    if (!t->written.parts) {
        t->written.parts = rd_kafka_topic_partition_list_new(8);
    }
    rd_kafka_topic_partition_list_add(t->written.parts, to->name, partition);
}

static void replace(rd_kafka_topic_partition_list_t **at, rd_kafka_topic_partition_list_t *with)
{
    if (*at) {
        rd_kafka_topic_partition_list_destroy(*at);
    }
    *at = with;
}

void kafka_written_positions(struct kafka_txn *t, const rd_kafka_topic_partition_list_t *positions)
{
    replace(&t->written.positions, rd_kafka_topic_partition_list_copy(positions));
}

void kafka_written_clear(struct kafka_txn *t)
{
    kafka_written_release(t);
    t->number++;
}

void kafka_written_release(struct kafka_txn *t)
{
    replace(&t->written.parts, NULL);
    replace(&t->written.positions, NULL);
    t->written.asked = false;
}
