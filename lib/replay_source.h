/* A source as a replay reads it: bounded, without commits, in batches of a given size. */
#ifndef FYKE_LIB_REPLAY_SOURCE_H
#define FYKE_LIB_REPLAY_SOURCE_H

#include <stdio.h>

#include "engine/io.h"
#include "lib/replay_savepoint.h"
#include "lib/replay_slice.h"

/* Reading of a partition goes on at `from`; `end`: in front of it everything was read before. */
struct source_begin {
    uint32_t topic;
    int32_t partition;
    int64_t from, end;
    bool met; /* the record in front of `end`, or one behind */
    struct record_mark last; /* of the record that the state read last; unset: not known, or seen since */
};

struct replay_source {
    struct source base;
    struct source *inner; /* owned */
    uint32_t batch;       /* most records of a poll; 0: no such bound */
    uint64_t records, bytes; /* read so far */
    const struct ruleset *rs;
    struct replay_slice *got;        /* what is read is noted there; NULL */
    const struct replay_slice *want; /* nothing else is handed on; NULL: everything */
    FILE *lines;                     /* and written there; NULL */
    /* Files have no memory of their own: what stands in front of a state's positions must be there. */
    const struct replay_savepoint *savepoint; /* NULL */
    struct source_begin *begins;
    size_t n_begins;
    bool ended; /* everything was read */
    struct buf line;
    struct record *kept; /* of the batch, with `want` */
    size_t cap_kept;
};

/* Takes over `inner`; closed through its base. */
/* Everything was read: no partition ended in front of where the state stands. */
enum err replay_source_check_begin(const struct replay_source *s, struct error *err) FYKE_MUST_USE;
void replay_source_init(struct replay_source *s, struct source *inner, uint32_t batch);

#endif
