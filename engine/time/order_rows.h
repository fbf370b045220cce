/* Events in rows, each of which ascends by place. What comes goes behind the row whose last event stands
 * closest in front of it, so logs that are each in order need no more rows than there are logs, however they
 * are interleaved and however far one is ahead. The next event is the least of a few heads. */
#ifndef FYKE_ENGINE_TIME_ORDER_ROWS_H
#define FYKE_ENGINE_TIME_ORDER_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/time/place.h"
#include "engine/time/spill.h"

#define ORDER_ROWS 64

struct order_row {
    struct order_item *items; /* a ring: ascending from head; cap is 0 or a power of two */
    size_t head, n, cap;
};

struct order_rows {
    struct order_row rows[ORDER_ROWS];
    uint32_t n_rows; /* made so far */
    uint32_t heads[ORDER_ROWS]; /* rows that hold anything: a heap by their first event */
    uint32_t n_heads;
    size_t n;      /* events */
    uint32_t open; /* the row that the last one went to, at open_ns; */
    int64_t open_ns, until_ns; /* whatever stands behind that and in front of this goes there, too */
};

void order_rows_release(struct order_rows *r);
/* Nothing waits any more; the memory stays. */
void order_rows_clear(struct order_rows *r);
/* False: it stands in front of the last event of every row, and there are no more rows. */
bool order_rows_push_anew(struct order_rows *r, const struct order_item *item);
/* Where the next event of this time goes, which is behind the one before; NULL: order_rows_push_anew() knows. */
static inline struct order_item *order_rows_next(struct order_rows *r, struct etime time)
{
    struct order_row *w = &r->rows[r->open];
    if (w->n == 0 || w->n == w->cap || time.ns <= r->open_ns || time.ns >= r->until_ns) {
        return NULL;
    }
    struct order_item *ret = &w->items[(w->head + w->n) & (w->cap - 1)];
    w->n++;
    r->n++;
    r->open_ns = time.ns;
    return ret;
}
static inline bool order_rows_push(struct order_rows *r, const struct order_item *item)
{
    struct order_item *to = order_rows_next(r, item->time);
    if (to == NULL) {
        return order_rows_push_anew(r, item);
    }
    *to = *item;
    return true;
}
/* NULL when empty. */
const struct order_item *order_rows_first(const struct order_rows *r);
/* Takes what stands in front of `limit` and of `other`, unless that is NULL, one behind the other: returns how
 * many, at most `most`; they are valid until the next push. */
size_t order_rows_take(struct order_rows *r, const struct place *limit, const struct order_item *other,
                       size_t most, const struct order_item **ret);
/* The events of a row, in two pieces where it wraps around. Returns how many; `piece` is 0 or 1. */
size_t order_row_piece(const struct order_row *w, int piece, const struct order_item **ret);

static inline int order_item_cmp(const struct order_item *a, const struct order_item *b)
{
    if (a->time.ns != b->time.ns) {
        return a->time.ns < b->time.ns ? -1 : 1;
    }
    return place_cmp(order_item_place(a), order_item_place(b));
}

static inline bool order_item_is_before(const struct order_item *item, const struct place *limit)
{
    return item->time.ns < limit->time.ns ||
           (item->time.ns == limit->time.ns && place_cmp(order_item_place(item), *limit) < 0);
}

#endif
