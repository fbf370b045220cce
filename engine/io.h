/* Sources and sinks as the engine sees them: function tables. connectors/ implements them; tests
 * use the in-memory pair. All calls come from the engine's input thread. */
#ifndef FYKE_ENGINE_IO_H
#define FYKE_ENGINE_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/slice.h"
#include "engine/record.h"
#include "nfa/state.h"

/* ---- source ------------------------------------------------------------------------------ */

struct ruleset;
struct source;

struct source_partition {
    uint32_t topic; /* schema_topic.index */
    int32_t partition;
    int64_t first_offset; /* where reading starts without a position; final after start() */
    bool empty;           /* nothing was written to it yet */
};

/* Instead of an offset: where partitions() says. */
#define SOURCE_FROM_START INT64_C(-1)

/* What becomes of the partitions behind the records of a batch. Only a source that shares its input
 * with other processes says so; it begins without any. */
enum source_change {
    SOURCE_SAME,
    SOURCE_GIVEN, /* partitions() says which are ours now; nothing is read before start() */
    SOURCE_TAKEN, /* all of them go: commit, then let_go(); nothing is read before the next GIVEN */
};

struct source_batch {
    const struct record *records;
    uint32_t n;
    /* Partitions that have delivered everything they held when asked: for files their end (they
     * hold no clock any more), for Kafka the end of the partition was reached. */
    const struct partition_position *at_end;
    uint32_t n_at_end;
    /* Partitions whose end cannot be vouched for any more though no record has come: they must not
     * be taken for idle until they are at their end again. */
    const struct partition_position *lost_end;
    uint32_t n_lost_end;
    bool finished; /* bounded input: everything has been delivered */
    enum source_change change;
};

struct source_ops {
    /* The partitions of this run, fixed at start; of a shared source, as given last. Valid until
     * close, or the next change. */
    enum err (*partitions)(struct source *s, const struct source_partition **ret, uint32_t *ret_n,
                           struct error *err);
    /* Start reading; `from[i]` overrides the first offset of the partitions named. Once; of a shared
     * source, after each GIVEN and whenever more can be read: those alone are read that `from` names. */
    enum err (*start)(struct source *s, const struct partition_position *from, uint32_t n,
                      struct error *err);
    /* Next records, at most `max`; waits up to `wait` when there are none (0 records then). */
    enum err (*poll)(struct source *s, uint32_t max, struct duration wait,
                     struct source_batch *ret, struct error *err);
    /* A partition is too far ahead in event time: hold it back / let it go on. May be NULL. */
    enum err (*pause)(struct source *s, const struct partition_position *p, bool paused,
                      struct error *err);
    /* Commit positions to the broker's group (Kafka) after the checkpoint. May be NULL. */
    enum err (*commit)(struct source *s, const struct partition_position *pos, uint32_t n,
                       const char *metadata, struct error *err);
    /* After TAKEN: what was read is committed. NULL: not shared. */
    enum err (*let_go)(struct source *s, struct error *err);
    /* Another engine goes on with it, under rules that read the same topics by the same numbers: partitions()
     * and start() are called once more, and the positions may lie before what was read. `rs` is borrowed as
     * the one before was. False: it cannot; only close() is left. NULL: never. */
    bool (*again)(struct source *s, const struct ruleset *rs);
    void (*close)(struct source *s);
};

struct source {
    const struct source_ops *ops;
    bool bounded;       /* files: watermark rules of formats.md "End of a file" apply */
    bool remembers;     /* the same offsets can be read again (Kafka, named files with --state) */
    /* Of a partition, the record that was handed on last in the batches before, as far as it is known; by
     * whoever reads the source. NULL: nobody knows. */
    void (*last_read)(void *ctx, uint32_t topic, int32_t partition, struct record_mark *ret);
    void *last_read_ctx;
    bool skips_headers; /* nobody looks at those of records; by whoever reads the source */
};

/* ---- sink -------------------------------------------------------------------------------- */

struct sink;

/* One alert on its way out, or a record that was refused: key, value, headers and time as it came,
 * more headers behind its own (lib/refused.h). */
struct out_record {
    struct slice value;    /* one JSON object without newline */
    struct slice key;      /* formats.md section 2: canonical key text; */
    bool has_key;          /* false: null key (rule without `for each`) */
    struct etime event_time;
    struct slice rule;     /* header fyke-rule */
    uint32_t rule_index;   /* in the rule set; of a copy the rule that it stands for */
    struct slice match_id; /* header fyke-match-id */
    bool only_derives;     /* no alert: a match that is shown since it derives events */
    enum match_kind kind;
    bool has_evidence;     /* then its first and its last event stand at: */
    struct etime first, last;
    struct slice emit, evidence; /* of `value`, each a JSON value; empty: not there */
    bool is_refused;       /* then those from `rule` on are empty, and these count */
    bool has_value, has_time;
    const struct record_header *headers;
    uint32_t n_headers;
};

struct sink_ops {
    enum err (*write)(struct sink *s, const struct out_record *r, struct error *err);
    /* Returns when everything written is delivered (Kafka acks, file written; synced if asked). */
    enum err (*flush)(struct sink *s, struct error *err);
    /* Bytes of the file sink that are durable (engine.md: recovery truncates to it); may be NULL. */
    void (*close)(struct sink *s);
};

struct sink {
    const struct sink_ops *ops;
};

#endif
