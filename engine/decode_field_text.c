/* Field values from text and from numbers. */
#include "base/ip.h"
#include "base/utf8.h"
#include "engine/decode_field.h"
#include "engine/json_number.h"

struct duration_unit {
    struct slice name;
    int64_t ns;
};

/* The number and unit at *s, which is cut by them; units must come from *unit on. */
static bool duration_part(struct slice *s, size_t *unit, int64_t *ret)
{
    static const struct duration_unit units[] = {
        {SLICE_LIT("w"), 7 * 86400 * NS_PER_S}, {SLICE_LIT("d"), 86400 * NS_PER_S},
        {SLICE_LIT("h"), 3600 * NS_PER_S},      {SLICE_LIT("m"), 60 * NS_PER_S},
        {SLICE_LIT("s"), NS_PER_S},             {SLICE_LIT("ms"), NS_PER_MS},
        {SLICE_LIT("us"), 1000},                {SLICE_LIT("ns"), 1},
    };
    size_t digits = 0, letters;
    int64_t n = 0;
    while (digits < s->len && s->ptr[digits] >= '0' && s->ptr[digits] <= '9') {
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, s->ptr[digits] - '0', &n)) {
            return false;
        }
        digits++;
    }
    for (letters = digits; letters < s->len && s->ptr[letters] >= 'a' && s->ptr[letters] <= 'z';) {
        letters++;
    }
    struct slice name = slice_from(s->ptr + digits, letters - digits);
    while (*unit < FYKE_ARRAY_LEN(units) && !slice_eq(units[*unit].name, name)) {
        (*unit)++;
    }
    if (digits == 0 || *unit == FYKE_ARRAY_LEN(units) ||
        __builtin_mul_overflow(n, units[*unit].ns, ret)) {
        return false;
    }
    (*unit)++;
    *s = slice_from(s->ptr + letters, s->len - letters);
    return true;
}

bool duration_from_text(struct slice text, struct duration *ret)
{
    size_t unit = 0;
    int64_t sum = 0, part;
    if (text.len == 0) {
        return false;
    }
    while (text.len > 0) {
        if (!duration_part(&text, &unit, &part) || __builtin_add_overflow(sum, part, &sum)) {
            return false;
        }
    }
    ret->ns = sum;
    return sum != INT64_MAX; /* that one means "without bound" */
}

static bool enum_from_text(const struct schema_field *f, struct slice text, struct value *ret)
{
    for (uint32_t i = 0; i < f->n_enum_values; i++) {
        if (slice_eq(f->enum_values[i], text)) {
            *ret = value_string(f->enum_values[i]);
            return true;
        }
    }
    return false;
}

static bool timestamp_from_number(const struct schema_field *f, struct slice number,
                                  struct value *ret)
{
    static const unsigned shifts[] = {[UNIT_S] = 9, [UNIT_MS] = 6, [UNIT_US] = 3, [UNIT_NS] = 0};
    /* 1678-01-01T00:00:00Z; the last instants of 64 bits stand for "end of time" */
    const int64_t first = INT64_C(-9214560000) * NS_PER_S;
    int64_t ns;
    if (f->unit == UNIT_TEXT || !json_number_scaled(number, shifts[f->unit], &ns) || ns < first ||
        ns == INT64_MAX) {
        return false;
    }
    *ret = value_timestamp((struct etime){ns});
    return true;
}

static bool bool_from_text(struct slice text, struct value *ret)
{
    bool yes = slice_eq(text, SLICE_LIT("true"));
    *ret = value_bool(yes);
    return yes || slice_eq(text, SLICE_LIT("false"));
}

bool field_number(const struct schema_field *f, struct slice number, struct value *ret)
{
    struct decimal d;
    int64_t i;
    double x;
    switch (f->type) {
    case TYPE_INT:
        if (!json_number_scaled(number, 0, &i)) {
            return false;
        }
        *ret = value_int(i);
        return true;
    case TYPE_DECIMAL:
        if (!decimal_parse(number, &d)) {
            return false;
        }
        *ret = value_decimal(d);
        return true;
    case TYPE_FLOAT:
        if (!json_number_to_double(number, &x)) {
            return false;
        }
        *ret = value_float(x);
        return true;
    case TYPE_TIMESTAMP:
        return timestamp_from_number(f, number, ret);
    case TYPE_BOOL:
    case TYPE_STRING:
    case TYPE_DURATION:
    case TYPE_IP:
    case TYPE_CIDR:
    case TYPE_GEO:
    case TYPE_ENUM:
    case TYPE_COUNT:
        break;
    }
    return false;
}

static bool bare_text(const struct schema_field *f, struct slice text, struct value *ret)
{
    return f->type == TYPE_BOOL ? bool_from_text(text, ret)
                                : json_number_valid(text) && field_number(f, text, ret);
}

bool field_text(const struct schema_field *f, struct slice text, bool bare, struct value *ret)
{
    struct etime t;
    struct duration d;
    struct ip ip;
    struct cidr cidr;
    bool ok = false;
    switch (f->type) {
    case TYPE_STRING:
        *ret = value_string(text);
        return true;
    case TYPE_ENUM:
        return enum_from_text(f, text, ret);
    case TYPE_TIMESTAMP:
        if (f->unit != UNIT_TEXT) {
            return bare && bare_text(f, text, ret);
        }
        ok = etime_parse(text, false, &t);
        *ret = ok ? value_timestamp(t) : VALUE_MISSING;
        return ok;
    case TYPE_DURATION:
        ok = duration_from_text(text, &d);
        *ret = ok ? value_duration(d) : VALUE_MISSING;
        return ok;
    case TYPE_IP:
        ok = ip_parse(text, &ip);
        *ret = ok ? value_ip(ip) : VALUE_MISSING;
        return ok;
    case TYPE_CIDR:
        ok = cidr_parse(text, &cidr);
        *ret = ok ? value_cidr(cidr) : VALUE_MISSING;
        return ok;
    case TYPE_DECIMAL:
        return field_number(f, text, ret); /* decimal_parse judges the whole text */
    case TYPE_BOOL:
    case TYPE_INT:
    case TYPE_FLOAT:
        return bare && bare_text(f, text, ret);
    case TYPE_GEO:
    case TYPE_COUNT:
        break;
    }
    return false;
}
