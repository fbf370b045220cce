/* Casts, coalesce, hash. Text that does not read as the type gives missing; it is data, not an
 * arithmetic accident, so nothing is counted. */
#include <math.h>

#include "base/hash.h"
#include "base/json_out.h"
#include "nfa/functions_internal.h"

struct value fn_coalesce(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    for (uint32_t i = 0; i < n; i++) {
        if (!value_is_missing(args[i])) {
            return args[i];
        }
    }
    return VALUE_MISSING;
}

/* Over the canonical bytes of all arguments; each ends itself, so parts cannot run together. */
struct value fn_hash(struct eval *ev, const struct value *args, uint32_t n)
{
    struct buf b = BUF_INIT;
    for (uint32_t i = 0; i < n; i++) {
        value_encode(args[i], &b);
    }
    char *hex = arena_alloc(ev->scratch, HASH64_HEX_MAX);
    hash64_hex(hash64(buf_slice(&b)), hex);
    buf_release(&b);
    return value_string(slice_of(hex));
}

static struct value from_text(enum value_kind kind, struct value v)
{
    struct value r;
    if (v.kind == kind) {
        return v;
    }
    return value_from_text(kind, value_as_slice(v), &r) ? r : VALUE_MISSING;
}

struct value fn_to_bool(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    (void)n;
    return from_text(VAL_BOOL, args[0]);
}

struct value fn_to_timestamp(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    (void)n;
    return from_text(VAL_TIMESTAMP, args[0]);
}

struct value fn_to_duration(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    (void)n;
    return from_text(VAL_DURATION, args[0]);
}

struct value fn_to_ip(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    (void)n;
    return from_text(VAL_IP, args[0]);
}

struct value fn_to_cidr(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    (void)n;
    return from_text(VAL_CIDR, args[0]);
}

/* Towards zero. */
static struct value whole_part(struct value v, struct eval *ev)
{
    int64_t i;
    if (v.kind == VAL_DECIMAL) {
        struct decimal d = value_as_decimal(v);
        d = decimal_sign(d) < 0 ? decimal_ceil(d) : decimal_floor(d);
        return decimal_to_int64(d, &i) ? value_int(i) : eval_overflow(ev);
    }
    double f = trunc(v.u.f);
    /* -2^63 and 2^63 are exact doubles */
    if (!(f >= -0x1p63 && f < 0x1p63)) {
        return eval_overflow(ev);
    }
    return value_int((int64_t)f);
}

struct value fn_to_int(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)n;
    if (args[0].kind == VAL_BOOL) {
        return value_int(args[0].u.b);
    }
    if (args[0].kind == VAL_DECIMAL || args[0].kind == VAL_FLOAT) {
        return whole_part(args[0], ev);
    }
    return from_text(VAL_INT, args[0]);
}

/* The shortest text that reads back as the same float is what a person calls its value. */
static struct value decimal_of_float(double f, struct eval *ev)
{
    struct buf b = BUF_INIT;
    struct decimal d;
    json_put_double(&b, f);
    bool ok = decimal_parse(buf_slice(&b), &d);
    buf_release(&b);
    return ok ? value_decimal(d) : eval_overflow(ev);
}

struct value fn_to_decimal(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)n;
    if (args[0].kind == VAL_INT) {
        return value_decimal(decimal_from_int64(args[0].u.i));
    }
    if (args[0].kind == VAL_FLOAT) {
        return decimal_of_float(args[0].u.f, ev);
    }
    return from_text(VAL_DECIMAL, args[0]);
}

struct value fn_to_float(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    (void)n;
    if (args[0].kind == VAL_INT) {
        return value_float((double)args[0].u.i);
    }
    if (args[0].kind == VAL_DECIMAL) {
        return value_float(decimal_to_double(value_as_decimal(args[0])));
    }
    return from_text(VAL_FLOAT, args[0]);
}

struct value fn_to_string(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)n;
    if (args[0].kind == VAL_STRING) {
        return args[0];
    }
    struct buf b = BUF_INIT;
    value_to_text(args[0], &b);
    struct value v = value_string(arena_copy(ev->scratch, buf_slice(&b)));
    buf_release(&b);
    return v;
}
