/* A source as a replay reads it: bounded, without commits, in batches of a given size. */
#ifndef FYKE_LIB_REPLAY_SOURCE_H
#define FYKE_LIB_REPLAY_SOURCE_H

#include <stdio.h>

#include "engine/io.h"
#include "lib/replay_slice.h"

struct replay_source {
    struct source base;
    struct source *inner; /* owned */
    uint32_t batch;       /* most records of a poll; 0: no such bound */
    uint64_t records, bytes; /* read so far */
    const struct ruleset *rs;
    struct replay_slice *got;        /* what is read is noted there; NULL */
    const struct replay_slice *want; /* nothing else is handed on; NULL: everything */
    FILE *lines;                     /* and written there; NULL */
    struct buf line;
    struct record *kept; /* of the batch, with `want` */
    size_t cap_kept;
};

/* Takes over `inner`; closed through its base. */
void replay_source_init(struct replay_source *s, struct source *inner, uint32_t batch);

#endif
