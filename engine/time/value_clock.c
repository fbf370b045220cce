#include "engine/time/value_clock.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/xalloc.h"

/* In front of a hash: no canonical bytes of a value begin so. */
#define TAG_HASHED '\xff'

/* How a value is known in the table. */
struct name {
    struct slice bytes;
    uint64_t hash;
    char hashed[1 + 16];
};

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
    *c = (struct value_clocks){.idle_after = idle_after};
    c->pages = xcalloc(VALUE_CLOCK_PAGES, sizeof(*c->pages));
    c->changed = xmalloc(VALUE_CLOCK_PAGES * sizeof(*c->changed));
    heap_init(&c->active, node_cmp);
    heap_init(&c->idle, node_cmp);
}

static void free_entries(struct value_clocks *c)
{
    heap_release(&c->active);
    heap_release(&c->idle);
    for (size_t i = 0; c->pages != NULL && i < VALUE_CLOCK_PAGES; i++) {
        for (struct value_clock_entry *e = c->pages[i].first, *next; e != NULL; e = next) {
            next = e->chain;
            free(e);
        }
        c->pages[i].first = NULL;
    }
}

void value_clocks_release(struct value_clocks *c)
{
    free_entries(c);
    free(c->pages);
    free(c->changed);
    *c = (struct value_clocks){0};
}

static void name_of(struct slice value, struct name *ret)
{
    ret->bytes = value;
    if (value.len > VALUE_CLOCK_LONGEST) {
        struct hash128 h = hash128(value);
        ret->hashed[0] = TAG_HASHED;
        for (unsigned i = 0; i < 8; i++) {
            ret->hashed[1 + i] = (char)(h.hi >> (56 - 8 * i));
            ret->hashed[9 + i] = (char)(h.lo >> (56 - 8 * i));
        }
        ret->bytes = slice_from(ret->hashed, sizeof(ret->hashed));
    }
    ret->hash = hash64(ret->bytes);
}

uint32_t value_clocks_page_of(struct slice stored)
{
    return (uint32_t)(hash64(stored) & (VALUE_CLOCK_PAGES - 1));
}

static struct value_clock_page *page_of(const struct value_clocks *c, uint64_t hash)
{
    return &c->pages[hash & (VALUE_CLOCK_PAGES - 1)];
}

static struct value_clock_entry **find(const struct value_clocks *c, struct slice value,
                                       uint64_t hash)
{
    struct value_clock_entry **at = &page_of(c, hash)->first;
    while (*at != NULL && !((*at)->hash == hash && slice_eq(entry_value(*at), value))) {
        at = &(*at)->chain;
    }
    return at;
}

static void note_change(struct value_clocks *c, uint64_t hash)
{
    struct value_clock_page *page = page_of(c, hash);
    if (!page->changed) {
        page->changed = true;
        c->changed[c->n_changed++] = (uint16_t)(page - c->pages);
    }
}

struct etime value_clocks_get(const struct value_clocks *c, struct slice value)
{
    struct name name;
    name_of(value, &name);
    const struct value_clock_entry *e = *find(c, name.bytes, name.hash);
    return e == NULL ? ETIME_MIN : e->max_time;
}

static void forget_one(struct value_clocks *c)
{
    struct heap *h = c->idle.n > 0 ? &c->idle : &c->active;
    struct value_clock_entry *e = HEAP_ENTRY(heap_pop(h), struct value_clock_entry, node);
    struct value_clock_entry **at = find(c, entry_value(e), e->hash);
    note_change(c, e->hash);
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
    struct value_clock_page *page = page_of(c, hash);
    e->chain = page->first;
    page->first = e;
    c->n++;
    return e;
}

void value_clocks_note(struct value_clocks *c, struct slice value, struct etime t,
                       struct etime partition_max)
{
    struct name name;
    name_of(value, &name);
    struct value_clock_entry *e = *find(c, name.bytes, name.hash);
    if (e == NULL) {
        e = add(c, name.bytes, name.hash);
    } else {
        heap_remove(e->counts ? &c->active : &c->idle, &e->node);
    }
    if (etime_lt(e->max_time, t)) {
        e->max_time = t;
        note_change(c, name.hash);
    }
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

/* ---- what is stored ----------------------------------------------------------------------- */

static int by_value(const void *x, const void *y)
{
    const struct value_clock_entry *const *a = x, *const *b = y;
    return slice_cmp(entry_value(*a), entry_value(*b));
}

void value_clocks_list(const struct value_clocks *c, uint32_t page, struct value_clock_list *ret)
{
    ret->n = 0;
    for (const struct value_clock_entry *e = c->pages[page].first; e != NULL; e = e->chain) {
        VEC_PUSH(ret->items, ret->n, ret->cap) = e;
    }
    if (ret->n > 1) {
        qsort(ret->items, ret->n, sizeof(*ret->items), by_value);
    }
}

static int by_number(const void *x, const void *y)
{
    const uint16_t *a = x, *b = y;
    return *a - *b;
}

size_t value_clocks_take_changed(struct value_clocks *c, const uint16_t **ret)
{
    size_t n = c->n_changed;
    if (n > 1) {
        qsort(c->changed, n, sizeof(*c->changed), by_number);
    }
    value_clocks_settle(c);
    *ret = c->changed;
    return n;
}

void value_clocks_settle(struct value_clocks *c)
{
    for (size_t i = 0; i < c->n_changed; i++) {
        c->pages[c->changed[i]].changed = false;
    }
    c->n_changed = 0;
}

void value_clocks_rewrite(struct value_clocks *c)
{
    for (uint32_t i = 0; i < VALUE_CLOCK_PAGES; i++) {
        if (c->pages[i].parts > 0) {
            note_change(c, i);
        }
    }
}

void value_clocks_clear(struct value_clocks *c)
{
    free_entries(c);
    heap_init(&c->active, node_cmp);
    heap_init(&c->idle, node_cmp);
    c->n = 0;
    value_clocks_rewrite(c);
}
