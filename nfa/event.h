/* An event: one record seen through one declaration.
 *
 * One allocation: the struct, its values, then their text. Whoever holds it owns the whole block;
 * nfa/ reads events during a call and clones what it must keep (event_clone). */
#ifndef FYKE_NFA_EVENT_H
#define FYKE_NFA_EVENT_H

#include <stdint.h>

#include "base/clock.h"
#include "nfa/value.h"

/* Where a record came from. `topic` is the index in the rule set (order of first declaration).
 * EVENT_DERIVED as topic: `offset` is then the number within its cause. */
#define EVENT_DERIVED UINT32_MAX

struct coord {
    uint32_t topic;
    int32_t partition;
    int64_t offset;
};

struct event {
    struct etime time;
    struct coord at;
    uint32_t decl;     /* schema_decl.index */
    uint32_t n_values; /* fields of the declaration; fields not kept are missing */
    uint32_t bytes;    /* of the whole block */
    uint32_t pad;
    struct value values[];
};

/* The total order of language.md 3.1: time, topic, partition, offset, declaration. */
int event_compare(const struct event *a, const struct event *b);

/* Bytes of a copy of the event holding its text; event_clone_into writes it there (16-aligned). */
uint32_t event_clone_bytes(const struct event *e);
struct event *event_clone_into(const struct event *e, void *mem);

/* Position-independent record of an event (state codec): time relative to `base`. */
void event_encode(const struct event *e, struct etime base, struct buf *out);
/* Decodes into `arena` (text copied). NULL and r->failed on bad bytes. */
struct arena;
struct event *event_decode(struct reader *r, struct etime base, struct arena *arena);

#endif
