/* Aggregates over the events of a slot. Missing values are skipped by all of them: `first` is the
 * first present value, `count(x.field)` counts the present ones. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "nfa/aggregate_internal.h"
#include "nfa/expr_internal.h"

#define DECIMAL_PLACES DECIMAL_MAX_SCALE

void agg_acc_clear(struct agg_acc *acc)
{
    value_set_clear(&acc->set);
    struct agg_acc kept = {
        .set = acc->set, .values = acc->values, .cap_values = acc->cap_values};
    *acc = kept;
}

void agg_acc_release(struct agg_acc *acc)
{
    value_set_release(&acc->set);
    free(acc->values);
    *acc = (struct agg_acc){0};
}

/* ---- taking a value in -------------------------------------------------------------------- */

static void add_number(struct agg_acc *acc, struct value v, bool squares)
{
    if (v.kind == VAL_FLOAT) {
        double delta = v.u.f - acc->mean;
        acc->sum += v.u.f;
        acc->mean += delta / (double)acc->n; /* n counts this value already */
        acc->m2 += delta * (v.u.f - acc->mean);
    } else if (v.kind == VAL_DECIMAL) {
        struct decimal d = value_as_decimal(v);
        moments_add(&acc->m, d.coeff, DECIMAL_PLACES - d.scale, squares);
    } else {
        moments_add(&acc->m, v.u.i, 0, squares);
    }
}

static void add_sorted(struct agg_acc *acc, struct value v)
{
    size_t low = 0;
    size_t high = acc->n_values;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (value_compare(acc->values[mid], v) <= 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    VEC_PUSH(acc->values, acc->n_values, acc->cap_values) = v;
    memmove(acc->values + low + 1, acc->values + low,
            (acc->n_values - 1 - low) * sizeof(*acc->values));
    acc->values[low] = v;
}

static void add_gap(struct agg_acc *acc, struct value v)
{
    if (acc->n > 1) {
        moments_add(&acc->m, (__int128)v.u.i - acc->last_ns, 0, true);
    }
    acc->last_ns = v.u.i;
}

void agg_acc_add(struct agg_acc *acc, const struct expr *e, struct value v, int64_t nth)
{
    acc->n++;
    acc->kind = v.kind;
    switch ((enum agg_op)e->agg) {
    case AGG_COUNT:
    case AGG_OP_COUNT:
        return;
    case AGG_SUM:
    case AGG_AVERAGE:
        add_number(acc, v, false);
        return;
    case AGG_STDDEV:
        add_number(acc, v, true);
        return;
    case AGG_MIN:
        acc->pick = acc->n == 1 || value_compare(v, acc->pick) < 0 ? v : acc->pick;
        return;
    case AGG_MAX:
        acc->pick = acc->n == 1 || value_compare(v, acc->pick) > 0 ? v : acc->pick;
        return;
    case AGG_FIRST:
        acc->pick = acc->n == 1 ? v : acc->pick;
        return;
    case AGG_LAST:
        acc->pick = v;
        return;
    case AGG_NTH:
        acc->pick = nth > 0 && acc->n == (uint64_t)nth ? v : acc->pick;
        return;
    case AGG_COUNT_DISTINCT:
    case AGG_DISTINCT:
        value_set_add(&acc->set, v);
        return;
    case AGG_COLLECT:
        VEC_PUSH(acc->values, acc->n_values, acc->cap_values) = v;
        return;
    case AGG_PERCENTILE:
        add_sorted(acc, v);
        return;
    case AGG_GAP_AVERAGE:
    case AGG_GAP_STDDEV:
        add_gap(acc, v);
        return;
    }
}

/* ---- asking ------------------------------------------------------------------------------- */

static struct value as_kind(enum value_kind kind, bool ok, struct decimal d, struct eval *ev)
{
    int64_t i;
    if (!ok) {
        return eval_overflow(ev);
    }
    if (kind == VAL_DECIMAL) {
        return value_decimal(d);
    }
    if (!decimal_to_int64(d, &i)) {
        return eval_overflow(ev);
    }
    return kind == VAL_INT ? value_int(i) : value_duration((struct duration){i});
}

static struct value zero_of(enum value_kind kind)
{
    if (kind == VAL_DECIMAL) {
        return value_decimal(DECIMAL_ZERO);
    }
    return (struct value){.kind = (uint8_t)kind}; /* all bits zero: 0, 0.0, 0s */
}

static unsigned scale_of(const struct agg_acc *acc)
{
    return acc->kind == VAL_DECIMAL ? DECIMAL_PLACES : 0;
}

static struct value sum_of(const struct agg_acc *acc, const struct expr *e, struct eval *ev)
{
    struct decimal d = DECIMAL_ZERO;
    if (acc->n == 0) {
        return zero_of((enum value_kind)e->kind);
    }
    if (acc->kind == VAL_FLOAT) {
        return eval_float(ev, acc->sum);
    }
    bool ok = moments_sum(&acc->m, scale_of(acc), &d);
    return as_kind((enum value_kind)acc->kind, ok, d, ev);
}

/* Lengths stay lengths, in whole ns; ints and decimals give decimals to 18 places. */
static struct value average_of(const struct agg_acc *acc, struct eval *ev)
{
    struct decimal d = DECIMAL_ZERO;
    if (acc->n == 0) {
        return VALUE_MISSING;
    }
    if (acc->kind == VAL_FLOAT) {
        return eval_float(ev, acc->sum / (double)acc->n);
    }
    bool time = acc->kind == VAL_DURATION;
    bool ok = moments_mean(&acc->m, scale_of(acc), time ? 0 : DECIMAL_PLACES, &d);
    return as_kind(time ? VAL_DURATION : VAL_DECIMAL, ok, d, ev);
}

static struct value stddev_of(const struct agg_acc *acc, struct eval *ev)
{
    struct decimal d = DECIMAL_ZERO;
    if (acc->n < 2) {
        return VALUE_MISSING;
    }
    if (acc->kind == VAL_FLOAT) {
        return eval_float(ev, sqrt(acc->m2 / (double)(acc->n - 1)));
    }
    bool time = acc->kind == VAL_DURATION;
    bool ok = moments_stddev(&acc->m, scale_of(acc), time ? 0 : DECIMAL_PLACES, &d);
    return as_kind(time ? VAL_DURATION : VAL_DECIMAL, ok, d, ev);
}

static struct value gap_of(const struct agg_acc *acc, bool deviation, struct eval *ev)
{
    struct decimal d = DECIMAL_ZERO;
    if (acc->m.n < (deviation ? 2u : 1u)) {
        return VALUE_MISSING;
    }
    bool ok = deviation ? moments_stddev(&acc->m, 0, 0, &d) : moments_mean(&acc->m, 0, 0, &d);
    return as_kind(VAL_DURATION, ok, d, ev);
}

static struct value list_of(const struct value *items, size_t n, struct eval *ev)
{
    struct value *copy = ARENA_ARRAY(ev->scratch, struct value, n ? n : 1);
    if (n) {
        memcpy(copy, items, n * sizeof(*items));
    }
    return value_list(copy, (uint32_t)n);
}

/* Nearest rank: the smallest value such that p percent of the values are not above it. */
static struct value percentile_of(const struct agg_acc *acc, struct value p, struct eval *ev)
{
    struct decimal d;
    int64_t rank = 1;
    if (acc->n_values == 0 || value_is_missing(p)) {
        return VALUE_MISSING;
    }
    d = p.kind == VAL_DECIMAL ? value_as_decimal(p) : decimal_from_int64(p.u.i);
    if (!decimal_mul(d, decimal_from_int64((int64_t)acc->n_values), &d) ||
        !decimal_div(d, decimal_from_int64(100), &d)) {
        return eval_overflow(ev);
    }
    if (!decimal_to_int64(decimal_ceil(d), &rank) || rank > (int64_t)acc->n_values) {
        rank = decimal_sign(d) < 0 ? 1 : (int64_t)acc->n_values;
    }
    return acc->values[rank < 1 ? 0 : rank - 1];
}

struct value agg_acc_result(const struct agg_acc *acc, const struct expr *e, struct eval *ev)
{
    switch ((enum agg_op)e->agg) {
    case AGG_COUNT:
        return value_int((int64_t)acc->n);
    case AGG_SUM:
        return sum_of(acc, e, ev);
    case AGG_AVERAGE:
        return average_of(acc, ev);
    case AGG_STDDEV:
        return stddev_of(acc, ev);
    case AGG_MIN:
    case AGG_MAX:
    case AGG_FIRST:
    case AGG_LAST:
    case AGG_NTH:
        return acc->pick;
    case AGG_COUNT_DISTINCT:
        return acc->n ? value_int((int64_t)acc->set.n) : VALUE_MISSING;
    case AGG_DISTINCT:
        return acc->n ? list_of(acc->set.items, acc->set.n, ev) : VALUE_MISSING;
    case AGG_COLLECT:
        return acc->n ? list_of(acc->values, acc->n_values, ev) : VALUE_MISSING;
    case AGG_PERCENTILE:
        return percentile_of(acc, expr_eval(e->kids[2], ev), ev);
    case AGG_GAP_AVERAGE:
    case AGG_GAP_STDDEV:
        return gap_of(acc, e->agg == AGG_GAP_STDDEV, ev);
    case AGG_OP_COUNT:
        break;
    }
    return VALUE_MISSING;
}

/* ---- walking the events ------------------------------------------------------------------- */

static void feed(struct agg_acc *acc, const struct expr *e, const struct event *event,
                 int64_t nth, struct eval *ev)
{
    const struct event *self = ev->self;
    ev->self = event;
    struct value v = value_timestamp(event->time);
    bool counts = expr_true(e->kids[1], ev);
    if (counts && e->kids[0]) {
        v = expr_eval(e->kids[0], ev);
    }
    if (counts && !value_is_missing(v)) {
        agg_acc_add(acc, e, v, nth);
    }
    ev->self = self;
}

static struct value recompute(const struct expr *e, const struct slot_binding *slot,
                              uint32_t start, int64_t nth, struct eval *ev)
{
    struct agg_acc acc = {0};
    for (uint32_t i = start; i < slot->n; i++) {
        const struct event *event = slot->events[i];
        if (!ev->visible_until || !event_is_later(event, ev->visible_until)) {
            feed(&acc, e, event, nth, ev);
        }
    }
    struct value v = agg_acc_result(&acc, e, ev);
    agg_acc_release(&acc);
    return v;
}

struct value aggregate_eval(const struct expr *e, struct eval *ev)
{
    static const struct slot_binding unbound = {0};
    const struct slot_binding *slot = &unbound;
    uint32_t start = 0;
    if (ev->slots && e->slot >= 0 && (uint32_t)e->slot < ev->n_slots) {
        slot = &ev->slots[e->slot];
        if (e->scope >= 0 && ev->iter_start) {
            start = ev->iter_start[e->scope][e->slot];
        }
    }
    start = start < slot->n ? start : slot->n;
    int64_t nth = 0;
    if (e->agg == AGG_NTH) {
        nth = expr_eval(e->kids[2], ev).u.i; /* a constant int */
    }
    struct agg_cache *cache = agg_cache_find(e, ev);
    if (!cache) {
        return recompute(e, slot, start, nth, ev);
    }
    uint32_t from;
    struct agg_acc *acc = agg_cache_open(cache, start, slot->n, slot->cut, &from);
    for (uint32_t i = from; i < slot->n; i++) {
        feed(acc, e, slot->events[i], nth, ev);
    }
    return agg_acc_result(acc, e, ev);
}
