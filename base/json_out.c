#include "base/json_out.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static void put_escape(struct buf *b, unsigned char c)
{
    switch (c) {
    case '"': buf_put(b, "\\\"", 2); return;
    case '\\': buf_put(b, "\\\\", 2); return;
    case '\b': buf_put(b, "\\b", 2); return;
    case '\f': buf_put(b, "\\f", 2); return;
    case '\n': buf_put(b, "\\n", 2); return;
    case '\r': buf_put(b, "\\r", 2); return;
    case '\t': buf_put(b, "\\t", 2); return;
    default: buf_printf(b, "\\u%04x", c); return;
    }
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

#define EACH UINT64_C(0x0101010101010101) /* byte */

/* Eight bytes that stand in JSON as they are; a wrong "no" may be. */
static bool are_plain(uint64_t x)
{
    uint64_t low = x - EACH * 0x20, quote = (x ^ EACH * '"') - EACH, slash = (x ^ EACH * '\\') - EACH;
    return ((x | low | quote | slash) & EACH * 0x80) == 0;
}

/* Up to seven bytes, in no order, and plain ones. */
static uint64_t few_bytes(const char *p, size_t n)
{
    uint32_t four = (uint32_t)EACH * 'a';
    uint16_t two = (uint16_t)EACH * 'a';
    uint8_t one = 'a';
    if (n & 4) {
        memcpy(&four, p, sizeof(four));
    }
    if (n & 2) {
        memcpy(&two, p + (n & 4), sizeof(two));
    }
    if (n & 1) {
        one = (uint8_t)p[n - 1];
    }
    return (uint64_t)four << 32 | (uint64_t)two << 16 | (uint64_t)'a' << 8 | one;
}

/* How much of the text stands in JSON as it is; eight bytes at a time as long as none is to be looked at. */
static size_t plain_run(struct slice s)
{
    size_t i = 0;
    for (uint64_t x; s.len - i >= sizeof(x); i += sizeof(x)) {
        memcpy(&x, s.ptr + i, sizeof(x));
        if (!are_plain(x)) {
            break;
        }
    }
    if (s.len == i || (s.len - i < sizeof(uint64_t) && are_plain(few_bytes(s.ptr + i, s.len - i)))) {
        return s.len;
    }
    while (i < s.len && is_plain((unsigned char)s.ptr[i])) {
        i++;
    }
    return i;
}

/* The rest of a text of which `i` bytes have been written, in quotes that are open. */
static void put_looked_at(struct buf *b, struct slice s, size_t i)
{
    while (i < s.len) {
        size_t run = i;
        while (run < s.len && is_plain((unsigned char)s.ptr[run])) {
            run++;
        }
        buf_put(b, s.ptr + i, run - i);
        i = run;
        if (i == s.len) {
            break;
        }
        uint32_t cp;
        size_t n = utf8_decode(s, i, &cp);
        if (cp == UTF8_BAD) {
            buf_put(b, "\xef\xbf\xbd", 3);
        } else if (cp < 0x80) {
            put_escape(b, (unsigned char)cp);
        } else {
            buf_put(b, s.ptr + i, n);
        }
        i += n;
    }
    buf_put_byte(b, '"');
}

/* A text is there, and room for it: its end. */
static inline char *put_bytes(char *at, struct slice s)
{
    if (s.len > 0) {
        memcpy(at, s.ptr, s.len);
    }
    return at + s.len;
}

/* Behind what is in front of it, as it is. */
static void put_string_behind(struct buf *b, bool comma, struct slice front, struct slice s)
{
    struct slice plain = {s.ptr, plain_run(s)};
    buf_reserve(b, front.len + s.len + 3);
    char *at = b->ptr + b->len;
    *at = ',';
    at = put_bytes(at + comma, front);
    *at = '"';
    at = put_bytes(at + 1, plain);
    *at = '"';
    b->len = (size_t)(at - b->ptr) + (plain.len == s.len);
    if (plain.len < s.len) {
        put_looked_at(b, s, plain.len);
    }
}

void json_put_string(struct buf *b, struct slice s)
{
    put_string_behind(b, false, (struct slice){NULL, 0}, s);
}

void json_put_double(struct buf *b, double v)
{
    assert(isfinite(v));
    char text[64];
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, sizeof(text), "%.*g", digits, v);
        double back = strtod(text, NULL);
        if (memcmp(&back, &v, sizeof(v)) == 0) {
            break;
        }
    }
    /* A host program may have set a locale with another decimal point, of one or more bytes. */
    bool in_point = false;
    for (int i = 0; i < n; i++) {
        bool number = strchr("0123456789+-e", text[i]) != NULL;
        if (number) {
            buf_put(b, &text[i], 1);
        } else if (!in_point) {
            buf_put_byte(b, '.');
        }
        in_point = !number;
    }
}

/* Every value and every key passes here first. */
static void before_value(struct json_out *j)
{
    if (j->comma_due) {
        buf_put_byte(j->buf, ',');
    }
    j->comma_due = true;
}

static void begin(struct json_out *j, char open)
{
    before_value(j);
    buf_put(j->buf, &open, 1);
    j->depth++;
    j->comma_due = false;
}

static void end(struct json_out *j, char close)
{
    assert(j->depth > 0);
    buf_put(j->buf, &close, 1);
    j->depth--;
    j->comma_due = true;
}

void json_object_begin(struct json_out *j)
{
    begin(j, '{');
}

void json_object_end(struct json_out *j)
{
    end(j, '}');
}

void json_array_begin(struct json_out *j)
{
    begin(j, '[');
}

void json_array_end(struct json_out *j)
{
    end(j, ']');
}

void json_key(struct json_out *j, struct slice key)
{
    assert(j->depth > 0);
    before_value(j);
    json_put_string(j->buf, key);
    buf_put_byte(j->buf, ':');
    j->comma_due = false;
}

void json_known_key(struct json_out *j, struct slice quoted)
{
    assert(j->depth > 0);
    before_value(j);
    buf_put_slice(j->buf, quoted);
    j->comma_due = false;
}

void json_line_end(struct json_out *j)
{
    assert(j->depth == 0);
    buf_put_byte(j->buf, '\n');
    j->comma_due = false;
}

void json_text(struct json_out *j, struct slice s)
{
    put_string_behind(j->buf, j->comma_due, (struct slice){NULL, 0}, s);
    j->comma_due = true;
}

void json_known_member(struct json_out *j, struct slice quoted, struct slice s)
{
    assert(j->depth > 0);
    put_string_behind(j->buf, j->comma_due, quoted, s);
    j->comma_due = true;
}

void json_uint(struct json_out *j, uint64_t v)
{
    before_value(j);
    buf_put_uint(j->buf, v);
}

void json_base64(struct json_out *j, struct slice s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    for (size_t i = 0; i < s.len; i += 3) {
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++) {
            v = v << 8 | (i + k < s.len ? (uint8_t)s.ptr[i + k] : 0);
        }
        for (size_t k = 0; k < 4; k++) {
            bool pad = i + k > s.len;
            buf_put_byte(&text, pad ? '=' : (uint8_t)digits[v >> (18 - 6 * k) & 63]);
        }
    }
    json_text(j, buf_slice(&text));
}

void json_int(struct json_out *j, int64_t v)
{
    before_value(j);
    buf_put_int(j->buf, v);
}

void json_decimal(struct json_out *j, struct decimal d)
{
    char text[DECIMAL_TEXT_MAX];
    size_t n = decimal_format(d, text);
    json_raw(j, slice_from(text, n));
}

void json_double(struct json_out *j, double v)
{
    before_value(j);
    json_put_double(j->buf, v);
}

void json_bool(struct json_out *j, bool v)
{
    json_raw(j, v ? SLICE_LIT("true") : SLICE_LIT("false"));
}

void json_nil(struct json_out *j)
{
    json_raw(j, SLICE_LIT("null"));
}

struct buf *json_value_place(struct json_out *j)
{
    before_value(j);
    return j->buf;
}

void json_raw(struct json_out *j, struct slice value)
{
    before_value(j);
    buf_put_slice(j->buf, value);
}

void json_member_string(struct json_out *j, const char *key, struct slice s)
{
    json_key(j, slice_of(key));
    json_text(j, s);
}

void json_member_int(struct json_out *j, const char *key, int64_t v)
{
    json_key(j, slice_of(key));
    json_int(j, v);
}

void json_member_uint(struct json_out *j, const char *key, uint64_t v)
{
    json_key(j, slice_of(key));
    json_uint(j, v);
}

void json_member_bool(struct json_out *j, const char *key, bool v)
{
    json_key(j, slice_of(key));
    json_bool(j, v);
}
