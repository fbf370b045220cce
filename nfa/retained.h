/* The events an instance keeps: in the total order, appended at the end, dropped at the front.
 *
 * Each has a serial number that never changes; segments (the unit of storage) are runs of serials
 * with consecutive ids. Dropping at the front touches the first segment only.
 *
 *   items   [ dropped | lo … n )           serial of items[lo] = first_serial
 *   segs    [ 17: 40 events ][ 18: 52 ][ 19: 3, dirty ]
 */
#ifndef FYKE_NFA_RETAINED_H
#define FYKE_NFA_RETAINED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "nfa/event.h"

struct candidate {
    struct event *event;
    uint64_t tests;    /* bit t: passes test t as far as that reads the event alone */
    uint64_t position; /* among the key's counted events, from 1; 0: not a counted event */
    bool reported;     /* as a first event: its match has gone out (or it was capped) */
    uint64_t ends;     /* bit i: when it came, it could be the last event of item i of the pattern,
                          and a match could still begin before it; never stored (chain.c) */
    bool matched;      /* no skip with `on timeout`: a match began here */
    bool shown;        /* a timeout has shown it; under the default policy it gets none of its own */
};

struct segment {
    uint64_t id;
    uint64_t first_serial;
    uint32_t n;     /* events kept of it */
    uint32_t bytes; /* of their encoding, roughly: the memory their events take */
    bool dirty;
};

struct retained {
    struct candidate *items;
    size_t n, cap, lo;
    uint64_t first_serial;
    struct segment *segs;
    size_t n_segs, cap_segs;
    uint64_t next_segment;
    uint64_t *dropped; /* ids of segments dropped since the last save */
    size_t n_dropped, cap_dropped;
    uint64_t bytes;
    struct postings *index; /* while many events are kept; NULL else */
    uint64_t visits;        /* candidates looked at by retained_next() and its like */
};

static inline uint32_t retained_count(const struct retained *r)
{
    return (uint32_t)(r->n - r->lo);
}
static inline struct candidate *retained_at(const struct retained *r, uint32_t i)
{
    return &r->items[r->lo + i];
}

void retained_release(struct retained *r, struct pool *pool);
/* Clones `e` into the pool. */
struct candidate *retained_append(struct retained *r, struct pool *pool, const struct event *e);
/* The same while loading: the stored segments are kept as they were (`fresh` opens one). */
struct candidate *retained_append_to(struct retained *r, struct pool *pool, const struct event *e,
                                     bool fresh);
/* Takes the last one off again (a counted event that only decided something). */
void retained_drop_last(struct retained *r, struct pool *pool);
void retained_drop_front(struct retained *r, struct pool *pool, uint32_t count);
/* The stored form of candidate i changed (a flag). */
void retained_touch(struct retained *r, uint32_t i);
/* The first candidate from `from` on, before `end`, that passes one of `tests`; `end` if none. */
uint32_t retained_next(struct retained *r, uint32_t from, uint32_t end, uint64_t tests);
/* The n-th last candidate before `end` that passes the test; UINT32_MAX if there are fewer. */
uint32_t retained_nth_before(struct retained *r, uint32_t test, uint32_t end, uint32_t n);
/* The last candidate before `end` that passes one of `tests`; UINT32_MAX if none. */
uint32_t retained_prev(struct retained *r, uint32_t end, uint64_t tests);
/* The first candidate that is not earlier than t. */
uint32_t retained_at_or_after(const struct retained *r, struct etime t);
uint64_t retained_memory(const struct retained *r);
/* Everything has been written. */
void retained_saved(struct retained *r);

#endif
