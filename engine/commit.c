/* Commit. With a journal alerts, state and positions become durable as one. Without: alerts delivered,
 * then the state, then the positions; a crash between two of these steps repeats work, never loses
 * it. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/checkpoint.h"

static enum err commit_source(struct engine *e, struct error *err)
{
    if (e->options.journal != NULL || e->source == NULL || e->source->ops->commit == NULL) {
        return ERR_OK;
    }
    struct partition_position *at = xmalloc((e->n_partitions + 1) * sizeof(*at));
    for (size_t i = 0; i < e->n_partitions; i++) {
        const struct partition *p = e->partitions[i];
        at[i] = (struct partition_position){p->topic->index, p->id, p->restart};
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

static enum err commit_state(struct engine *e, struct error *err)
{
    checkpoint_restarts(e);
    if (e->state != NULL) {
        FYKE_TRY(state_commit(e, err));
    }
    if (e->options.journal == NULL) {
        fault_point(e->options.fault, "after-checkpoint");
    }
    FYKE_TRY(commit_source(e, err));
    fault_point(e->options.fault, "after-commit");
    return ERR_OK;
}

enum err engine_commit(struct engine *e, struct error *err)
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
    if (e->state == NULL || !was_flushed(e)) {
        FYKE_TRY(commit_state(e, err));
    } else if (e->options.journal != NULL) {
        return error_set(err, ERR_USAGE, "what the end of event time brings is not committed, so it "
                         "cannot go out exactly once");
    }
    e->last_commit = engine_now(e);
    e->dirty = false;
    if (e->options.journal == NULL) {
        return ERR_OK;
    }
    engine_note_counters(e);
    return journaled_settle(e, err);
}
