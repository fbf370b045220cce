/* Accumulators of aggregates: fed event by event, asked at any time. */
#ifndef FYKE_NFA_AGGREGATE_INTERNAL_H
#define FYKE_NFA_AGGREGATE_INTERNAL_H

#include "nfa/expr.h"
#include "nfa/moments.h"
#include "nfa/value_set.h"

struct agg_acc {
    uint64_t n;        /* values taken: present ones of events that pass the filter */
    uint8_t kind;      /* of the values, once n > 0 */
    struct value pick; /* first, last, nth, min, max so far */
    struct moments m;  /* int, decimal, duration; gap_*: the gaps */
    double mean, m2;   /* float: Welford */
    double sum;        /* float, in order */
    int64_t last_ns;   /* gap_*: time of the event before */
    struct value_set set;
    struct value *values; /* collect: in order; percentile: sorted */
    size_t n_values, cap_values;
};

void agg_acc_clear(struct agg_acc *acc); /* keeps memory */
void agg_acc_release(struct agg_acc *acc);
/* One event that passed the filter; `v` is its value, event time for gap_*. */
void agg_acc_add(struct agg_acc *acc, const struct expr *e, struct value v, int64_t nth);
/* Lists come from ev->scratch. */
struct value agg_acc_result(const struct agg_acc *acc, const struct expr *e, struct eval *ev);

/* agg_cache.c: the accumulator for the events [start, end) of the slot, brought up to date; NULL:
 * this aggregate cannot be kept between calls. */
struct agg_cache *agg_cache_find(const struct expr *e, struct eval *ev);
struct agg_acc *agg_cache_open(struct agg_cache *cache, uint32_t start, uint32_t end, uint32_t cut,
                               uint32_t *ret_from);

#endif
