/* What the parts of the evaluator share. Not for other folders. */
#ifndef FYKE_NFA_EXPR_INTERNAL_H
#define FYKE_NFA_EXPR_INTERNAL_H

#include "nfa/expr.h"
#include "nfa/table.h"

/* Truth of a condition's value. */
enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN };

static inline enum truth truth_of(struct value v)
{
    if (v.kind != VAL_BOOL) {
        return TRUTH_UNKNOWN;
    }
    return v.u.b ? TRUTH_TRUE : TRUTH_FALSE;
}
static inline struct value truth_value(enum truth t)
{
    return t == TRUTH_UNKNOWN ? VALUE_MISSING : value_bool(t == TRUTH_TRUE);
}

/* Missing, counted. */
static inline struct value eval_overflow(struct eval *ev)
{
    ev->counters->overflow++;
    return VALUE_MISSING;
}
static inline struct value eval_zero_division(struct eval *ev)
{
    ev->counters->division_by_zero++;
    return VALUE_MISSING;
}
/* A float result: infinite is overflow, NaN is no number. */
struct value eval_float(struct eval *ev, double f);

/* expr_arith.c: + - * / and negation of two present values. */
struct value arith_apply(enum expr_op op, struct value a, struct value b, struct eval *ev);
struct value arith_negate(struct value a, struct eval *ev);
/* a / b rounded half to even; b > 0. */
__int128 int128_div_half_even(__int128 a, __int128 b);

/* expr_text.c: EX_IN, EX_GLOB, EX_LIKE, EX_MATCHES, EX_CONTAINS, EX_STARTS_WITH, EX_ENDS_WITH. */
enum truth text_test(const struct expr *e, struct eval *ev);

/* The content of the list or lookup that an EX_TABLE or EX_LOOKUP names. */
const struct table *eval_table(const struct expr *e, const struct eval *ev);
/* The same where it is asked for a key: by an EX_IN over an EX_TABLE, or an EX_LOOKUP. */
const struct table *eval_asked_table(const struct expr *question, struct value key,
                                     const struct eval *ev);

/* aggregate.c */
struct value aggregate_eval(const struct expr *e, struct eval *ev);

#endif
