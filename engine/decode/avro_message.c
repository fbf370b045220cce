/* Avro's binary encoding (specification 1.11), by the schema that the rules state. */
#include "base/utf8.h"
#include "engine/decode/avro_logical.h"
#include "engine/decode/payload_codec.h"

static bool value(struct payload_codec *c, const struct payload_type *t,
                  const struct payload_want *want);

static bool broken(struct payload_codec *c)
{
    return payload_fail(c, INVALID_NOT_IN_FORMAT);
}

static bool zigzag(struct payload_codec *c, int64_t *ret)
{
    uint64_t v;
    if (!payload_varint(&c->at, c->end, &v)) {
        return broken(c);
    }
    *ret = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
    return true;
}

static bool take(struct payload_codec *c, uint64_t n, struct slice *ret)
{
    if (n > (size_t)(c->end - c->at)) {
        return broken(c);
    }
    *ret = slice_from((const char *)c->at, (size_t)n);
    c->at += n;
    return true;
}

static bool length_and_bytes(struct payload_codec *c, struct slice *ret)
{
    int64_t n;
    return zigzag(c, &n) && (n >= 0 || broken(c)) && take(c, (uint64_t)n, ret);
}

/* ---- scalars ------------------------------------------------------------------------------- */

static bool boolean(struct payload_codec *c, bool write)
{
    struct slice byte;
    if (!take(c, 1, &byte) || (uint8_t)byte.ptr[0] > 1) {
        return broken(c);
    }
    if (write) {
        json_bool(&c->out, byte.ptr[0] == 1);
    }
    return true;
}

static bool integer(struct payload_codec *c, const struct payload_type *t, bool write)
{
    int64_t v;
    if (!zigzag(c, &v)) {
        return false;
    }
    if (t->size == 4 && (v < INT32_MIN || v > INT32_MAX)) {
        return broken(c);
    }
    if (write) {
        avro_put_number(&c->out, t->meaning, v);
    }
    return true;
}

static uint64_t little_endian(struct slice bytes)
{
    uint64_t v = 0;
    for (size_t i = bytes.len; i-- > 0;) {
        v = v << 8 | (uint8_t)bytes.ptr[i];
    }
    return v;
}

static bool floating(struct payload_codec *c, const struct payload_type *t, bool write)
{
    struct slice bytes;
    if (!take(c, t->kind == PAYLOAD_FLOAT ? 4 : 8, &bytes)) {
        return false;
    }
    uint64_t bits = little_endian(bytes);
    if (write && t->kind == PAYLOAD_FLOAT) {
        uint32_t half = (uint32_t)bits;
        float f;
        memcpy(&f, &half, sizeof(f));
        payload_put_float(c, f);
    } else if (write) {
        double d;
        memcpy(&d, &bits, sizeof(d));
        payload_put_double(c, d);
    }
    return true;
}

static bool bytes_as_json(struct payload_codec *c, const struct payload_type *t,
                          struct slice bytes)
{
    if (t->meaning == MEANS_DECIMAL) {
        avro_put_decimal(&c->out, bytes, t->scale);
    } else if (t->meaning == MEANS_UUID && t->kind == PAYLOAD_FIXED) {
        avro_put_uuid(&c->out, bytes);
    } else if (t->meaning == MEANS_MONTHS) {
        avro_put_months(&c->out, bytes);
    } else {
        return payload_put_base64(c, bytes);
    }
    return true;
}

static bool symbol(struct payload_codec *c, const struct payload_type *t, bool write)
{
    int64_t v;
    if (!zigzag(c, &v)) {
        return false;
    }
    if (v < 0 || (uint64_t)v >= t->n_symbols) {
        return broken(c);
    }
    return !write || payload_put_text(c, t->symbols[v].name);
}

/* ---- composed ------------------------------------------------------------------------------ */

static bool record(struct payload_codec *c, const struct payload_type *t,
                   const struct payload_want *want)
{
    if (want) {
        json_object_begin(&c->out);
    }
    for (uint32_t i = 0; i < t->n_fields; i++) {
        const struct payload_want *part = payload_want_part(want, i);
        if (part) {
            json_key(&c->out, t->fields[i].name);
        }
        if (!value(c, t->fields[i].type, part)) {
            return false;
        }
    }
    if (want) {
        json_object_end(&c->out);
    }
    return payload_fits(c);
}

static bool item(struct payload_codec *c, const struct payload_type *t,
                 const struct payload_want *want)
{
    struct slice key;
    if (t->kind == PAYLOAD_MAP) {
        if (!length_and_bytes(c, &key)) {
            return false;
        }
        if (want && !utf8_valid(key)) {
            return payload_fail(c, INVALID_UTF8);
        }
        if (want) {
            json_key(&c->out, key);
        }
    }
    return value(c, t->items, want) && payload_fits(c);
}

/* Blocks of items, each behind their number; a negative number has the bytes of the block behind
 * it. Items without bytes that nobody asked for are not counted off one by one. */
static bool blocks(struct payload_codec *c, const struct payload_type *t,
                   const struct payload_want *want)
{
    int64_t n, bytes;
    for (;;) {
        if (!zigzag(c, &n)) {
            return false;
        }
        if (n == 0) {
            return true;
        }
        if (n < 0 && (!zigzag(c, &bytes) || bytes < 0 || n == INT64_MIN)) {
            return broken(c);
        }
        uint64_t left = n < 0 ? (uint64_t)-n : (uint64_t)n;
        bool nothing = !want && t->kind == PAYLOAD_ARRAY && t->items->no_bytes;
        for (; left > 0 && !nothing; left--) {
            if (!item(c, t, want)) {
                return false;
            }
        }
    }
}

static bool container(struct payload_codec *c, const struct payload_type *t,
                      const struct payload_want *want)
{
    bool array = t->kind == PAYLOAD_ARRAY;
    if (want) {
        array ? json_array_begin(&c->out) : json_object_begin(&c->out);
    }
    if (!blocks(c, t, want)) {
        return false;
    }
    if (want) {
        array ? json_array_end(&c->out) : json_object_end(&c->out);
    }
    return true;
}

static bool branch(struct payload_codec *c, const struct payload_type *t,
                   const struct payload_want *want)
{
    int64_t v;
    if (!zigzag(c, &v)) {
        return false;
    }
    if (v < 0 || (uint64_t)v >= t->n_branches) {
        return broken(c);
    }
    const struct payload_want *part = payload_want_part(want, (uint32_t)v);
    return value(c, t->branches[v], part);
}

/* ---- values -------------------------------------------------------------------------------- */

static bool value_of_kind(struct payload_codec *c, const struct payload_type *t,
                          const struct payload_want *want)
{
    struct slice bytes;
    switch (t->kind) {
    case PAYLOAD_NULL:
        if (want) {
            json_nil(&c->out);
        }
        return true;
    case PAYLOAD_BOOL: return boolean(c, want != NULL);
    case PAYLOAD_INT: return integer(c, t, want != NULL);
    case PAYLOAD_FLOAT:
    case PAYLOAD_DOUBLE: return floating(c, t, want != NULL);
    case PAYLOAD_BYTES:
        return length_and_bytes(c, &bytes) && (!want || bytes_as_json(c, t, bytes));
    case PAYLOAD_STRING:
        return length_and_bytes(c, &bytes) && (!want || payload_put_text(c, bytes));
    case PAYLOAD_FIXED: return take(c, t->size, &bytes) && (!want || bytes_as_json(c, t, bytes));
    case PAYLOAD_ENUM: return symbol(c, t, want != NULL);
    case PAYLOAD_ARRAY:
    case PAYLOAD_MAP: return container(c, t, want);
    case PAYLOAD_UNION: return branch(c, t, want);
    case PAYLOAD_RECORD: return record(c, t, want);
    case PAYLOAD_KIND_COUNT: break;
    }
    return broken(c);
}

static bool value(struct payload_codec *c, const struct payload_type *t,
                  const struct payload_want *want)
{
    if (!want && t->no_bytes) {
        return true;
    }
    bool ok = payload_enter(c) && value_of_kind(c, t, want);
    payload_leave(c);
    return ok;
}

bool avro_message(struct payload_codec *c, const struct payload_type *t,
                  const struct payload_want *want)
{
    return value(c, t, want) && (c->at == c->end || payload_fail(c, INVALID_BYTES_LEFT));
}
