/* Partitions come and go, and tasks with them. */
#include <stdlib.h>

#include "base/say.h"
#include "base/xalloc.h"
#include "engine/state/checkpoint.h"
#include "engine/tasks/task_set_parts.h"
#include "engine/tasks/task_standby.h"

enum err task_set_taken(struct task_set *in, struct error *err)
{
    FYKE_TRY(task_set_commit(in, err));
    in->parked = true;
    return in->source->ops->let_go(in->source, err);
}

/* How many of the topics' partitions `number` are ours. */
static uint32_t count_ours(const struct source_partition *parts, uint32_t n, uint32_t number)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        count += parts[i].partition == (int32_t)number;
    }
    return count;
}

static uint32_t count_read(const struct task_set *in)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < in->rs->n_topics; i++) {
        n += in->reads[i];
    }
    return n;
}

enum err task_set_still_stands(const struct task_set *in, const struct engine *e, bool *ret,
                               struct error *err)
{
    struct journal_standing s;
    struct journal *j = in->options.journal;
    FYKE_TRY(j->ops->standing(j, e->options.task, &s, err));
    *ret = s.found && s.seq == e->state->seq;
    return ERR_OK;
}

/* Tasks that went on elsewhere have other commits than ours. */
static enum err close_strangers(struct task_set *in, const bool *ours, struct error *err)
{
    for (size_t i = in->n_tasks; i-- > 0;) {
        bool stands = ours[in->tasks[i].number];
        if (stands) {
            FYKE_TRY(task_set_still_stands(in, in->tasks[i].engine, &stands, err));
        }
        if (!stands) {
            task_set_close(in, i, false);
        }
    }
    return ERR_OK;
}

static void say_waits(const struct task_set *in, uint32_t number, uint32_t has)
{
    engine_say_with(&in->options, SAY_WARNING "partition %u is ours of %u of %u topics: it waits until "
                    "all are; do all instances read the same topics?", number, has, count_read(in));
}

/* *ret: per number, is the task ours as a whole? */
static bool *find_ours(const struct task_set *in, const struct source_partition *parts, uint32_t n)
{
    bool *ours = xcalloc(in->n_all_tasks, sizeof(*ours));
    uint32_t whole = count_read(in);
    for (uint32_t p = 0; p < in->n_all_tasks; p++) {
        uint32_t has = count_ours(parts, n, p);
        ours[p] = has == whole;
        if (has > 0 && has < whole) {
            say_waits(in, p, has);
        }
    }
    return ours;
}

/* Where reading goes on. Of a task that stayed nothing is read again. */
static uint32_t positions_of(const struct task *t, struct partition_position *ret)
{
    const struct engine *e = t->engine;
    uint32_t n = 0;
    for (size_t i = 0; i < e->n_partitions; i++) {
        const struct partition *p = e->partitions[i];
        int64_t at = t->is_new && p->restored < 0 ? SOURCE_FROM_START
                     : p->replay_until > 0        ? p->replay_next
                                                  : p->next_offset;
        ret[n++] = (struct partition_position){p->topic->index, p->id, at,
                                               p->restored >= 0 ? p->next_offset : 0, p->last};
    }
    return n;
}

static enum err start_reading(struct task_set *in, struct error *err)
{
    size_t most = 1, n = 0;
    for (size_t i = 0; i < in->n_tasks; i++) {
        most += in->tasks[i].engine->n_partitions;
    }
    struct partition_position *from = xcalloc(most, sizeof(*from));
    for (size_t i = 0; i < in->n_tasks; i++) {
        n += positions_of(&in->tasks[i], from + n);
    }
    enum err rc = in->source->ops->start(in->source, from, (uint32_t)n, err);
    free(from);
    return rc;
}

static enum err begin_task(struct task_set *in, struct task *t,
                           const struct source_partition *parts, uint32_t n, struct error *err)
{
    for (uint32_t i = 0; i < n && t->is_new; i++) {
        if (parts[i].partition == (int32_t)t->number) {
            FYKE_TRY(engine_begin(t->engine, &parts[i], 1, in->sink, err));
        }
    }
    return ERR_OK;
}

/* What was known about its partitions may be old. */
static void wake_task(struct task *t)
{
    for (size_t i = 0; i < t->engine->n_partitions; i++) {
        struct partition *p = t->engine->partitions[i];
        idle_note_lost_end(t->engine, &(struct partition_position){p->topic->index, p->id, 0, 0, {0}});
        p->paused = false;
    }
}

static bool begins(const struct engine *e)
{
    bool first = !e->state->found || state_switches(e);
    for (size_t i = 0; i < e->n_partitions; i++) {
        first |= e->partitions[i]->restored < 0;
    }
    return first;
}

/* The first start of a task pins where it begins: a crash before its first event begins there again. */
static enum err pin_new(struct task_set *in, const struct source_partition *parts, uint32_t n,
                        struct error *err)
{
    for (size_t i = 0; i < in->n_tasks; i++) {
        struct task *t = &in->tasks[i];
        if (t->is_new) {
            engine_note_first_offsets(t->engine, parts, n);
            t->is_new = begins(t->engine);
        }
        wake_task(t);
    }
    FYKE_TRY(task_set_commit(in, err));
    for (size_t i = 0; i < in->n_tasks; i++) {
        in->tasks[i].is_new = false;
    }
    return ERR_OK;
}

void task_set_tell_standby(struct task_set *in, bool again)
{
    if (in->standby == NULL) {
        return;
    }
    bool *ours = xcalloc(in->n_all_tasks, sizeof(*ours));
    for (size_t i = 0; i < in->n_tasks; i++) {
        ours[in->tasks[i].number] = true;
    }
    task_restores_note(in, ours);
    task_standby_leave(in->standby, ours, again);
    free(ours);
}

/* All tasks that are here are read from where they stand, new ones from where they begin. */
static enum err go_on(struct task_set *in, struct error *err)
{
    const struct source_partition *parts;
    uint32_t n;
    FYKE_TRY(in->source->ops->partitions(in->source, &parts, &n, err));
    for (size_t i = 0; i < in->n_tasks; i++) {
        FYKE_TRY(begin_task(in, &in->tasks[i], parts, n, err));
    }
    FYKE_TRY(start_reading(in, err));
    FYKE_TRY(in->source->ops->partitions(in->source, &parts, &n, err));
    return pin_new(in, parts, n, err);
}

static enum err take_over(struct task_set *in, const bool *ours, struct error *err)
{
    FYKE_TRY(close_strangers(in, ours, err));
    FYKE_TRY(task_restores_want(in, ours, err));
    FYKE_TRY(go_on(in, err));
    in->given++;
    task_set_tell_standby(in, true);
    in->opened = 0;
    in->told = in->parked = false;
    return ERR_OK;
}

/* What is committed with the tasks that come is theirs alone: some write to the journal as they begin. */
static enum err take_restored(struct task_set *in, struct error *err)
{
    FYKE_TRY(task_set_commit(in, err));
    FYKE_TRY(task_restores_take(in, err));
    return go_on(in, err);
}

enum err task_set_settle(struct task_set *in, struct error *err)
{
    bool any;
    task_standby_tick(in->standby);
    if (in->alone || in->parked) {
        return ERR_OK;
    }
    FYKE_TRY(task_restores_step(in, &any, err));
    if (any) {
        FYKE_TRY(take_restored(in, err));
    }
    if (!in->told && task_restores_wanted(in) == 0) {
        engine_say_with(&in->options, SAY_INFO "%zu of %u partitions are ours: %u opened, %zu kept",
                        in->n_tasks, in->n_all_tasks, in->opened, in->n_tasks - in->opened);
        in->told = true;
    }
    return ERR_OK;
}

/* The number of tasks is part of the state: which keys a task has depends on it. */
static enum err check_numbers(const struct task_set *in, const struct source_partition *parts,
                              uint32_t n, struct error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        if (parts[i].partition < 0 || (uint32_t)parts[i].partition >= in->n_all_tasks) {
            return error_set(err, ERR_STATE, "topic \"%.*s\" has a partition %d now, the state was "
                             "made for %u: keys have moved to other partitions",
                             SLICE_ARG(in->rs->topics[parts[i].topic].name), parts[i].partition,
                             in->n_all_tasks);
        }
    }
    return ERR_OK;
}

enum err task_set_given(struct task_set *in, struct error *err)
{
    const struct source_partition *parts;
    uint32_t n;
    FYKE_TRY(in->source->ops->partitions(in->source, &parts, &n, err));
    FYKE_TRY(check_numbers(in, parts, n, err));
    bool *ours = find_ours(in, parts, n);
    enum err rc = take_over(in, ours, err);
    free(ours);
    return rc;
}
