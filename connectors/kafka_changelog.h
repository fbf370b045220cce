/* A compacted topic of an application: made or checked, and read. Its changelog has a partition per task;
 * that of the rules in force (kafka_rules.h) has one.
 *
 *   kafka_changelog.c       the topic: making, checking, beginning anew
 *   kafka_changelog_read.c  committed entries of one partition, in order
 *
 * Compaction alone may remove entries, and a deletion stays readable for a day: whoever reads on
 * from an older position would otherwise miss it. */
#ifndef FYKE_CONNECTORS_KAFKA_CHANGELOG_H
#define FYKE_CONNECTORS_KAFKA_CHANGELOG_H

#include "connectors/kafka_young.h"
#include "engine/journal/journal.h"

/* Parts of clocks of values and of what the rules are are written whole: about 8 KiB each
 * (clock_page.h, rules_apart.h), and what a message takes beside. */
#define KAFKA_LEAST_MESSAGE 16384

struct kafka_changelog {
    struct kafka_client client; /* a consumer of the application's group, which it never joins */
    const char *what; /* "changelog": for messages */
    char *topic;
    char *group;
    rd_kafka_topic_t *handle;
    uint32_t n_tasks;
    bool shared; /* others may make it at the same time */
    struct kafka_young young; /* of `handle`, once the topic was seen */
    int wait_ms; /* for the end to be free of open transactions */
    int max_message_bytes;
    const struct kafka_config *config;
};

/* Makes the client; no broker is asked. */
enum err kafka_changelog_open(struct kafka_changelog *log, const struct kafka_config *c,
                              uint32_t n_tasks, int wait_ms, struct error *err) FYKE_MUST_USE;
/* The same of the topic `<app>.<what>`. */
enum err kafka_changelog_open_as(struct kafka_changelog *log, const struct kafka_config *c,
                                 const char *what, uint32_t n_tasks, int wait_ms,
                                 struct error *err) FYKE_MUST_USE;
void kafka_changelog_close(struct kafka_changelog *log);
/* The topic is there and fit. `reset`: it is made anew. */
enum err kafka_changelog_ensure(struct kafka_changelog *log, bool reset,
                                struct error *err) FYKE_MUST_USE;
/* First readable and stable end. */
enum err kafka_changelog_bounds(struct kafka_changelog *log, uint32_t task, int64_t *ret_first,
                                int64_t *ret_end, struct error *err) FYKE_MUST_USE;
/* As journal_ops.read, the journal's own entries included. */
enum err kafka_changelog_read(struct kafka_changelog *log, uint32_t task, int64_t from,
                              journal_entry_fn fn, void *ctx, struct error *err) FYKE_MUST_USE;
/* As journal_ops.read_decided; ends at `until` at the latest, if that is not negative. */
enum err kafka_changelog_read_decided(struct kafka_changelog *log, uint32_t task, int64_t from,
                                      int64_t until, journal_entry_fn fn, void *ctx,
                                      struct error *err) FYKE_MUST_USE;

#endif
