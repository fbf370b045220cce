/* The inside of a task set, for the files that implement task_set.h. Private to engine/. */
#ifndef FYKE_ENGINE_TASKS_TASK_SET_PARTS_H
#define FYKE_ENGINE_TASKS_TASK_SET_PARTS_H

#include "engine/engine_parts.h"
#include "engine/journal/journal.h"
#include "engine/state/lock.h"
#include "engine/tasks/task_set.h"

struct task {
    struct engine *engine;
    uint32_t number;
    char *dir;     /* owned; NULL: not ours to open and close */
    bool is_new;   /* opened since the last change of partitions */
};

struct task_set {
    const struct ruleset *rs;
    struct engine_options options;
    const bool *reads;
    uint32_t n_all_tasks;
    struct dir_lock lock;
    bool alone;         /* one task that takes everything (engine_run()) */
    struct task *tasks; /* ascending */
    size_t n_tasks, cap_tasks;
    size_t last_task; /* records come in runs of one partition */
    bool parked;      /* no partitions: nothing is evaluated, nobody is idle */
    bool ready;       /* was said */
    struct source *source;
    struct sink *sink;
    const volatile sig_atomic_t *stop;
    struct engine_carried *gone; /* counters of tasks that were closed, and of earlier lives */
    /* Of task_set_summary(). */
    uint64_t *alerts, *shadow;
    struct partition_summary *partitions;
};

/* NULL: not ours. */
struct engine *task_set_task_of(struct task_set *in, int32_t partition);
enum err task_set_open(struct task_set *in, uint32_t number, struct error *err) FYKE_MUST_USE;
void task_set_close(struct task_set *in, size_t i, bool abandon);
/* Everything that changed, as one. */
enum err task_set_commit(struct task_set *in, struct error *err) FYKE_MUST_USE;
enum err task_set_taken(struct task_set *in, struct error *err) FYKE_MUST_USE;
enum err task_set_given(struct task_set *in, struct error *err) FYKE_MUST_USE;

#endif
