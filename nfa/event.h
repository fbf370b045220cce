/* An event: one record seen through one declaration.
 *
 * One allocation: the struct, its values, then their text. Whoever holds it owns the whole block;
 * nfa/ reads events during a call and clones what it must keep (event_clone). */
#ifndef FYKE_NFA_EVENT_H
#define FYKE_NFA_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/prefetch.h"
#include "nfa/value.h"

/* Where a record came from. `topic` is the index in the rule set (order of first declaration).
 * EVENT_DERIVED as topic: a rule has derived the event. Then `offset` is its number within the
 * match, and two values behind its fields name the rule and the match (as text), so that an event
 * that is kept says where it came from whatever rules run then. What else is kept with an event
 * (capture.h) stands behind these. */
#define EVENT_DERIVED UINT32_MAX
enum event_origin { EVENT_ORIGIN_RULE, EVENT_ORIGIN_MATCH, EVENT_ORIGIN_VALUES };

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
    uint32_t bytes;    /* of the whole block; 0: not known */
    uint32_t serial;   /* rises among the events that an instance keeps, modulo 2³²; 0: not kept */
    struct value values[];
};

/* Of most events all there is. */
#define EVENT_PREFETCH_BYTES 256
static inline void event_prefetch(const struct event *e)
{
    memory_prefetch(e, EVENT_PREFETCH_BYTES);
}

static inline bool event_is_derived(const struct event *e)
{
    return e->at.topic == EVENT_DERIVED;
}

/* Of a derived event; `n_fields`: of its declaration. Empty if it has none. */
struct slice event_origin(const struct event *e, uint32_t n_fields, enum event_origin part);

/* The total order of language.md 3.1 among input events: time, topic, partition, offset,
 * declaration. */
int event_compare(const struct event *a, const struct event *b);
/* Among events of one key, derived ones too: `a` stands behind `b`. What an instance keeps stands
 * in order, so its numbers say it; they are compared as they wrap around. */
static inline bool event_is_later(const struct event *a, const struct event *b)
{
    if (a->serial != 0 && b->serial != 0) {
        return (int32_t)(a->serial - b->serial) > 0;
    }
    return event_compare(a, b) > 0;
}

struct arena;

/* Bytes of a copy of the event holding its text; event_clone_into writes it there (16-aligned). */
uint32_t event_clone_bytes(const struct event *e);
struct event *event_clone_into(const struct event *e, void *mem);
/* The same for an event that is whole: no lists, and e->bytes are the struct, its values and then their text in
 * order, as decoding and copying leave it. False: it is not; nothing beyond e->bytes was written. */
bool event_clone_whole(const struct event *e, void *mem);
struct event *event_clone(const struct event *e, struct arena *arena);

/* What stored bytes are written relative to, so that what lies close takes few: times, offsets of its topic
 * and partition, and the canonical bytes of the key, in which values of events may stand. Read with the
 * same one. */
struct event_near {
    struct etime time;
    struct coord at;
    struct slice key;
};
/* Times from 1970, offsets as they are, values in full. */
#define NEAR_NOTHING ((struct event_near){{0}, {0, 0, 0}, {0}})

static inline struct event_near event_near_key(struct slice key)
{
    struct event_near near = NEAR_NOTHING;
    near.key = key;
    return near;
}

/* Of the same key. */
static inline bool event_near_eq(const struct event_near *a, const struct event_near *b)
{
    return a->time.ns == b->time.ns && a->at.topic == b->at.topic &&
           a->at.partition == b->at.partition && a->at.offset == b->at.offset;
}

/* A time relative to another; wraps on purpose: any difference of two has its place in 64 bits. */
void etime_encode(struct etime t, struct etime near, struct buf *out);
struct etime etime_decode(struct reader *r, struct etime near);

/* Position-independent record of an event (state codec). */
void event_encode(const struct event *e, const struct event_near *near, struct buf *out);
/* Decodes into `arena` (text copied). NULL and r->failed on bad bytes. */
struct event *event_decode(struct reader *r, const struct event_near *near, struct arena *arena);

#endif
