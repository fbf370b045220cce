/* Where records go that are not evaluated: late ones (what idleness has passed among them) and invalid
 * ones, each to a file of JSON lines (dead_letter.h) or to a Kafka topic. Without a place of their own
 * late records go where the invalid ones go.
 *
 * On Kafka a record keeps key, value, headers and timestamp. Behind its headers stand
 *   __fyke.errors.why        invalid, late or after_idle
 *   __fyke.errors.reason     what is wrong with it
 *   __fyke.errors.topic, .partition, .offset, .timestamp (ms; left out when it had none)
 *   __fyke.errors.app        who refused it
 * One that is too large goes without its value, whose size __fyke.errors.value.left.out tells. With
 * exactly-once delivery all of it is part of the transaction that carries the alerts. */
#ifndef FYKE_LIB_REFUSED_H
#define FYKE_LIB_REFUSED_H

#include "connectors/kafka.h"
#include "engine/engine.h"
#include "engine/journal/journal.h"
#include "fyke/fyke.h"
#include "lib/dead_letter.h"

enum refused_place { REFUSED_TO_LATE, REFUSED_TO_DEAD, REFUSED_PLACES };

struct refused {
    const struct ruleset *rs;
    const char *app;
    const char *to[REFUSED_PLACES]; /* NULL: nowhere */
    struct dead_letter files[REFUSED_PLACES];
    struct sink *topics[REFUSED_PLACES];
    uint64_t sent[REFUSED_PLACES];
};

/* Opens the files; `c` is the caller's until close. False in *any: there is no place at all. */
enum err refused_open(struct refused *r, const struct fyke_run_config *c, const struct ruleset *rs,
                      bool *any, struct error *err) FYKE_MUST_USE;
/* The topics stay open for who goes on: they are `topics` from here on … */
void refused_keep(struct refused *r, struct sink *topics[REFUSED_PLACES]);
/* … until they come back, before refused_connect(). */
void refused_take(struct refused *r, struct sink *topics[REFUSED_PLACES]);
/* Opens the topics that are not open: once the journal (NULL: at least once) is open, before the run. */
enum err refused_connect(struct refused *r, const struct kafka_config *kafka, struct journal *journal,
                         struct error *err) FYKE_MUST_USE;
/* An engine_refused function and its sync; ctx is the struct. */
enum err refused_write(void *ctx, enum refused_why why, const char *reason, const struct record *rec,
                       struct error *err);
enum err refused_sync(void *ctx, struct error *err);
/* The topics, before the journal is closed. */
void refused_disconnect(struct refused *r);
enum err refused_close(struct refused *r, struct error *err) FYKE_MUST_USE;

#endif
