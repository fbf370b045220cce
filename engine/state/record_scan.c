#include "engine/state/record_scan.h"

static uint64_t segments_apart(const struct record_slot *s)
{
    return s->inside ? 0 : s->n_segments;
}

static void next_slot_with_segments(struct record_scan *s)
{
    while (s->slot < s->n_slots && s->seen == segments_apart(&s->slots.items[s->slot])) {
        s->slot++;
        s->seen = 0;
    }
}

bool record_scan_is_whole(const struct record_scan *s)
{
    return s->slot >= s->n_slots;
}

static bool take_head(struct record_scan *s, const struct record_key *key, struct slice value,
                      struct record_head *head, const char **why)
{
    if (!record_scan_is_whole(s)) {
        *why = "a segment is missing";
        return false;
    }
    if (!record_decode_head(key, value, &s->slots, head, why)) {
        return false;
    }
    s->hash = record_key_hash(key);
    s->has_head = true;
    s->n_slots = head->n_slots;
    s->slot = 0;
    s->seen = 0;
    next_slot_with_segments(s);
    return true;
}

static bool is_due(const struct record_scan *s, const struct record_key *key)
{
    if (!s->has_head || record_scan_is_whole(s) || !hash128_eq(record_key_hash(key), s->hash)) {
        return false;
    }
    const struct record_slot *of = &s->slots.items[s->slot];
    struct record_key want = record_segment_key(s->hash, of->slot, of->first_segment + s->seen);
    return record_key_number(key) == record_key_number(&want);
}

static bool take_segment(struct record_scan *s, const struct record_key *key, struct slice value,
                         const char **why)
{
    struct slice body;
    if (!record_decode_segment(key, value, &body, why)) {
        return false;
    }
    if (!is_due(s, key)) {
        *why = "a segment belongs to no head";
        return false;
    }
    s->seen++;
    next_slot_with_segments(s);
    return true;
}

bool record_scan_take(struct record_scan *s, const struct record_key *key, struct slice value,
                      struct record_head *head, const char **why)
{
    return record_key_number(key) == 0 ? take_head(s, key, value, head, why)
                                       : take_segment(s, key, value, why);
}

void record_scan_release(struct record_scan *s)
{
    record_slots_release(&s->slots);
}
