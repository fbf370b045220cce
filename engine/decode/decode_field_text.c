/* Field values from text and from numbers. */
#include "base/ip.h"
#include "engine/decode/decode_field.h"
#include "engine/decode/json_number.h"

/* Values are set member by member: a struct built elsewhere and copied would be read back before
 * its bytes have left the store buffer, in the hottest place there is. */
static inline void set_number(struct value *ret, enum value_kind kind, int64_t i)
{
    ret->kind = (uint8_t)kind;
    ret->aux = ret->aux2 = ret->pad = 0;
    ret->len = 0;
    ret->u.i = i;
}

static inline void set_string(struct value *ret, struct slice text)
{
    set_number(ret, VAL_STRING, 0);
    ret->len = (uint32_t)text.len;
    ret->u.str = text.ptr;
}

static inline void set_decimal(struct value *ret, struct decimal d)
{
    set_number(ret, VAL_DECIMAL, 0);
    ret->aux = d.scale;
    ret->u.dec.lo = (uint64_t)d.coeff;
    ret->u.dec.hi = (uint64_t)((unsigned __int128)d.coeff >> 64);
}

static inline void set_ip(struct value *ret, const struct ip *ip)
{
    set_number(ret, VAL_IP, 0);
    ret->aux = ip->family;
    memcpy(ret->u.ip, ip->bytes, sizeof(ret->u.ip));
}

static bool enum_from_text(const struct schema_field *f, struct slice text, struct value *ret)
{
    for (uint32_t i = 0; i < f->n_enum_values; i++) {
        if (slice_eq(f->enum_values[i], text)) {
            set_string(ret, f->enum_values[i]);
            return true;
        }
    }
    return false;
}

/* 1678-01-01T00:00:00Z up to the last instants of 64 bits, which stand for "end of time". */
bool field_time_valid(struct etime t)
{
    const int64_t first = INT64_C(-9214560000) * NS_PER_S;
    return t.ns >= first && t.ns != INT64_MAX;
}

static bool timestamp_value(struct etime t, struct value *ret)
{
    set_number(ret, VAL_TIMESTAMP, t.ns);
    return field_time_valid(t);
}

static bool timestamp_from_number(const struct schema_field *f, struct slice number,
                                  struct value *ret)
{
    static const unsigned shifts[] = {[UNIT_S] = 9, [UNIT_MS] = 6, [UNIT_US] = 3, [UNIT_NS] = 0};
    struct etime t;
    return f->unit != UNIT_TEXT && json_number_scaled(number, shifts[f->unit], &t.ns) &&
           timestamp_value(t, ret);
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
        set_number(ret, VAL_INT, i);
        return true;
    case TYPE_DECIMAL:
        if (!json_number_to_decimal(number, &d)) {
            return false;
        }
        set_decimal(ret, d);
        return true;
    case TYPE_FLOAT:
        if (!json_number_to_double(number, &x)) {
            return false;
        }
        *ret = value_float(x);
        return true;
    case TYPE_TIMESTAMP: return timestamp_from_number(f, number, ret);
    case TYPE_BOOL:
    case TYPE_STRING:
    case TYPE_DURATION:
    case TYPE_IP:
    case TYPE_CIDR:
    case TYPE_GEO:
    case TYPE_ENUM:
    case TYPE_COUNT: break;
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
    struct decimal decimal;
    switch (f->type) {
    case TYPE_STRING: set_string(ret, text); return true;
    case TYPE_ENUM: return enum_from_text(f, text, ret);
    case TYPE_TIMESTAMP:
        if (f->unit != UNIT_TEXT) {
            return bare && bare_text(f, text, ret);
        }
        return etime_parse(text, false, &t) && timestamp_value(t, ret);
    case TYPE_DURATION:
        if (!value_parse_duration(text, &d)) {
            return false;
        }
        set_number(ret, VAL_DURATION, d.ns);
        return true;
    case TYPE_IP:
        if (!ip_parse(text, &ip)) {
            return false;
        }
        set_ip(ret, &ip);
        return true;
    case TYPE_CIDR:
        if (!cidr_parse(text, &cidr)) {
            return false;
        }
        *ret = value_cidr(cidr);
        return true;
    case TYPE_DECIMAL:
        if (!decimal_parse(text, &decimal)) {
            return false;
        }
        set_decimal(ret, decimal);
        return true;
    case TYPE_BOOL:
    case TYPE_INT:
    case TYPE_FLOAT: return bare && bare_text(f, text, ret);
    case TYPE_GEO:
    case TYPE_COUNT: break;
    }
    return false;
}
