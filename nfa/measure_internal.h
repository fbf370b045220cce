/* The inside of a measure's state. Private to measure*.c.
 *
 *   kept    [ visible: in the window | pending: values of the open bucket ]
 *           un-nested TOTAL with `every`: one sum per bucket; LAST: at most one value; EXTREME: only
 *           values that can still become the answer; SET: nothing
 *   open    the bucket of the last event, as far as it can be summed up */
#ifndef FYKE_NFA_MEASURE_INTERNAL_H
#define FYKE_NFA_MEASURE_INTERNAL_H

#include "nfa/measure.h"
#include "nfa/moments.h"

enum measure_class {
    CLASS_TOTAL,   /* count; sum, average, stddev of exact numbers */
    CLASS_EXTREME, /* min, max */
    CLASS_LAST,
    CLASS_VALUES,  /* everything that needs the values themselves */
    CLASS_SET,
};

struct tally {
    uint64_t n;
    struct moments m;
};

struct kept {
    int64_t time; /* of the event; start of the bucket with `every` */
    union {
        struct value v;      /* text and items in the pool */
        struct tally *tally; /* measure_state.tallied */
    } u;
};

struct kept_segment {
    uint64_t id;
    uint32_t n;
    uint32_t bytes;
    bool dirty;
};

/* As struct retained: appended at the end, dropped at both ends, stored in runs. */
struct window {
    struct kept *items;
    size_t n, cap, lo;
    struct kept_segment *segs;
    size_t n_segs, cap_segs;
    uint64_t next_segment;
    uint64_t bytes; /* that the items point to */
};

/* A value of a set. Entries lie side by side (a hole is filled by the last one), so that runs of
 * them can be stored; older/newer link them by when they were seen last. */
struct seen {
    struct value v;
    int64_t time; /* seen last, complete buckets only; INT64_MIN: only in the open bucket */
    bool pending; /* seen in the open bucket */
    uint64_t entered; /* numbers: the order of coming in, of being seen */
    uint64_t last;
    uint32_t older, newer; /* index + 1 */
};

#define SEEN_PER_SEGMENT 64

struct seen_set {
    struct seen *items;
    size_t n, cap;
    uint32_t *slots; /* item index + 1; 0: free */
    size_t slot_count;
    uint32_t oldest, newest; /* index + 1 */
    uint64_t next; /* number */
    bool *dirty;   /* per run of SEEN_PER_SEGMENT */
    size_t cap_dirty;
    uint64_t bytes;
};

struct open_bucket {
    bool any;
    int64_t start;
    struct tally t;
    bool picked;
    struct value pick; /* pool */
};

struct measure_state {
    const struct measure *m;
    struct pool *pool;
    enum measure_class cls;  /* of the window */
    enum measure_class part; /* nested: of a bucket; with `every`: as cls */
    bool tallied;
    int64_t began;  /* first event since nothing was left; NEVER */
    int64_t newest; /* last event */
    struct open_bucket open;
    bool moved;       /* since measure_moved() */
    size_t n_pending; /* last values of `kept` */
    struct window kept;
    struct tally total; /* CLASS_TOTAL: of the visible ones */
    struct seen_set seen;
};

#define NEVER INT64_MIN

/* ---- measure_window.c --------------------------------------------------------------------- */

/* A copy whose text and items are one block of the pool (*ret_bytes; 0: none). */
struct value value_own(struct value v, struct pool *pool, uint32_t *ret_bytes);
uint32_t value_owned_bytes(struct value v);
void value_disown(struct value v, struct pool *pool);

static inline size_t window_count(const struct window *w)
{
    return w->n - w->lo;
}
static inline struct kept *window_at(const struct window *w, size_t i)
{
    return &w->items[w->lo + i];
}
void window_release(struct measure_state *s);
/* `fresh`: opens a segment (loading); else when the last one is full. */
void window_push(struct measure_state *s, struct kept k, bool fresh);
void window_pop_front(struct measure_state *s);
void window_pop_back(struct measure_state *s);

/* ---- measure_set.c ------------------------------------------------------------------------ */

void seen_release(struct measure_state *s);
/* Seen at `time`; pending: in the open bucket. */
void seen_touch(struct measure_state *s, struct value v, int64_t time, bool pending);
void seen_close(struct measure_state *s, int64_t start);
void seen_evict(struct measure_state *s, uint32_t max);
void seen_expire(struct measure_state *s, int64_t cutoff);
size_t seen_count(const struct measure_state *s, int64_t cutoff);
struct value seen_list(const struct measure_state *s, int64_t cutoff, struct eval *ev);
uint32_t seen_segments(const struct seen_set *set);
void seen_encode(const struct measure_state *s, uint32_t segment, struct buf *out);
bool seen_decode(struct measure_state *s, struct reader *r, struct arena *arena);
/* After all segments: links and table. False: two entries are the same. */
bool seen_rebuild(struct measure_state *s);

/* ---- measure_value.c ---------------------------------------------------------------------- */

enum measure_class class_of(const struct expr *agg, bool as_set);
void tally_add(struct tally *t, const struct expr *agg, struct value v);
void tally_remove(struct tally *t, const struct expr *agg, struct value v);
/* Of the whole window as of `cutoff`. */
struct value window_value(const struct measure_state *s, int64_t cutoff, struct eval *ev);
/* Of the open bucket of a nested measure. */
struct value bucket_value(const struct measure_state *s, struct eval *ev);

/* ---- measure.c ---------------------------------------------------------------------------- */

/* A value becomes part of the window. */
void measure_push(struct measure_state *s, int64_t time, struct value v);
/* Start of the UTC-aligned bucket of a time. */
int64_t measure_bucket(const struct measure_state *s, int64_t t);
/* The total anew (after loading). */
void measure_recount(struct measure_state *s);

#endif
