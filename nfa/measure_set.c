/* The values of a set by when they were seen last: what leaves is always the oldest one, whether by
 * time or because there are too many. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "nfa/measure_internal.h"

#define NO_ITEM 0

static struct seen *item_at(const struct seen_set *set, uint32_t ref)
{
    return &set->items[ref - 1];
}

static void mark_dirty(struct seen_set *set, uint32_t ref)
{
    size_t run = (ref - 1) / SEEN_PER_SEGMENT;
    if (run >= set->cap_dirty) {
        size_t old = set->cap_dirty;
        set->dirty = xgrow(set->dirty, &set->cap_dirty, run + 1, sizeof(*set->dirty));
        memset(set->dirty + old, 0, (set->cap_dirty - old) * sizeof(*set->dirty));
    }
    set->dirty[run] = true;
}

/* ---- table -------------------------------------------------------------------------------- */

static size_t slot_of(const struct seen_set *set, struct value v)
{
    size_t mask = set->slot_count - 1;
    size_t i = (size_t)value_hash(v) & mask;
    while (set->slots[i] != NO_ITEM && !value_equal(item_at(set, set->slots[i])->v, v)) {
        i = (i + 1) & mask;
    }
    return i;
}

static void grow_slots(struct seen_set *set)
{
    size_t count = set->slot_count ? set->slot_count * 2 : 16;
    free(set->slots);
    set->slots = xcalloc(count, sizeof(*set->slots));
    set->slot_count = count;
    for (size_t i = 0; i < set->n; i++) {
        set->slots[slot_of(set, set->items[i].v)] = (uint32_t)i + 1;
    }
}

/* Linear probing: what stands behind the hole moves up if it could not be found otherwise. */
static void clear_slot(struct seen_set *set, size_t hole)
{
    size_t mask = set->slot_count - 1;
    for (size_t i = (hole + 1) & mask; set->slots[i] != NO_ITEM; i = (i + 1) & mask) {
        size_t home = (size_t)value_hash(item_at(set, set->slots[i])->v) & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            set->slots[hole] = set->slots[i];
            hole = i;
        }
    }
    set->slots[hole] = NO_ITEM;
}

/* ---- order of being seen ------------------------------------------------------------------ */

static void unlink_item(struct seen_set *set, uint32_t ref)
{
    struct seen *e = item_at(set, ref);
    *(e->older ? &item_at(set, e->older)->newer : &set->oldest) = e->newer;
    *(e->newer ? &item_at(set, e->newer)->older : &set->newest) = e->older;
}

static void link_newest(struct seen_set *set, uint32_t ref)
{
    struct seen *e = item_at(set, ref);
    e->older = set->newest;
    e->newer = NO_ITEM;
    *(set->newest ? &item_at(set, set->newest)->newer : &set->oldest) = ref;
    set->newest = ref;
}

/* ---- changes ------------------------------------------------------------------------------ */

void seen_release(struct measure_state *s)
{
    struct seen_set *set = &s->seen;
    for (size_t i = 0; i < set->n; i++) {
        value_disown(set->items[i].v, s->pool);
    }
    free(set->items);
    free(set->slots);
    free(set->dirty);
    *set = (struct seen_set){0};
}

static uint32_t add_item(struct measure_state *s, struct value v)
{
    struct seen_set *set = &s->seen;
    uint32_t owned;
    if ((set->n + 1) * 2 > set->slot_count) {
        grow_slots(set);
    }
    v = value_own(v, s->pool, &owned);
    set->bytes += owned;
    VEC_PUSH(set->items, set->n, set->cap) = (struct seen){.v = v, .time = NEVER};
    uint32_t ref = (uint32_t)set->n;
    set->slots[slot_of(set, v)] = ref;
    return ref;
}

void seen_touch(struct measure_state *s, struct value v, int64_t time, bool pending)
{
    struct seen_set *set = &s->seen;
    uint32_t ref = set->slot_count ? set->slots[slot_of(set, v)] : NO_ITEM;
    if (ref == NO_ITEM) {
        ref = add_item(s, v);
        item_at(set, ref)->entered = set->next;
    } else {
        unlink_item(set, ref);
    }
    struct seen *e = item_at(set, ref);
    e->last = set->next++;
    e->pending = e->pending || pending;
    e->time = pending ? e->time : time;
    link_newest(set, ref);
    mark_dirty(set, ref);
}

/* The last entry fills the hole. */
static void drop_item(struct measure_state *s, uint32_t ref)
{
    struct seen_set *set = &s->seen;
    struct seen *e = item_at(set, ref);
    unlink_item(set, ref);
    clear_slot(set, slot_of(set, e->v));
    set->bytes -= value_owned_bytes(e->v);
    value_disown(e->v, s->pool);
    uint32_t last = (uint32_t)set->n;
    mark_dirty(set, ref);
    mark_dirty(set, last);
    if (ref != last) {
        size_t slot = slot_of(set, item_at(set, last)->v);
        *e = *item_at(set, last);
        set->slots[slot] = ref;
        *(e->older ? &item_at(set, e->older)->newer : &set->oldest) = ref;
        *(e->newer ? &item_at(set, e->newer)->older : &set->newest) = ref;
    }
    set->n--;
}

/* What was seen in the open bucket stands at the newest end. */
void seen_close(struct measure_state *s, int64_t start)
{
    struct seen_set *set = &s->seen;
    for (uint32_t ref = set->newest; ref != NO_ITEM && item_at(set, ref)->pending;
         ref = item_at(set, ref)->older) {
        item_at(set, ref)->pending = false;
        item_at(set, ref)->time = start;
        mark_dirty(set, ref);
    }
}

void seen_evict(struct measure_state *s, uint32_t max)
{
    while (max && s->seen.n > max) {
        drop_item(s, s->seen.oldest);
    }
}

void seen_expire(struct measure_state *s, int64_t cutoff)
{
    struct seen_set *set = &s->seen;
    while (set->oldest != NO_ITEM && !item_at(set, set->oldest)->pending &&
           item_at(set, set->oldest)->time < cutoff) {
        drop_item(s, set->oldest);
    }
}

/* ---- asking ------------------------------------------------------------------------------- */

/* A value seen in the open bucket and long before is out although it is kept. */
static bool visible(const struct seen *e, int64_t cutoff)
{
    return e->time != NEVER && e->time >= cutoff;
}

size_t seen_count(const struct measure_state *s, int64_t cutoff)
{
    size_t n = 0;
    for (size_t i = 0; i < s->seen.n; i++) {
        n += visible(&s->seen.items[i], cutoff);
    }
    return n;
}

static int by_entered(const void *a, const void *b)
{
    const struct seen *const *x = a, *const *y = b;
    return (*x)->entered < (*y)->entered ? -1 : (*x)->entered > (*y)->entered;
}

struct value seen_list(const struct measure_state *s, int64_t cutoff, struct eval *ev)
{
    const struct seen **found = ARENA_ARRAY(ev->scratch, const struct seen *, s->seen.n + 1);
    struct value *items = ARENA_ARRAY(ev->scratch, struct value, s->seen.n + 1);
    uint32_t n = 0;
    for (size_t i = 0; i < s->seen.n; i++) {
        if (visible(&s->seen.items[i], cutoff)) {
            found[n++] = &s->seen.items[i];
        }
    }
    if (n > 1) {
        qsort(found, n, sizeof(const struct seen *), by_entered);
    }
    for (uint32_t i = 0; i < n; i++) {
        items[i] = found[i]->v;
    }
    return n ? value_list(items, n) : VALUE_MISSING;
}

/* ---- stored form -------------------------------------------------------------------------- */

uint32_t seen_segments(const struct seen_set *set)
{
    return (uint32_t)((set->n + SEEN_PER_SEGMENT - 1) / SEEN_PER_SEGMENT);
}

void seen_encode(const struct measure_state *s, uint32_t segment, struct buf *out)
{
    const struct seen_set *set = &s->seen;
    size_t from = (size_t)segment * SEEN_PER_SEGMENT;
    size_t to = from + SEEN_PER_SEGMENT < set->n ? from + SEEN_PER_SEGMENT : set->n;
    buf_put_varint(out, to - from);
    for (size_t i = from; i < to; i++) {
        const struct seen *e = &set->items[i];
        value_encode(e->v, out);
        buf_put_zigzag(out, e->time);
        buf_put_byte(out, e->pending);
        buf_put_varint(out, e->entered);
        buf_put_varint(out, e->last);
    }
}

bool seen_decode(struct measure_state *s, struct reader *r, struct arena *arena)
{
    struct seen_set *set = &s->seen;
    uint64_t n = read_varint(r);
    for (uint64_t i = 0; i < n && !r->failed; i++) {
        uint32_t owned;
        struct seen e = {.v = value_decode(r, arena), .time = read_zigzag(r)};
        e.pending = read_byte(r) != 0;
        e.entered = read_varint(r);
        e.last = read_varint(r);
        if (r->failed || e.v.kind != s->m->agg->kids[0]->kind || e.last >= set->next) {
            return false;
        }
        e.v = value_own(e.v, s->pool, &owned);
        set->bytes += owned;
        VEC_PUSH(set->items, set->n, set->cap) = e;
    }
    return !r->failed && n > 0 && n <= SEEN_PER_SEGMENT && reader_left(r) == 0;
}

struct by_last {
    uint64_t last;
    uint32_t ref;
};

static int compare_last(const void *a, const void *b)
{
    const struct by_last *x = a, *y = b;
    return x->last < y->last ? -1 : x->last > y->last;
}

/* By time as by number; what was seen in the open bucket comes last. */
static bool stand_in_order(const struct seen_set *set, uint32_t before, uint32_t after)
{
    const struct seen *a = item_at(set, before), *b = item_at(set, after);
    return a->last < b->last && (b->pending || (!a->pending && a->time <= b->time));
}

bool seen_rebuild(struct measure_state *s)
{
    struct seen_set *set = &s->seen;
    size_t n = set->n;
    bool ok = true;
    struct by_last *order = xcalloc(n + 1, sizeof(*order));
    while (n * 2 > set->slot_count) {
        set->slot_count = set->slot_count ? set->slot_count * 2 : 16;
    }
    set->slots = n ? xcalloc(set->slot_count, sizeof(*set->slots)) : NULL;
    for (size_t i = 0; i < n; i++) {
        size_t slot = slot_of(set, set->items[i].v);
        ok = ok && set->slots[slot] == NO_ITEM;
        set->slots[slot] = (uint32_t)i + 1;
        order[i] = (struct by_last){set->items[i].last, (uint32_t)i + 1};
    }
    if (n > 1) {
        qsort(order, n, sizeof(*order), compare_last);
    }
    for (size_t i = 0; i < n; i++) {
        ok = ok && (i == 0 || stand_in_order(set, order[i - 1].ref, order[i].ref));
        link_newest(set, order[i].ref);
    }
    free(order);
    return ok;
}
