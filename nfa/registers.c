/* `until` and `having`: the aggregates over the longest run that could end at the event at hand, from
 * the first event that can still begin a match. A comparison that a longer run does not make false
 * (count, count_distinct, max, a sum of nothing negative; min the other way round) is true for some run
 * only if it is true for the longest.
 *
 * The window slides: sums, maxima and minima as two stacks, each event pushed and popped once; distinct
 * values as counters. Numbers are doubles, compared with some slack: what is nearly true is left to the
 * finder. So is everything once two values have shared a hash, which anybody can bring about. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "nfa/detect.h"
#include "nfa/instance.h"
#include "nfa/scratch.h"

struct entry_of_run {
    uint64_t serial;
    double value;  /* of the event; in front of `turn`: of it and all behind it up to there */
    uint64_t hash; /* count_distinct */
};

struct run_register {
    struct entry_of_run *items;
    size_t lo, turn, n, cap;
    double back; /* of items[turn … n) */
    struct value_counts distinct;
    uint64_t negative; /* the latest event with a negative value */
    bool shared;       /* a hash, by two values: `distinct` may be too small */
};

static double nothing(uint8_t agg)
{
    return agg == AGG_MIN ? INFINITY : agg == AGG_MAX ? -INFINITY : 0;
}

static double both(uint8_t agg, double a, double b)
{
    if (agg == AGG_MIN) {
        return a < b ? a : b;
    }
    return agg == AGG_MAX ? (a > b ? a : b) : a + b;
}

/* ---- the window ---------------------------------------------------------------------------------- */

static void turn_over(struct run_register *r, uint8_t agg)
{
    for (size_t i = r->n - 1; i-- > r->lo;) {
        r->items[i].value = both(agg, r->items[i].value, r->items[i + 1].value);
    }
    r->turn = r->n;
    r->back = nothing(agg);
}

static void pop(struct run_register *r, uint8_t agg)
{
    if (agg == AGG_COUNT_DISTINCT) {
        counts_remove(&r->distinct, r->items[r->lo].hash, r->items[r->lo].serial);
    } else if (r->lo == r->turn) {
        turn_over(r, agg);
    }
    r->lo++;
    if (r->lo > 32 && r->lo > r->n / 2) {
        memmove(r->items, r->items + r->lo, (r->n - r->lo) * sizeof(*r->items));
        r->n -= r->lo;
        r->turn = r->turn > r->lo ? r->turn - r->lo : 0;
        r->lo = 0;
    }
}

static void push(struct run_register *r, struct pool *pool, uint8_t agg, struct entry_of_run e)
{
    VEC_PUSH(r->items, r->n, r->cap) = e;
    if (agg == AGG_COUNT_DISTINCT) {
        counts_add(&r->distinct, pool, e.hash, e.serial);
    } else {
        r->back = both(agg, r->back, e.value);
    }
}

static double total(const struct run_register *r, uint8_t agg)
{
    if (agg == AGG_COUNT_DISTINCT) {
        return (double)r->distinct.n;
    }
    return r->lo < r->turn ? both(agg, r->items[r->lo].value, r->back) : r->back;
}

/* ---- values --------------------------------------------------------------------------------------- */

static bool as_number(struct value v, double *ret)
{
    switch ((enum value_kind)v.kind) {
    case VAL_INT:
    case VAL_TIMESTAMP:
    case VAL_DURATION: *ret = (double)v.u.i; return true;
    case VAL_FLOAT: *ret = v.u.f; return true;
    case VAL_DECIMAL: *ret = decimal_to_double(value_as_decimal(v)); return true;
    case VAL_MISSING: case VAL_BOOL: case VAL_STRING: case VAL_IP: case VAL_CIDR: case VAL_GEO:
    case VAL_LIST: case VAL_KIND_COUNT: break;
    }
    return false;
}

static struct eval surroundings(struct instance *in, const struct event *e)
{
    struct nfa_scratch *s = in->detector->scratch;
    return (struct eval){.self = e, .slots = s->probe, .n_slots = in->rule->n_slots,
                         .key = in->detector->key, .n_key = in->rule->n_key,
                         .n_captures = in->rule->n_captures, .scratch = &s->arena,
                         .counters = &s->ignored, .regex = s->eval.regex, .env = s->eval.env};
}

/* The value of the event that the aggregate looks at; false: it is not counted. */
static bool counted_value(struct instance *in, const struct expr *agg, const struct event *e,
                          struct value *ret)
{
    struct eval ev = surroundings(in, e);
    bool counts = expr_true(agg->kids[1], &ev);
    *ret = VALUE_MISSING;
    if (counts && agg->kids[0]) {
        *ret = expr_eval(agg->kids[0], &ev);
        counts = !value_is_missing(*ret);
    }
    in->detector->scratch->eval.regex = ev.regex;
    return counts;
}

/* Is the hash of v that of another value in the window? */
static bool shares_hash(struct instance *in, const struct expr *agg, const struct run_register *r,
                        uint64_t hash, struct value v)
{
    uint64_t first, last;
    struct value have;
    if (!counts_find(&r->distinct, hash, &first, &last) || last <= in->events.first_serial) {
        return false;
    }
    uint32_t index = (uint32_t)(last - 1 - in->events.first_serial);
    return counted_value(in, agg, retained_at(&in->events, index)->event, &have) &&
           !value_equal(have, v);
}

/* What the event adds to the aggregate; false: nothing. */
static bool contribution(struct instance *in, const struct expr *agg, const struct event *e,
                         struct run_register *r, struct entry_of_run *ret)
{
    struct value v;
    if (!counted_value(in, agg, e, &v)) {
        return false;
    }
    if (agg->agg == AGG_COUNT) {
        ret->value = 1;
        return true;
    }
    if (agg->agg == AGG_COUNT_DISTINCT) {
        ret->hash = value_hash(v);
        r->shared |= shares_hash(in, agg, r, ret->hash, v);
        return true;
    }
    return as_number(v, &ret->value);
}

/* ---- asking ----------------------------------------------------------------------------------------- */

/* The event no longer lies in the longest run. */
static bool is_out(const struct instance *in, uint32_t item, uint64_t serial,
                   const struct detect_event *e)
{
    const struct detect_item *it = &in->rule->detect->items[item];
    const struct detect_session *session = &in->detector->more->sessions[item];
    if (serial < e->first_live || serial < session->first || serial <= in->events.first_serial) {
        return true;
    }
    const struct candidate *c =
        retained_at(&in->events, (uint32_t)(serial - 1 - in->events.first_serial));
    return etime_diff(e->time, c->time).ns > it->node->span.ns;
}

static bool fits(uint8_t op, double have, double limit)
{
    double slack = 1e-9 * (fabs(have) + fabs(limit));
    switch (op) {
    case EX_GT:
    case EX_GE: return have >= limit - slack;
    case EX_LT:
    case EX_LE: return have <= limit + slack;
    default: return true;
    }
}

static bool register_allows(struct instance *in, uint32_t item,
                            const struct detect_register *d, struct run_register *r,
                            const struct detect_event *e)
{
    const struct event *event = retained_at(&in->events, e->index)->event;
    struct entry_of_run x = {.serial = e->serial};
    uint8_t agg = d->agg->agg;
    if (e->unused && contribution(in, d->agg, event, r, &x)) {
        push(r, in->pool, agg, x);
        r->negative = agg == AGG_SUM && x.value < 0 ? e->serial : r->negative;
    }
    while (r->lo < r->n && is_out(in, item, r->items[r->lo].serial, e)) {
        detector_work(in)->steps++;
        pop(r, agg);
    }
    if (r->shared || (r->negative && !is_out(in, item, r->negative, e))) {
        return true;
    }
    struct eval ev = surroundings(in, event);
    double limit;
    bool known = as_number(expr_eval(d->limit, &ev), &limit);
    in->detector->scratch->eval.regex = ev.regex;
    return known && fits(d->op, total(r, agg), limit);
}

bool registers_allow(struct instance *in, uint32_t item, const struct detect_event *e)
{
    const struct detect_item *it = &in->rule->detect->items[item];
    bool allowed = true;
    for (uint32_t i = 0; i < it->n_registers; i++) {
        uint32_t k = it->first_register + i;
        detector_work(in)->steps++;
        allowed &= register_allows(in, item, &it->registers[i], in->detector->more->registers[k], e);
    }
    return allowed;
}

struct run_register *register_new(const struct detect_register *d)
{
    struct run_register *r = xcalloc(1, sizeof(*r));
    r->back = nothing(d->agg->agg);
    return r;
}

void register_free(struct run_register *r, struct pool *pool)
{
    if (r) {
        free(r->items);
        counts_free(&r->distinct, pool);
        free(r);
    }
}

uint64_t register_bytes(const struct run_register *r, uint64_t *in_pool)
{
    *in_pool += r ? counts_bytes(&r->distinct) : 0;
    return r ? sizeof(*r) + r->cap * sizeof(*r->items) + counts_bytes(&r->distinct) : 0;
}
