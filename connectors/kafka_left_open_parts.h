/* The inside of what was left open, for the producer and the journal. Private to connectors/. */
#ifndef FYKE_CONNECTORS_KAFKA_LEFT_OPEN_PARTS_H
#define FYKE_CONNECTORS_KAFKA_LEFT_OPEN_PARTS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "connectors/kafka_left_open.h"

struct kafka_journal;
struct kafka_target;
struct kafka_txn;

/* What the open transaction has written to. */
struct kafka_written {
    rd_kafka_topic_partition_list_t *parts;     /* NULL: nothing */
    rd_kafka_topic_partition_list_t *positions; /* that it was to commit; NULL: none yet */
    bool asked; /* for its commit: whether it is one is not known */
};

/* A message of the open transaction is in the partition, or may be. */
void kafka_written_note(struct kafka_txn *t, struct kafka_target *to, int32_t partition);
void kafka_written_positions(struct kafka_txn *t, const rd_kafka_topic_partition_list_t *positions);
/* The transaction is committed. */
void kafka_written_clear(struct kafka_txn *t);
void kafka_written_release(struct kafka_txn *t);

/* The producer is closed: keeps what its transaction has written to, if one was lost and is surely not
 * committed. `l` NULL: nothing. */
void kafka_left_open_take(struct kafka_left_open *l, struct kafka_txn *t);
/* The producer is initialised, so the lost transaction has ended; nothing was sent yet. */
enum err kafka_left_open_end(struct kafka_left_open *l, struct kafka_journal *j,
                             struct error *err) FYKE_MUST_USE;

#endif
