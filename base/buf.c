#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"

void buf_release(struct buf *b)
{
    free(b->ptr);
    *b = (struct buf)BUF_INIT;
}

/* One byte more than asked, so that text can always be NUL-terminated in place. */
void buf_reserve(struct buf *b, size_t extra)
{
    if (extra >= b->cap - b->len) { /* len <= cap */
        b->ptr = xgrow(b->ptr, &b->cap, b->len + extra + 1, 1);
    }
}

void buf_put(struct buf *b, const void *bytes, size_t len)
{
    buf_reserve(b, len);
    if (len) {
        memcpy(b->ptr + b->len, bytes, len);
    }
    b->len += len;
}

void buf_put_byte(struct buf *b, uint8_t byte)
{
    buf_reserve(b, 1);
    b->ptr[b->len++] = (char)byte;
}

void buf_puts(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}

void buf_put_slice(struct buf *b, struct slice s)
{
    buf_put(b, s.ptr, s.len);
}

void buf_put_uint(struct buf *b, uint64_t v)
{
    char text[20];
    size_t at = sizeof(text);
    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    buf_put(b, text + at, sizeof(text) - at);
}

void buf_put_int(struct buf *b, int64_t v)
{
    if (v < 0) {
        buf_put_byte(b, '-');
    }
    buf_put_uint(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    va_list ap2;
    va_copy(ap2, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n > 0) {
        buf_reserve(b, (size_t)n);
        vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, ap2);
        b->len += (size_t)n;
    }
    va_end(ap2);
}

const char *buf_cstr(struct buf *b)
{
    buf_reserve(b, 0);
    b->ptr[b->len] = '\0';
    return b->ptr;
}

#define VARINT_MAX_BYTES 10

/* There is room for it. */
static void add_varint(struct buf *b, uint64_t v)
{
    while (v >= 0x80) {
        b->ptr[b->len++] = (char)(uint8_t)(v | 0x80);
        v >>= 7;
    }
    b->ptr[b->len++] = (char)(uint8_t)v;
}

void buf_put_varint(struct buf *b, uint64_t v)
{
    buf_reserve(b, VARINT_MAX_BYTES);
    add_varint(b, v);
}

void buf_put_zigzag(struct buf *b, int64_t v)
{
    buf_put_varint(b, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

void buf_put_u32be(struct buf *b, uint32_t v)
{
    uint8_t t[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    buf_put(b, t, sizeof(t));
}

void buf_put_u64be(struct buf *b, uint64_t v)
{
    uint8_t t[8];
    for (int i = 0; i < 8; i++) {
        t[i] = (uint8_t)(v >> (56 - 8 * i));
    }
    buf_put(b, t, sizeof(t));
}

void buf_put_blob(struct buf *b, struct slice s)
{
    buf_reserve(b, VARINT_MAX_BYTES + s.len);
    add_varint(b, s.len);
    if (s.len > 0) {
        memcpy(b->ptr + b->len, s.ptr, s.len);
    }
    b->len += s.len;
}

uint8_t read_byte(struct reader *r)
{
    if (r->failed || r->ptr == r->end) {
        r->failed = true;
        return 0;
    }
    return *r->ptr++;
}

uint64_t read_varint(struct reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t c = read_byte(r);
        if (shift == 63 && c > 1) {
            break;
        }
        v |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80)) {
            return r->failed ? 0 : v;
        }
    }
    r->failed = true;
    return 0;
}

int64_t read_zigzag(struct reader *r)
{
    uint64_t v = read_varint(r);
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

struct slice read_bytes(struct reader *r, size_t len)
{
    if (r->failed || reader_left(r) < len) {
        r->failed = true;
        return slice_from(NULL, 0);
    }
    struct slice s = slice_from((const char *)r->ptr, len);
    r->ptr += len;
    return s;
}

uint32_t read_u32be(struct reader *r)
{
    struct slice s = read_bytes(r, 4);
    if (!s.ptr) {
        return 0;
    }
    const uint8_t *p = (const uint8_t *)s.ptr;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint64_t read_u64be(struct reader *r)
{
    uint64_t hi = read_u32be(r);
    return hi << 32 | read_u32be(r);
}

struct slice read_blob(struct reader *r)
{
    uint64_t n = read_varint(r);
    if (r->failed || n > reader_left(r)) {
        r->failed = true;
        return slice_from(NULL, 0);
    }
    return read_bytes(r, (size_t)n);
}
