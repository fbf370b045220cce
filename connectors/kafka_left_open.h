/* Partitions in which a transaction may have stayed open although its coordinator has ended it.
 *
 * A transaction ends in each of its partitions by a mark. Kafka 4.3.1 takes a partition without a leader
 * for one that was deleted and writes none there (KRaftMetadataCache.getPartitionLeaderEndpoint; 3.9.2
 * waits for a leader): what an aborted transaction wrote stays open, and the next mark of the same
 * producer, of a commit, commits it. docs/kafka.md, "Marks that are forgotten".
 *
 * So what a life's lost transaction wrote to is kept over the lives of a run, and a new life has each of
 * these partitions marked by a transaction that it aborts, before it sends anything else: one record
 * without a value, which nobody sees who reads what is committed. Nothing is done where the lost
 * transaction may be committed after all: the mark that is missing then comes with the next commit.
 *
 * One for all lives of a run; input thread only. */
#ifndef FYKE_CONNECTORS_KAFKA_LEFT_OPEN_H
#define FYKE_CONNECTORS_KAFKA_LEFT_OPEN_H

struct kafka_left_open;

struct kafka_left_open *kafka_left_open_new(void);
/* NULL: nothing. */
void kafka_left_open_free(struct kafka_left_open *l);

#endif
