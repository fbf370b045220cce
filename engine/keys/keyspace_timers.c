/* The timers of a keyspace: per stage a heap by (time, key hash), which outlasts evicted records.
 *
 * Four children a node and the times in the heap itself: a timer that moves touches few cache lines, and
 * an entry only where it has moved to. Each entry knows its place. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/keys/keyspace_parts.h"

#define ARITY 4

static bool comes_before(const struct key_timer *a, const struct key_timer *b)
{
    if (a->time.ns != b->time.ns) {
        return a->time.ns < b->time.ns;
    }
    return hash128_cmp(a->entry->hash, b->entry->hash) < 0;
}

static void put_at(struct key_timers *h, size_t i, struct key_timer t)
{
    h->items[i] = t;
    t.entry->timer = (uint32_t)i + 1;
}

static void sift_up(struct key_timers *h, size_t i, struct key_timer t)
{
    while (i > 0 && comes_before(&t, &h->items[(i - 1) / ARITY])) {
        put_at(h, i, h->items[(i - 1) / ARITY]);
        i = (i - 1) / ARITY;
    }
    put_at(h, i, t);
}

static size_t first_child(const struct key_timers *h, size_t i)
{
    size_t child = ARITY * i + 1, first = child;
    for (size_t k = child + 1; k < child + ARITY && k < h->n; k++) {
        first = comes_before(&h->items[k], &h->items[first]) ? k : first;
    }
    return first;
}

static void sift_down(struct key_timers *h, size_t i, struct key_timer t)
{
    for (size_t child; ARITY * i + 1 < h->n; i = child) {
        child = first_child(h, i);
        if (!comes_before(&h->items[child], &t)) {
            break;
        }
        put_at(h, i, h->items[child]);
    }
    put_at(h, i, t);
}

static void settle(struct key_timers *h, size_t i, struct key_timer t)
{
    if (i > 0 && comes_before(&t, &h->items[(i - 1) / ARITY])) {
        sift_up(h, i, t);
    } else {
        sift_down(h, i, t);
    }
}

static void take_out(struct key_timers *h, struct key_entry *e)
{
    size_t i = e->timer - 1;
    struct key_timer last = h->items[--h->n];
    e->timer = 0;
    if (last.entry != e) {
        settle(h, i, last);
    }
}

void keyspace_set_timer(struct keyspace *ks, struct key_entry *e, struct etime t)
{
    struct key_timers *h = &ks->index.heaps[e->heap];
    struct key_timer timer = {t, e};
    if (e->next_time.ns == t.ns) {
        return;
    }
    e->next_time = t;
    if (t.ns == INT64_MAX) {
        take_out(h, e);
    } else if (e->timer != 0) {
        settle(h, e->timer - 1, timer);
    } else {
        VEC_PUSH(h->items, h->n, h->cap) = timer;
        sift_up(h, h->n - 1, timer);
    }
}

void key_timers_release(struct key_timers *h)
{
    free(h->items);
    *h = (struct key_timers){0};
}

static const struct key_timers *heap_of(const struct keyspace *ks, uint32_t stage)
{
    return &ks->index.heaps[ks->heap_of_stage[stage]];
}

static struct key_entry *first_timer(const struct keyspace *ks, uint32_t stage)
{
    const struct key_timers *h = heap_of(ks, stage);
    return h->n == 0 ? NULL : h->items[0].entry;
}

struct etime keyspace_next_time(const struct keyspace *ks, uint32_t stage)
{
    const struct key_timers *h = heap_of(ks, stage);
    return h->n == 0 ? ETIME_MAX : h->items[0].time;
}

/* The record of an entry, which the store has when memory has not. */
static enum err record_of(struct keyspace *ks, const struct key_entry *e, struct key_record **ret,
                          struct error *err)
{
    *ret = key_entry_record(ks, e);
    if (*ret != NULL) {
        return ERR_OK;
    }
    keyspace_evict(ks);
    FYKE_TRY(keyspace_load(ks, e->hash, ret, err));
    return *ret != NULL ? ERR_OK
                        : error_set(err, ERR_CORRUPT, "a record with a timer is missing in the "
                                    "state");
}

enum err keyspace_due(struct keyspace *ks, uint32_t stage, struct etime before,
                      struct key_record **ret, struct error *err)
{
    const struct key_entry *e = first_timer(ks, stage);
    *ret = NULL;
    return e == NULL || !etime_lt(e->next_time, before) ? ERR_OK : record_of(ks, e, ret, err);
}

enum err keyspace_timed(struct keyspace *ks, struct hash128 hash, struct key_record **ret,
                        struct error *err)
{
    const struct key_entry *e = keyspace_entry(ks, hash);
    *ret = NULL;
    return e == NULL ? ERR_OK : record_of(ks, e, ret, err);
}

static void walk_from(const struct key_timers *h, size_t i, const struct etime *before,
                      keyspace_timer_fn fn, void *ctx)
{
    if (i >= h->n || !etime_lt(h->items[i].time, *before)) {
        return; /* nor is anything below it earlier */
    }
    fn(ctx, h->items[i].time, h->items[i].entry->hash);
    for (size_t k = 1; k <= ARITY; k++) {
        walk_from(h, ARITY * i + k, before, fn, ctx);
    }
}

void keyspace_timers(const struct keyspace *ks, uint32_t stage, const struct etime *before,
                     keyspace_timer_fn fn, void *ctx)
{
    walk_from(heap_of(ks, stage), 0, before, fn, ctx);
}
