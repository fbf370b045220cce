/* What a measure gives: from running totals where they are exact, else from the kept values. */
#include <stdlib.h>

#include "nfa/aggregate_internal.h"
#include "nfa/measure_internal.h"

static enum value_kind kind_of(const struct expr *agg)
{
    return agg->kids[0] ? (enum value_kind)agg->kids[0]->kind : VAL_MISSING;
}

enum measure_class class_of(const struct expr *agg, bool as_set)
{
    switch ((enum agg_op)agg->agg) {
    case AGG_COUNT:
        return CLASS_TOTAL;
    case AGG_SUM:
    case AGG_AVERAGE:
    case AGG_STDDEV: /* floats cannot be taken away again without a trace */
        return kind_of(agg) == VAL_FLOAT ? CLASS_VALUES : CLASS_TOTAL;
    case AGG_MIN:
    case AGG_MAX:
        return CLASS_EXTREME;
    case AGG_LAST:
        return CLASS_LAST;
    case AGG_COUNT_DISTINCT:
        return CLASS_SET;
    case AGG_DISTINCT:
        return as_set ? CLASS_SET : CLASS_VALUES;
    case AGG_FIRST:
    case AGG_NTH:
    case AGG_COLLECT:
    case AGG_PERCENTILE:
    case AGG_GAP_AVERAGE:
    case AGG_GAP_STDDEV:
    case AGG_OP_COUNT:
        break;
    }
    return CLASS_VALUES;
}

/* ---- totals ------------------------------------------------------------------------------- */

static void number_of(struct value v, __int128 *coeff, unsigned *up)
{
    *coeff = v.u.i;
    *up = 0;
    if (v.kind == VAL_DECIMAL) {
        struct decimal d = value_as_decimal(v);
        *coeff = d.coeff;
        *up = DECIMAL_MAX_SCALE - d.scale;
    }
}

void tally_add(struct tally *t, const struct expr *agg, struct value v)
{
    t->n++;
    if (agg->agg != AGG_COUNT) {
        __int128 coeff;
        unsigned up;
        number_of(v, &coeff, &up);
        moments_add(&t->m, coeff, up, agg->agg == AGG_STDDEV);
    }
}

void tally_remove(struct tally *t, const struct expr *agg, struct value v)
{
    t->n--;
    if (agg->agg != AGG_COUNT) {
        __int128 coeff;
        unsigned up;
        number_of(v, &coeff, &up);
        moments_remove(&t->m, coeff, up, agg->agg == AGG_STDDEV);
    }
}

static struct value tally_value(const struct tally *t, const struct expr *agg, struct eval *ev)
{
    struct agg_acc acc = {.n = t->n, .kind = (uint8_t)kind_of(agg), .m = t->m};
    return agg_acc_result(&acc, agg, ev);
}

/* ---- from values -------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    return value_compare(*(const struct value *)a, *(const struct value *)b);
}

static struct value list_of(const struct kept *items, size_t n, struct eval *ev)
{
    struct value *list = ARENA_ARRAY(ev->scratch, struct value, n + 1);
    for (size_t i = 0; i < n; i++) {
        list[i] = items[i].u.v;
    }
    return value_list(list, (uint32_t)n);
}

static struct value percentile_of(const struct expr *agg, const struct kept *items, size_t n,
                                  struct eval *ev)
{
    struct value list = list_of(items, n, ev);
    struct value *sorted = (struct value *)(uintptr_t)list.u.items;
    qsort(sorted, n, sizeof(*sorted), by_value);
    struct agg_acc acc = {.n = n, .values = sorted, .n_values = n};
    return agg_acc_result(&acc, agg, ev);
}

/* The gaps add up to the whole time. */
static struct value gap_average_of(const struct expr *agg, const struct kept *items, size_t n,
                                   struct eval *ev)
{
    struct agg_acc acc = {.n = n};
    if (n > 1) {
        moments_add(&acc.m, (__int128)items[n - 1].u.v.u.i - items[0].u.v.u.i, 0, false);
        acc.m.n = n - 1;
    }
    return agg_acc_result(&acc, agg, ev);
}

static struct value nth_of(const struct expr *agg, const struct kept *items, size_t n,
                           struct eval *ev)
{
    int64_t nth = expr_eval(agg->kids[2], ev).u.i; /* a constant int, from 1 */
    return (uint64_t)nth <= n ? items[nth - 1].u.v : VALUE_MISSING;
}

static struct value values_value(const struct expr *agg, const struct kept *items, size_t n,
                                 struct eval *ev)
{
    enum agg_op op = (enum agg_op)agg->agg;
    bool sums = op == AGG_COUNT || op == AGG_SUM;
    if (n == 0 && !sums) {
        return VALUE_MISSING;
    }
    if (op == AGG_FIRST) {
        return items[0].u.v;
    }
    if (op == AGG_NTH) {
        return nth_of(agg, items, n, ev);
    }
    if (op == AGG_COLLECT) {
        return list_of(items, n, ev);
    }
    if (op == AGG_PERCENTILE) {
        return percentile_of(agg, items, n, ev);
    }
    if (op == AGG_GAP_AVERAGE) {
        return gap_average_of(agg, items, n, ev);
    }
    struct agg_acc acc = {0};
    for (size_t i = 0; i < n; i++) {
        agg_acc_add(&acc, agg, items[i].u.v, 0);
    }
    struct value v = agg_acc_result(&acc, agg, ev);
    agg_acc_release(&acc);
    return v;
}

/* ---- both --------------------------------------------------------------------------------- */

struct value window_value(const struct measure_state *s, int64_t cutoff, struct eval *ev)
{
    const struct expr *agg = s->m->agg;
    size_t visible = window_count(&s->kept) - s->n_pending;
    const struct kept *items = s->kept.items ? window_at(&s->kept, 0) : NULL;
    switch (s->cls) {
    case CLASS_TOTAL:
        return tally_value(&s->total, agg, ev);
    case CLASS_EXTREME:
    case CLASS_LAST:
        return visible ? items[0].u.v : VALUE_MISSING;
    case CLASS_VALUES:
        return values_value(agg, items, visible, ev);
    case CLASS_SET:
        break;
    }
    if (agg->agg == AGG_COUNT_DISTINCT) {
        size_t n = seen_count(s, cutoff);
        return n ? value_int((int64_t)n) : VALUE_MISSING;
    }
    return seen_list(s, cutoff, ev);
}

struct value bucket_value(const struct measure_state *s, struct eval *ev)
{
    const struct expr *agg = s->m->agg->kids[0];
    size_t n = window_count(&s->kept);
    switch (s->part) {
    case CLASS_TOTAL:
        return tally_value(&s->open.t, agg, ev);
    case CLASS_EXTREME:
    case CLASS_LAST:
        return s->open.picked ? s->open.pick : VALUE_MISSING;
    case CLASS_VALUES:
    case CLASS_SET:
        break;
    }
    return values_value(agg, n ? window_at(&s->kept, n - s->n_pending) : NULL, s->n_pending, ev);
}
