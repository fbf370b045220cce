/* Walks the values of one shard in order of key and checks that they belong together: every head with
 * all of its segments, but those that stand in it, every segment with its head. */
#ifndef FYKE_ENGINE_STATE_RECORD_SCAN_H
#define FYKE_ENGINE_STATE_RECORD_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/state/record_codec.h"

struct record_scan {
    struct hash128 hash; /* of the head whose segments are due */
    bool has_head;
    struct record_slots slots; /* of that head */
    size_t n_slots;
    size_t slot;   /* whose segments are due */
    uint64_t seen; /* of them */
};

/* The next value. For a head (number 0) *head is set, valid until the next call. False: *why. */
bool record_scan_take(struct record_scan *s, const struct record_key *key, struct slice value,
                      struct record_head *head, const char **why);
/* Is the last record whole? */
bool record_scan_is_whole(const struct record_scan *s);
void record_scan_release(struct record_scan *s);

#endif
