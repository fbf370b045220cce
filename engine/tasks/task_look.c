/* Looking into the tasks that are here: what is open for a key, what rules cost. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/tasks/task_set_parts.h"

uint32_t task_set_here(const struct task_set *in, uint32_t *ret_of)
{
    *ret_of = in->n_all_tasks;
    return (uint32_t)in->n_tasks;
}

uint32_t task_set_number(const struct task_set *in, uint32_t i)
{
    return in->tasks[i].number;
}

/* ---- a key ----------------------------------------------------------------------------------- */

static void forget_open(void *ctx, const struct engine_open *o)
{
    (void)ctx;
    (void)o;
}

static void note_kept(void *ctx, const struct engine_standing *s)
{
    bool *kept = ctx;
    *kept |= s->kept;
}

/* What another task than the key's says of it is nothing. */
static enum err holds(struct task_set *in, size_t i, const char *rule, struct slice key, bool *ret,
                      struct error *err)
{
    const struct engine_looker note = {.open = forget_open, .standing = note_kept, .ctx = ret};
    *ret = false;
    return engine_look(in->tasks[i].engine, rule, key, &note, err);
}

enum err task_set_look(struct task_set *in, const char *rule, struct slice key,
                       const struct engine_looker *looker, int64_t *ret_task, struct error *err)
{
    *ret_task = -1;
    if (in->n_tasks == 0) {
        return error_set(err, ERR_USAGE, "no partitions are this instance's now");
    }
    for (size_t i = 0; i < in->n_tasks; i++) {
        bool any;
        FYKE_TRY(holds(in, i, rule, key, &any, err));
        if (any) {
            *ret_task = in->tasks[i].number;
            FYKE_TRY(engine_look(in->tasks[i].engine, rule, key, looker, err));
        }
    }
    return *ret_task >= 0 ? ERR_OK : engine_look(in->tasks[0].engine, rule, key, looker, err);
}

/* ---- figures --------------------------------------------------------------------------------- */

static void add_figures(struct engine_rule_figures *to, const struct engine_rule_figures *from)
{
    to->events += from->events;
    to->work.tests += from->work.tests;
    to->work.visits += from->work.visits;
    to->work.steps += from->work.steps;
    to->keys += from->keys;
    to->kept += from->kept;
    to->open += from->open;
}

void task_set_rule_figures(struct task_set *in, struct engine_rule_figures *ret, bool *ret_whole)
{
    uint32_t n = in->rs->n_rules;
    struct engine_rule_figures *one = xcalloc(n + 1u, sizeof(*one));
    struct engine_summary whole; /* alerts, of tasks that have left, too */
    memset(ret, 0, n * sizeof(*ret));
    *ret_whole = true;
    for (size_t i = 0; i < in->n_tasks; i++) {
        bool all;
        engine_rule_figures(in->tasks[i].engine, one, &all);
        *ret_whole &= all;
        for (uint32_t k = 0; k < n; k++) {
            add_figures(&ret[k], &one[k]);
        }
    }
    task_set_summary(in, &whole);
    for (uint32_t k = 0; k < n; k++) {
        ret[k].alerts = whole.alerts[k];
        ret[k].shadow = whole.shadow[k];
    }
    free(one);
}
