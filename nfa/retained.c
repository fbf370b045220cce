#include "nfa/retained.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "nfa/postings.h"

/* Fewer events than this are looked through one by one. */
#define INDEX_FROM 64

static void free_event(struct retained *r, struct pool *pool, struct event *e)
{
    r->bytes -= e->bytes;
    shared_event_drop(pool, e);
}

/* Of an array whose first element has its place in `own`. */
static void array_free(struct pool *pool, void *items, const void *own, size_t bytes)
{
    if (items != own) {
        pool_free(pool, items, bytes);
    }
}

void retained_release(struct retained *r, struct pool *pool)
{
    for (uint32_t i = r->lo; i < r->n; i++) {
        free_event(r, pool, r->items[i].event);
    }
    array_free(pool, r->items, &r->own_item, r->cap * sizeof(*r->items));
    array_free(pool, r->segs, &r->own_seg, r->cap_segs * sizeof(*r->segs));
    postings_free(r->index);
}

void retained_abandon(struct retained *r)
{
    postings_free(r->index);
    r->index = NULL;
}

static void *array_copy(struct pool *pool, const void *items, size_t n, size_t elem_bytes)
{
    if (n == 0) {
        return NULL;
    }
    void *copy = pool_alloc(pool, n * elem_bytes);
    memcpy(copy, items, n * elem_bytes);
    return copy;
}

void retained_copy(const struct retained *r, struct pool *pool, struct retained *ret)
{
    uint32_t n = retained_count(r);
    *ret = *r;
    if (n == 1) {
        ret->own_item = *retained_at(r, 0);
    }
    if (r->n_segs == 1) {
        ret->own_seg = r->segs[0];
    }
    ret->items = n == 1 ? &ret->own_item
                        : array_copy(pool, r->items + r->lo, n, sizeof(*r->items));
    ret->segs = r->n_segs == 1 ? &ret->own_seg
                               : array_copy(pool, r->segs, r->n_segs, sizeof(*r->segs));
    ret->index = NULL; /* made when it is asked */
    ret->n = ret->cap = n;
    ret->lo = 0;
    ret->cap_segs = r->n_segs;
    for (uint32_t i = 0; i < n; i++) {
        shared_event_hold(ret->items[i].event);
    }
}

/* Room for one behind `n` elements; the first one's is `own`. */
static void *array_grow(struct pool *pool, void *items, void *own, uint32_t *cap, uint32_t n,
                        size_t elem_bytes)
{
    if (n < *cap) {
        return items;
    }
    if (*cap == 0) {
        *cap = 1;
        return own;
    }
    if (items != own) {
        return pool_grow(pool, items, cap, n + 1, elem_bytes);
    }
    void *moved = pool_alloc(pool, 2 * elem_bytes);
    memcpy(moved, own, elem_bytes);
    *cap = 2;
    return moved;
}

static void grow_items(struct retained *r, struct pool *pool)
{
    r->items = array_grow(pool, r->items, &r->own_item, &r->cap, r->n, sizeof(*r->items));
}

/* Keeps the array from growing for ever when events are dropped as fast as they come. */
static inline void compact(struct retained *r)
{
    if (r->n == r->cap && r->lo > 0 && r->lo >= r->n / 2) {
        memmove(r->items, r->items + r->lo, (r->n - r->lo) * sizeof(*r->items));
        r->n -= r->lo;
        r->lo = 0;
    }
}

static struct segment *new_segment(struct retained *r, struct pool *pool)
{
    r->segs = array_grow(pool, r->segs, &r->own_seg, &r->cap_segs, r->n_segs, sizeof(*r->segs));
    r->segs[r->n_segs] = (struct segment){.first_serial = r->first_serial + (r->n - r->lo)};
    r->next_segment++;
    return &r->segs[r->n_segs++];
}

static struct event *copy_of(const struct retained *r, struct pool *pool, const struct event *e,
                             struct shared_event *shared)
{
    uint32_t last = r->n > r->lo ? r->last_serial : 0;
    return shared_event_keep(shared, pool, e, last);
}

static struct candidate *append(struct retained *r, struct pool *pool, struct event *copy, bool fresh,
                                const struct candidate *as)
{
    compact(r);
    struct segment *seg = fresh ? new_segment(r, pool) : &r->segs[r->n_segs - 1];
    seg->n++;
    seg->bytes += copy->bytes;
    seg->dirty = true;
    r->bytes += copy->bytes;
    r->oldest = r->n > r->lo ? r->oldest : copy->time;
    r->newest = copy->time;
    r->last_serial = copy->serial;
    grow_items(r, pool);
    candidate_set(&r->items[r->n], copy, as);
    return &r->items[r->n++];
}

struct candidate *retained_append_to(struct retained *r, struct pool *pool, const struct event *e,
                                     bool fresh)
{
    return append(r, pool, copy_of(r, pool, e, NULL), fresh, &(struct candidate){0});
}

void retained_append(struct retained *r, struct pool *pool, const struct event *e,
                     struct shared_event *shared, const struct candidate *as)
{
    struct event *copy = copy_of(r, pool, e, shared);
    bool fits = r->n_segs && r->segs[r->n_segs - 1].bytes + copy->bytes <= SEGMENT_MAX_BYTES;
    append(r, pool, copy, !fits, as);
}

void retained_borrow(struct retained *r, struct pool *pool, const struct event *e,
                     const struct candidate *as)
{
    compact(r);
    grow_items(r, pool);
    /* read alone: what is done with it is done to its copy */
    candidate_set(&r->items[r->n], (struct event *)(uintptr_t)e, as);
    r->n++;
}

static void drop_from_index(const struct retained *r)
{
    if (r->index) {
        postings_drop_last(r->index, r->first_serial + retained_count(r) - 1,
                           r->items[r->n - 1].tests);
    }
}

void retained_give_back(struct retained *r)
{
    drop_from_index(r);
    r->n--;
}

void retained_keep(struct retained *r, struct pool *pool, struct shared_event *shared)
{
    struct candidate c = r->items[--r->n];
    retained_append(r, pool, c.event, shared, &c);
}

void retained_drop_last(struct retained *r, struct pool *pool)
{
    assert(r->n > r->lo && r->n_segs);
    struct event *e = r->items[r->n - 1].event;
    struct segment *seg = &r->segs[r->n_segs - 1];
    drop_from_index(r);
    seg->n--;
    seg->bytes -= e->bytes;
    seg->dirty = true;
    free_event(r, pool, e);
    r->n--;
    if (r->n > r->lo) {
        r->newest = r->items[r->n - 1].time;
        r->last_serial = r->items[r->n - 1].event->serial;
    }
    if (seg->n == 0) { /* ids stay consecutive: this one is given back */
        r->n_segs--;
        r->next_segment--;
    }
}

void retained_drop_all(struct retained *r, struct pool *pool)
{
    for (uint32_t i = r->lo; i < r->n; i++) {
        free_event(r, pool, r->items[i].event);
    }
    r->first_serial += retained_count(r);
    r->lo = r->n = r->n_segs = 0;
}

/* A segment holds what is kept of it, nothing else: equal state gives equal bytes. */
void retained_drop_front(struct retained *r, struct pool *pool, uint32_t count)
{
    assert(count <= retained_count(r));
    uint32_t gone = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct segment *seg = &r->segs[gone];
        struct event *e = r->items[r->lo + i].event;
        seg->n--;
        seg->bytes -= e->bytes;
        seg->first_serial++;
        seg->dirty = true;
        free_event(r, pool, e);
        gone += seg->n == 0;
    }
    r->lo += count;
    r->first_serial += count;
    if (gone) {
        memmove(r->segs, r->segs + gone, (r->n_segs - gone) * sizeof(*r->segs));
        r->n_segs -= gone;
    }
    if (r->lo == r->n) {
        r->lo = r->n = 0;
    } else if (count > 0) {
        r->oldest = r->items[r->lo].time;
    }
}

void retained_touch(struct retained *r, uint32_t i)
{
    uint64_t serial = r->first_serial + i;
    uint32_t lo = 0, hi = r->n_segs;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (r->segs[mid].first_serial <= serial) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    assert(r->n_segs && r->segs[lo].first_serial <= serial);
    r->segs[lo].dirty = true;
}

void retained_saved(struct retained *r)
{
    for (uint32_t i = 0; i < r->n_segs; i++) {
        r->segs[i].dirty = false;
    }
}

/* ---- looking for events -------------------------------------------------------------------- */

/* NULL: too few events for it to pay. */
static struct postings *index_of(struct retained *r)
{
    uint32_t n = retained_count(r);
    if (!r->index && n < INDEX_FROM) {
        return NULL;
    }
    if (n < INDEX_FROM / 4) {
        postings_free(r->index);
        r->index = NULL;
        return NULL;
    }
    if (!r->index) {
        r->index = postings_new(r->first_serial);
    }
    struct postings *p = r->index;
    uint64_t serial = p->next > r->first_serial ? p->next : r->first_serial;
    for (uint64_t end = r->first_serial + n; serial < end; serial++) {
        const struct candidate *c = retained_at(r, (uint32_t)(serial - r->first_serial));
        postings_add(p, r->first_serial, serial, c->tests);
    }
    return p;
}

uint32_t retained_next(struct retained *r, uint32_t from, uint32_t end, uint64_t tests,
                       struct nfa_work *work)
{
    if (from >= end) {
        return end;
    }
    struct postings *p = end - from > 8 ? index_of(r) : NULL;
    if (!p) {
        while (from < end && !(retained_at(r, from)->tests & tests)) {
            work->visits++;
            from++;
        }
        work->visits++;
        return from;
    }
    uint64_t best = r->first_serial + end;
    for (uint64_t b = tests; b; b &= b - 1) {
        struct posting_list *l = &p->lists[__builtin_ctzll(b)];
        size_t at = postings_seek(l, r->first_serial, r->first_serial + from);
        if (at < l->n && l->serials[at] < best) {
            best = l->serials[at];
        }
        work->visits++;
    }
    return (uint32_t)(best - r->first_serial);
}

uint32_t retained_nth_before(struct retained *r, uint32_t test, uint32_t end, uint32_t n,
                             struct nfa_work *work)
{
    struct postings *p = index_of(r);
    if (p) {
        struct posting_list *l = &p->lists[test];
        size_t at = postings_seek(l, r->first_serial, r->first_serial + end);
        work->visits++;
        return at - l->lo < n ? UINT32_MAX : (uint32_t)(l->serials[at - n] - r->first_serial);
    }
    for (uint32_t i = end; i-- > 0;) {
        work->visits++;
        if ((retained_at(r, i)->tests & (UINT64_C(1) << test)) && --n == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

uint32_t retained_prev(struct retained *r, uint32_t end, uint64_t tests,
                       struct nfa_work *work)
{
    struct postings *p = end > 8 ? index_of(r) : NULL;
    uint32_t best = 0; /* index + 1 */
    if (!p) {
        for (best = end; best > 0 && !(retained_at(r, best - 1)->tests & tests); best--) {
            work->visits++;
        }
        return best - 1;
    }
    for (uint64_t b = tests; b; b &= b - 1) {
        struct posting_list *l = &p->lists[__builtin_ctzll(b)];
        size_t at = postings_seek(l, r->first_serial, r->first_serial + end);
        if (at > l->lo && l->serials[at - 1] - r->first_serial + 1 > best) {
            best = (uint32_t)(l->serials[at - 1] - r->first_serial + 1);
        }
        work->visits++;
    }
    return best - 1;
}

uint32_t retained_at_or_after(const struct retained *r, struct etime t)
{
    uint32_t lo = 0, hi = retained_count(r);
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (etime_lt(retained_at(r, mid)->time, t)) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

uint64_t retained_memory(const struct retained *r)
{
    size_t items = r->items != &r->own_item ? r->cap : 0;
    size_t segs = r->segs != &r->own_seg ? r->cap_segs : 0;
    return r->bytes + items * sizeof(*r->items) + segs * sizeof(*r->segs) +
           (r->index ? r->index->bytes : 0);
}
