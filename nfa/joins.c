/* Events that wait to be compared with a later one: entered into the structure of their comparison as
 * soon as what lies between the two can have happened. */
#include <string.h>

#include "base/hash.h"
#include "nfa/detect.h"
#include "nfa/instance.h"
#include "nfa/scratch.h"

/* ---- values ---------------------------------------------------------------------------------- */

static bool side(struct instance *in, const struct expr *const *exprs, uint32_t n, int32_t slot,
                 const struct event *self, const struct event *bound, struct value *ret,
                 uint64_t *ret_hash)
{
    struct nfa_scratch *s = in->detector->scratch;
    struct eval ev = {.self = self, .slots = s->probe, .n_slots = in->rule->n_slots,
                      .key = in->detector->key, .n_key = in->rule->n_key,
                      .n_captures = in->rule->n_captures, .scratch = &s->arena,
                      .counters = &s->ignored, .regex = s->eval.regex,
                      .env = s->eval.env};
    struct slot_binding *b = &s->probe[slot];
    *b = (struct slot_binding){.events = &bound, .n = bound ? 1 : 0};
    uint64_t hash = 0;
    bool present = true;
    for (uint32_t i = 0; i < n && present; i++) {
        *ret = expr_eval(exprs[i], &ev);
        present = !value_is_missing(*ret);
        hash = hash * UINT64_C(0x9e3779b97f4a7c15) + value_hash(*ret);
    }
    *b = (struct slot_binding){0};
    s->eval.regex = ev.regex;
    *ret_hash = hash;
    return present;
}

bool join_mine(struct instance *in, const struct detect_join *j, uint32_t index,
               struct value *ret, uint64_t *ret_hash)
{
    const struct event *e = retained_at(&in->events, index)->event;
    return side(in, j->mine, j->n, j->slot, e, NULL, ret, ret_hash);
}

bool join_theirs(struct instance *in, const struct detect_join *j, uint32_t index,
                 struct value *ret, uint64_t *ret_hash)
{
    const struct event *e = retained_at(&in->events, index)->event;
    return side(in, j->theirs, j->n, j->slot, NULL, e, ret, ret_hash);
}

bool avoid_value(struct instance *in, const struct detect_avoid *a, bool mine, uint32_t index,
                 struct value *ret, uint64_t *ret_hash)
{
    const struct event *e = retained_at(&in->events, index)->event;
    bool present = side(in, mine ? &a->mine : &a->theirs, 1, 0, e, NULL, ret, ret_hash);
    *ret_hash = *ret_hash ? *ret_hash : 1; /* 0 marks a free place */
    return present;
}

/* ---- who waits --------------------------------------------------------------------------------- */

static bool least_first(const struct detect_join *j)
{
    return j->op == EX_GT || j->op == EX_GE;
}

/* As a first event it must not have reported. */
static bool can_wait(const struct instance *in, const struct detect_join *j, uint32_t index)
{
    const struct candidate *c = retained_at(&in->events, index);
    return index >= in->lowest && (c->ends & (UINT64_C(1) << j->of)) &&
           !(j->of == 0 && c->reported);
}

static void add(struct instance *in, const struct detect_join *j, struct detect_join_state *s,
                uint32_t index)
{
    struct value v;
    uint64_t hash;
    in->work.steps++;
    if (!can_wait(in, j, index) || !join_theirs(in, j, index, &v, &hash)) {
        return;
    }
    if (j->op == EX_EQ) {
        counts_add(&s->table, hash, in->events.first_serial + index + 1);
    } else {
        heap_add(&s->heap, v, in->events.first_serial + index + 1, least_first(j));
    }
}

/* Enters the events before `end`. */
static void catch_up(struct instance *in, const struct detect_join *j,
                     struct detect_join_state *s, uint64_t end)
{
    uint64_t tests = in->rule->detect->items[j->of].last;
    uint64_t first = in->events.first_serial;
    uint32_t i = s->cursor > first ? (uint32_t)(s->cursor - first) : 0;
    if (end <= s->cursor || end <= first) {
        return;
    }
    uint32_t stop = (uint32_t)(end - first);
    s->cursor = end;
    for (i = retained_next(&in->events, i, stop, tests); i < stop;
         i = retained_next(&in->events, i + 1, stop, tests)) {
        add(in, j, s, i);
    }
}

/* Events of item `of` must stand before this serial to have the items between behind them. */
static uint64_t reach(const struct instance *in, const struct detect_join *j,
                      const struct detect_join_state *s, const struct detect_event *e)
{
    /* What lies between can be skipped, or nothing does. */
    if (in->rule->detect->items[j->at].leading_from <= j->of + 1) {
        return e->serial - 1;
    }
    uint64_t start = s->between.arms[s->between.hi - s->between.lo].start;
    return start ? start - 1 : 0;
}

/* Still able to be bound, and something can still begin a match before it. */
static bool still_waits(struct instance *in, uint64_t serial)
{
    uint64_t first = in->events.first_serial;
    uint32_t start = instance_first_start(in);
    return serial > first + in->lowest && first + start + 1 <= serial;
}

static bool still_starts(struct instance *in, uint64_t serial)
{
    uint64_t first = in->events.first_serial;
    return serial > first + in->lowest && instance_is_start(in, (uint32_t)(serial - 1 - first));
}

static bool compares(uint8_t op, struct value mine, struct value theirs)
{
    int c = value_compare(mine, theirs);
    switch (op) {
    case EX_LT: return c < 0;
    case EX_LE: return c <= 0;
    case EX_GT: return c > 0;
    case EX_GE: return c >= 0;
    default: return true;
    }
}

static bool join_allows(struct instance *in, const struct detect_join *j,
                        struct detect_join_state *s, const struct detect_event *e)
{
    struct value mine, best;
    uint64_t hash;
    in->work.steps++;
    catch_up(in, j, s, reach(in, j, s, e));
    if (!join_mine(in, j, e->index, &mine, &hash)) {
        return false;
    }
    if (j->op == EX_EQ) {
        struct detect_range r = {.test = in->rule->detect->items[j->of].node->test};
        if (!counts_find(s->table, hash, &r.first, &r.last)) {
            return false;
        }
        const struct detect_plan *plan = in->rule->detect;
        if (j->at + 1 == plan->n && plan->items[j->at].ends && !plan->items[j->at].optional) {
            in->detector->ranges[in->detector->n_ranges++] = r;
        }
        return true;
    }
    return heap_best(s->heap, in, j->of == 0 ? still_starts : still_waits, &best) &&
           compares(j->op, mine, best);
}

bool joins_allow(struct instance *in, uint32_t item, const struct detect_event *e)
{
    const struct detect_plan *plan = in->rule->detect;
    for (uint32_t i = 0; i < plan->n_joins; i++) {
        if (plan->joins[i].at == item &&
            !join_allows(in, &plan->joins[i], &in->detector->joins[i], e)) {
            return false;
        }
    }
    return true;
}

/* ---- who waits no more ------------------------------------------------------------------------- */

static void forget(struct instance *in, uint32_t i, uint32_t index)
{
    const struct detect_join *j = &in->rule->detect->joins[i];
    struct detect_join_state *s = &in->detector->joins[i];
    struct value v;
    uint64_t hash;
    bool entered = in->events.first_serial + index < s->cursor;
    if (j->op == EX_EQ && entered && can_wait(in, j, index) &&
        join_theirs(in, j, index, &v, &hash)) {
        counts_remove(s->table, hash, in->events.first_serial + index + 1);
    }
}

void joins_forget(struct instance *in, uint32_t index)
{
    for (uint32_t i = 0; i < in->rule->detect->n_joins; i++) {
        forget(in, i, index);
    }
}

void joins_reported(struct instance *in, uint32_t index)
{
    for (uint32_t i = 0; i < in->rule->detect->n_joins; i++) {
        if (in->rule->detect->joins[i].of == 0) {
            forget(in, i, index);
        }
    }
}

void joins_release(struct detector *d, const struct detect_plan *plan)
{
    for (uint32_t i = 0; i < plan->n_joins; i++) {
        counts_free(d->joins[i].table);
        heap_free(d->joins[i].heap);
    }
}
