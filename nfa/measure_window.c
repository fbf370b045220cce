/* The values of a measure in order of time, in runs that are stored together. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "nfa/measure_internal.h"

/* ---- values in the pool ------------------------------------------------------------------- */

uint32_t value_owned_bytes(struct value v)
{
    size_t bytes = 0;
    if (v.kind == VAL_STRING) {
        bytes = v.len;
    } else if (v.kind == VAL_LIST) {
        bytes = v.len * sizeof(struct value);
        for (uint32_t i = 0; i < v.len; i++) {
            bytes += v.u.items[i].kind == VAL_STRING ? v.u.items[i].len : 0;
        }
    }
    return (uint32_t)bytes;
}

static char *place_text(struct value *v, char *at)
{
    if (v->kind == VAL_STRING && v->len) {
        memcpy(at, v->u.str, v->len);
        v->u.str = at;
        return at + v->len;
    }
    return at;
}

struct value value_own(struct value v, struct pool *pool, uint32_t *ret_bytes)
{
    *ret_bytes = value_owned_bytes(v);
    if (*ret_bytes == 0) {
        return v;
    }
    char *block = pool_alloc(pool, *ret_bytes);
    if (v.kind == VAL_STRING) {
        place_text(&v, block);
        return v;
    }
    struct value *items = (struct value *)(void *)block;
    memcpy(items, v.u.items, v.len * sizeof(*items));
    char *at = block + v.len * sizeof(*items);
    for (uint32_t i = 0; i < v.len; i++) {
        assert(items[i].kind != VAL_LIST); /* no list holds lists */
        at = place_text(&items[i], at);
    }
    v.u.items = items;
    return v;
}

void value_disown(struct value v, struct pool *pool)
{
    uint32_t bytes = value_owned_bytes(v);
    if (bytes) {
        pool_free(pool, (void *)(uintptr_t)(v.kind == VAL_STRING ? (const void *)v.u.str
                                                                 : (const void *)v.u.items),
                  bytes);
    }
}

/* ---- the window --------------------------------------------------------------------------- */

/* In its segment, roughly. */
static uint32_t stored_bytes(const struct measure_state *s, const struct kept *k)
{
    return s->tallied ? 32 : 12 + value_owned_bytes(k->u.v);
}

static uint32_t held_bytes(const struct measure_state *s, const struct kept *k)
{
    return s->tallied ? (uint32_t)sizeof(struct tally) : value_owned_bytes(k->u.v);
}

static void free_kept(struct measure_state *s, const struct kept *k)
{
    s->kept.bytes -= held_bytes(s, k);
    if (s->tallied) {
        POOL_DELETE(s->pool, k->u.tally);
    } else {
        value_disown(k->u.v, s->pool);
    }
}

void window_release(struct measure_state *s)
{
    struct window *w = &s->kept;
    for (size_t i = w->lo; i < w->n; i++) {
        free_kept(s, &w->items[i]);
    }
    free(w->items);
    free(w->segs);
    *w = (struct window){0};
}

static void compact(struct window *w)
{
    if (w->lo > 16 && w->lo > w->n / 2) {
        memmove(w->items, w->items + w->lo, (w->n - w->lo) * sizeof(*w->items));
        w->n -= w->lo;
        w->lo = 0;
    }
}

void window_push(struct measure_state *s, struct kept k, bool fresh)
{
    struct window *w = &s->kept;
    uint32_t owned;
    compact(w);
    if (!s->tallied) {
        k.u.v = value_own(k.u.v, s->pool, &owned);
    }
    uint32_t bytes = stored_bytes(s, &k);
    if (fresh || w->n_segs == 0 || w->segs[w->n_segs - 1].bytes + bytes > SEGMENT_MAX_BYTES) {
        VEC_PUSH(w->segs, w->n_segs, w->cap_segs) = (struct kept_segment){.id = w->next_segment++};
    }
    struct kept_segment *seg = &w->segs[w->n_segs - 1];
    seg->n++;
    seg->bytes += bytes;
    seg->dirty = true;
    w->bytes += held_bytes(s, &k);
    VEC_PUSH(w->items, w->n, w->cap) = k;
}

void window_pop_front(struct measure_state *s)
{
    struct window *w = &s->kept;
    struct kept *k = &w->items[w->lo];
    struct kept_segment *seg = &w->segs[0];
    seg->n--;
    seg->bytes -= stored_bytes(s, k);
    seg->dirty = true;
    free_kept(s, k);
    w->lo++;
    if (seg->n == 0) {
        w->n_segs--;
        memmove(w->segs, w->segs + 1, w->n_segs * sizeof(*w->segs));
    }
    if (w->lo == w->n) {
        w->lo = w->n = 0;
    }
}

/* Ids stay consecutive: that of an empty last segment is used again. */
void window_pop_back(struct measure_state *s)
{
    struct window *w = &s->kept;
    struct kept *k = &w->items[w->n - 1];
    struct kept_segment *seg = &w->segs[w->n_segs - 1];
    seg->n--;
    seg->bytes -= stored_bytes(s, k);
    seg->dirty = true;
    free_kept(s, k);
    w->n--;
    if (seg->n == 0) {
        w->n_segs--;
        w->next_segment--;
    }
    if (w->lo == w->n) {
        w->lo = w->n = 0;
    }
}
