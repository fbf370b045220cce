/* The state of one aggregate of a profile for one key.
 *
 * Events come in the total order (measure_apply), reads ask for the value as of a time at or after
 * the last event. What a read leaves out because it is too old is dropped there and then: the
 * state is a function of the events, the reads and the times at which it was told to expire, all
 * of which follow from the input alone.
 *
 *   window   [t - over, t], inclusive. With `every`: the complete buckets of the last `over` before
 *            the bucket of t; the bucket of t itself is left out
 *   exact    counts, sums, averages and deviations of ints, decimals and durations by adding and
 *            taking away; the smallest and largest from a queue of the values that can still become
 *            it; a set by when each value was seen last. The rest (floats, percentile, collect,
 *            distinct, gaps) is computed from the kept values when it is asked for
 *
 * Thread rule and ownership as for instances (state.h). */
#ifndef FYKE_NFA_MEASURE_H
#define FYKE_NFA_MEASURE_H

#include "base/pool.h"
#include "nfa/profile.h"
#include "nfa/state.h"

/* What a measure keeps per key. */
enum measure_keeps {
    KEEPS_ONE,     /* one value */
    KEEPS_SEEN,    /* the different values */
    KEEPS_BUCKETS, /* a result per bucket */
    KEEPS_EVENTS,  /* a value per event of the window, at most */
};
enum measure_keeps measure_keeps(const struct measure *m);

struct measure_state;

struct measure_state *measure_new(const struct measure *m, struct pool *pool);
void measure_free(struct measure_state *s);

/* An event of the profile's source. `ev`: its scratch and counters are used; the rest is set. */
void measure_apply(struct measure_state *s, const struct event *e, struct eval *ev);
/* The value as of `t`; s == NULL: the key has none. */
struct value measure_read(const struct measure *m, struct measure_state *s, struct etime t,
                          struct eval *ev);

/* As of `t` it has warmed up. */
bool measure_is_warm(const struct measure *m, struct measure_state *s, struct etime t,
                     struct eval *ev);

/* Reading or applying has dropped something since the last call. */
bool measure_moved(struct measure_state *s);

/* Nothing is left of it: the engine may forget it. */
bool measure_is_empty(const struct measure_state *s);
/* From the end of this time on nothing is left if no event comes; ETIME_MAX: empty already. */
struct etime measure_next_time(const struct measure_state *s);
/* Everything up to and including `t` has passed. Returns true iff bytes changed. */
bool measure_expire(struct measure_state *s, struct etime t);

uint64_t measure_bytes(const struct measure_state *s);
uint64_t measure_kept(const struct measure_state *s); /* values, sums of buckets */

/* Stored form: a head and segments, with the meaning that state.h gives them for instances. */
void measure_encode_head(const struct measure_state *s, const struct event_near *near, struct buf *out);
uint32_t measure_segments(const struct measure_state *s, uint64_t *ret_first_id);
bool measure_segment_dirty(const struct measure_state *s, uint32_t i);
void measure_encode_segment(const struct measure_state *s, uint32_t i, const struct event_near *near,
                            struct buf *out);
void measure_saved(struct measure_state *s);
/* NULL: corrupt bytes, *why says so. */
struct measure_state *measure_load(const struct measure *m, struct pool *pool,
                                   const struct stored_form *from, const char **why);

#endif
