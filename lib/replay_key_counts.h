/* How many alerts each key of a rule has. The keys of a long replay lie all over the memory: a key is looked
 * for some alerts after its own, when what that takes has been fetched. */
#ifndef FYKE_LIB_REPLAY_KEY_COUNTS_H
#define FYKE_LIB_REPLAY_KEY_COUNTS_H

#include <stdint.h>

#include "base/map.h"

#define REPLAY_KEYS_WAITING 16 /* power of two */
#define REPLAY_KEY_WAITING_BYTES 44

struct replay_key_waiting {
    struct map *of; /* NULL: none */
    uint64_t hash;
    uint32_t len;
    char text[REPLAY_KEY_WAITING_BYTES];
};

struct replay_key_counts {
    struct replay_key_waiting waiting[REPLAY_KEYS_WAITING]; /* a ring */
    uint32_t n;                                             /* that came so far */
};

/* One more alert of the key: in `of`, key text → number, sooner or later. */
void replay_key_counts_add(struct replay_key_counts *c, struct map *of, struct slice key);
/* Nothing waits any more. */
void replay_key_counts_finish(struct replay_key_counts *c);

#endif
