#include "engine/keys/message_key.h"

#include "engine/decode/decode_field.h"

#define SCHEMA_BYTES 5 /* 0, then the id */

static struct slice behind(struct slice s, size_t n)
{
    return slice_from(s.ptr + n, s.len - n);
}

static bool is_text(const struct schema_field *f, struct value v, struct slice text)
{
    struct value read;
    if (v.kind == VAL_STRING) {
        return slice_eq(value_as_slice(v), text);
    }
    return field_text(f, text, true, &read) && value_equal(read, v);
}

/* Without escapes: whoever has them in keys is told apart from nobody else. */
static bool is_json_string(const struct schema_field *f, struct value v, struct slice text)
{
    return text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"' &&
           is_text(f, v, slice_from(text.ptr + 1, text.len - 2));
}

static bool is_bytes_of_int(struct value v, struct slice key)
{
    uint64_t n = 0;
    if (v.kind != VAL_INT || (key.len != 4 && key.len != 8)) {
        return false;
    }
    for (size_t i = 0; i < key.len; i++) {
        n = n << 8 | (uint8_t)key.ptr[i];
    }
    return v.u.i == (key.len == 4 ? (int32_t)(uint32_t)n : (int64_t)n);
}

/* Avro's integers: seven bits a byte, the sign in the lowest bit. Returns its bytes, 0: it is none. */
static size_t avro_int(struct slice s, int64_t *ret)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s.len && i < 10; i++) {
        n |= (uint64_t)(s.ptr[i] & 0x7f) << (7 * i);
        if (!(s.ptr[i] & 0x80)) {
            *ret = (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
            return i + 1;
        }
    }
    return 0;
}

static bool is_avro(const struct schema_field *f, struct value v, struct slice key)
{
    int64_t n;
    size_t bytes = avro_int(key, &n);
    if (bytes == 0) {
        return false;
    }
    if (bytes == key.len) {
        return v.kind == VAL_INT && v.u.i == n;
    }
    return n >= 0 && (uint64_t)n == key.len - bytes && is_text(f, v, behind(key, bytes));
}

bool message_key_holds(const struct schema_field *f, struct value v, struct slice key)
{
    if (is_text(f, v, key) || is_json_string(f, v, key) || is_bytes_of_int(v, key)) {
        return true;
    }
    if (key.len <= SCHEMA_BYTES || key.ptr[0] != '\0') {
        return false;
    }
    struct slice rest = behind(key, SCHEMA_BYTES);
    return is_text(f, v, rest) || is_json_string(f, v, rest) || is_avro(f, v, rest);
}

bool message_key_fits(const struct schema_decl *d, const struct event *event,
                      const struct record *r)
{
    for (uint32_t i = 0; i < d->n_fields && i < event->n_values; i++) {
        const struct schema_field *f = &d->fields[i];
        if (f->is_key && !f->is_list && f->origin != ORIGIN_KEY &&
            event->values[i].kind != VAL_MISSING) {
            return r->has_key && message_key_holds(f, event->values[i], r->key);
        }
    }
    return true;
}
