/* One source for several engines, each in a thread of its own.
 *
 *   source ──poll──► batch ──► tap 0 ──► engine 0
 *                          └─► tap 1 ──► engine 1 …
 *
 * The engines go batch by batch: the next one is read by the last engine that comes back, so a
 * record is read once and lives as long as any of them looks at it. */
#ifndef FYKE_LIB_REPLAY_TEE_H
#define FYKE_LIB_REPLAY_TEE_H

#include <pthread.h>

#include "connectors/file_key.h"
#include "lib/replay_source.h"
#include "lib/replay_union.h"

/* A partition of the source, and who wants it held back. */
struct tee_partition {
    uint32_t topic;
    int32_t partition;
    bool paused, *wish; /* wish: per tap */
};

struct replay_tap {
    struct source base; /* first */
    struct replay_tee *tee;
    const struct ruleset *rs;
    uint32_t index;
    const uint32_t *own; /* topic of the union → own; NULL: the same */
    uint64_t round;      /* the last batch taken */
    bool enough;         /* the next poll says that this is the end */
    bool left;
    bool turned_away;    /* ended since another one has failed */
    struct source_partition *announced;
    struct file_key *keys; /* per own topic; NULL: records have the key that they need */
    struct arena arena;
    struct record *records;
    size_t cap_records;
    struct partition_position *ends, *lost; /* of the batch */
    size_t cap_ends, cap_lost;
    struct partition_position *ended; /* delivered everything */
    size_t n_ended, cap_ended;
};

struct replay_tee {
    struct replay_source *source; /* borrowed */
    struct replay_tap *taps;
    uint32_t n, n_live, n_back; /* n_back: live ones that ask for the next batch */
    uint64_t round;
    struct source_batch batch;
    struct tee_partition *parts;
    size_t n_parts, cap_parts;
    bool failed; /* one of them has: the others end */
    pthread_mutex_t lock;
    pthread_cond_t moved;
};

/* `u`: NULL for a single rule set. `payload_files`: records get the key that declarations ask for.
 * With several taps reading begins here. */
enum err replay_tee_open(struct replay_tee *tee, struct replay_source *source,
                         const struct ruleset *const *sets, uint32_t n,
                         const struct replay_union *u, bool payload_files,
                         struct error *err) FYKE_MUST_USE;
/* No tap is in use any more. The source stays. */
void replay_tee_close(struct replay_tee *tee);

/* Its engine has ended; the others go on unless it failed. */
void replay_tap_leave(struct replay_tap *t, bool failed);
bool replay_tap_ended(const struct replay_tap *t, uint32_t topic, int32_t partition);
/* Read so far. */
void replay_tee_figures(struct replay_tee *tee, uint64_t *records, uint64_t *bytes);

#endif
