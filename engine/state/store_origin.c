#include "engine/state/store_origin.h"

#include "base/hash.h"

#define VERSION 2
#define OLDEST 1
#define FLAG_TORN 1
#define CHECKSUM_BYTES 8

void store_origin_encode(const struct store_origin *o, struct buf *out)
{
    buf_clear(out);
    buf_put_byte(out, VERSION);
    buf_put_blob(out, o->identity);
    buf_put_zigzag(out, o->position);
    buf_put_u64be(out, o->mark);
    buf_put_zigzag(out, o->mark_from);
    buf_put_byte(out, o->torn ? FLAG_TORN : 0);
    buf_put_u64be(out, hash64(buf_slice(out)));
}

bool store_origin_decode(struct slice bytes, struct store_origin *ret)
{
    if (bytes.len < CHECKSUM_BYTES) {
        return false;
    }
    struct slice body = slice_from(bytes.ptr, bytes.len - CHECKSUM_BYTES);
    struct reader sum = reader_of(slice_from(bytes.ptr + body.len, CHECKSUM_BYTES));
    struct reader r = reader_of(body);
    uint8_t version = read_byte(&r);
    r.failed |= version < OLDEST || version > VERSION;
    ret->identity = read_blob(&r);
    ret->position = read_zigzag(&r);
    ret->mark = version > OLDEST ? read_u64be(&r) : 0;
    ret->mark_from = read_zigzag(&r); /* of version 1: the time */
    uint8_t flags = read_byte(&r);
    ret->torn = (flags & FLAG_TORN) != 0;
    return !r.failed && reader_left(&r) == 0 && (flags & ~FLAG_TORN) == 0 &&
           read_u64be(&sum) == hash64(body);
}
