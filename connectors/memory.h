/* A source that hands over records from memory and a sink that keeps what it gets: for tests and
 * for programs that embed the engine.
 *
 * The source delivers its records in the order in which they were added: the order of arrival. As
 * a bounded source it says that a partition is at its end when its last record has been delivered;
 * as an unbounded one it reports the end of each partition that has nothing more at the moment.
 * Texts are copied. */
#ifndef FYKE_CONNECTORS_MEMORY_H
#define FYKE_CONNECTORS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "engine/io.h"

struct memory_source {
    struct source source; /* first: a `struct source *` of it is the memory_source */
    struct source_partition *partitions;
    size_t n_partitions, cap_partitions;
    struct partition_position *committed; /* as last committed, one per partition named */
    size_t n_committed, cap_committed;
    struct record *records;
    size_t n_records, cap_records, at;
    struct partition_position *ends; /* of the last batch */
    size_t n_ends, cap_ends;
    uint32_t batch; /* at most so many records per poll; 0: as asked for */
    uint64_t polls, commits;
    struct arena arena;
};

void memory_source_init(struct memory_source *m, bool bounded);
void memory_source_release(struct memory_source *m);
void memory_source_add_partition(struct memory_source *m, uint32_t topic, int32_t partition);
/* A record with this payload, behind all others; opens its partition when it is new. */
struct record *memory_source_add(struct memory_source *m, uint32_t topic, int32_t partition,
                                 int64_t offset, const char *payload);

struct memory_alert {
    size_t value_at, value_len; /* in memory_sink.text */
    size_t key_at, key_len;
    bool has_key;
    struct etime event_time;
};

struct memory_sink {
    struct sink sink; /* first */
    struct buf text;  /* the values, one per line */
    struct buf keys;
    struct memory_alert *alerts;
    size_t n_alerts, cap_alerts;
    size_t n_flushed; /* alerts that a flush has covered */
    uint64_t flushes;
};

void memory_sink_init(struct memory_sink *m);
void memory_sink_release(struct memory_sink *m);
struct slice memory_sink_value(const struct memory_sink *m, size_t i);
struct slice memory_sink_key(const struct memory_sink *m, size_t i);

#endif
