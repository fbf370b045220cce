#include "nfa/retained.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "nfa/state.h"

static void free_event(struct retained *r, struct pool *pool, struct event *e)
{
    r->bytes -= e->bytes;
    pool_free(pool, e, e->bytes);
}

void retained_release(struct retained *r, struct pool *pool)
{
    for (size_t i = r->lo; i < r->n; i++) {
        free_event(r, pool, r->items[i].event);
    }
    free(r->items);
    free(r->segs);
    free(r->dropped);
    *r = (struct retained){0};
}

/* Keeps the array from growing for ever when events are dropped as fast as they come. */
static void compact(struct retained *r)
{
    if (r->lo > 16 && r->lo > r->n / 2) {
        memmove(r->items, r->items + r->lo, (r->n - r->lo) * sizeof(*r->items));
        r->n -= r->lo;
        r->lo = 0;
    }
}

static struct segment *new_segment(struct retained *r)
{
    /* An id that was given back is used again: forget that it was dropped. */
    if (r->n_dropped && r->dropped[r->n_dropped - 1] == r->next_segment) {
        r->n_dropped--;
    }
    VEC_PUSH(r->segs, r->n_segs, r->cap_segs) = (struct segment){
        .id = r->next_segment++,
        .first_serial = r->first_serial + (r->n - r->lo),
    };
    return &r->segs[r->n_segs - 1];
}

struct candidate *retained_append_to(struct retained *r, struct pool *pool, const struct event *e,
                                     bool fresh)
{
    compact(r);
    uint32_t bytes = event_clone_bytes(e);
    struct event *copy = event_clone_into(e, pool_alloc(pool, bytes));
    struct segment *seg = fresh ? new_segment(r) : &r->segs[r->n_segs - 1];
    seg->n++;
    seg->bytes += bytes;
    seg->dirty = true;
    r->bytes += bytes;
    VEC_PUSH(r->items, r->n, r->cap) = (struct candidate){.event = copy};
    return &r->items[r->n - 1];
}

struct candidate *retained_append(struct retained *r, struct pool *pool, const struct event *e)
{
    bool fits = r->n_segs && r->segs[r->n_segs - 1].bytes + event_clone_bytes(e) <= SEGMENT_MAX_BYTES;
    return retained_append_to(r, pool, e, !fits);
}

/* Ids stay consecutive: the last one is given back. */
static void drop_last_segment(struct retained *r)
{
    r->n_segs--;
    r->next_segment--;
    VEC_PUSH(r->dropped, r->n_dropped, r->cap_dropped) = r->next_segment;
}

void retained_drop_last(struct retained *r, struct pool *pool)
{
    assert(r->n > r->lo && r->n_segs);
    struct event *e = r->items[r->n - 1].event;
    struct segment *seg = &r->segs[r->n_segs - 1];
    seg->n--;
    seg->bytes -= e->bytes;
    seg->dirty = true;
    free_event(r, pool, e);
    r->n--;
    if (seg->n == 0) {
        drop_last_segment(r);
    }
}

/* A segment holds what is kept of it, nothing else: equal state gives equal bytes. */
void retained_drop_front(struct retained *r, struct pool *pool, uint32_t count)
{
    assert(count <= retained_count(r));
    size_t gone = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct segment *seg = &r->segs[gone];
        struct event *e = r->items[r->lo + i].event;
        seg->n--;
        seg->bytes -= e->bytes;
        seg->first_serial++;
        seg->dirty = true;
        free_event(r, pool, e);
        if (seg->n == 0) {
            VEC_PUSH(r->dropped, r->n_dropped, r->cap_dropped) = seg->id;
            gone++;
        }
    }
    r->lo += count;
    r->first_serial += count;
    if (gone) {
        memmove(r->segs, r->segs + gone, (r->n_segs - gone) * sizeof(*r->segs));
        r->n_segs -= gone;
    }
    if (r->lo == r->n) {
        r->lo = r->n = 0;
    }
}

void retained_touch(struct retained *r, uint32_t i)
{
    uint64_t serial = r->first_serial + i;
    for (size_t s = r->n_segs; s-- > 0;) {
        if (r->segs[s].first_serial <= serial) {
            r->segs[s].dirty = true;
            return;
        }
    }
    assert(false && "a retained event lies in no segment");
}

void retained_saved(struct retained *r)
{
    for (size_t i = 0; i < r->n_segs; i++) {
        r->segs[i].dirty = false;
    }
    r->n_dropped = 0;
}
