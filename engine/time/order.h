/* The order buffer of one clock group: events in, sorted by their place of release, out. That place
 * is the event's own in the total order, except for one of a value that came back (order_item).
 *
 * Events stand in rows (order_rows.h), one for each log that is in order by itself; what no row can take goes
 * through a heap. So input in order costs two comparisons per event. What does not fit into memory waits in
 * runs on disk (spill.h). */
#ifndef FYKE_ENGINE_TIME_ORDER_H
#define FYKE_ENGINE_TIME_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/time/event_block.h"
#include "engine/time/order_rows.h"
#include "engine/time/place.h"
#include "engine/time/spill.h"

struct order {
    struct order_rows rows;
    struct order_item *heap; /* the others, least first */
    size_t heap_n, heap_cap;
    struct spill_run **runs; /* SPILL_RUNS at most */
    size_t n_runs, cap_runs;
    size_t n_spilled; /* events in them */
    struct spill *spill; /* NULL until something was spilled */
};

void order_init(struct order *o);
void order_release(struct order *o);
static inline size_t order_count(const struct order *o)
{
    return o->rows.n + o->heap_n + o->n_spilled;
}
void order_push_aside(struct order *o, const struct order_item *item);
static inline void order_push(struct order *o, const struct order_item *item)
{
    if (!order_rows_push(&o->rows, item)) {
        order_push_aside(o, item);
    }
}
/* Of an event of input that is released at its own time, and whose record nobody keeps. */
static inline void order_push_event(struct order *o, struct event *event, struct event_block *block)
{
    struct order_item *to = order_rows_next(&o->rows, event->time);
    if (to != NULL) {
        *to = (struct order_item){event->time, event, block, NULL};
    } else {
        order_push(o, &(struct order_item){event->time, event, block, NULL});
    }
}
/* NULL when empty. */
const struct order_item *order_peek(const struct order *o);
/* Takes the least event if it stands before `limit`. Nothing comes any more when a run could not be
 * read: spill.rc says so. */
bool order_pop(struct order *o, struct place limit, struct order_item *ret);
/* The same for many that stand in a row one behind the other: returns how many, at most `most`; they are
 * valid until the next push. 0: order_pop() may know of one. */
size_t order_take(struct order *o, struct place limit, size_t most, const struct order_item **ret);
/* Everything in memory becomes a run. */
enum err order_spill(struct order *o, struct spill *s) FYKE_MUST_USE;

#endif
