/* Stored form of a record.
 *
 *   head, version 2
 *             u8 version · varint slots · 8 + flags · blob canonical key
 *             flag 4: the next two times are in milliseconds
 *             zigzag time; unless flag 1, behind all events of its time:
 *             · varint topic · zigzag partition · zigzag offset · varint decl   (last)
 *             unless flag 2, no timer: zigzag next time - last
 *             · { varint slot · 8 + flags
 *                 flag 2, near something else than last: zigzag time - last · varint topic
 *                                                        · zigzag partition · zigzag offset
 *                 unless flag 1, segments inside: varint first segment
 *                 unless flag 4, one segment of one event: varint segments · varint events
 *                 blob instance · flag 1: segments × blob }
 *             · u64 checksum
 *   head, version 1
 *             u8 version · u64 u64 key group · blob canonical key
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

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/state/store_bytes.h"

#define HEAD_VERSION_1 1
#define HEAD_VERSION_2 2
#define HEAD_AFTER_TIME 1
#define HEAD_NO_TIMER 2
#define HEAD_IN_MS 4
#define HEAD_FLAGS 8 /* so many */
#define SLOT_INSIDE 1
#define SLOT_NEAR 2
#define SLOT_ONE 4
#define SLOT_FLAGS 8 /* so many */
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

static void put_near(const struct event_near *near, struct place last, struct buf *out)
{
    etime_encode(near->time, last.time, out);
    buf_put_varint(out, near->at.topic);
    buf_put_zigzag(out, near->at.partition);
    buf_put_zigzag(out, near->at.offset);
}

static void put_slot(const struct record_slot *s, struct place last, struct buf *out)
{
    struct event_near usual = record_near(last, s->near.key);
    bool is_usual = event_near_eq(&s->near, &usual);
    bool is_one = s->n_segments == 1 && s->events == 1;
    buf_put_varint(out, (uint64_t)s->slot * SLOT_FLAGS + (s->inside ? SLOT_INSIDE : 0) +
                            (is_usual ? 0 : SLOT_NEAR) + (is_one ? SLOT_ONE : 0));
    if (!is_usual) {
        put_near(&s->near, last, out);
    }
    if (!s->inside) {
        buf_put_varint(out, s->first_segment);
    }
    if (!is_one) {
        buf_put_varint(out, s->n_segments);
        buf_put_varint(out, s->events);
    }
    buf_put_blob(out, s->instance);
    if (s->inside) {
        buf_put_slice(out, s->segments);
    }
}

/* Wraps on purpose: any difference of two times has its place in 64 bits. */
static int64_t timer_after(const struct record_head *head)
{
    return (int64_t)((uint64_t)head->next_time.ns - (uint64_t)head->last.time.ns);
}

static unsigned head_flags(const struct record_head *head)
{
    bool after_time = place_cmp(head->last, place_after_time(head->last.time)) == 0;
    bool no_timer = head->next_time.ns == INT64_MAX;
    bool in_ms = head->last.time.ns % NS_PER_MS == 0 &&
                 (no_timer || timer_after(head) % NS_PER_MS == 0);
    return (after_time ? HEAD_AFTER_TIME : 0u) | (no_timer ? HEAD_NO_TIMER : 0u) |
           (in_ms ? HEAD_IN_MS : 0u);
}

static void put_last(struct place last, unsigned flags, struct buf *out)
{
    buf_put_zigzag(out, flags & HEAD_IN_MS ? last.time.ns / NS_PER_MS : last.time.ns);
    if ((flags & HEAD_AFTER_TIME) == 0) {
        buf_put_varint(out, last.at.topic);
        buf_put_zigzag(out, last.at.partition);
        buf_put_zigzag(out, last.at.offset);
        buf_put_varint(out, last.decl);
    }
}

void record_put_fields(const struct record_head *head, struct buf *out)
{
    assert(head->n_slots > 0);
    unsigned flags = head_flags(head);
    int64_t timer = timer_after(head);
    buf_put_varint(out, (uint64_t)head->n_slots * HEAD_FLAGS + flags);
    buf_put_blob(out, head->canonical);
    put_last(head->last, flags, out);
    if ((flags & HEAD_NO_TIMER) == 0) {
        buf_put_zigzag(out, flags & HEAD_IN_MS ? timer / NS_PER_MS : timer);
    }
    for (uint32_t i = 0; i < head->n_slots; i++) {
        put_slot(&head->slots[i], head->last, out);
    }
}

void record_encode_head(const struct record_key *key, const struct record_head *head,
                        struct buf *out)
{
    size_t begin = out->len;
    buf_put_byte(out, HEAD_VERSION_2);
    record_put_fields(head, out);
    seal(key, begin, out);
}

void record_slots_release(struct record_slots *slots)
{
    free(slots->items);
    *slots = (struct record_slots){0};
}

static bool slot_fits(const struct record_slot *s)
{
    return s->slot < RECORD_MAX_SLOTS && s->first_segment <= RECORD_MAX_SEGMENT &&
           s->n_segments <= RECORD_MAX_SEGMENT - s->first_segment;
}

typedef void (*read_slot_fn)(struct reader *r, struct place last, struct record_slot *s);

static void read_slots(struct reader *r, struct record_slots *slots, struct record_head *head,
                       read_slot_fn read)
{
    slots->n = 0;
    for (uint32_t i = 0; i < head->n_slots && !r->failed; i++) {
        struct record_slot s = {.near = record_near(head->last, head->canonical)};
        read(r, head->last, &s);
        r->failed |= !slot_fits(&s) || (i > 0 && slots->items[i - 1].slot >= s.slot);
        VEC_PUSH(slots->items, slots->n, slots->cap) = s;
    }
    head->slots = slots->items;
}

static void read_near(struct reader *r, struct place last, struct event_near *ret)
{
    ret->time = etime_decode(r, last.time);
    ret->at.topic = read_varint32(r);
    ret->at.partition = read_zigzag32(r);
    ret->at.offset = read_zigzag(r);
}

static struct slice skip_blobs(struct reader *r, uint32_t n)
{
    const char *begin = (const char *)r->ptr;
    for (uint32_t i = 0; i < n && !r->failed; i++) {
        read_blob(r);
    }
    return slice_from(begin, (size_t)((const char *)r->ptr - begin));
}

static void read_slot(struct reader *r, struct place last, struct record_slot *s)
{
    uint64_t first = read_varint(r);
    uint64_t slot = first / SLOT_FLAGS;
    s->slot = slot < RECORD_MAX_SLOTS ? (uint32_t)slot : RECORD_MAX_SLOTS;
    s->inside = (first & SLOT_INSIDE) != 0;
    if ((first & SLOT_NEAR) != 0) {
        read_near(r, last, &s->near);
    }
    s->first_segment = s->inside ? 0 : read_varint(r);
    s->n_segments = 1;
    s->events = 1;
    if ((first & SLOT_ONE) == 0) {
        s->n_segments = read_varint32(r);
        s->events = read_varint(r);
    }
    s->instance = read_blob(r);
    if (s->inside) {
        s->segments = skip_blobs(r, s->n_segments);
    }
}

/* Of bytes that no head_flags() has let through it may be any. */
static int64_t read_time(struct reader *r, uint64_t flags)
{
    uint64_t t = (uint64_t)read_zigzag(r);
    return (int64_t)(flags & HEAD_IN_MS ? t * (uint64_t)NS_PER_MS : t);
}

static struct place read_last(struct reader *r, uint64_t flags)
{
    struct place last = place_after_time((struct etime){read_time(r, flags)});
    if ((flags & HEAD_AFTER_TIME) == 0) {
        last.at.topic = read_varint32(r);
        last.at.partition = read_zigzag32(r);
        last.at.offset = read_zigzag(r);
        last.decl = read_varint32(r);
    }
    return last;
}

bool record_read_fields(struct reader *r, struct record_slots *slots, struct record_head *ret)
{
    uint64_t first = read_varint(r);
    ret->canonical = read_blob(r);
    ret->last = read_last(r, first);
    ret->next_time = ETIME_MAX;
    if ((first & HEAD_NO_TIMER) == 0) {
        uint64_t timer = (uint64_t)read_time(r, first);
        ret->next_time.ns = (int64_t)((uint64_t)ret->last.time.ns + timer);
    }
    uint64_t n = first / HEAD_FLAGS;
    r->failed |= n == 0 || n > reader_left(r);
    ret->n_slots = r->failed ? 0 : (uint32_t)n;
    read_slots(r, slots, ret, read_slot);
    return !r->failed;
}

static void read_slot_1(struct reader *r, struct place last, struct record_slot *s)
{
    (void)last;
    s->slot = read_varint32(r);
    s->first_segment = read_varint(r);
    s->n_segments = read_varint32(r);
    s->events = read_varint(r);
    s->instance = read_blob(r);
}

static bool read_fields_1(struct reader *r, struct record_slots *slots, struct record_head *ret)
{
    read_hash128(r); /* the key group, which the slots say */
    ret->canonical = read_blob(r);
    ret->last = read_place(r);
    ret->next_time = read_etime(r);
    ret->n_slots = read_count(r);
    r->failed |= ret->n_slots == 0;
    read_slots(r, slots, ret, read_slot_1);
    return !r->failed;
}

bool record_decode_head(const struct record_key *key, struct slice bytes,
                        struct record_slots *slots, struct record_head *ret, const char **why)
{
    if (!unseal(key, &bytes, why)) {
        return false;
    }
    struct reader r = reader_of(bytes);
    uint8_t version = read_byte(&r);
    if (version != HEAD_VERSION_1 && version != HEAD_VERSION_2) {
        *why = "unknown version of a stored record";
        return false;
    }
    bool reads = version == HEAD_VERSION_1 ? read_fields_1(&r, slots, ret)
                                           : record_read_fields(&r, slots, ret);
    if (!reads || reader_left(&r) != 0) {
        *why = "the head of a stored record does not decode";
        return false;
    }
    return true;
}
