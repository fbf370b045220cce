/* Commit: alerts delivered, then the state, then the positions. A crash between two of these steps
 * repeats work, never loses it. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/engine_parts.h"

/* Where a restart must read again: in front of the first event that still waits. */
static void least_waiting(const struct order_item *items, size_t n, const struct partition *p,
                          int64_t *least)
{
    for (size_t i = 0; i < n; i++) {
        const struct coord *at = &items[i].event->at;
        if (at->topic == p->topic->index && at->partition == p->id && at->offset < *least) {
            *least = at->offset;
        }
    }
}

static int64_t restart_offset(const struct engine *e, const struct partition *p)
{
    int64_t least = p->next_offset;
    const struct topic_groups *tg = &e->topic_groups[p->topic->index];
    for (uint32_t i = 0; i < tg->n; i++) {
        const struct order *o = &e->clocks[tg->groups[i]].order;
        least_waiting(o->heap, o->heap_n, p, &least);
        size_t first = o->ring_cap - o->ring_head; /* before the ring wraps around */
        first = first < o->ring_n ? first : o->ring_n;
        least_waiting(o->ring + o->ring_head, first, p, &least);
        least_waiting(o->ring, o->ring_n - first, p, &least);
    }
    return least;
}

static enum err commit_source(struct engine *e, struct error *err)
{
    if (e->source == NULL || e->source->ops->commit == NULL) {
        return ERR_OK;
    }
    struct partition_position *at = xmalloc((e->n_partitions + 1) * sizeof(*at));
    for (size_t i = 0; i < e->n_partitions; i++) {
        const struct partition *p = e->partitions[i];
        at[i] = (struct partition_position){p->topic->index, p->id, restart_offset(e, p)};
        partition_forget_late(e->partitions[i], at[i].offset);
    }
    enum err rc = e->source->ops->commit(e->source, at, (uint32_t)e->n_partitions, "", err);
    free(at);
    return rc;
}

enum err engine_commit(struct engine *e, struct error *err)
{
    FYKE_TRY(engine_write_alerts(e, true, err));
    FYKE_TRY(e->sink->ops->flush(e->sink, err));
    FYKE_TRY(commit_source(e, err));
    e->last_commit = engine_now(e);
    e->dirty = false;
    return ERR_OK;
}
