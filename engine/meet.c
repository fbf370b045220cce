/* An engine that reads the past again for rules which are new, beside the one that runs: at the end it has
 * evaluated what that one has, neither more nor less.
 *
 * Its own clocks cannot pass those of the other one: they follow from the same records, or from fewer. */
#include "engine/state/checkpoint.h"

static const struct header_clock *clock_of(const struct header *h, const struct clock_group *def)
{
    for (uint32_t i = 0; i < h->n_clocks; i++) {
        if (header_clock_is(&h->clocks[i], def)) {
            return &h->clocks[i];
        }
    }
    return NULL;
}

/* A clock that the other one does not have is nowhere: what of the group is evaluated cannot be said. */
static enum err follow(struct engine *e, const struct header *h, struct error *err)
{
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        struct clock_state *c = &e->clocks[g];
        const struct header_clock *from = clock_of(h, c->def);
        if (from == NULL) {
            return error_set(err, ERR_USAGE, "rules read topics together that no rule in force reads "
                             "together");
        }
        c->watermark = from->watermark;
        c->limit = c->before = place_max(c->limit, from->limit);
        c->floor = from->floor;
    }
    return ERR_OK;
}

enum err engine_warm_step(struct engine *e, struct error *err)
{
    FYKE_TRY(engine_process_slices(e, NULL, err));
    FYKE_TRY(engine_spill(e, err));
    return state_presses(e) ? engine_commit(e, err) : ERR_OK;
}

enum err engine_meet(struct engine *e, struct slice header, struct error *err)
{
    struct header h;
    const char *why;
    if (!header_decode(header, &h, &why)) {
        return error_set(err, ERR_CORRUPT, "the header of the state does not decode: %s", why);
    }
    enum err rc = follow(e, &h, err);
    header_release(&h);
    FYKE_TRY(rc);
    e->more = true; /* the clocks stand where they were put */
    FYKE_TRY(engine_drain(e, err));
    FYKE_TRY(engine_commit(e, err));
    e->has_stopped = true;
    return ERR_OK;
}

uint32_t engine_shards(const struct engine *e)
{
    return e->n_shards;
}
