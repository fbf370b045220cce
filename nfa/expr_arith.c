/* Arithmetic on present values. The checker has made the kinds fit; what does not fit into the
 * result's type becomes missing and is counted. */
#include <assert.h>

#include "nfa/expr_internal.h"

__int128 int128_div_half_even(__int128 a, __int128 b)
{
    assert(b > 0);
    __int128 q = a / b;
    __int128 rest = a % b;
    __int128 twice = 2 * (rest < 0 ? -rest : rest);
    if (twice > b || (twice == b && (q & 1))) {
        q += a < 0 ? -1 : 1;
    }
    return q;
}

/* Times and lengths: the ends of the range mean "infinite" elsewhere, so they are no results. */
static struct value time_result(enum value_kind kind, __int128 ns, struct eval *ev)
{
    if (ns <= INT64_MIN || ns >= INT64_MAX) {
        return eval_overflow(ev);
    }
    return (struct value){.kind = (uint8_t)kind, .u.i = (int64_t)ns};
}

static struct value int_result(bool overflowed, int64_t r, struct eval *ev)
{
    return overflowed ? eval_overflow(ev) : value_int(r);
}

static struct value decimal_result(bool ok, struct decimal d, struct eval *ev)
{
    return ok ? value_decimal(d) : eval_overflow(ev);
}

static struct value divide_decimals(struct decimal a, struct decimal b, struct eval *ev)
{
    struct decimal r = DECIMAL_ZERO;
    if (decimal_sign(b) == 0) {
        return eval_zero_division(ev);
    }
    bool ok = decimal_div(a, b, &r);
    return decimal_result(ok, r, ev);
}

static struct value int_op(enum expr_op op, int64_t a, int64_t b, struct eval *ev)
{
    int64_t r = 0;
    bool over;
    if (op == EX_DIV) {
        return divide_decimals(decimal_from_int64(a), decimal_from_int64(b), ev);
    }
    if (op == EX_ADD) {
        over = __builtin_add_overflow(a, b, &r);
    } else if (op == EX_SUB) {
        over = __builtin_sub_overflow(a, b, &r);
    } else {
        over = __builtin_mul_overflow(a, b, &r);
    }
    return int_result(over, r, ev);
}

static struct value decimal_op(enum expr_op op, struct decimal a, struct decimal b,
                               struct eval *ev)
{
    struct decimal r = DECIMAL_ZERO;
    bool ok;
    if (op == EX_DIV) {
        return divide_decimals(a, b, ev);
    }
    if (op == EX_ADD) {
        ok = decimal_add(a, b, &r);
    } else if (op == EX_SUB) {
        ok = decimal_sub(a, b, &r);
    } else {
        ok = decimal_mul(a, b, &r);
    }
    return decimal_result(ok, r, ev);
}

static struct value float_op(enum expr_op op, double a, double b, struct eval *ev)
{
    if (op == EX_DIV) {
        return b == 0 ? eval_zero_division(ev) : eval_float(ev, a / b);
    }
    if (op == EX_ADD) {
        return eval_float(ev, a + b);
    }
    return eval_float(ev, op == EX_SUB ? a - b : a * b);
}

static struct value sum_of_times(enum expr_op op, struct value a, struct value b, struct eval *ev)
{
    __int128 sign = op == EX_ADD ? 1 : -1;
    enum value_kind kind = (enum value_kind)a.kind;
    if (a.kind == VAL_TIMESTAMP && b.kind == VAL_TIMESTAMP) {
        assert(op == EX_SUB);
        kind = VAL_DURATION;
    } else if (b.kind == VAL_TIMESTAMP) {
        kind = VAL_TIMESTAMP; /* duration + timestamp */
    }
    return time_result(kind, (__int128)a.u.i + sign * b.u.i, ev);
}

static struct value time_op(enum expr_op op, struct value a, struct value b, struct eval *ev)
{
    if (op == EX_ADD || op == EX_SUB) {
        return sum_of_times(op, a, b, ev);
    }
    if (op == EX_MUL) {
        return time_result(VAL_DURATION, (__int128)a.u.i * b.u.i, ev);
    }
    if (b.kind == VAL_DURATION) {
        return divide_decimals(decimal_from_int64(a.u.i), decimal_from_int64(b.u.i), ev);
    }
    if (b.u.i == 0) {
        return eval_zero_division(ev);
    }
    __int128 sign = b.u.i < 0 ? -1 : 1;
    return time_result(VAL_DURATION, int128_div_half_even(sign * a.u.i, sign * b.u.i), ev);
}

struct value arith_apply(enum expr_op op, struct value a, struct value b, struct eval *ev)
{
    bool timed = a.kind == VAL_TIMESTAMP || a.kind == VAL_DURATION || b.kind == VAL_TIMESTAMP ||
                 b.kind == VAL_DURATION;
    if (timed) {
        return time_op(op, a, b, ev);
    }
    assert(a.kind == b.kind);
    if (a.kind == VAL_INT) {
        return int_op(op, a.u.i, b.u.i, ev);
    }
    if (a.kind == VAL_DECIMAL) {
        return decimal_op(op, value_as_decimal(a), value_as_decimal(b), ev);
    }
    assert(a.kind == VAL_FLOAT);
    return float_op(op, a.u.f, b.u.f, ev);
}

struct value arith_negate(struct value a, struct eval *ev)
{
    if (a.kind == VAL_DECIMAL) {
        return value_decimal(decimal_neg(value_as_decimal(a)));
    }
    if (a.kind == VAL_FLOAT) {
        return value_float(-a.u.f);
    }
    if (a.kind == VAL_DURATION) {
        return time_result(VAL_DURATION, -(__int128)a.u.i, ev);
    }
    assert(a.kind == VAL_INT);
    int64_t r = 0;
    bool over = __builtin_sub_overflow(INT64_C(0), a.u.i, &r);
    return int_result(over, r, ev);
}
