/* Clocks of values (`watermark per`): read once at start, written as the pages that have changed. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/state/checkpoint.h"
#include "engine/state/clock_read.h"
#include "nfa/schema_shape.h"

/* ---- reading ------------------------------------------------------------------------------ */

static bool topic_is_clocked(const struct engine *e, uint32_t topic)
{
    return topic < e->rs->n_topics && e->rs->topics[topic].has_watermark_per;
}

static uint64_t field_now(const struct engine *e, uint32_t topic)
{
    const struct schema_topic *t = &e->rs->topics[topic];
    return schema_field_shape(&e->rs->decls[t->watermark_per_decl].fields[t->watermark_per_slot]);
}

/* Clocks of another field say nothing of this one's values. Parts of an older format do not tell whose they
 * are: they are taken for this field's, and from the first commit on they say so. */
static void check_field(struct engine *e, uint32_t topic, struct value_clocks *c, bool *told)
{
    uint64_t now = field_now(e, topic);
    if (c->field != 0 && c->field != now) {
        const struct schema_topic *t = &e->rs->topics[topic];
        if (!*told) {
            engine_say(e, "topic \"%.*s\": watermark per %.*s from here on, it was per another field: the "
                       "clocks of its values begin anew", SLICE_ARG(t->name),
                       SLICE_ARG(e->rs->decls[t->watermark_per_decl].fields[t->watermark_per_slot].name));
        }
        *told = true;
        value_clocks_clear(c);
    } else if (c->untold) {
        value_clocks_rewrite(c);
    }
    c->untold = false;
    c->field = now;
}

static void check_fields(struct engine *e)
{
    struct state *s = e->state;
    bool *told = xcalloc(e->rs->n_topics + 1u, sizeof(*told));
    for (uint32_t i = 0; i < s->n_clocks; i++) {
        uint32_t topic = s->before.partitions[i].topic;
        if (s->clocks[i].pages != NULL) {
            check_field(e, topic, &s->clocks[i], &told[topic]);
        }
    }
    free(told);
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
    check_fields(e);
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
            if (p->values.field == 0) {
                p->values.field = field_now(e, p->topic->index);
            }
            clock_pages_freeze(&p->values, clock_page_owner(p->topic->name, p->id), out);
        }
    }
}
