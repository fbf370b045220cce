/* Small pieces that several stored forms share. Reading sets r->failed on values out of range. */
#ifndef FYKE_ENGINE_STATE_STORE_BYTES_H
#define FYKE_ENGINE_STATE_STORE_BYTES_H

#include "base/buf.h"
#include "base/hash.h"
#include "engine/time/place.h"

static inline uint32_t read_varint32(struct reader *r)
{
    uint64_t v = read_varint(r);
    r->failed |= v > UINT32_MAX;
    return r->failed ? 0 : (uint32_t)v;
}

static inline int32_t read_zigzag32(struct reader *r)
{
    int64_t v = read_zigzag(r);
    r->failed |= v < INT32_MIN || v > INT32_MAX;
    return r->failed ? 0 : (int32_t)v;
}

/* How many elements follow; each takes at least one byte, so damaged counts end here. */
static inline uint32_t read_count(struct reader *r)
{
    uint32_t n = read_varint32(r);
    r->failed |= n > reader_left(r);
    return r->failed ? 0 : n;
}

static inline struct etime read_etime(struct reader *r)
{
    return (struct etime){read_zigzag(r)};
}

static inline void buf_put_hash128(struct buf *out, struct hash128 h)
{
    buf_put_u64be(out, h.hi);
    buf_put_u64be(out, h.lo);
}

static inline struct hash128 read_hash128(struct reader *r)
{
    struct hash128 h;
    h.hi = read_u64be(r);
    h.lo = read_u64be(r);
    return h;
}

static inline void buf_put_place(struct buf *out, struct place p)
{
    buf_put_zigzag(out, p.time.ns);
    buf_put_varint(out, p.at.topic);
    buf_put_zigzag(out, p.at.partition);
    buf_put_zigzag(out, p.at.offset);
    buf_put_varint(out, p.decl);
}

static inline struct place read_place(struct reader *r)
{
    struct place p;
    p.time = read_etime(r);
    p.at.topic = read_varint32(r);
    p.at.partition = read_zigzag32(r);
    p.at.offset = read_zigzag(r);
    p.decl = read_varint32(r);
    return p;
}

#endif
