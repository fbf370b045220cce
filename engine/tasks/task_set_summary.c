/* Figures of all tasks of an instance, those that were closed included. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/state/carried.h"
#include "engine/tasks/task_set_parts.h"
#include "engine/tasks/task_standby.h"

/* Counters that a task keeps for itself; those that are carried are added apart. */
#define EACH_LIVE(X)                                                                               \
    X(live_keys) X(live_events) X(live_bytes) X(pending_deadlines) X(deadlines) X(slices)          \
    X(clock_holds) X(position_holds) X(values_forgotten) X(pauses) X(spilled_events)               \
    X(spilled_bytes) X(spill_runs) X(spill_merges) X(most_spilled_bytes) X(evicted) X(loaded)

static void add_live(struct engine_summary *to, const struct engine_summary *from)
{
#define ADD(name) to->name += from->name;
    EACH_LIVE(ADD)
#undef ADD
    to->tables = from->tables; /* the same for all */
}

static void show_carried(const struct engine_carried *c, struct engine_summary *ret)
{
#define SHOW(name) ret->name = c->name;
    ENGINE_EACH_COUNTER(SHOW)
#undef SHOW
    memcpy(ret->invalid, c->invalid, sizeof(ret->invalid));
    ret->nfa = c->nfa;
}

static void keep_arrays(struct task_set *in, const struct engine_carried *c,
                        struct engine_summary *ret)
{
    size_t rules = (in->rs->n_rules + 1) * sizeof(uint64_t);
    in->alerts = xrealloc(in->alerts, rules);
    in->shadow = xrealloc(in->shadow, rules);
    in->partitions = xrealloc(in->partitions, (c->n_partitions + 1) * sizeof(*in->partitions));
    memcpy(in->alerts, c->rule_alerts, in->rs->n_rules * sizeof(uint64_t));
    memcpy(in->shadow, c->rule_shadow, in->rs->n_rules * sizeof(uint64_t));
    for (size_t i = 0; i < c->n_partitions; i++) { /* none, when there is no task */
        in->partitions[i] = c->partitions[i];
    }
    ret->alerts = in->alerts;
    ret->shadow = in->shadow;
    ret->partitions = in->partitions;
    ret->n_partitions = (uint32_t)c->n_partitions;
}

static void count_standby(const struct task_set *in, struct engine_carried *sum,
                          uint32_t *ret_copies)
{
    uint64_t followed;
    task_standby_figures(in->standby, ret_copies, &followed);
    sum->followed += followed;
}

void task_set_summary(struct task_set *in, struct engine_summary *ret)
{
    struct engine_carried *sum = engine_carried_new(in->rs);
    *ret = (struct engine_summary){0};
    engine_carried_add(sum, in->gone);
    for (size_t i = 0; i < in->n_tasks; i++) {
        struct engine *e = in->tasks[i].engine;
        struct engine_summary s;
        struct engine_carried *now = engine_carried_new(in->rs);
        engine_summary(e, &s);
        add_live(ret, &s);
        engine_count(e, now);
        engine_carried_add(sum, now);
        engine_carried_free(now);
    }
    count_standby(in, sum, &ret->warm);
    ret->tasks = (uint32_t)in->n_tasks;
    ret->restoring = task_restores_wanted(in);
    show_carried(sum, ret);
    keep_arrays(in, sum, ret);
    engine_carried_free(sum);
}

struct engine_carried *task_set_carry(struct task_set *in)
{
    uint32_t warm;
    struct engine_carried *sum = engine_carried_new(in->rs);
    engine_carried_add(sum, in->gone);
    for (size_t i = 0; i < in->n_tasks; i++) {
        struct engine_carried *c = engine_carry(in->tasks[i].engine);
        engine_carried_add(sum, c);
        engine_carried_free(c);
    }
    count_standby(in, sum, &warm);
    return sum;
}
