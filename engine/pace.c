/* When a running engine commits: by time, by what has gathered, between slices of deadlines. */
#include "engine/state/checkpoint.h"

/* So many deadlines are enough for one commit. */
#define COMMIT_DEADLINES 50000

/* What a commit tells beside the keys' records: the header, with what was late behind the position, and the
 * clocks of values that have moved (`watermark per`). Where that is much, commits are as far apart as keeps
 * it below this, but never near the time that a transaction may take. */
#define TOLD_BYTES_PER_S (INT64_C(4) << 20)
#define MUCH_TOLD ((size_t)64 << 10)
#define FAR_APART_NS (5 * NS_PER_S / 2)

/* The share of the time between commits that an alert waits with nothing else to do: 20 ms of 100 where a commit
 * takes some 10. */
#define EARLY 5

static int64_t commit_every_ns(const struct engine *e)
{
    size_t bytes = e->state != NULL ? e->state->told_bytes : 0;
    int64_t every = e->options.commit_every.ns;
    int64_t least = bytes > MUCH_TOLD ? (int64_t)bytes * NS_PER_S / TOLD_BYTES_PER_S : 0;
    least = least < FAR_APART_NS ? least : FAR_APART_NS;
    return every > least ? every : least;
}

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
    bool time = engine_now(e).ns - e->last_commit.ns >= commit_every_ns(e);
    return (time && (e->dirty || state_is_dirty(e))) || state_presses(e) ||
           engine_fired(e) - e->fired_before_commit >= COMMIT_DEADLINES;
}

bool engine_alert_waits(const struct engine *e, struct duration *ret)
{
    if (!e->alert_waits || e->options.journal == NULL || e->hold_back) {
        return false;
    }
    ret->ns = commit_every_ns(e) / EARLY - (engine_now(e).ns - e->last_commit.ns);
    return true;
}

void engine_prepare_stop(struct engine *e)
{
    e->prepares = true;
}

bool engine_is_prepared(const struct engine *e)
{
    const struct journaled *j = e->state != NULL ? e->state->journaled : NULL;
    return !e->prepares && (j == NULL || j->hurry == HURRY_NOT);
}

/* Alerts that wait for their place are not brought out for it. */
enum err engine_take_preparation(struct engine *e, struct error *err)
{
    if (!e->prepares) {
        return ERR_OK;
    }
    e->prepares = false;
    if (e->hold_back && (e->state == NULL || e->out.n > 0)) {
        return ERR_OK;
    }
    if (e->options.journal != NULL) {
        e->state->journaled->hurry = HURRY_WANTED;
    }
    return engine_commit(e, err);
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
