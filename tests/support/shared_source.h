/* Logs of two topics in four partitions, and a source that reads the partitions that it is given, which come and go
 * as its seed says. Not thread safe; a failure of the test ends it. */
#ifndef FYKE_TESTS_SUPPORT_SHARED_SOURCE_H
#define FYKE_TESTS_SUPPORT_SHARED_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/tasks/task_set.h"
#include "tests/support/sim_journal.h"

#define N_TOPICS 2
#define N_TASKS 4
#define N_RECORDS 120
#define MOST_RECORDS 100
#define ALL_TASKS ((1u << N_TASKS) - 1)

struct line {
    int64_t offset;
    char payload[96];
};

struct logs {
    struct line lines[N_TOPICS][N_TASKS][N_RECORDS];
};

struct shared_source {
    struct source source; /* first */
    const struct logs *logs;
    struct rng rng;
    bool alone;         /* not shared: everything, from the beginning */
    unsigned given, next_given; /* sets of partitions */
    unsigned changes;   /* still to come */
    bool taken;
    bool reads[N_TOPICS][N_TASKS];
    int at[N_TOPICS][N_TASKS];
    struct source_partition parts[N_TOPICS * N_TASKS];
    struct record records[MOST_RECORDS];
    uint32_t at_once; /* records of a batch; 0: one */
    void (*at_rest)(struct shared_source *s); /* nothing is left of what is read; NULL */
    struct sim_log *log;
    struct task_set *set; /* that reads it */
    bool waits, give_now; /* the change comes when at_rest says so */
    uint64_t restored, tail; /* entries, by at_rest; since then */
    size_t alerts_before; /* of at_rest */
    const int64_t *clock; /* of the world */
    int64_t committed_ns; /* by it: an alert */
    unsigned rests;
    int without;    /* the first change takes this task away, the next gives all; 0: any set */
    bool abandoned; /* that has happened, and the task was not read */
};

/* User u belongs to partition u mod N_TASKS of both topics. The last records decide everything in front
 * of them, for whoever reads all partitions and for whoever reads one; how far they themselves are
 * decided differs, so they have users of their own, which are left out when outputs are compared. */
void logs_make(struct logs *l, struct rng *rng, int64_t bound);
/* `changes`: how often what it is given changes before it is given everything. `l` outlives the source. */
void shared_source_init(struct shared_source *s, const struct logs *l, uint64_t seed, unsigned changes);

#endif
