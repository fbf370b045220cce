/* The topic of the rules in force, `<app>.rules`: compacted, one partition, for several instances.
 *
 * Who writes does so under a name that one process has at a time: it shuts out whoever had it, reads what is
 * there, decides, and commits what it decided as one. So of two that decide at the same time one finds what
 * the other one has written. What the entries mean: lib/group_rules.h.
 *
 * Thread rule: one thread at a time. */
#ifndef FYKE_CONNECTORS_KAFKA_RULES_H
#define FYKE_CONNECTORS_KAFKA_RULES_H

#include "connectors/kafka.h"
#include "engine/journal/journal.h"

struct kafka_rules;

/* `c` is the caller's until close. Asks no broker. */
enum err kafka_rules_new(const struct kafka_config *c, struct kafka_rules **ret,
                         struct error *err) FYKE_MUST_USE;
void kafka_rules_free(struct kafka_rules *r);

/* Waits for a broker; makes the topic where there is none. Before the others. */
enum err kafka_rules_open(struct kafka_rules *r, struct error *err) FYKE_MUST_USE;
/* What has been committed since the last reading; each entry once. */
enum err kafka_rules_read(struct kafka_rules *r, journal_entry_fn fn, void *ctx,
                          struct error *err) FYKE_MUST_USE;

/* Begins to write: from here on nobody else can. What was committed before must be read now. ERR_ABORTED,
 * here and in the next two: somebody else has begun since; begin again. */
enum err kafka_rules_begin(struct kafka_rules *r, struct error *err) FYKE_MUST_USE;
enum err kafka_rules_put(struct kafka_rules *r, struct slice key, struct slice value,
                         struct error *err) FYKE_MUST_USE;
enum err kafka_rules_commit(struct kafka_rules *r, struct error *err) FYKE_MUST_USE;
/* Without commit: nothing was written. */
void kafka_rules_end(struct kafka_rules *r);
/* Of a value. */
size_t kafka_rules_max_bytes(const struct kafka_rules *r);

#endif
