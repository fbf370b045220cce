/* Records that are not evaluated, to whoever wants to see them. */
#include "base/xalloc.h"
#include "engine/engine_parts.h"

enum err engine_refuse(struct engine *e, enum refused_why why, const char *reason,
                       const struct record *r, struct error *err)
{
    return e->options.refused == NULL
               ? ERR_OK
               : e->options.refused(e->options.refused_ctx, why, reason, r, err);
}

enum err engine_sync_refused(const struct engine *e, struct error *err)
{
    return e->options.refused_sync == NULL
               ? ERR_OK
               : e->options.refused_sync(e->options.refused_ctx, err);
}

/* ---- after idleness ----------------------------------------------------------------------- */

static bool may_be_passed(const struct engine *e, const struct order_item *item)
{
    const struct topic_groups *tg = &e->topic_groups[item->event->at.topic];
    if (order_item_came_back(item)) {
        return true;
    }
    for (uint32_t i = 0; i < tg->n; i++) {
        if (place_cmp(order_item_place(item), e->clocks[tg->groups[i]].limit) < 0) {
            return true;
        }
    }
    return false;
}

static const struct record *copy_record(const struct record *r, struct arena *arena)
{
    struct record *copy = ARENA_NEW(arena, struct record);
    struct record_header *headers = ARENA_ARRAY(arena, struct record_header, r->n_headers + 1);
    *copy = *r;
    copy->key = arena_copy(arena, r->key);
    copy->value = arena_copy(arena, r->value);
    copy->headers = headers;
    for (uint32_t i = 0; i < r->n_headers; i++) {
        headers[i].name = arena_copy(arena, r->headers[i].name);
        headers[i].value = r->headers[i].value.ptr != NULL
                               ? arena_copy(arena, r->headers[i].value)
                               : r->headers[i].value;
    }
    copy->origin = r->origin != NULL ? arena_strndup(arena, r->origin, strlen(r->origin)) : NULL;
    return copy;
}

const struct record *engine_keep_record(const struct engine *e, const struct order_item *item,
                                        const struct record *r)
{
    if (e->options.refused == NULL || r == NULL || !may_be_passed(e, item)) {
        return NULL;
    }
    struct event_block *block = item->block;
    size_t before = block->arena.used_bytes;
    const struct record *copy = copy_record(r, &block->arena);
    event_block_grown(block, before);
    return copy;
}

enum err engine_refuse_passed(struct engine *e, const struct event *ev, const struct record *kept,
                              struct error *err)
{
    e->after_idle++;
    if (kept != NULL) {
        return engine_refuse(e, REFUSED_AFTER_IDLE, "after_idle", kept, err);
    }
    if (event_is_derived(ev)) {
        return ERR_OK;
    }
    /* Of an event that came without a record its place is all there is. */
    struct record r = {
        .topic = ev->at.topic,
        .partition = ev->at.partition,
        .offset = ev->at.offset,
    };
    return engine_refuse(e, REFUSED_AFTER_IDLE, "after_idle", &r, err);
}
