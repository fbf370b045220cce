/* Stored form of a key's record: what stands in the database, byte for byte (docs/state.md).
 *
 * A record is one head and, per rule that holds something, a run of segments, so that a change of
 * one rule rewrites neither the other rules' events nor events that were there before. Of a small record
 * the segments stand in the head. Pure: bytes in, bytes out. Bytes depend on the events and deadlines
 * applied alone. */
#ifndef FYKE_ENGINE_STATE_RECORD_CODEC_H
#define FYKE_ENGINE_STATE_RECORD_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "engine/time/place.h"

/* Database key: hash of the record (16, big-endian) · number (8, big-endian). Number 0 is the
 * head; a segment's has the slot + 1 in its upper 16 bits and the segment's id below. */
#define RECORD_KEY_BYTES 24
#define RECORD_MAX_SLOTS 0xffff
#define RECORD_MAX_SEGMENT ((UINT64_C(1) << 48) - 1)

struct record_key {
    uint8_t bytes[RECORD_KEY_BYTES];
};

struct record_key record_head_key(struct hash128 hash);
struct record_key record_segment_key(struct hash128 hash, uint32_t slot, uint64_t segment);
struct hash128 record_key_hash(const struct record_key *key);
uint64_t record_key_number(const struct record_key *key);

static inline struct slice record_key_slice(const struct record_key *key)
{
    return slice_from((const char *)key->bytes, RECORD_KEY_BYTES);
}

/* Of what is stored under a key: a value under another key is as damaged as one with a flipped bit. */
uint64_t record_checksum(const struct record_key *key, struct slice body);

/* One rule's part of a record. `slot` is the rule's number in the header's slot table. */
struct record_slot {
    uint32_t slot;
    uint64_t first_segment; /* ids are consecutive */
    uint32_t n_segments;
    uint64_t events;        /* retained in the segments */
    struct slice instance;  /* instance_encode_head() */
    bool inside;            /* the segments stand in the head: */
    struct slice segments;  /* n_segments blobs; first_segment is not stored then */
    struct event_near near; /* of the instance, and of segments inside; of those apart the key alone */
};

/* The key group is that of the slots: any of them says it. */
struct record_head {
    struct slice canonical; /* of the key's values */
    struct place last;
    struct etime next_time; /* ETIME_MAX: no timer */
    const struct record_slot *slots; /* ascending by slot */
    uint32_t n_slots; /* one at least */
};

/* What the slots of a record are near to: the last event or deadline, and the key. */
static inline struct event_near record_near(struct place last, struct slice canonical)
{
    return (struct event_near){last.time, last.at, canonical};
}

/* So much of segments may stand in the head of a stored record, all slots together. */
#define RECORD_MAX_INSIDE_BYTES 256

void record_encode_head(const struct record_key *key, const struct record_head *head,
                        struct buf *out);
/* The same without version and checksum. */
void record_put_fields(const struct record_head *head, struct buf *out);
/* Puts a finished segment around bytes that stand in `out` from `begin` on. */
void record_begin_segment(struct buf *out);
void record_end_segment(const struct record_key *key, size_t begin, struct buf *out);

/* Decodes a head; its slices point into `bytes`. `slots` gets the slots and is reused by the next
 * call. False: damaged, `*why` says how. */
struct record_slots {
    struct record_slot *items;
    size_t n, cap;
};
void record_slots_release(struct record_slots *slots);
bool record_decode_head(const struct record_key *key, struct slice bytes,
                        struct record_slots *slots, struct record_head *ret, const char **why);
/* What record_put_fields() has put; the slices point into what is read. */
struct reader;
bool record_read_fields(struct reader *r, struct record_slots *slots, struct record_head *ret);
/* The instance's bytes within a stored segment. */
bool record_decode_segment(const struct record_key *key, struct slice bytes, struct slice *ret,
                           const char **why);

#endif
