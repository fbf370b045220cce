#include "engine/time/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void order_init(struct order *o)
{
    *o = (struct order){0};
}

void order_release(struct order *o)
{
    for (size_t i = 0; i < o->n_runs; i++) {
        spill_close(o->spill, o->runs[i]);
    }
    free(o->runs);
    free(o->ring);
    free(o->heap);
    *o = (struct order){0};
}

static int item_cmp(const struct order_item *a, const struct order_item *b)
{
    if (a->time.ns != b->time.ns) {
        return a->time.ns < b->time.ns ? -1 : 1;
    }
    return place_cmp(order_item_place(a), order_item_place(b));
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

void order_push_anew(struct order *o, const struct order_item *item)
{
    if (o->ring_n == 0 || item_cmp(ring_at(o, o->ring_n - 1), item) < 0) {
        ring_push(o, *item);
    } else {
        heap_item_push(o, *item);
    }
}

static bool heap_is_first(const struct order *o)
{
    return o->heap_n > 0 && (o->ring_n == 0 || item_cmp(&o->heap[0], ring_at(o, 0)) < 0);
}

static const struct order_item *peek_memory(const struct order *o)
{
    if (heap_is_first(o)) {
        return &o->heap[0];
    }
    return o->ring_n > 0 ? ring_at(o, 0) : NULL;
}

/* The run whose head stands in front of everything in memory; n_runs: none. */
static size_t first_run(const struct order *o)
{
    const struct order_item *least = peek_memory(o);
    size_t first = o->n_runs;
    for (size_t i = 0; i < o->n_runs; i++) {
        const struct order_item *head = &o->runs[i]->head;
        if (least == NULL || item_cmp(head, least) < 0) {
            least = head;
            first = i;
        }
    }
    return first;
}

const struct order_item *order_peek(const struct order *o)
{
    if (o->n_runs == 0) {
        return peek_memory(o);
    }
    size_t run = first_run(o);
    return run < o->n_runs ? &o->runs[run]->head : peek_memory(o);
}

static void pop_run(struct order *o, size_t i, struct order_item *ret)
{
    spill_take(o->spill, o->runs[i], ret);
    o->n_spilled--;
    if (o->runs[i]->left == 0) {
        spill_close(o->spill, o->runs[i]);
        o->runs[i] = o->runs[--o->n_runs];
    }
}

static bool is_before(const struct order_item *item, const struct place *limit)
{
    return item->time.ns < limit->time.ns ||
           (item->time.ns == limit->time.ns && place_cmp(order_item_place(item), *limit) < 0);
}

static void ring_drop(struct order *o, size_t n)
{
    o->ring_head = (o->ring_head + n) & (o->ring_cap - 1);
    o->ring_n -= n;
}

size_t order_take(struct order *o, struct place limit, size_t most, const struct order_item **ret)
{
    if (o->n_runs > 0 || o->heap_n > 0 || o->spill != NULL || o->ring_n == 0) {
        return 0;
    }
    const struct order_item *items = &o->ring[o->ring_head];
    size_t n = o->ring_cap - o->ring_head, found = 0;
    n = n < o->ring_n ? n : o->ring_n;
    n = n < most ? n : most;
    while (found < n && is_before(&items[found], &limit)) {
        found++;
    }
    ring_drop(o, found);
    *ret = items;
    return found;
}

bool order_pop(struct order *o, struct place limit, struct order_item *ret)
{
    if (o->spill != NULL && o->spill->rc != ERR_OK) {
        return false;
    }
    size_t run = first_run(o);
    const struct order_item *first = run < o->n_runs ? &o->runs[run]->head : peek_memory(o);
    if (first == NULL || !is_before(first, &limit)) {
        return false;
    }
    *ret = *first;
    if (run < o->n_runs) {
        pop_run(o, run, ret);
    } else if (heap_is_first(o)) {
        heap_item_drop_first(o);
    } else {
        ring_drop(o, 1);
    }
    return true;
}

/* ---- disk --------------------------------------------------------------------------------- */

static int by_place(const void *x, const void *y)
{
    return item_cmp(x, y);
}

static enum err add_run(struct order *o, struct spill *s, const struct order_item *items, size_t n)
{
    struct spill_run *run;
    o->spill = s;
    if (o->n_runs == SPILL_RUNS) {
        FYKE_TRY(spill_merge(s, o->runs, o->n_runs, &run));
        o->runs[0] = run;
        o->n_runs = 1;
    }
    FYKE_TRY(spill_write(s, items, n, &run));
    VEC_PUSH(o->runs, o->n_runs, o->cap_runs) = run;
    o->n_spilled += n;
    return ERR_OK;
}

enum err order_spill(struct order *o, struct spill *s)
{
    size_t n = o->ring_n + o->heap_n;
    if (n == 0) {
        return ERR_OK;
    }
    struct order_item *items = xmalloc(n * sizeof(*items));
    for (size_t i = 0; i < o->ring_n; i++) {
        items[i] = *ring_at(o, i);
    }
    for (size_t i = 0; i < o->heap_n; i++) {
        items[o->ring_n + i] = o->heap[i];
    }
    qsort(items, n, sizeof(*items), by_place);
    enum err rc = add_run(o, s, items, n);
    if (rc == ERR_OK) {
        o->ring_n = o->heap_n = 0;
    }
    free(items);
    return rc;
}
