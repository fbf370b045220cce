/* The timers of a keyspace: per stage a heap by (time, key hash), which outlasts evicted records.
 *
 * Four children a node and the times in the heap itself: a timer that moves touches few cache lines, and
 * an entry only where it has moved to. Each entry knows its place. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/keys/keyspace_parts.h"

#define ARITY 4
#define FIRST_TIMERS 16

struct key_timer {
    struct etime time;
    uint32_t number;
};

/* A heap while it is changed, with the entries that its numbers stand for. */
struct heap_of_entries {
    struct key_timers *timers;
    const struct key_entries *entries;
};

static struct key_timer timer_at(const struct key_timers *h, size_t i)
{
    return (struct key_timer){h->times[i], h->numbers[i]};
}

static bool comes_before(const struct key_entries *x, struct key_timer a, struct key_timer b)
{
    if (a.time.ns != b.time.ns) {
        return a.time.ns < b.time.ns;
    }
    return hash128_cmp(key_entry_at(x, a.number)->hash, key_entry_at(x, b.number)->hash) < 0;
}

/* At a place of the heap, another one. */
static bool comes_before_at(const struct heap_of_entries *h, struct key_timer a, size_t i)
{
    return comes_before(h->entries, a, timer_at(h->timers, i));
}

static void put_at(const struct heap_of_entries *h, size_t i, struct key_timer t)
{
    h->timers->times[i] = t.time;
    h->timers->numbers[i] = t.number;
    key_entry_at(h->entries, t.number)->at = (uint32_t)i;
}

static void sift_up(const struct heap_of_entries *h, size_t i, struct key_timer t)
{
    while (i > 0 && comes_before_at(h, t, (i - 1) / ARITY)) {
        put_at(h, i, timer_at(h->timers, (i - 1) / ARITY));
        i = (i - 1) / ARITY;
    }
    put_at(h, i, t);
}

static size_t first_child(const struct heap_of_entries *h, size_t i)
{
    size_t child = ARITY * i + 1, first = child;
    for (size_t k = child + 1; k < child + ARITY && k < h->timers->n; k++) {
        first = comes_before_at(h, timer_at(h->timers, k), first) ? k : first;
    }
    return first;
}

static void sift_down(const struct heap_of_entries *h, size_t i, struct key_timer t)
{
    for (size_t child; ARITY * i + 1 < h->timers->n; i = child) {
        child = first_child(h, i);
        struct key_timer first = timer_at(h->timers, child);
        if (!comes_before(h->entries, first, t)) {
            break;
        }
        put_at(h, i, first);
    }
    put_at(h, i, t);
}

static void settle(const struct heap_of_entries *h, size_t i, struct key_timer t)
{
    if (i > 0 && comes_before_at(h, t, (i - 1) / ARITY)) {
        sift_up(h, i, t);
    } else {
        sift_down(h, i, t);
    }
}

static void take_out(const struct heap_of_entries *h, struct key_entry *e)
{
    size_t i = e->at, last = --h->timers->n;
    e->at = h->timers->numbers[i];
    e->timed = false;
    if (i != last) {
        settle(h, i, timer_at(h->timers, last));
    }
}

/* By a quarter: of millions the empty places would be most of what a doubled heap takes. */
static void grow(struct key_index *x, struct key_timers *h)
{
    size_t cap = h->cap < FIRST_TIMERS ? FIRST_TIMERS : h->cap + h->cap / 4;
    h->times = xrealloc(h->times, cap * sizeof(*h->times));
    h->numbers = xrealloc(h->numbers, cap * sizeof(*h->numbers));
    x->timer_bytes += (cap - h->cap) * (sizeof(*h->times) + sizeof(*h->numbers));
    h->cap = cap;
}

static void put_in(struct key_index *x, const struct heap_of_entries *h, struct key_entry *e, struct etime t)
{
    struct key_timer timer = {t, e->at};
    if (h->timers->n == h->timers->cap) {
        grow(x, h->timers);
    }
    e->timed = true;
    sift_up(h, h->timers->n++, timer);
}

void keyspace_set_timer(struct keyspace *ks, struct key_entry *e, struct etime t)
{
    struct key_index *x = &ks->index;
    const struct heap_of_entries h = {&x->heaps[e->heap], &x->entries};
    if (!e->timed) {
        if (t.ns != INT64_MAX) {
            put_in(x, &h, e, t);
        }
    } else if (t.ns == INT64_MAX) {
        take_out(&h, e);
    } else if (h.timers->times[e->at].ns != t.ns) {
        settle(&h, e->at, (struct key_timer){t, h.timers->numbers[e->at]});
    }
}

void key_timers_release(struct key_index *x)
{
    for (uint32_t i = 0; i < x->n_heaps; i++) {
        free(x->heaps[i].times);
        free(x->heaps[i].numbers);
        x->heaps[i] = (struct key_timers){0};
    }
    x->timer_bytes = 0;
}

static const struct key_timers *heap_of(const struct keyspace *ks, uint32_t stage)
{
    return &ks->index.heaps[ks->heap_of_stage[stage]];
}

struct etime keyspace_next_time(const struct keyspace *ks, uint32_t stage)
{
    const struct key_timers *h = heap_of(ks, stage);
    return h->n == 0 ? ETIME_MAX : h->times[0];
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
    *ret = NULL;
    if (!etime_lt(keyspace_next_time(ks, stage), before)) {
        return ERR_OK;
    }
    const struct key_entry *e = key_entry_at(&ks->index.entries, heap_of(ks, stage)->numbers[0]);
    return record_of(ks, e, ret, err);
}

enum err keyspace_timed(struct keyspace *ks, struct hash128 hash, struct key_record **ret,
                        struct error *err)
{
    const struct key_entry *e = keyspace_entry(ks, hash);
    *ret = NULL;
    return e == NULL ? ERR_OK : record_of(ks, e, ret, err);
}

struct timer_walk {
    const struct key_timers *timers;
    const struct key_entries *entries;
    const struct etime *before;
    keyspace_timer_fn fn;
    void *ctx;
};

static void walk_from(const struct timer_walk *w, size_t i)
{
    const struct key_timers *h = w->timers;
    if (i >= h->n || !etime_lt(h->times[i], *w->before)) {
        return; /* nor is anything below it earlier */
    }
    w->fn(w->ctx, h->times[i], key_entry_at(w->entries, h->numbers[i])->hash);
    for (size_t k = 1; k <= ARITY; k++) {
        walk_from(w, ARITY * i + k);
    }
}

void keyspace_timers(const struct keyspace *ks, uint32_t stage, const struct etime *before,
                     keyspace_timer_fn fn, void *ctx)
{
    const struct timer_walk w = {heap_of(ks, stage), &ks->index.entries, before, fn, ctx};
    walk_from(&w, 0);
}
