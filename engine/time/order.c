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
    order_rows_release(&o->rows);
    free(o->heap);
    *o = (struct order){0};
}

/* ---- heap --------------------------------------------------------------------------------- */

static void heap_item_push(struct order *o, struct order_item item)
{
    size_t i = o->heap_n;
    VEC_PUSH(o->heap, o->heap_n, o->heap_cap) = item;
    while (i > 0 && order_item_cmp(&item, &o->heap[(i - 1) / 2]) < 0) {
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
        if (child + 1 < o->heap_n && order_item_cmp(&o->heap[child + 1], &o->heap[child]) < 0) {
            child++;
        }
        if (order_item_cmp(&item, &o->heap[child]) <= 0) {
            break;
        }
        o->heap[i] = o->heap[child];
        i = child;
    }
    if (o->heap_n > 0) {
        o->heap[i] = item;
    }
}

void order_push_aside(struct order *o, const struct order_item *item)
{
    heap_item_push(o, *item);
}

/* ---- both --------------------------------------------------------------------------------- */

static bool heap_is_first(const struct order *o)
{
    const struct order_item *first = order_rows_first(&o->rows);
    return o->heap_n > 0 && (first == NULL || order_item_cmp(&o->heap[0], first) < 0);
}

static const struct order_item *peek_memory(const struct order *o)
{
    return heap_is_first(o) ? &o->heap[0] : order_rows_first(&o->rows);
}

/* The run whose head stands in front of everything in memory; n_runs: none. */
static size_t first_run(const struct order *o)
{
    const struct order_item *least = peek_memory(o);
    size_t first = o->n_runs;
    for (size_t i = 0; i < o->n_runs; i++) {
        const struct order_item *head = &o->runs[i]->head;
        if (least == NULL || order_item_cmp(head, least) < 0) {
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

size_t order_take(struct order *o, struct place limit, size_t most, const struct order_item **ret)
{
    if (o->spill != NULL) {
        return 0;
    }
    return order_rows_take(&o->rows, &limit, o->heap_n > 0 ? &o->heap[0] : NULL, most, ret);
}

bool order_pop(struct order *o, struct place limit, struct order_item *ret)
{
    if (o->spill != NULL && o->spill->rc != ERR_OK) {
        return false;
    }
    size_t run = first_run(o);
    const struct order_item *first = run < o->n_runs ? &o->runs[run]->head : peek_memory(o);
    if (first == NULL || !order_item_is_before(first, &limit)) {
        return false;
    }
    *ret = *first;
    if (run < o->n_runs) {
        pop_run(o, run, ret);
    } else if (heap_is_first(o)) {
        heap_item_drop_first(o);
    } else {
        order_rows_take(&o->rows, &limit, NULL, 1, &first);
    }
    return true;
}

/* ---- disk --------------------------------------------------------------------------------- */

static int by_place(const void *x, const void *y)
{
    return order_item_cmp(x, y);
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

static void copy_waiting(const struct order *o, struct order_item *ret)
{
    for (uint32_t i = 0; i < 2 * o->rows.n_rows; i++) {
        const struct order_item *items;
        size_t n = order_row_piece(&o->rows.rows[i / 2], i % 2, &items);
        if (n > 0) {
            memcpy(ret, items, n * sizeof(*items));
        }
        ret += n;
    }
    if (o->heap_n > 0) {
        memcpy(ret, o->heap, o->heap_n * sizeof(*o->heap));
    }
}

enum err order_spill(struct order *o, struct spill *s)
{
    size_t n = o->rows.n + o->heap_n;
    if (n == 0) {
        return ERR_OK;
    }
    struct order_item *items = xmalloc(n * sizeof(*items));
    copy_waiting(o, items);
    qsort(items, n, sizeof(*items), by_place);
    enum err rc = add_run(o, s, items, n);
    if (rc == ERR_OK) {
        order_rows_clear(&o->rows);
        o->heap_n = 0;
    }
    free(items);
    return rc;
}
