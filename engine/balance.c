/* Events that wait for their turn, and the memory they may take.
 *
 * Over the budget the partitions that are ahead in event time are held back; the one that a clock waits
 * for never is. What then still does not fit waits on disk, so that a bound times a rate beyond the
 * memory holds nothing up. Whether partitions are held back is decided by what waits anywhere. */
#include "engine/engine_parts.h"

static bool holds_some_clock(const struct engine *e, const struct partition *p)
{
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        if (clock_state_reads(&e->clocks[g], p->topic->index) &&
            clock_state_holder(&e->clocks[g]) == p) {
            return true;
        }
    }
    return false;
}

/* What was read before a restart must come back before any clock goes on. */
static bool must_go_on(const struct engine *e, const struct partition *p)
{
    return p->replay_until > 0 || holds_some_clock(e, p);
}

/* *ret: some partition is held back from now on, which may be enough. */
static enum err hold_back(struct engine *e, bool *ret, struct error *err)
{
    struct source *s = e->source;
    uint64_t waiting = engine_buffered_bytes(e) + e->spill.waiting_bytes;
    bool over = waiting > e->options.buffer_bytes;
    bool relaxed = waiting <= e->options.buffer_bytes / 2;
    *ret = false;
    for (size_t i = 0; s->ops->pause != NULL && i < e->n_partitions; i++) {
        struct partition *p = e->partitions[i];
        bool pause = over ? !p->ended && !must_go_on(e, p) : p->paused && !relaxed;
        if (p->paused && pause && must_go_on(e, p)) {
            pause = false;
        }
        if (pause != p->paused) {
            struct partition_position at = {p->topic->index, p->id, p->next_offset, 0, {0}};
            FYKE_TRY(s->ops->pause(s, &at, pause, err));
            p->paused = pause;
            e->pauses += pause;
            *ret |= pause;
        }
    }
    return ERR_OK;
}

static void say_spilled(struct engine *e)
{
    if (!e->said_spilled) {
        e->said_spilled = true;
        engine_say(e, "events that wait for their turn take more than the %zu MiB of --buffer: the "
                   "others wait on disk, in %s", e->options.buffer_bytes >> 20, e->spill.dir);
    }
}

enum err engine_spill(struct engine *e, struct error *err)
{
    if (engine_buffered_bytes(e) <= e->options.buffer_bytes) {
        return ERR_OK;
    }
    enum err rc = ERR_OK;
    say_spilled(e);
    for (uint32_t g = 0; g < e->rs->n_clock_groups && rc == ERR_OK; g++) {
        rc = order_spill(&e->clocks[g].order, &e->spill);
    }
    for (uint32_t i = 0; i < e->n_lanes; i++) {
        event_blocks_trim(&e->lanes[i].blocks);
    }
    if (rc != ERR_OK) {
        *err = e->spill.error;
    }
    return rc;
}

enum err engine_balance(struct engine *e, struct error *err)
{
    bool held;
    FYKE_TRY(hold_back(e, &held, err));
    return held ? ERR_OK : engine_spill(e, err);
}
