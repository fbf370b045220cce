/* Tasks that come and go, and the commit that they share. */
#include "engine/tasks/task_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/state/carried.h"
#include "engine/state/checkpoint.h"
#include "engine/tasks/task_dir.h"
#include "engine/tasks/task_set_parts.h"
#include "engine/tasks/task_standby.h"

/* Of the memory that is shared out, a task gets this much at least. */
#define LEAST_MEMORY ((size_t)4 << 20)
/* A task's keys are not spread any further: the tasks are. */
#define TASK_SHARDS 1

/* ---- finding ------------------------------------------------------------------------------ */

/* The first task whose number is not smaller. */
static size_t place_of_task(const struct task_set *in, uint32_t number)
{
    size_t i = 0;
    while (i < in->n_tasks && in->tasks[i].number < number) {
        i++;
    }
    return i;
}

static bool is_task(const struct task_set *in, size_t i, uint32_t number)
{
    return i < in->n_tasks && in->tasks[i].number == number;
}

bool task_set_find(struct task_set *in, int32_t partition, size_t *ret)
{
    uint32_t number = (uint32_t)partition;
    if (!is_task(in, in->last_task, number)) {
        in->last_task = place_of_task(in, number);
    }
    *ret = in->last_task;
    return is_task(in, *ret, number);
}

struct engine *task_set_task_of(struct task_set *in, int32_t partition)
{
    size_t at;
    return task_set_find(in, partition, &at) ? in->tasks[at].engine : NULL;
}

/* ---- commit ------------------------------------------------------------------------------- */

static bool has_changed(const struct task *t)
{
    const struct engine *e = t->engine;
    return t->is_new || e->dirty || e->out.n > 0 || state_is_dirty(e);
}

static enum err prepare(struct task_set *in, struct journal_task *tasks, struct engine **engines,
                        uint32_t *n, struct error *err)
{
    for (size_t i = 0; i < in->n_tasks; i++) {
        if (has_changed(&in->tasks[i])) {
            engines[*n] = in->tasks[i].engine;
            FYKE_TRY(engine_prepare_commit(engines[*n], &tasks[*n], err));
            ++*n;
        }
    }
    return ERR_OK;
}

static enum err commit_tasks(struct task_set *in, struct journal_task *tasks,
                             struct engine **engines, struct error *err)
{
    uint32_t n = 0;
    FYKE_TRY(prepare(in, tasks, engines, &n, err));
    if (n == 0) {
        return ERR_OK;
    }
    FYKE_TRY(journaled_commit(in->options.journal, in->options.fault, tasks, n, err));
    for (uint32_t i = 0; i < n; i++) {
        FYKE_TRY(engine_settle_commit(engines[i], &tasks[i], err));
    }
    return ERR_OK;
}

enum err task_set_commit(struct task_set *in, struct error *err)
{
    struct journal_task *tasks = xcalloc(in->n_tasks + 1, sizeof(*tasks));
    struct engine **engines = xcalloc(in->n_tasks + 1, sizeof(struct engine *));
    enum err rc = commit_tasks(in, tasks, engines, err);
    free(tasks);
    free(engines);
    return rc;
}

/* A task that wants to commit, perhaps between two slices of deadlines. */
static enum err commit_for_task(void *ctx, struct error *err)
{
    return task_set_commit(ctx, err);
}

/* ---- a task ------------------------------------------------------------------------------- */

static char *dir_of_task(const struct task_set *in, uint32_t number)
{
    FYKE_CLEANUP(buf_release) struct buf dir = BUF_INIT;
    buf_printf(&dir, "%s/", in->options.state_dir);
    task_dir_name(number, &dir);
    return xstrdup(buf_cstr(&dir));
}

static size_t share_of(const struct task_set *in, size_t bytes)
{
    size_t share = bytes / in->n_all_tasks;
    return bytes == 0 || share > LEAST_MEMORY ? share : LEAST_MEMORY;
}

struct task task_named(const struct task_set *in, uint32_t number)
{
    return (struct task){.number = number,
                         .dir = dir_of_task(in, number),
                         .is_new = true,
                         .log = task_log_new(in->options.log, in->options.log_ctx)};
}

void task_release(struct task *t)
{
    task_log_free(t->log);
    free(t->dir);
}

struct engine_options task_set_options_of(const struct task_set *in, const struct task *t)
{
    struct engine_options o = in->options;
    o.in_group = true;
    o.task = t->number;
    o.state_dir = t->dir;
    o.shards = TASK_SHARDS;
    o.threads = 1;
    o.memory_bytes = share_of(in, o.memory_bytes);
    o.buffer_bytes = share_of(in, o.buffer_bytes);
    o.commit = commit_for_task;
    o.commit_ctx = (void *)(uintptr_t)in;
    o.beat = NULL;
    o.log = task_log_line;
    o.log_ctx = t->log;
    task_threads_guard(in->threads, &o);
    return o;
}

enum err task_set_insert(struct task_set *in, struct task *t, struct error *err)
{
    t->engine->stop = in->stop;
    t->engine->source = in->source;
    size_t at = place_of_task(in, t->number);
    in->tasks = xgrow(in->tasks, &in->cap_tasks, in->n_tasks + 1, sizeof(*in->tasks));
    memmove(in->tasks + at + 1, in->tasks + at, (in->n_tasks - at) * sizeof(*in->tasks));
    in->tasks[at] = *t;
    in->n_tasks++;
    return engine_load_tables(t->engine, err);
}

static void keep_counters(struct task_set *in, struct engine *e)
{
    struct engine_carried *counters = engine_carry(e);
    engine_carried_add(in->gone, counters);
    engine_carried_free(counters);
}

void task_set_close(struct task_set *in, size_t i, bool abandon)
{
    struct task *t = &in->tasks[i];
    if (!abandon) {
        keep_counters(in, t->engine);
    }
    (abandon ? engine_abandon : engine_free)(t->engine);
    task_release(t);
    in->n_tasks--;
    memmove(in->tasks + i, in->tasks + i + 1, (in->n_tasks - i) * sizeof(*in->tasks));
}

/* ---- life --------------------------------------------------------------------------------- */

static enum err check_options(const struct engine_options *o, struct error *err)
{
    if (o->journal == NULL || o->state_dir == NULL) {
        return error_set(err, ERR_USAGE, "several instances need exactly-once delivery and a state "
                         "directory");
    }
    if (o->n_table_feeds > 0) {
        return error_set(err, ERR_USAGE, "lists and lookups from topics are not available to several "
                         "instances");
    }
    if (o->reset_state) {
        return error_set(err, ERR_USAGE, "the state of several instances is not begun anew by one of "
                         "them: stop all, remove the topic %s.changelog and the positions of the "
                         "group, or take another --app", o->app);
    }
    return ERR_OK;
}

enum err task_set_new(const struct ruleset *rs, const struct task_set_options *o,
                      struct task_set **ret, struct error *err)
{
    *ret = NULL;
    FYKE_TRY(check_options(o->engine, err));
    struct task_set *in = xcalloc(1, sizeof(*in));
    in->rs = rs;
    in->options = *o->engine;
    in->reads = o->reads;
    in->n_all_tasks = o->n_tasks;
    in->lock = (struct dir_lock)DIR_LOCK_INIT;
    in->parked = true;
    in->threads = task_threads_new(rs, o->engine);
    in->gone = engine_carried_new(rs);
    engine_carried_add(in->gone, in->options.carried);
    in->options.carried = NULL;
    enum err rc = lock_acquire(&in->lock, in->options.state_dir, err);
    if (rc == ERR_OK) {
        rc = in->options.journal->ops->open(in->options.journal, false, err);
    }
    if (rc == ERR_OK) {
        rc = task_standby_new(in, o->standby, &in->standby, err);
    }
    if (rc != ERR_OK) {
        task_set_free(in);
        return rc;
    }
    *ret = in;
    return ERR_OK;
}

static void release(struct task_set *in, bool abandon)
{
    if (in == NULL) {
        return;
    }
    task_standby_free(in->standby);
    task_restores_end(in);
    while (in->n_tasks > 0) {
        task_set_close(in, in->n_tasks - 1, abandon);
    }
    task_threads_free(in->threads);
    lock_release(&in->lock);
    engine_carried_free(in->gone);
    free(in->tasks);
    free(in->alerts);
    free(in->shadow);
    free(in->partitions);
    free(in);
}

void task_set_free(struct task_set *in)
{
    release(in, false);
}

void task_set_abandon(struct task_set *in)
{
    release(in, true);
}
