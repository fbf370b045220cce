#include "engine/time/order_rows.h"

#include <stdlib.h>

#include "base/xalloc.h"

#define NO_ROW UINT32_MAX

void order_rows_release(struct order_rows *r)
{
    for (uint32_t i = 0; i < r->n_rows; i++) {
        free(r->rows[i].items);
    }
    *r = (struct order_rows){0};
}

void order_rows_clear(struct order_rows *r)
{
    for (uint32_t i = 0; i < r->n_rows; i++) {
        r->rows[i].head = r->rows[i].n = 0;
    }
    r->n = r->n_heads = 0;
}

/* ---- a row -------------------------------------------------------------------------------- */

static struct order_item *row_at(const struct order_row *w, size_t i)
{
    return &w->items[(w->head + i) & (w->cap - 1)];
}

static void row_grow(struct order_row *w)
{
    size_t cap = w->cap ? w->cap * 2 : 64;
    struct order_item *items = xmalloc(cap * sizeof(*items));
    for (size_t i = 0; i < w->n; i++) {
        items[i] = *row_at(w, i);
    }
    free(w->items);
    *w = (struct order_row){items, 0, w->n, cap};
}

static void row_push(struct order_row *w, const struct order_item *item)
{
    if (w->n == w->cap) {
        row_grow(w);
    }
    *row_at(w, w->n) = *item;
    w->n++;
}

size_t order_row_piece(const struct order_row *w, int piece, const struct order_item **ret)
{
    size_t first = w->cap - w->head; /* before it wraps around */
    first = first < w->n ? first : w->n;
    *ret = piece == 0 ? w->items + w->head : w->items;
    return piece == 0 ? first : w->n - first;
}

/* ---- heads -------------------------------------------------------------------------------- */

static const struct order_item *head_at(const struct order_rows *r, uint32_t i)
{
    const struct order_row *w = &r->rows[r->heads[i]];
    return &w->items[w->head];
}

static bool heads_in_order(const struct order_rows *r, uint32_t up, uint32_t i)
{
    return order_item_cmp(head_at(r, up), head_at(r, i)) < 0;
}

static void heads_add(struct order_rows *r, uint32_t row)
{
    uint32_t i = r->n_heads++;
    r->heads[i] = row;
    while (i > 0 && !heads_in_order(r, (i - 1) / 2, i)) {
        r->heads[i] = r->heads[(i - 1) / 2];
        i = (i - 1) / 2;
        r->heads[i] = row;
    }
}

static uint32_t lesser_child(const struct order_rows *r, uint32_t i)
{
    uint32_t child = 2 * i + 1;
    return child + (child + 1 < r->n_heads && heads_in_order(r, child + 1, child));
}

/* The first row has another head, or none. */
static void heads_settle(struct order_rows *r)
{
    if (r->rows[r->heads[0]].n == 0) {
        r->heads[0] = r->heads[--r->n_heads];
    }
    uint32_t i = 0, row = r->heads[0];
    for (uint32_t child; 2 * i + 1 < r->n_heads; i = child) {
        child = lesser_child(r, i);
        if (heads_in_order(r, i, child)) {
            break;
        }
        r->heads[i] = r->heads[child];
        r->heads[child] = row;
    }
}

/* ---- in and out --------------------------------------------------------------------------- */

static uint32_t free_row(struct order_rows *r, uint32_t empty)
{
    return empty != NO_ROW ? empty : r->n_rows < ORDER_ROWS ? r->n_rows++ : NO_ROW;
}

bool order_rows_push_anew(struct order_rows *r, const struct order_item *item)
{
    uint32_t best = NO_ROW, empty = NO_ROW;
    const struct order_item *closest = NULL;
    int64_t until_ns = INT64_MAX;
    for (uint32_t i = 0; i < r->n_rows; i++) {
        const struct order_row *w = &r->rows[i];
        const struct order_item *last = w->n > 0 ? row_at(w, w->n - 1) : NULL;
        if (last == NULL) {
            empty = i;
        } else if (order_item_cmp(last, item) >= 0) {
            until_ns = last->time.ns < until_ns ? last->time.ns : until_ns;
        } else if (closest == NULL || order_item_cmp(closest, last) < 0) {
            best = i;
            closest = last;
        }
    }
    best = best != NO_ROW ? best : free_row(r, empty);
    if (best == NO_ROW) {
        return false;
    }
    struct order_row *w = &r->rows[best];
    row_push(w, item);
    if (w->n == 1) {
        heads_add(r, best);
    }
    r->n++;
    r->open = best;
    r->open_ns = item->time.ns;
    r->until_ns = until_ns;
    return true;
}

const struct order_item *order_rows_first(const struct order_rows *r)
{
    return r->n_heads > 0 ? head_at(r, 0) : NULL;
}

size_t order_rows_take(struct order_rows *r, const struct place *limit, const struct order_item *other,
                       size_t most, const struct order_item **ret)
{
    if (r->n_heads == 0) {
        return 0;
    }
    if (r->n_heads > 1) {
        const struct order_item *next = head_at(r, lesser_child(r, 0));
        other = other == NULL || order_item_cmp(next, other) < 0 ? next : other;
    }
    struct order_row *w = &r->rows[r->heads[0]];
    size_t n = order_row_piece(w, 0, ret), found = 0;
    n = n < most ? n : most;
    while (found < n && order_item_is_before(&(*ret)[found], limit) &&
           (other == NULL || order_item_cmp(&(*ret)[found], other) < 0)) {
        found++;
    }
    if (found > 0) {
        w->head = (w->head + found) & (w->cap - 1);
        w->n -= found;
        r->n -= found;
        heads_settle(r);
    }
    return found;
}
