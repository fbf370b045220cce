/* A growing byte buffer: text is built in it, records are encoded into it, decoded from a reader.
 *
 * Encoding: unsigned LEB128 varints, zig-zag for signed ones, fixed integers big-endian (so that
 * they sort as bytes), blobs as varint length + bytes. */
#ifndef FYKE_BASE_BUF_H
#define FYKE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/slice.h"

struct buf {
    char *ptr; /* NULL until the first byte; after text functions ptr[len] is NUL */
    size_t len;
    size_t cap;
};

#define BUF_INIT {0}

void buf_release(struct buf *b);
static inline void buf_clear(struct buf *b)
{
    b->len = 0;
}
void buf_reserve(struct buf *b, size_t extra);
void buf_put(struct buf *b, const void *bytes, size_t len);
void buf_put_byte(struct buf *b, uint8_t byte);
void buf_puts(struct buf *b, const char *s);
void buf_put_slice(struct buf *b, struct slice s);
/* In decimal digits. */
void buf_put_uint(struct buf *b, uint64_t v);
void buf_put_int(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) FYKE_PRINTF(2, 3);
/* The content as a C string (never NULL); valid until the next change. */
const char *buf_cstr(struct buf *b);
static inline struct slice buf_slice(const struct buf *b)
{
    return slice_from(b->ptr, b->len);
}

void buf_put_varint(struct buf *b, uint64_t v);
void buf_put_zigzag(struct buf *b, int64_t v);
void buf_put_u32be(struct buf *b, uint32_t v);
void buf_put_u64be(struct buf *b, uint64_t v);
void buf_put_blob(struct buf *b, struct slice s);

/* Reads what buf_put_* wrote. After the first bad read `failed` is set, every later read gives 0
 * or an empty slice: check once at the end. Blobs point into the input. */
struct reader {
    const uint8_t *ptr;
    const uint8_t *end;
    bool failed;
};

static inline struct reader reader_of(struct slice s)
{
    const uint8_t *p = (const uint8_t *)s.ptr;
    return (struct reader){p, s.len ? p + s.len : p, false};
}
static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->ptr);
}
uint8_t read_byte(struct reader *r);
uint64_t read_varint(struct reader *r);
int64_t read_zigzag(struct reader *r);
uint32_t read_u32be(struct reader *r);
uint64_t read_u64be(struct reader *r);
struct slice read_blob(struct reader *r);
struct slice read_bytes(struct reader *r, size_t len);

#endif
