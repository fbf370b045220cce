/* What a replay reads: files, a slice of Kafka topics, or such a slice as it was kept in a directory. */
#ifndef FYKE_LIB_REPLAY_INPUT_H
#define FYKE_LIB_REPLAY_INPUT_H

#include "connectors/kafka_slice.h"
#include "lib/replay.h"
#include "lib/replay_savepoint.h"
#include "lib/replay_slice.h"
#include "lib/replay_source.h"
#include "lib/table_inputs.h"

struct replay_input {
    const struct replay_config *config;
    const struct ruleset *rs;  /* topics and declarations, of all rule sets that are evaluated */
    struct engine_range range; /* that any of them needs */
    struct duration late;      /* the most that a source is `out of order by` */
    struct kafka_config kafka;
    const char **events; /* inputs that are no list or lookup; owned */
    size_t n_events;
    struct replay_source source;
    bool open; /* the source is */
    bool from_kafka, from_cache;
    const struct replay_savepoint *savepoint; /* reading goes on where it stands; NULL */
    bool has_want;
    struct replay_slice want, got; /* of the manifest; as read */
    struct buf cache_lines, cache_manifest; /* paths */
    FILE *cache;                   /* being written; NULL */
    uint64_t whole_bytes, whole_records; /* to be read; 0: unknown */
    uint64_t earlier, removed;           /* replay_result has them */
};

/* Looks at what is there: in->kafka and from_kafka are known then. */
enum err replay_input_init(struct replay_input *in, const struct replay_config *c,
                           const struct ruleset *rs, struct engine_range range,
                           struct duration late, struct error *err) FYKE_MUST_USE;
/* `tables`: of each of the `n` rule sets. */
enum err replay_input_open(struct replay_input *in, const struct table_inputs *const *tables,
                           size_t n, struct error *err) FYKE_MUST_USE;
/* Both for a single rule set, and its tables: the caller releases them, whatever is returned. */
enum err replay_input_open_alone(struct replay_input *in, const struct replay_config *c,
                                 const struct ruleset *rs, struct engine_range range,
                                 struct duration late, struct table_inputs *tables,
                                 struct error *err) FYKE_MUST_USE;
/* Everything was read: the manifest is written, or held against what it says. */
enum err replay_input_finish(struct replay_input *in, struct error *err) FYKE_MUST_USE;
void replay_input_close(struct replay_input *in);

/* How to reach the broker: what is read without group or commits. */
bool replay_reads_kafka(const struct replay_config *c);
void replay_kafka_config(const struct replay_config *c, struct kafka_config *ret);

/* lib/replay_kafka.c: where to begin, verified by reading. */
enum err replay_kafka_plan(struct replay_input *in, struct kafka_range **ranges, size_t *n,
                           struct error *err) FYKE_MUST_USE;

#endif
