#include "lib/why_clocks.h"

#include <stdlib.h>

#include "base/xalloc.h"

void why_clocks_release(struct why_clocks *c)
{
    for (size_t i = 0; i < c->n; i++) {
        arena_release(&c->items[i].arena);
    }
    free(c->items);
}

struct record why_copy_record(const struct record *r, struct arena *arena)
{
    struct record_header *headers = ARENA_ARRAY(arena, struct record_header, r->n_headers + 1u);
    struct record copy = *r;
    for (uint32_t i = 0; i < r->n_headers; i++) {
        headers[i].name = arena_copy(arena, r->headers[i].name);
        headers[i].value = arena_copy(arena, r->headers[i].value);
    }
    copy.key = arena_copy(arena, r->key);
    copy.value = arena_copy(arena, r->value);
    copy.headers = headers;
    return copy;
}

static struct why_clock *find(const struct why_clocks *c, uint32_t topic, int32_t partition)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->items[i].topic == topic && c->items[i].partition == partition) {
            return &c->items[i];
        }
    }
    return NULL;
}

bool why_clocks_note(struct why_clocks *c, const struct ruleset *rs, const struct event *e,
                     const struct record *r, bool kept)
{
    struct why_clock *k = find(c, r->topic, r->partition);
    bool first = k == NULL;
    if (first) {
        k = &VEC_PUSH(c->items, c->n, c->cap);
        *k = (struct why_clock){.topic = r->topic, .partition = r->partition, .max = ETIME_MIN};
        arena_init(&k->arena);
    }
    if (first || rs->topics[r->topic].has_watermark_per) {
        k->max = etime_lt(k->max, e->time) ? e->time : k->max;
        k->waits = false;
        return true;
    }
    if (etime_lt(k->max, e->time)) {
        k->max = e->time;
        k->waits = !kept;
        arena_reset(&k->arena);
        k->last = kept ? (struct record){0} : why_copy_record(r, &k->arena);
    }
    return false;
}

struct etime why_clocks_max(const struct why_clocks *c, uint32_t topic, int32_t partition)
{
    const struct why_clock *k = find(c, topic, partition);
    return k ? k->max : ETIME_MIN;
}

const struct record *why_clocks_due(struct why_clocks *c, uint32_t topic, int32_t partition)
{
    struct why_clock *k = find(c, topic, partition);
    if (k == NULL || !k->waits) {
        return NULL;
    }
    k->waits = false;
    return &k->last;
}
