/* Lives of a process that reads what it is given of shared logs: rules, logs, the journal, two machines with a state
 * directory each, a clock. */
#ifndef FYKE_TESTS_SUPPORT_TASK_WORLD_H
#define FYKE_TESTS_SUPPORT_TASK_WORLD_H

#include <pthread.h>

#include "tests/support/hand_rules.h"
#include "tests/support/shared_source.h"

#define N_DIRS 2 /* as many machines */

struct task_world {
    struct hand_rules rules;
    struct logs logs;
    struct sim_log log;
    struct rng rng;
    char dirs[N_DIRS][64];
    struct engine_options options;
    int64_t now;
    struct buf said;
    struct error err;
    unsigned crashes, aborts, moves, standby;
    pthread_t thread;   /* of the test */
    unsigned elsewhere; /* atomic: events that another one evaluated */
};

/* `bound`: lateness of the topics, in ms. */
void task_world_init(struct task_world *w, uint64_t seed, int64_t bound);
void task_world_release(struct task_world *w);
/* True: it came to its end; else it crashed, or was aborted. */
bool task_world_life_of(struct task_world *w, struct shared_source *s);
bool task_world_life(struct task_world *w, unsigned changes);
/* Of which tasks lives keep a warm copy from now on. */
void task_world_choose_warm(struct task_world *w);
/* Many, with crashes, aborts, copies that are lost; the last one comes to its end. */
void task_world_wild_lives(struct task_world *w);
/* What is committed is what one process commits that reads everything. */
void task_world_same_as_alone(const struct task_world *w);

#endif
