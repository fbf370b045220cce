/* Kafka as source and sink, through librdkafka (any version from 2.0.2 on).
 *
 * The source assigns every partition of the declared topics to itself (one process reads the whole
 * input); positions come from the engine's checkpoint, and are committed to the group `app` for
 * others to see. The sink is idempotent and waits for all replicas: flush returns when everything
 * written is acknowledged, or says what was not.
 *
 * A broker that goes away is no error: both keep trying and say so once per outage. Facts about
 * brokers and client versions that the defaults come from: docs/kafka.md. */
#ifndef FYKE_CONNECTORS_KAFKA_H
#define FYKE_CONNECTORS_KAFKA_H

#include <signal.h>
#include <stddef.h>

#include "base/fault.h"
#include "engine/engine.h"
#include "engine/io.h"
#include "nfa/rule.h"

struct kafka_left_open;
struct kafka_rebuild;

struct kafka_config {
    const char *const *properties; /* "key=value", handed to librdkafka; the caller's */
    size_t n_properties;
    const char *app;         /* group id */
    const char *instance_id; /* NULL: none; part of the client id */
    int connect_timeout_ms;  /* until the first answer of a broker; 0: 10,000 */
    const volatile sig_atomic_t *stop; /* NULL: never; ends waiting for acknowledgements */
    engine_log log;          /* NULL: silent; called from the input thread only */
    void *log_ctx;
    struct fault *fault;     /* tests: where to die; NULL */
    void (*beat)(void *ctx); /* NULL: none; called while waiting for a broker */
    void *beat_ctx;
    struct kafka_rebuild *rebuild; /* NULL: none; of journal, source and sinks (kafka_rebuild.h) */
    struct kafka_left_open *left_open; /* NULL: none; of the journal, over its lives (kafka_left_open.h) */
};

/* Partitions that every topic that is read has: as many tasks there are for several instances. Refuses,
 * with the numbers, topics that have different ones. */
enum err kafka_count_tasks(const struct kafka_config *c, const struct ruleset *rs,
                           const char *topics, uint32_t *ret, struct error *err) FYKE_MUST_USE;

/* ERR_USAGE: the rules do not declare all of `topics` (as below). */
enum err kafka_check_topics(const struct ruleset *rs, const char *topics,
                            struct error *err) FYKE_MUST_USE;

/* Is the topic of the rule set read? `topics` as below. */
bool kafka_reads(const char *topics, struct slice name);

/* `topics`: "T1,T2" or NULL for every topic of the rule set. `start`: "earliest" (NULL too),
 * "latest" or an RFC 3339 time, the record's own time; used only for topics without checkpointed
 * positions. `once`: the source is finished when every partition has reached the end that it had at
 * the start. */
enum err kafka_source_new(const struct kafka_config *c, const struct ruleset *rs,
                          const char *topics, const char *start, bool once, struct source **ret,
                          struct error *err) FYKE_MUST_USE;

/* ERR_STATE: the positions of the group are those of a run that delivers exactly once. Before start(). */
enum err kafka_source_check_positions(struct source *s, const struct kafka_config *c,
                                      struct error *err) FYKE_MUST_USE;

/* The same as a member of the group: partitions come and go (engine/io.h). What commits are made with,
 * the group's metadata as of the last assignment, is handed to the journal `j`. `c->instance_id` names
 * the member; `n_tasks` of kafka_count_tasks(). */
struct journal;
enum err kafka_source_join(const struct kafka_config *c, const struct ruleset *rs,
                           const char *topics, const char *start, bool once, uint32_t n_tasks,
                           struct journal *j, struct source **ret,
                           struct error *err) FYKE_MUST_USE;

enum err kafka_sink_new(const struct kafka_config *c, const char *topic, struct sink **ret,
                        struct error *err) FYKE_MUST_USE;

#endif
