/* Where the records of a compacted topic come from that serves as a list or lookup. connectors/
 * implements it for Kafka and files; one feed per topic. All calls come from the input thread. */
#ifndef FYKE_ENGINE_TABLES_TABLE_FEED_H
#define FYKE_ENGINE_TABLES_TABLE_FEED_H

#include "base/error.h"
#include "engine/record.h"

struct table_feed;

struct table_feed_batch {
    const struct record *records; /* valid until the next poll */
    uint32_t n;
    bool done; /* this round is at the end that the topic had when it began */
    bool away; /* nobody answers; it was said, and this does not end by itself */
};

struct table_feed_ops {
    /* A round: from where the last one ended to the end of the topic as it stands now. */
    enum err (*begin)(struct table_feed *f, struct error *err);
    /* Waits up to `wait` when there is nothing. */
    enum err (*poll)(struct table_feed *f, struct duration wait, struct table_feed_batch *ret,
                     struct error *err);
    /* Next offsets per partition; `topic` is not set. */
    uint32_t (*positions)(struct table_feed *f, const struct partition_position **ret);
    void (*close)(struct table_feed *f);
};

struct table_feed {
    const struct table_feed_ops *ops;
    struct slice topic;
    /* Values are objects from keys to values (payload files); else a record is one entry, its key
     * the key and its value the value. */
    bool objects;
    bool bounded; /* the topic never changes: it is read once */
};

#endif
