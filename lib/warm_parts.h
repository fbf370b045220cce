/* The inside of warm.h:
 *   warm.c         which rules, what it needs, meeting the run
 *   warm_read.c    the thread: input as far as the run has read it, into an engine
 *   warm_fit.c     what cannot be warmed
 * Private to lib/. */
#ifndef FYKE_LIB_WARM_PARTS_H
#define FYKE_LIB_WARM_PARTS_H

#include <pthread.h>
#include <signal.h>

#include "base/arena.h"
#include "base/map.h"
#include "connectors/geoip.h"
#include "lib/replay_span.h"
#include "lib/table_inputs.h"
#include "lib/warm.h"

/* How far the run has read a partition. */
struct warm_target {
    uint32_t topic;
    int32_t partition;
    int64_t end; /* in front of it */
};

/* A partition as it is read here. Records that the run has not read wait. */
struct warm_part {
    uint32_t topic;
    int32_t partition;
    int64_t next;           /* everything in front of it was pushed */
    int64_t end;            /* as far as may be pushed */
    struct record *waiting; /* in `arena` */
    size_t n, cap;
    struct arena arena;
    bool paused;
};

struct warm {
    const struct fyke_run_config *config;
    const struct fyke_rules *next;
    struct fyke_rules *rules; /* the same, all others disabled */
    const struct ruleset *rs;
    struct engine_range range;
    struct duration late;
    uint32_t shards;
    char *dir;
    struct buf span;

    /* Of the thread. */
    struct table_inputs tables;
    struct geoip_files *geoip;
    struct source *source;
    struct engine *engine;
    struct warm_part *parts;
    size_t n_parts;
    struct engine_kept *state;
    struct error error;

    pthread_t thread;
    bool running;
    volatile sig_atomic_t stop;

    pthread_mutex_t mutex; /* for what follows */
    pthread_cond_t changed;
    enum warm_phase phase;
    struct warm_target *targets;
    size_t n_targets;
    uint64_t moved;    /* times that they were */
    struct buf header; /* not empty: the run has stopped there */
    bool through;      /* the thread is */
};

/* warm_fit.c: ERR_USAGE with the reason. */
enum err warm_fits(const struct fyke_run_config *c, const struct fyke_rules *before,
                   const struct fyke_rules *next, struct error *err) FYKE_MUST_USE;
/* warm_read.c */
void *warm_run(void *warm);

#endif
