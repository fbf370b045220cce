#include "engine/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void order_init(struct order *o)
{
    *o = (struct order){0};
}

void order_release(struct order *o)
{
    free(o->ring);
    free(o->heap);
    *o = (struct order){0};
}

static int item_cmp(const struct order_item *a, const struct order_item *b)
{
    if (a->time.ns != b->time.ns) {
        return a->time.ns < b->time.ns ? -1 : 1;
    }
    return place_cmp(place_of(a->event), place_of(b->event));
}

/* ---- ring --------------------------------------------------------------------------------- */

static struct order_item *ring_at(const struct order *o, size_t i)
{
    return &o->ring[(o->ring_head + i) & (o->ring_cap - 1)];
}

static void ring_grow(struct order *o)
{
    size_t cap = o->ring_cap ? o->ring_cap * 2 : 64;
    struct order_item *ring = xmalloc(cap * sizeof(*ring));
    for (size_t i = 0; i < o->ring_n; i++) {
        ring[i] = *ring_at(o, i);
    }
    free(o->ring);
    o->ring = ring;
    o->ring_cap = cap;
    o->ring_head = 0;
}

static void ring_push(struct order *o, struct order_item item)
{
    if (o->ring_n == o->ring_cap) {
        ring_grow(o);
    }
    *ring_at(o, o->ring_n) = item;
    o->ring_n++;
}

/* ---- heap --------------------------------------------------------------------------------- */

static void heap_item_push(struct order *o, struct order_item item)
{
    size_t i = o->heap_n;
    VEC_PUSH(o->heap, o->heap_n, o->heap_cap) = item;
    while (i > 0 && item_cmp(&item, &o->heap[(i - 1) / 2]) < 0) {
        o->heap[i] = o->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    o->heap[i] = item;
}

static void heap_item_drop_first(struct order *o)
{
    struct order_item item = o->heap[--o->heap_n];
    size_t i = 0;
    for (size_t child = 1; child < o->heap_n; child = 2 * i + 1) {
        if (child + 1 < o->heap_n && item_cmp(&o->heap[child + 1], &o->heap[child]) < 0) {
            child++;
        }
        if (item_cmp(&item, &o->heap[child]) <= 0) {
            break;
        }
        o->heap[i] = o->heap[child];
        i = child;
    }
    if (o->heap_n > 0) {
        o->heap[i] = item;
    }
}

/* ---- both --------------------------------------------------------------------------------- */

void order_push(struct order *o, struct order_item item)
{
    if (o->ring_n == 0 || item_cmp(ring_at(o, o->ring_n - 1), &item) < 0) {
        ring_push(o, item);
    } else {
        heap_item_push(o, item);
    }
}

static bool heap_is_first(const struct order *o)
{
    return o->heap_n > 0 && (o->ring_n == 0 || item_cmp(&o->heap[0], ring_at(o, 0)) < 0);
}

const struct order_item *order_peek(const struct order *o)
{
    if (heap_is_first(o)) {
        return &o->heap[0];
    }
    return o->ring_n > 0 ? ring_at(o, 0) : NULL;
}

bool order_pop(struct order *o, struct place limit, struct order_item *ret)
{
    const struct order_item *first = order_peek(o);
    if (first == NULL || first->time.ns > limit.time.ns ||
        (first->time.ns == limit.time.ns && place_cmp(place_of(first->event), limit) >= 0)) {
        return false;
    }
    *ret = *first;
    if (heap_is_first(o)) {
        heap_item_drop_first(o);
    } else {
        o->ring_head = (o->ring_head + 1) & (o->ring_cap - 1);
        o->ring_n--;
    }
    return true;
}
