/* Sequences: per item the latest first event from which a partial match waits to enter it.
 *
 * A match that can be complete at an event begins at or before the start computed here, whatever was
 * left out; where conditions read one event each it begins exactly there or earlier. */
#include "nfa/detect.h"
#include "nfa/instance.h"

static uint64_t latest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Some event at or before `start` can still begin a match. */
static bool is_viable(const struct instance *in, const struct detect_walk *w, uint64_t start,
                      const struct detect_event *e)
{
    if (w->main) {
        return start && e->first_live && e->first_live <= start;
    }
    return start > in->events.first_serial + in->lowest;
}

/* The start with which the event enters the item from the one before; 0: it does not. */
static uint64_t enter(const struct instance *in, const struct detect_walk *w, const struct detect_item *it,
                      uint32_t i, const struct detect_event *e)
{
    const struct detect_arm *arm = &w->arms[i - w->lo];
    if (!e->unused || !(e->tests & it->first) || !is_viable(in, w, arm->start, e) ||
        etime_diff(e->time, arm->time).ns > it->gap.ns ||
        (it->next && e->position != arm->position + 1)) {
        return 0;
    }
    return arm->start;
}

/* The k-th latest among the parts' latest first events: where `k of` them can begin. */
static uint64_t all_latest(const struct instance *in, const struct detect_item *it)
{
    uint64_t found[RULE_MAX_TESTS];
    uint32_t n = 0;
    for (uint32_t p = 0; p < it->n_parts && n < RULE_MAX_TESTS; p++) {
        uint64_t seen = 0;
        for (uint64_t b = it->parts[p]; b; b &= b - 1) {
            seen = latest(seen, in->detector->more->last_seen[__builtin_ctzll(b)]);
        }
        uint32_t k = n++;
        for (; k > 0 && found[k - 1] < seen; k--) {
            found[k] = found[k - 1];
        }
        found[k] = seen;
    }
    return n < it->min ? 0 : found[it->min - 1];
}

static uint64_t part_latest(const struct instance *in, const struct detect_item *it)
{
    uint64_t seen = 0;
    for (uint64_t b = it->first; b; b &= b - 1) {
        seen = latest(seen, in->detector->more->last_seen[__builtin_ctzll(b)]);
    }
    return seen;
}

/* The latest event at which an item of several events that ends here can begin; 0: none. */
static uint64_t began(struct instance *in, uint32_t i, const struct detect_event *e)
{
    const struct detect_item *it = &in->rule->detect->items[i];
    if (it->kind == DETECT_COUNT) {
        return count_latest(in, i, e);
    }
    uint64_t x = it->kind == DETECT_ALL ? all_latest(in, it) : part_latest(in, it);
    if (x <= in->events.first_serial + in->lowest) {
        return 0;
    }
    uint32_t index = (uint32_t)(x - 1 - in->events.first_serial);
    struct etime first = retained_at(&in->events, index)->time;
    return etime_diff(e->time, first).ns > it->node->span.ns ? 0 : x;
}

/* The latest start of a match part that is complete up to item i with this event; 0: none. Of an item of one event: */
static uint64_t finish_step(struct instance *in, const struct detect_walk *w, const struct detect_item *it,
                            uint32_t i, const struct detect_event *e)
{
    bool begins = it->leading_from <= w->lo && e->unused && (e->start || !w->main) && (e->tests & it->first);
    uint64_t from = begins ? e->serial : enter(in, w, it, i, e);
    if (from == 0 || !w->main) {
        return from;
    }
    bool allowed = (it->joins == 0 || joins_allow(in, i, e, &from)) &&
                   (it->avoids == 0 || avoids_allow(in, i, e));
    return allowed ? from : 0;
}

/* … of several: */
static __attribute__((noinline)) uint64_t finish_several(struct instance *in, const struct detect_walk *w,
                                                         const struct detect_item *it, uint32_t i,
                                                         const struct detect_event *e)
{
    bool leads = it->leading_from <= w->lo;
    uint64_t from = enter(in, w, it, i, e);
    uint64_t *entered = &w->entered[i - w->lo];
    *entered = latest(*entered, from);
    if (it->kind == DETECT_COUNT && w->main) {
        count_session(in, i, e);
    }
    if (!e->unused || !(e->tests & it->last)) {
        return 0;
    }
    if (w->main && it->n_registers && !registers_allow(in, i, e)) {
        return 0;
    }
    uint64_t x = began(in, i, e);
    if (w->main && it->kind == DETECT_COUNT) {
        avoid_add(in, i, x, e);
    }
    uint64_t start = leads ? x : earliest(x, *entered);
    return x && is_viable(in, w, start, e) ? start : 0;
}

static void arm(struct detect_arm *a, bool next, uint64_t start, const struct detect_event *e)
{
    bool newer = next && a->position != e->position;
    a->start = newer ? start : latest(a->start, start);
    a->position = e->position;
    a->time = e->time;
}

/* The last item first: what the event begins it does not go on with. */
uint64_t walk_step(struct instance *in, struct detect_walk *w, const struct detect_event *e, uint64_t items)
{
    const struct detect_plan *plan = in->rule->detect;
    uint64_t ends = 0;
    while (items != 0) {
        uint32_t i = 63 - (uint32_t)__builtin_clzll(items);
        const struct detect_item *it = &plan->items[i];
        items ^= UINT64_C(1) << i;
        uint64_t start = it->kind == DETECT_STEP ? finish_step(in, w, it, i, e) : finish_several(in, w, it, i, e);
        if (e->tests & it->kills) {
            w->arms[i - w->lo].start = 0;
        }
        if (!start) {
            continue;
        }
        if (w->main) {
            retained_at(&in->events, e->index)->ends |= UINT64_C(1) << i;
            ends = it->ends ? latest(ends, start) : ends;
        }
        for (uint32_t k = i + 1;; k++) {
            bool next = k < w->hi && plan->items[k].next;
            arm(&w->arms[k - w->lo], next, start, e);
            if (k == w->hi || !plan->items[k].optional) {
                break;
            }
        }
    }
    return ends;
}
