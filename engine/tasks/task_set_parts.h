/* The inside of a task set, for the files that implement task_set.h. Private to engine/. */
#ifndef FYKE_ENGINE_TASKS_TASK_SET_PARTS_H
#define FYKE_ENGINE_TASKS_TASK_SET_PARTS_H

#include <pthread.h>

#include "engine/engine_parts.h"
#include "engine/journal/journal.h"
#include "engine/state/lock.h"
#include "engine/tasks/task_log.h"
#include "engine/tasks/task_set.h"

struct task {
    struct engine *engine;
    uint32_t number;
    char *dir;     /* owned; NULL: not ours to open and close */
    bool is_new;   /* opened, and not read yet */
    struct task_log *log; /* owned; the engine's */
};

struct task_restore;
struct task_standby;
struct task_threads;

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
    struct task_restore **restores; /* owned; tasks on their way (task_restore.c) */
    size_t n_restores, cap_restores;
    struct task_threads *threads; /* owned; NULL: the input thread alone */
    struct task_standby *standby; /* owned; NULL: no warm copies */
    uint64_t given;   /* assignments so far */
    uint32_t opened;  /* tasks, since the last */
    bool told;        /* how that went was said */
    bool parked;      /* no partitions: nothing is evaluated, nobody is idle */
    bool ready;       /* was said */
    bool caught_up;   /* the last poll gave little */
    bool asked_to_stop, has_stopped;
    struct source *source;
    struct sink *sink;
    const volatile sig_atomic_t *stop;
    struct engine_carried *gone; /* counters of tasks that were closed, and of earlier lives */
    /* Of task_set_summary(). */
    uint64_t *alerts, *shadow;
    struct partition_summary *partitions;
};

/* False: not ours. */
bool task_set_find(struct task_set *in, int32_t partition, size_t *ret);
/* NULL: not ours. */
struct engine *task_set_task_of(struct task_set *in, int32_t partition);
/* Without an engine yet. */
struct task task_named(const struct task_set *in, uint32_t number);
struct engine_options task_set_options_of(const struct task_set *in, const struct task *t);
void task_release(struct task *t);
/* One that is restored; taken over. */
enum err task_set_insert(struct task_set *in, struct task *t, struct error *err) FYKE_MUST_USE;
void task_set_close(struct task_set *in, size_t i, bool abandon);
/* Everything that changed, as one. */
enum err task_set_commit(struct task_set *in, struct error *err) FYKE_MUST_USE;
enum err task_set_taken(struct task_set *in, struct error *err) FYKE_MUST_USE;
enum err task_set_given(struct task_set *in, struct error *err) FYKE_MUST_USE;
/* *ret: the last commit of the task is still ours. */
enum err task_set_still_stands(const struct task_set *in, const struct engine *e, bool *ret,
                               struct error *err) FYKE_MUST_USE;
/* Tells who keeps warm copies whose directories are not his. `again`: the group has shared anew. */
void task_set_tell_standby(struct task_set *in, bool again);
/* Once per turn: tasks that are restored take part from here on. */
enum err task_set_settle(struct task_set *in, struct error *err) FYKE_MUST_USE;

/* task_threads.c; NULL: one thread is enough. */
struct task_threads *task_threads_new(const struct ruleset *rs, const struct engine_options *o);
void task_threads_free(struct task_threads *t);
/* Several threads may refuse records. */
void task_threads_guard(struct task_threads *t, struct engine_options *o);
/* Each record to its task, and all tasks as far as they come without writing anything. */
enum err task_threads_push(struct task_threads *t, struct task_set *in,
                           const struct source_batch *b, struct error *err) FYKE_MUST_USE;

/* task_restore.c: those of `ours` that are not here are restored, others no more. */
enum err task_restores_want(struct task_set *in, const bool *ours,
                            struct error *err) FYKE_MUST_USE;
/* Sets those that are on their way, or on their way off. */
void task_restores_note(const struct task_set *in, bool *ours);
uint32_t task_restores_wanted(const struct task_set *in);
/* *ret_any: some are ready to be taken. What made one fail is returned. */
enum err task_restores_step(struct task_set *in, bool *ret_any, struct error *err) FYKE_MUST_USE;
enum err task_restores_take(struct task_set *in, struct error *err) FYKE_MUST_USE;
/* Waits for their threads. */
void task_restores_end(struct task_set *in);

#endif
