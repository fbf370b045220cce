/* Values as JSON, as bare text, and back from text. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "nfa/value.h"

static void put_quoted(struct buf *out, const char *text, size_t len, bool quoted)
{
    if (quoted) {
        buf_put_byte(out, '"');
    }
    buf_put(out, text, len);
    if (quoted) {
        buf_put_byte(out, '"');
    }
}

/* Not finite: no operation gives such a value, and JSON has no number for it. */
static void put_double(double f, struct buf *out)
{
    if (isfinite(f)) {
        json_put_double(out, f);
    } else {
        buf_puts(out, "null");
    }
}

static void put_geo(struct value v, struct buf *out)
{
    buf_puts(out, "{\"lat\":");
    put_double(v.u.geo.lat, out);
    buf_puts(out, ",\"lon\":");
    put_double(v.u.geo.lon, out);
    buf_put_byte(out, '}');
}

static void put_list(struct value v, struct buf *out)
{
    buf_put_byte(out, '[');
    for (uint32_t i = 0; i < v.len; i++) {
        if (i) {
            buf_put_byte(out, ',');
        }
        value_to_json(v.u.items[i], out);
    }
    buf_put_byte(out, ']');
}

static void put_address(struct value v, struct buf *out, bool quoted)
{
    char text[CIDR_TEXT_MAX];
    size_t n;
    if (v.kind == VAL_CIDR) {
        struct cidr c = value_as_cidr(v);
        n = cidr_format(&c, text);
    } else {
        struct ip ip = value_as_ip(v);
        n = ip_format(&ip, text);
    }
    put_quoted(out, text, n, quoted);
}

static void put_time(struct value v, struct buf *out, bool quoted)
{
    char text[DURATION_TEXT_MAX > ETIME_TEXT_MAX ? DURATION_TEXT_MAX : ETIME_TEXT_MAX];
    size_t n = v.kind == VAL_TIMESTAMP ? etime_format((struct etime){v.u.i}, text)
                                       : duration_format((struct duration){v.u.i}, text);
    put_quoted(out, text, n, quoted);
}

static void put_value(struct value v, struct buf *out, bool quoted)
{
    switch ((enum value_kind)v.kind) {
    case VAL_BOOL:
        buf_puts(out, v.u.b ? "true" : "false");
        return;
    case VAL_INT:
        buf_put_int(out, v.u.i);
        return;
    case VAL_DECIMAL: {
        char text[DECIMAL_TEXT_MAX];
        buf_put(out, text, decimal_format(value_as_decimal(v), text));
        return;
    }
    case VAL_FLOAT:
        put_double(v.u.f, out);
        return;
    case VAL_STRING:
        if (quoted) {
            json_put_string(out, value_as_slice(v));
        } else {
            buf_put_slice(out, value_as_slice(v));
        }
        return;
    case VAL_TIMESTAMP:
    case VAL_DURATION:
        put_time(v, out, quoted);
        return;
    case VAL_IP:
    case VAL_CIDR:
        put_address(v, out, quoted);
        return;
    case VAL_GEO:
        put_geo(v, out);
        return;
    case VAL_LIST:
        put_list(v, out);
        return;
    case VAL_MISSING:
    case VAL_KIND_COUNT:
        buf_puts(out, "null");
        return;
    }
}

void value_to_json(struct value v, struct buf *out)
{
    put_value(v, out, true);
}

void value_to_text(struct value v, struct buf *out)
{
    put_value(v, out, false);
}

/* ---- back from text ----------------------------------------------------------------------- */

struct duration_unit {
    const char *name;
    int64_t ns;
};

/* Falling; `ms` stands behind `m` and `s`, so the longest name is looked for first. */
static const struct duration_unit duration_units[] = {
    {"w", 604800 * NS_PER_S}, {"d", 86400 * NS_PER_S}, {"h", 3600 * NS_PER_S},
    {"m", 60 * NS_PER_S},     {"s", NS_PER_S},         {"ms", NS_PER_MS},
};

static int duration_unit_at(struct slice s)
{
    int best = -1;
    for (int i = 0; i < (int)FYKE_ARRAY_LEN(duration_units); i++) {
        struct slice name = slice_of(duration_units[i].name);
        if (slice_starts_with(s, name) && (best < 0 || name.len == 2)) {
            best = i;
        }
    }
    return best;
}

/* Digits at the front of *s; false without any or beyond 64 bits. */
static bool take_number(struct slice *s, int64_t *ret)
{
    size_t n = 0;
    int64_t v = 0;
    while (n < s->len && s->ptr[n] >= '0' && s->ptr[n] <= '9') {
        if (__builtin_mul_overflow(v, INT64_C(10), &v) ||
            __builtin_add_overflow(v, (int64_t)(s->ptr[n] - '0'), &v)) {
            return false;
        }
        n++;
    }
    *s = slice_from(s->ptr + n, s->len - n);
    *ret = v;
    return n > 0;
}

bool value_parse_duration(struct slice text, struct duration *ret)
{
    int64_t total = 0;
    int last = -1;
    while (text.len || last < 0) {
        int64_t n;
        if (!take_number(&text, &n)) {
            return false;
        }
        int unit = duration_unit_at(text);
        if (unit <= last) { /* none, repeated or rising */
            return false;
        }
        if (__builtin_mul_overflow(n, duration_units[unit].ns, &n) ||
            __builtin_add_overflow(total, n, &total) || total == INT64_MAX) {
            return false;
        }
        size_t len = strlen(duration_units[unit].name);
        text = slice_from(text.ptr + len, text.len - len);
        last = unit;
    }
    *ret = (struct duration){total};
    return true;
}

static bool int_from_text(struct slice text, struct value *ret)
{
    struct decimal d;
    int64_t i;
    if (!decimal_parse(text, &d) || !decimal_to_int64(d, &i)) {
        return false;
    }
    *ret = value_int(i);
    return true;
}

/* JSON number syntax; strtod alone would also take "inf", hex and blanks. Independent of the
 * locale because a program that calls no setlocale() runs in "C". */
static bool float_from_text(struct slice text, struct value *ret)
{
    char tmp[64];
    if (text.len == 0 || text.len >= sizeof(tmp)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!strchr("0123456789+-.eE", text.ptr[i]) || text.ptr[i] == '\0') {
            return false;
        }
    }
    memcpy(tmp, text.ptr, text.len);
    tmp[text.len] = '\0';
    char *end;
    double f = strtod(tmp, &end);
    if (*end || !isfinite(f)) {
        return false;
    }
    *ret = value_float(f);
    return true;
}

static bool address_from_text(enum value_kind kind, struct slice text, struct value *ret)
{
    struct ip ip;
    struct cidr c;
    if (kind == VAL_IP) {
        if (!ip_parse(text, &ip)) {
            return false;
        }
        *ret = value_ip(ip);
        return true;
    }
    if (!cidr_parse(text, &c)) {
        return false;
    }
    *ret = value_cidr(c);
    return true;
}

static bool time_from_text(enum value_kind kind, struct slice text, struct value *ret)
{
    struct etime t;
    struct duration d;
    if (kind == VAL_TIMESTAMP) {
        if (!etime_parse(text, true, &t)) {
            return false;
        }
        *ret = value_timestamp(t);
        return true;
    }
    if (!value_parse_duration(text, &d)) {
        return false;
    }
    *ret = value_duration(d);
    return true;
}

bool value_from_text(enum value_kind kind, struct slice text, struct value *ret)
{
    struct decimal d;
    switch (kind) {
    case VAL_BOOL:
        *ret = value_bool(slice_eq_str(text, "true"));
        return ret->u.b || slice_eq_str(text, "false");
    case VAL_INT:
        return int_from_text(text, ret);
    case VAL_DECIMAL:
        if (!decimal_parse(text, &d)) {
            return false;
        }
        *ret = value_decimal(d);
        return true;
    case VAL_FLOAT:
        return float_from_text(text, ret);
    case VAL_STRING:
        *ret = value_string(text);
        return true;
    case VAL_TIMESTAMP:
    case VAL_DURATION:
        return time_from_text(kind, text, ret);
    case VAL_IP:
    case VAL_CIDR:
        return address_from_text(kind, text, ret);
    case VAL_MISSING:
    case VAL_GEO:
    case VAL_LIST:
    case VAL_KIND_COUNT:
        return false;
    }
    return false;
}
