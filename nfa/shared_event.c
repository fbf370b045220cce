#include "nfa/shared_event.h"

/* Stands in front of the event; keeps its alignment. */
struct holders {
    uint64_t n;
};

static struct holders *holders_of(struct event *copy)
{
    return (struct holders *)(void *)copy - 1;
}

static struct event *copy_of(struct pool *pool, const struct event *e, uint32_t serial)
{
    size_t bytes = e->bytes > sizeof(*e) ? e->bytes : sizeof(*e);
    struct holders *h = pool_alloc(pool, sizeof(*h) + bytes);
    struct event *copy = (struct event *)(void *)(h + 1);
    if (!event_clone_whole(e, copy)) {
        pool_free(pool, h, sizeof(*h) + bytes);
        h = pool_alloc(pool, sizeof(*h) + event_clone_bytes(e));
        copy = event_clone_into(e, h + 1);
    }
    h->n = 1;
    copy->serial = serial;
    return copy;
}

static bool is_behind(uint32_t serial, uint32_t last)
{
    return last == 0 || (int32_t)(serial - last) > 0;
}

struct event *shared_event_keep(struct shared_event *s, struct pool *pool, const struct event *e,
                                uint32_t last)
{
    if (s == NULL || s->from != e || s->serial == 0 || !is_behind(s->serial, last)) {
        return copy_of(pool, e, last + 1 ? last + 1 : 1);
    }
    if (s->copy == NULL) {
        s->copy = copy_of(pool, e, s->serial);
    }
    holders_of(s->copy)->n++;
    return s->copy;
}

void shared_event_hold(struct event *copy)
{
    holders_of(copy)->n++;
}

void shared_event_drop(struct pool *pool, struct event *copy)
{
    struct holders *h = holders_of(copy);
    if (--h->n == 0) {
        pool_free(pool, h, sizeof(*h) + copy->bytes);
    }
}
