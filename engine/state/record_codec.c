/* Stored form of a record, version 1.
 *
 *   head      u8 version · u64 u64 key group · blob canonical key
 *             zigzag time · varint topic · zigzag partition · zigzag offset · varint decl   (last)
 *             zigzag next time · varint slots
 *             · { varint slot · varint first segment · varint segments · varint events
 *                 · blob instance }
 *             · u64 checksum
 *   segment   u8 version · bytes of the instance · u64 checksum
 *
 * The checksum is XXH3-64 over the database key and everything in front of it: a value that stands
 * under another key is as damaged as one with a flipped bit. */
#include "engine/state/record_codec.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/state/store_bytes.h"

#define HEAD_VERSION 1
#define SEGMENT_VERSION 1
#define CHECKSUM_BYTES 8

/* ---- keys --------------------------------------------------------------------------------- */

static void put_be(uint8_t *at, uint64_t v)
{
    for (int i = 0; i < 8; i++) {
        at[i] = (uint8_t)(v >> (56 - 8 * i));
    }
}

static uint64_t get_be(const uint8_t *at)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) {
        v = v << 8 | at[i];
    }
    return v;
}

static struct record_key key_of_number(struct hash128 hash, uint64_t number)
{
    struct record_key key;
    put_be(key.bytes, hash.hi);
    put_be(key.bytes + 8, hash.lo);
    put_be(key.bytes + 16, number);
    return key;
}

struct record_key record_head_key(struct hash128 hash)
{
    return key_of_number(hash, 0);
}

struct record_key record_segment_key(struct hash128 hash, uint32_t slot, uint64_t segment)
{
    return key_of_number(hash, (uint64_t)(slot + 1) << 48 | (segment & RECORD_MAX_SEGMENT));
}

struct hash128 record_key_hash(const struct record_key *key)
{
    return (struct hash128){get_be(key->bytes), get_be(key->bytes + 8)};
}

uint64_t record_key_number(const struct record_key *key)
{
    return get_be(key->bytes + 16);
}

/* ---- checksums ---------------------------------------------------------------------------- */

uint64_t record_checksum(const struct record_key *key, struct slice body)
{
    struct hasher h;
    hasher_init(&h);
    hasher_put(&h, record_key_slice(key));
    hasher_put(&h, body);
    return hasher_hash64(&h);
}

static void seal(const struct record_key *key, size_t begin, struct buf *out)
{
    buf_put_u64be(out, record_checksum(key, slice_from(out->ptr + begin, out->len - begin)));
}

/* Takes the checksum off. */
static bool unseal(const struct record_key *key, struct slice *bytes, const char **why)
{
    if (bytes->len < CHECKSUM_BYTES + 1) {
        *why = "a stored value is cut short";
        return false;
    }
    struct slice body = slice_from(bytes->ptr, bytes->len - CHECKSUM_BYTES);
    if (get_be((const uint8_t *)body.ptr + body.len) != record_checksum(key, body)) {
        *why = "the checksum of a stored value is wrong";
        return false;
    }
    *bytes = body;
    return true;
}

/* ---- segments ----------------------------------------------------------------------------- */

void record_begin_segment(struct buf *out)
{
    buf_put_byte(out, SEGMENT_VERSION);
}

void record_end_segment(const struct record_key *key, size_t begin, struct buf *out)
{
    seal(key, begin, out);
}

bool record_decode_segment(const struct record_key *key, struct slice bytes, struct slice *ret,
                           const char **why)
{
    if (!unseal(key, &bytes, why)) {
        return false;
    }
    if ((uint8_t)bytes.ptr[0] != SEGMENT_VERSION) {
        *why = "unknown version of a stored segment";
        return false;
    }
    *ret = slice_from(bytes.ptr + 1, bytes.len - 1);
    return true;
}

/* ---- heads -------------------------------------------------------------------------------- */

void record_put_fields(const struct record_head *head, struct buf *out)
{
    buf_put_hash128(out, head->key_group);
    buf_put_blob(out, head->canonical);
    buf_put_place(out, head->last);
    buf_put_zigzag(out, head->next_time.ns);
    buf_put_varint(out, head->n_slots);
    for (uint32_t i = 0; i < head->n_slots; i++) {
        const struct record_slot *s = &head->slots[i];
        buf_put_varint(out, s->slot);
        buf_put_varint(out, s->first_segment);
        buf_put_varint(out, s->n_segments);
        buf_put_varint(out, s->events);
        buf_put_blob(out, s->instance);
    }
}

void record_encode_head(const struct record_key *key, const struct record_head *head,
                        struct buf *out)
{
    size_t begin = out->len;
    buf_put_byte(out, HEAD_VERSION);
    record_put_fields(head, out);
    seal(key, begin, out);
}

void record_slots_release(struct record_slots *slots)
{
    free(slots->items);
    *slots = (struct record_slots){0};
}

static void decode_slot(struct reader *r, struct record_slot *s)
{
    s->slot = read_varint32(r);
    s->first_segment = read_varint(r);
    s->n_segments = read_varint32(r);
    s->events = read_varint(r);
    s->instance = read_blob(r);
    r->failed |= s->slot >= RECORD_MAX_SLOTS || s->first_segment > RECORD_MAX_SEGMENT ||
                 s->n_segments > RECORD_MAX_SEGMENT - s->first_segment;
}

static void decode_slots(struct reader *r, struct record_slots *slots, uint32_t n)
{
    slots->n = 0;
    for (uint32_t i = 0; i < n && !r->failed; i++) {
        struct record_slot s;
        decode_slot(r, &s);
        r->failed |= i > 0 && slots->items[i - 1].slot >= s.slot;
        VEC_PUSH(slots->items, slots->n, slots->cap) = s;
    }
}

bool record_read_fields(struct reader *r, struct record_slots *slots, struct record_head *ret)
{
    ret->key_group = read_hash128(r);
    ret->canonical = read_blob(r);
    ret->last = read_place(r);
    ret->next_time = read_etime(r);
    ret->n_slots = read_count(r);
    decode_slots(r, slots, ret->n_slots);
    ret->slots = slots->items;
    return !r->failed;
}

bool record_decode_head(const struct record_key *key, struct slice bytes,
                        struct record_slots *slots, struct record_head *ret, const char **why)
{
    if (!unseal(key, &bytes, why)) {
        return false;
    }
    struct reader r = reader_of(bytes);
    if (read_byte(&r) != HEAD_VERSION) {
        *why = "unknown version of a stored record";
        return false;
    }
    if (!record_read_fields(&r, slots, ret) || reader_left(&r) != 0) {
        *why = "the head of a stored record does not decode";
        return false;
    }
    return true;
}
