/* Canonical bytes of values: docs/formats.md, "Canonical bytes of values". The tags are stored and
 * hashed: they never change. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/short_bytes.h"
#include "nfa/value.h"
#include "nfa/value_short.h"

enum value_tag {
    TAG_MISSING = 0,
    TAG_FALSE = 1,
    TAG_TRUE = 2,
    TAG_INT = 3,
    TAG_DECIMAL = 4,
    TAG_FLOAT = 5,
    TAG_STRING = 6,
    TAG_TIMESTAMP = 7,
    TAG_DURATION = 8,
    TAG_IP4 = 9,
    TAG_IP6 = 10,
    TAG_CIDR4 = 11,
    TAG_CIDR6 = 12,
    TAG_GEO = 13,
    TAG_LIST = 14,
};

/* Lists hold scalars; one level more than any writer makes, so that corrupt bytes cannot recurse
 * without end. */
#define VALUE_MAX_DEPTH 4

static uint64_t canonical_bits(double f)
{
    if (isnan(f)) {
        return UINT64_C(0x7ff8000000000000);
    }
    if (f == 0) {
        return 0; /* -0 equals 0 */
    }
    uint64_t bits;
    memcpy(&bits, &f, sizeof(bits));
    return bits;
}

static double double_of(uint64_t bits)
{
    double f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

static void encode_address(struct value v, uint8_t tag4, struct buf *out)
{
    bool v4 = v.aux == 4;
    buf_put_byte(out, v4 ? tag4 : (uint8_t)(tag4 + 1));
    if (v.kind == VAL_CIDR) {
        buf_put_byte(out, v.aux2);
    }
    buf_put(out, v.u.ip, v4 ? 4 : 16);
}

static void encode_signed(uint8_t tag, int64_t i, struct buf *out)
{
    buf_put_byte(out, tag);
    buf_put_zigzag(out, i);
}

static void encode_list(struct value v, struct buf *out)
{
    buf_put_byte(out, TAG_LIST);
    buf_put_varint(out, v.len);
    for (uint32_t i = 0; i < v.len; i++) {
        value_encode(v.u.items[i], out);
    }
}

void value_encode(struct value v, struct buf *out)
{
    switch ((enum value_kind)v.kind) {
    case VAL_BOOL:
        buf_put_byte(out, v.u.b ? TAG_TRUE : TAG_FALSE);
        return;
    case VAL_INT:
        encode_signed(TAG_INT, v.u.i, out);
        return;
    case VAL_DECIMAL:
        buf_put_byte(out, TAG_DECIMAL);
        decimal_encode(value_as_decimal(v), out);
        return;
    case VAL_FLOAT:
        buf_put_byte(out, TAG_FLOAT);
        buf_put_u64be(out, canonical_bits(v.u.f));
        return;
    case VAL_STRING:
        buf_put_byte(out, TAG_STRING);
        buf_put_blob(out, value_as_slice(v));
        return;
    case VAL_TIMESTAMP:
        encode_signed(TAG_TIMESTAMP, v.u.i, out);
        return;
    case VAL_DURATION:
        encode_signed(TAG_DURATION, v.u.i, out);
        return;
    case VAL_IP:
        encode_address(v, TAG_IP4, out);
        return;
    case VAL_CIDR:
        encode_address(v, TAG_CIDR4, out);
        return;
    case VAL_GEO:
        buf_put_byte(out, TAG_GEO);
        buf_put_u64be(out, canonical_bits(v.u.geo.lat));
        buf_put_u64be(out, canonical_bits(v.u.geo.lon));
        return;
    case VAL_LIST:
        encode_list(v, out);
        return;
    case VAL_MISSING:
    case VAL_KIND_COUNT:
        buf_put_byte(out, TAG_MISSING);
        return;
    }
}

void value_encode_short_text(struct slice text, char *out)
{
    assert(text.len <= VALUE_SHORT_TEXT); /* so its length is one byte */
    out[0] = TAG_STRING;
    out[1] = (char)text.len;
    short_bytes_copy(out + 2, text.ptr, text.len);
}

static struct value decode_address(struct reader *r, uint8_t tag)
{
    bool net = tag == TAG_CIDR4 || tag == TAG_CIDR6;
    bool v4 = tag == TAG_IP4 || tag == TAG_CIDR4;
    struct cidr c = {.ip.family = v4 ? 4 : 6};
    c.prefix = net ? read_byte(r) : 0;
    struct slice bytes = read_bytes(r, v4 ? 4 : 16);
    if (r->failed) {
        return VALUE_MISSING;
    }
    memcpy(c.ip.bytes, bytes.ptr, bytes.len);
    if (!net) {
        return value_ip(c.ip);
    }
    struct cidr masked;
    if (!ip_subnet(&c.ip, c.prefix, &masked) || cidr_cmp(&masked, &c) != 0) {
        r->failed = true;
        return VALUE_MISSING;
    }
    return value_cidr(c);
}

static struct value decode_value(struct reader *r, struct arena *arena, unsigned depth);

static struct value decode_list(struct reader *r, struct arena *arena, unsigned depth)
{
    uint64_t n = read_varint(r);
    /* every item takes at least its tag */
    if (r->failed || n > reader_left(r) || depth == VALUE_MAX_DEPTH) {
        r->failed = true;
        return VALUE_MISSING;
    }
    struct value *items = ARENA_ARRAY(arena, struct value, n ? n : 1);
    for (uint64_t i = 0; i < n && !r->failed; i++) {
        items[i] = decode_value(r, arena, depth + 1);
    }
    return value_list(items, (uint32_t)n);
}

static struct value decode_string(struct reader *r)
{
    struct slice s = read_blob(r);
    if (s.len > UINT32_MAX) {
        r->failed = true;
    }
    return r->failed ? VALUE_MISSING : value_string(s);
}

static struct value decode_float(struct reader *r)
{
    double f = double_of(read_u64be(r));
    if (!isfinite(f)) {
        r->failed = true;
    }
    return value_float(f);
}

static struct value decode_geo(struct reader *r)
{
    struct geo g;
    g.lat = double_of(read_u64be(r));
    g.lon = double_of(read_u64be(r));
    if (!r->failed && !geo_valid(g)) {
        r->failed = true;
    }
    return value_geo(g);
}

static struct value decode_value(struct reader *r, struct arena *arena, unsigned depth)
{
    uint8_t tag = read_byte(r);
    switch (tag) {
    case TAG_MISSING:
        return VALUE_MISSING;
    case TAG_FALSE:
    case TAG_TRUE:
        return value_bool(tag == TAG_TRUE);
    case TAG_INT:
        return value_int(read_zigzag(r));
    case TAG_DECIMAL:
        return value_decimal(decimal_decode(r));
    case TAG_FLOAT:
        return decode_float(r);
    case TAG_STRING:
        return decode_string(r);
    case TAG_TIMESTAMP:
        return value_timestamp((struct etime){read_zigzag(r)});
    case TAG_DURATION:
        return value_duration((struct duration){read_zigzag(r)});
    case TAG_IP4:
    case TAG_IP6:
    case TAG_CIDR4:
    case TAG_CIDR6:
        return decode_address(r, tag);
    case TAG_GEO:
        return decode_geo(r);
    case TAG_LIST:
        return decode_list(r, arena, depth);
    default:
        r->failed = true;
        return VALUE_MISSING;
    }
}

struct value value_decode(struct reader *r, struct arena *arena)
{
    struct value v = decode_value(r, arena, 0);
    return r->failed ? VALUE_MISSING : v;
}
