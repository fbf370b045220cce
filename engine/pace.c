/* When a running engine commits: by time, by what has gathered, between slices of deadlines. */
#include "engine/state/checkpoint.h"

/* So many deadlines are enough for one commit. */
#define COMMIT_DEADLINES 50000

/* Bounded runs keep the order of their output over the whole run: they commit at the end, and
 * before it only what a state is for, when no alert waits for its place. */
bool engine_commit_due(struct engine *e)
{
    struct journal *j = e->options.journal;
    if (j != NULL && j->ops->presses(j)) {
        return true;
    }
    if (e->hold_back && (e->state == NULL || e->out.n > 0)) {
        return false;
    }
    bool time = engine_now(e).ns - e->last_commit.ns >= e->options.commit_every.ns;
    return (time && (e->dirty || state_is_dirty(e))) || state_presses(e) ||
           engine_fired(e) - e->fired_before_commit >= COMMIT_DEADLINES;
}

enum err engine_keep_pace(struct engine *e, struct error *err)
{
    if (engine_commit_due(e)) {
        return engine_commit(e, err);
    }
    return e->options.journal != NULL ? journaled_tick(e, err) : ERR_OK;
}

enum err engine_process_slices(struct engine *e, const volatile sig_atomic_t *stop,
                               struct error *err)
{
    FYKE_TRY(engine_release(e, err));
    while (e->more && (stop == NULL || *stop == 0)) {
        FYKE_TRY(engine_write_alerts(e, false, err));
        FYKE_TRY(engine_keep_pace(e, err));
        FYKE_TRY(engine_release(e, err));
    }
    return engine_write_alerts(e, false, err);
}
