/* Clocks of values (`watermark per`): read once at start, written as the pages that have changed. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/state/checkpoint.h"
#include "engine/state/clock_read.h"

/* ---- reading ------------------------------------------------------------------------------ */

static bool topic_is_clocked(const struct engine *e, uint32_t topic)
{
    return topic < e->rs->n_topics && e->rs->topics[topic].has_watermark_per;
}

static enum err load(struct engine *e, struct error *err)
{
    struct state *s = e->state;
    for (uint32_t i = 0; i < s->n_clocks; i++) {
        const struct header_partition *p = &s->before.partitions[i];
        if (p->paged && topic_is_clocked(e, p->topic)) {
            value_clocks_init(&s->clocks[i], e->rs->topics[p->topic].idle_after);
        }
    }
    return clock_pages_read(s->store, &s->before, s->clocks, &s->unclocked, err);
}

/* Clocks that these rules do not ask for leave with the next commit, whose header knows none. */
enum err state_load_clocks(struct engine *e, struct error *err)
{
    struct state *s = e->state;
    state_drop_clocks(s);
    s->n_clocks = s->before.n_partitions;
    s->clocks = xcalloc(s->n_clocks + 1u, sizeof(*s->clocks));
    FYKE_TRY(load(e, err));
    for (uint32_t i = 0; i < s->n_clocks; i++) {
        s->before.partitions[i].paged &= s->clocks[i].pages != NULL;
    }
    return ERR_OK;
}

void state_drop_clocks(struct state *s)
{
    for (uint32_t i = 0; i < s->n_clocks; i++) {
        if (s->clocks[i].pages != NULL) {
            value_clocks_release(&s->clocks[i]);
        }
    }
    free(s->clocks);
    s->clocks = NULL;
    s->n_clocks = 0;
    frozen_release(&s->unclocked);
}

void state_take_clocks(struct state *s, uint32_t i, struct partition *p)
{
    const struct header_partition *h = &s->before.partitions[i];
    if (!p->topic->has_watermark_per) {
        return;
    }
    if (i < s->n_clocks && s->clocks[i].pages != NULL) {
        value_clocks_release(&p->values);
        p->values = s->clocks[i];
        s->clocks[i] = (struct value_clocks){0};
    }
    for (uint32_t k = 0; k < h->n_values; k++) {
        value_clocks_note(&p->values, h->values[k].value, h->values[k].max_time, h->max_time);
    }
}

/* ---- writing ------------------------------------------------------------------------------ */

void state_freeze_clocks(struct engine *e, struct frozen *out)
{
    struct state *s = e->state;
    *out = s->unclocked;
    s->unclocked = (struct frozen){0};
    for (size_t i = 0; i < e->n_partitions; i++) {
        struct partition *p = e->partitions[i];
        if (p->topic->has_watermark_per) {
            clock_pages_freeze(&p->values, clock_page_owner(p->topic->name, p->id), out);
        }
    }
}
