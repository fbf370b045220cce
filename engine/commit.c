/* Commit. With a journal alerts, state and positions become durable as one, in two steps, so that
 * several tasks can share a transaction: what each has to say goes out, then all of it is committed,
 * then each takes note. Without: alerts delivered, then the state, then the positions; a crash between
 * two of these steps repeats work, never loses it. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/state/checkpoint.h"

static enum err commit_source(struct engine *e, struct error *err)
{
    if (e->source == NULL || e->source->ops->commit == NULL) {
        return ERR_OK;
    }
    struct partition_position *at = xmalloc((e->n_partitions + 1) * sizeof(*at));
    for (size_t i = 0; i < e->n_partitions; i++) {
        const struct partition *p = e->partitions[i];
        at[i] = (struct partition_position){p->topic->index, p->id, p->restart, 0, {0}};
    }
    enum err rc = e->source->ops->commit(e->source, at, (uint32_t)e->n_partitions, "", err);
    free(at);
    return rc;
}

/* `--flush` moves the clock to the end of time; a state that says so could never go on. */
static bool was_flushed(const struct engine *e)
{
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        if (e->clocks[g].floor.ns == INT64_MAX) {
            return true;
        }
    }
    return false;
}

/* Alerts are delivered, or part of the open transaction. */
static enum err bring_out(struct engine *e, struct error *err)
{
    /* What was pushed must have been released as far as it can: the header tells events that still
     * wait from those that have been evaluated by their place alone. */
    if (e->state != NULL) {
        FYKE_TRY(engine_release(e, err));
    }
    FYKE_TRY(engine_write_alerts(e, true, err));
    fault_point(e->options.fault, "before-sink-flush");
    FYKE_TRY(e->sink->ops->flush(e->sink, err));
    FYKE_TRY(engine_sync_refused(e, err));
    fault_point(e->options.fault, "after-sink-flush");
    return ERR_OK;
}

static void note_commit(struct engine *e)
{
    e->last_commit = engine_now(e);
    e->fired_before_commit = engine_fired(e);
    e->dirty = e->alert_waits = false;
    position_check(e);
}

/* ---- without a journal -------------------------------------------------------------------- */

static enum err commit_alone(struct engine *e, struct error *err)
{
    checkpoint_restarts(e);
    if (e->state != NULL) {
        FYKE_TRY(state_prepare(e, NULL, err));
        state_committed(e, NULL);
    }
    fault_point(e->options.fault, "after-checkpoint");
    FYKE_TRY(commit_source(e, err));
    fault_point(e->options.fault, "after-commit");
    return ERR_OK;
}

/* ---- with one ----------------------------------------------------------------------------- */

enum err engine_prepare_commit(struct engine *e, struct journal_task *ret, struct error *err)
{
    FYKE_TRY(bring_out(e, err));
    if (was_flushed(e)) {
        return error_set(err, ERR_USAGE, "what the end of event time brings is not committed, so it "
                         "cannot go out exactly once");
    }
    return state_prepare(e, ret, err);
}

enum err engine_settle_commit(struct engine *e, const struct journal_task *done, struct error *err)
{
    state_committed(e, done);
    fault_point(e->options.fault, "after-commit");
    note_commit(e);
    engine_note_counters(e);
    return journaled_settle(e, err);
}

static enum err commit_with_journal(struct engine *e, struct error *err)
{
    struct journal_task task;
    FYKE_TRY(engine_prepare_commit(e, &task, err));
    FYKE_TRY(journaled_commit(e->options.journal, e->options.fault, &task, 1, err));
    return engine_settle_commit(e, &task, err);
}

enum err engine_commit(struct engine *e, struct error *err)
{
    if (e->options.commit != NULL) {
        return e->options.commit(e->options.commit_ctx, err);
    }
    if (e->options.journal != NULL) {
        return commit_with_journal(e, err);
    }
    FYKE_TRY(bring_out(e, err));
    if (e->state == NULL || !was_flushed(e)) {
        FYKE_TRY(commit_alone(e, err));
    }
    note_commit(e);
    return ERR_OK;
}
