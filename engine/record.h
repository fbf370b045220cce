/* A record as a source hands it over: bytes with coordinates, nothing decoded.
 * Everything points into the source's memory and is valid until its next poll. */
#ifndef FYKE_ENGINE_RECORD_H
#define FYKE_ENGINE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/slice.h"

struct record_header {
    struct slice name;
    struct slice value;
};

struct record {
    uint32_t topic; /* schema_topic.index */
    int32_t partition;
    int64_t offset;
    bool has_key, has_value; /* false: null */
    struct slice key;
    struct slice value;
    bool in_format; /* value is in the topic's format (schema_topic.payload); else it is JSON */
    bool has_timestamp;
    bool log_append_time;
    bool elsewhere; /* of several instances: no partitioner puts its key into this partition */
    struct etime timestamp; /* the record's own (Kafka) timestamp */
    const struct record_header *headers;
    uint32_t n_headers;
    /* For messages about files: path and line; NULL and 0 from Kafka. */
    const char *origin;
    uint64_t line;
    /* The source could not even make a record of it (bad envelope, line too long): counted as
     * invalid with this reason; value holds the first bytes. NULL mostly. */
    const char *broken;
};

/* What is remembered of a record to know it again: a topic that was made anew and has grown as long holds
 * another one in its place. */
struct record_mark {
    bool set;
    int64_t offset;
    struct etime timestamp; /* ETIME_MIN: none */
    uint32_t sum;           /* over key and value */
};

struct record_mark record_mark_of(const struct record *r);
static inline bool record_mark_eq(const struct record_mark *a, const struct record_mark *b)
{
    return a->set == b->set && a->offset == b->offset && a->timestamp.ns == b->timestamp.ns &&
           a->sum == b->sum;
}

/* Where a partition stands; used for restart, commit and the summary. */
struct partition_position {
    uint32_t topic;
    int32_t partition;
    int64_t offset;
    int64_t known; /* for a restart: records below this were read before; 0: below `offset` */
    struct record_mark last; /* for a restart: of the record that was read last */
};

#endif
