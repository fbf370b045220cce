#include <math.h>

#include "nfa/functions_internal.h"

struct value fn_abs(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)n;
    struct value v = args[0];
    if (v.kind == VAL_FLOAT) {
        return value_float(fabs(v.u.f));
    }
    if (v.kind == VAL_DECIMAL) {
        return value_decimal(decimal_abs(value_as_decimal(v)));
    }
    return v.u.i < 0 ? arith_negate(v, ev) : v;
}

/* Places below 0 count as 0; beyond 18 nothing is left to round in a decimal. */
static unsigned places_of(const struct value *args, uint32_t n)
{
    int64_t places = n > 1 ? args[1].u.i : 0;
    if (places < 0) {
        return 0;
    }
    return places > DECIMAL_MAX_SCALE ? DECIMAL_MAX_SCALE : (unsigned)places;
}

struct value fn_round(struct eval *ev, const struct value *args, uint32_t n)
{
    struct value v = args[0];
    unsigned places = places_of(args, n);
    if (v.kind == VAL_DECIMAL) {
        return value_decimal(decimal_round(value_as_decimal(v), places, DECIMAL_HALF_UP));
    }
    if (v.kind == VAL_INT) {
        return v;
    }
    double factor = 1;
    for (unsigned i = 0; i < places; i++) {
        factor *= 10;
    }
    double scaled = v.u.f * factor;
    return isfinite(scaled) ? eval_float(ev, round(scaled) / factor) : v;
}

struct value fn_floor(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    (void)n;
    if (args[0].kind == VAL_DECIMAL) {
        return value_decimal(decimal_floor(value_as_decimal(args[0])));
    }
    return args[0].kind == VAL_FLOAT ? value_float(floor(args[0].u.f)) : args[0];
}

struct value fn_ceil(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    (void)n;
    if (args[0].kind == VAL_DECIMAL) {
        return value_decimal(decimal_ceil(value_as_decimal(args[0])));
    }
    return args[0].kind == VAL_FLOAT ? value_float(ceil(args[0].u.f)) : args[0];
}

static double as_double(struct value v)
{
    if (v.kind == VAL_DECIMAL) {
        return decimal_to_double(value_as_decimal(v));
    }
    return v.kind == VAL_INT ? (double)v.u.i : v.u.f;
}

struct value fn_log(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)n;
    double f = as_double(args[0]);
    return eval_float(ev, f > 0 ? log(f) : NAN);
}

struct value fn_sqrt(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)n;
    struct value v = args[0];
    if (v.kind == VAL_FLOAT) {
        return eval_float(ev, v.u.f < 0 ? NAN : sqrt(v.u.f));
    }
    struct decimal d = v.kind == VAL_INT ? decimal_from_int64(v.u.i) : value_as_decimal(v);
    struct decimal root = DECIMAL_ZERO;
    if (decimal_sign(d) < 0) {
        ev->counters->not_a_number++;
        return VALUE_MISSING;
    }
    return decimal_sqrt(d, &root) ? value_decimal(root) : eval_overflow(ev);
}
