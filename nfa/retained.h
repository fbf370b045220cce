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
#include "base/short_bytes.h"
#include "nfa/event.h"
#include "nfa/shared_event.h"
#include "nfa/state.h"

/* 40 bytes: there is one per event and rule. */
#define POSITION_MAX ((UINT64_C(1) << 49) - 1) /* 17 years of 1,000,000 events a second of one key */
struct candidate {
    struct event *event;
    struct etime time; /* the event's, so that it need not be looked at */
    uint64_t tests;    /* bit t: passes test t as far as that reads the event alone */
    uint64_t ends;     /* bit i: when the walks took it, it could be the last event of item i of the pattern,
                          and a match could still begin before it; never stored (chain.c) */
    uint64_t position : 49; /* among the key's counted events, from 1; 0: not a counted event */
    uint64_t mark : SHORT_BYTES_MARK_BITS; /* of the field that later events ask for (sift.c); 0: unknown; never stored */
    bool reported : 1; /* as a first event: its match has gone out (or it was capped) */
    bool matched : 1;  /* no skip with `on timeout`: a match began here */
    bool shown : 1;    /* a timeout has shown it; under the default policy it gets none of its own */
};
_Static_assert(sizeof(struct candidate) == 40, "one per event and rule");

/* Field by field: what is free is cold, and a field that is set within what has just been written waits for it. */
static inline void candidate_set(struct candidate *c, struct event *event, const struct candidate *as)
{
    c->event = event;
    c->time = event->time;
    c->tests = as->tests;
    c->ends = as->ends;
    c->position = as->position;
    c->mark = as->mark;
    c->reported = as->reported;
    c->matched = as->matched;
    c->shown = as->shown;
}

/* Ids are consecutive; the last one is next_segment - 1. */
struct segment {
    uint64_t first_serial;
    uint32_t bytes;  /* of their encoding, roughly: the memory their events take */
    uint32_t n : 31; /* events kept of it */
    bool dirty : 1;
};
_Static_assert(sizeof(struct segment) == 16, "an instance holds one");

struct retained {
    struct postings *index;  /* while many events are kept; NULL else */
    uint64_t first_serial;
    uint64_t next_segment;
    uint64_t bytes;
    struct candidate *items; /* the arrays lie in the pool, those of one element here */
    struct segment *segs;
    uint32_t n, cap, lo;
    uint32_t n_segs, cap_segs;
    uint32_t last_serial;        /* of the newest event kept, when there are any (event.h) */
    struct etime oldest, newest; /* of the events kept, when there are any: so they need not be looked at */
    struct segment own_seg;
    struct candidate own_item; /* most instances keep one event */
};

static inline uint32_t retained_count(const struct retained *r)
{
    return r->n - r->lo;
}
static inline uint64_t retained_segment_id(const struct retained *r, uint32_t i)
{
    return r->next_segment - r->n_segs + i;
}
static inline struct candidate *retained_at(const struct retained *r, uint32_t i)
{
    return &r->items[r->lo + i];
}

/* What is left of it is not to be used. */
void retained_release(struct retained *r, struct pool *pool);
/* Without what lies in the pool. */
void retained_abandon(struct retained *r);
/* A second holder of the same events. */
void retained_copy(const struct retained *r, struct pool *pool, struct retained *ret);
/* Clones `e` into the pool. `shared`: the event may be one that other rules of the key keep too; NULL:
 * it is not. `as`: what it is to be besides the event and its time. */
void retained_append(struct retained *r, struct pool *pool, const struct event *e,
                     struct shared_event *shared, const struct candidate *as);
/* The same while loading: the stored segments are kept as they were (`fresh` opens one). */
struct candidate *retained_append_to(struct retained *r, struct pool *pool, const struct event *e,
                                     bool fresh);
/* One more that is not the instance's: it goes with the call, and no segment knows it. */
void retained_borrow(struct retained *r, struct pool *pool, const struct event *e,
                     const struct candidate *as);
void retained_give_back(struct retained *r);
/* The borrowed one becomes one that is kept; as for retained_append(). */
void retained_keep(struct retained *r, struct pool *pool, struct shared_event *shared);
/* Takes the last one off again (a counted event that only decided something). */
void retained_drop_last(struct retained *r, struct pool *pool);
void retained_drop_all(struct retained *r, struct pool *pool);
void retained_drop_front(struct retained *r, struct pool *pool, uint32_t count);
/* The stored form of candidate i changed (a flag). */
void retained_touch(struct retained *r, uint32_t i);
/* Of the following `work` counts the candidates they look at. */

/* The first candidate from `from` on, before `end`, that passes one of `tests`; `end` if none. */
uint32_t retained_next(struct retained *r, uint32_t from, uint32_t end, uint64_t tests,
                       struct nfa_work *work);
/* The n-th last candidate before `end` that passes the test; UINT32_MAX if there are fewer. */
uint32_t retained_nth_before(struct retained *r, uint32_t test, uint32_t end, uint32_t n,
                             struct nfa_work *work);
/* The last candidate before `end` that passes one of `tests`; UINT32_MAX if none. */
uint32_t retained_prev(struct retained *r, uint32_t end, uint64_t tests, struct nfa_work *work);
/* The first candidate that is not earlier than t. */
uint32_t retained_at_or_after(const struct retained *r, struct etime t);
uint64_t retained_memory(const struct retained *r);
/* Everything has been written. */
void retained_saved(struct retained *r);

#endif
