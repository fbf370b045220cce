/* The clock of the rules with one set of sources: how far event time has come (watermark W) and
 * what may be released (limit). Both only grow.
 *
 *   W      least frontier of the partitions that hold the clock; a deadline T fires when W > T
 *   limit  first place at which an event may still arrive; everything before it is released
 *
 * In a group that waits, a rule reads what deadlines derive: a deadline of time T stands behind the
 * events of T and in front of all later ones, so nothing behind W is released. That costs no time
 * while partitions deliver (the limit is W's then); at the end of bounded input such rules see no
 * more than what is decided.
 *
 * In bounded input a partition at its end no longer holds back the release; for the deadlines a
 * topic at its end stands at the largest time read in any of its partitions − bound (formats.md
 * "End of a file"), so that what fires does not depend on which file was read first. */
#ifndef FYKE_ENGINE_TIME_CLOCK_GROUP_H
#define FYKE_ENGINE_TIME_CLOCK_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "engine/time/order.h"
#include "engine/time/partition.h"
#include "engine/time/place.h"
#include "nfa/rule.h"

struct clock_state {
    const struct clock_group *def;
    const struct partition **parts; /* of its topics, in order of topic; borrowed items */
    uint32_t n_parts, cap_parts;
    struct etime watermark;
    struct place limit;
    struct place before;   /* limit of the pass before: an event in front of it came too late */
    struct place released; /* where the last event was released; PLACE_MIN: none */
    struct etime floor;    /* engine_advance() */
    struct etime end; /* the watermark stops there: what lies behind is nobody's, however much is read of it */
    bool has_history;      /* history_begin is fixed */
    struct etime history_begin;
    struct order order;
    struct order_item taken; /* alone, from elsewhere than the ring */
    /* What holds the clock, for the log. */
    const struct partition *holder;
    struct etime held_at; /* its watermark then */
    struct ptime held_since, named_at;
    bool was_named;
};

void clock_state_init(struct clock_state *c, const struct clock_group *def);
void clock_state_release(struct clock_state *c);
bool clock_state_reads(const struct clock_state *c, uint32_t topic);
void clock_state_add(struct clock_state *c, const struct partition *p);

/* Takes over what the partitions have read. Call before each release. */
void clock_state_update(struct clock_state *c);
/* Event time goes on to at least t, whatever the partitions say. */
void clock_state_raise(struct clock_state *c, struct etime t);
/* The next events in order, in front of `cut`, at most `most` of them; valid until the next push or take.
 * Returns how many; 0: there are no more. */
size_t clock_state_take(struct clock_state *c, struct place cut, size_t most,
                        const struct order_item **ret);
/* Of one that was taken: the clock had passed its place (after idleness, or its value had fallen silent and
 * came back). */
static inline bool clock_state_came_after(const struct clock_state *c, const struct order_item *item)
{
    return order_item_came_back(item) ||
           (item->time.ns <= c->before.time.ns && place_cmp(order_item_place(item), c->before) < 0);
}
/* The partition that holds the release back; NULL: none does. */
const struct partition *clock_state_holder(const struct clock_state *c);

#endif
