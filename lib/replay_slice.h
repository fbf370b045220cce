/* Which records a replay has read: per partition offsets, number and a hash. As a manifest it names the
 * slice, so that a later replay reads the same records, and says when they are others. */
#ifndef FYKE_LIB_REPLAY_SLICE_H
#define FYKE_LIB_REPLAY_SLICE_H

#include <stdio.h>

#include "base/error.h"
#include "base/hash.h"
#include "engine/record.h"
#include "nfa/rule.h"

struct slice_part {
    uint32_t topic;
    int32_t partition;
    int64_t first, end; /* offsets of the first record, behind the last one */
    uint64_t records;
    struct hasher hash; /* while reading */
    struct hash128 sum; /* over offset, timestamp, key, value of each */
};

struct replay_slice {
    struct slice_part *parts; /* in order of topic, partition once sorted */
    size_t n, cap, last;
    struct etime from, before; /* event time that it was read for */
};

void replay_slice_release(struct replay_slice *s);
void replay_slice_note(struct replay_slice *s, const struct record *r);
/* Everything was read. */
void replay_slice_finish(struct replay_slice *s);

/* docs/replay.md, "Manifest". Written beside and renamed. */
enum err replay_slice_save(const struct replay_slice *s, const struct ruleset *rs,
                           const char *path, struct error *err) FYKE_MUST_USE;
/* *found = false: there is no such file. */
enum err replay_slice_load(struct replay_slice *s, const struct ruleset *rs, const char *path,
                           bool *found, struct error *err) FYKE_MUST_USE;
/* The same records? Otherwise ERR_INPUT with numbers. */
enum err replay_slice_compare(const struct replay_slice *want, const struct replay_slice *got,
                              const struct ruleset *rs, const char *path,
                              struct error *err) FYKE_MUST_USE;

/* One record as a line of envelopes, which file inputs read again as the same record; false: it cannot
 * be written (a key that is no text). */
bool replay_slice_line(const struct record *r, const struct ruleset *rs, struct buf *out);

#endif
