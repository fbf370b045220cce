#include "engine/time/value_clock.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/xalloc.h"

#define N_BUCKETS 1024

static struct slice entry_value(const struct value_clock_entry *e)
{
    return slice_from(e->value, e->len);
}

static int entry_cmp(const struct value_clock_entry *a, const struct value_clock_entry *b)
{
    int c = etime_cmp(a->max_time, b->max_time);
    return c != 0 ? c : slice_cmp(entry_value(a), entry_value(b));
}

static int node_cmp(const struct heap_node *x, const struct heap_node *y)
{
    return entry_cmp(HEAP_ENTRY(x, const struct value_clock_entry, node),
                     HEAP_ENTRY(y, const struct value_clock_entry, node));
}

void value_clocks_init(struct value_clocks *c, struct duration idle_after)
{
    *c = (struct value_clocks){.n_buckets = N_BUCKETS, .idle_after = idle_after};
    c->buckets = xcalloc(c->n_buckets, sizeof(*c->buckets));
    heap_init(&c->active, node_cmp);
    heap_init(&c->idle, node_cmp);
}

void value_clocks_release(struct value_clocks *c)
{
    heap_release(&c->active);
    heap_release(&c->idle);
    for (size_t i = 0; i < c->n_buckets; i++) {
        for (struct value_clock_entry *e = c->buckets[i], *next; e != NULL; e = next) {
            next = e->chain;
            free(e);
        }
    }
    free(c->buckets);
    *c = (struct value_clocks){0};
}

static struct value_clock_entry **find(const struct value_clocks *c, struct slice value,
                                       uint64_t hash)
{
    struct value_clock_entry **at = &c->buckets[hash & (c->n_buckets - 1)];
    while (*at != NULL && !((*at)->hash == hash && slice_eq(entry_value(*at), value))) {
        at = &(*at)->chain;
    }
    return at;
}

struct etime value_clocks_get(const struct value_clocks *c, struct slice value)
{
    const struct value_clock_entry *e = *find(c, value, hash64(value));
    return e == NULL ? ETIME_MIN : e->max_time;
}

static void forget_one(struct value_clocks *c)
{
    struct heap *h = c->idle.n > 0 ? &c->idle : &c->active;
    struct value_clock_entry *e = HEAP_ENTRY(heap_pop(h), struct value_clock_entry, node);
    struct value_clock_entry **at = find(c, entry_value(e), e->hash);
    *at = e->chain;
    free(e);
    c->n--;
    c->forgotten++;
}

static struct value_clock_entry *add(struct value_clocks *c, struct slice value, uint64_t hash)
{
    if (c->n >= VALUE_CLOCK_MAX) {
        forget_one(c);
    }
    struct value_clock_entry *e = xcalloc(1, sizeof(*e) + value.len);
    e->max_time = ETIME_MIN;
    e->hash = hash;
    e->len = value.len;
    if (value.len > 0) {
        memcpy(e->value, value.ptr, value.len);
    }
    struct value_clock_entry **at = &c->buckets[hash & (c->n_buckets - 1)];
    e->chain = *at;
    *at = e;
    c->n++;
    return e;
}

void value_clocks_note(struct value_clocks *c, struct slice value, struct etime t,
                       struct etime partition_max)
{
    uint64_t hash = hash64(value);
    struct value_clock_entry *e = *find(c, value, hash);
    if (e == NULL) {
        e = add(c, value, hash);
    } else {
        heap_remove(e->counts ? &c->active : &c->idle, &e->node);
    }
    e->max_time = etime_lt(e->max_time, t) ? t : e->max_time;
    struct etime oldest = etime_sub(partition_max, c->idle_after);
    e->counts = !etime_lt(e->max_time, oldest);
    heap_push(e->counts ? &c->active : &c->idle, &e->node);
    while (c->active.n > 0) {
        e = HEAP_ENTRY(heap_peek(&c->active), struct value_clock_entry, node);
        if (!etime_lt(e->max_time, oldest)) {
            return;
        }
        heap_pop(&c->active);
        e->counts = false;
        heap_push(&c->idle, &e->node);
    }
}

struct etime value_clocks_least(const struct value_clocks *c)
{
    const struct heap_node *node = heap_peek(&c->active);
    return node == NULL ? ETIME_MIN
                        : HEAP_ENTRY(node, const struct value_clock_entry, node)->max_time;
}

static int pointer_cmp(const void *x, const void *y)
{
    const struct value_clock_entry *const *a = x, *const *b = y;
    return entry_cmp(*a, *b);
}

void value_clocks_each(const struct value_clocks *c, value_clocks_fn fn, void *ctx)
{
    const struct value_clock_entry **all = xmalloc((c->n + 1) * sizeof(*all));
    size_t n = 0;
    for (size_t i = 0; i < c->n_buckets; i++) {
        for (const struct value_clock_entry *e = c->buckets[i]; e != NULL; e = e->chain) {
            all[n++] = e;
        }
    }
    qsort(all, n, sizeof(*all), pointer_cmp);
    for (size_t i = 0; i < n; i++) {
        fn(ctx, entry_value(all[i]), all[i]->max_time);
    }
    free(all);
}
