/* Events that wait to be compared with a later one: entered into the structure of their comparison as
 * soon as what lies between the two can have happened. */
#include <string.h>

#include "base/decimal.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include "nfa/detect.h"
#include "nfa/instance.h"
#include "nfa/scratch.h"

/* ---- values ---------------------------------------------------------------------------------- */

/* A field of the event at hand or of the one that is bound: nothing is to be computed. */
const struct value *join_standing(const struct expr *e, int32_t slot, const struct event *self,
                                  const struct event *bound)
{
    const struct event *from = e->op == EX_FIELD ? self : bound;
    bool reads = e->op == EX_FIELD || (e->op == EX_BOUND && e->slot == slot);
    if (!reads || !from || !e->field || e->field->n != 1 ||
        e->field->alt[0].decl != from->decl || e->field->alt[0].slot >= from->n_values) {
        return NULL;
    }
    return &from->values[e->field->alt[0].slot];
}

static bool is_field(const struct expr *e)
{
    return (e->op == EX_FIELD || e->op == EX_BOUND) && e->field != NULL && e->field->n == 1;
}

bool join_is_of_fields(const struct detect_join *j)
{
    bool all = j->kind == JOIN_VALUES && j->op == EX_EQ;
    for (uint32_t i = 0; all && i < j->n; i++) {
        all = is_field(j->mine[i]) && is_field(j->theirs[i]);
    }
    return all;
}

bool join_fits(const struct detect_join *j, const struct event *self, const struct event *bound)
{
    bool same = true;
    for (uint32_t i = 0; same && i < j->n; i++) {
        const struct value *mine = join_standing(j->mine[i], j->slot, self, NULL);
        const struct value *theirs = join_standing(j->theirs[i], j->slot, NULL, bound);
        same = !mine || !theirs || expr_compares(EX_EQ, mine, theirs);
    }
    return same;
}

/* ret_hash: NULL: nobody looks it up. */
static bool side(struct instance *in, const struct expr *const *exprs, uint32_t n, int32_t slot,
                 const struct event *self, const struct event *bound, struct value *ret,
                 uint64_t *ret_hash)
{
    const struct value *v = n == 1 ? join_standing(exprs[0], slot, self, bound) : NULL;
    if (v) {
        *ret = *v;
        if (ret_hash) {
            *ret_hash = value_hash(*v);
        }
        return !value_is_missing(*v);
    }
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
    if (ret_hash) {
        *ret_hash = hash;
    }
    return present;
}

bool join_mine(struct instance *in, const struct detect_join *j, uint32_t index,
               struct value *ret, uint64_t *ret_hash)
{
    const struct event *e = retained_at(&in->events, index)->event;
    return side(in, j->mine, j->n, j->slot, e, NULL, ret, j->op == EX_EQ ? ret_hash : NULL);
}

bool join_theirs(struct instance *in, const struct detect_join *j, uint32_t index,
                 struct value *ret, uint64_t *ret_hash)
{
    const struct event *e = retained_at(&in->events, index)->event;
    uint64_t *hash = j->op == EX_EQ ? ret_hash : NULL;
    if (j->kind == JOIN_FIRST) {
        return side(in, j->theirs, j->n, j->slot, e, NULL, ret, hash);
    }
    return side(in, j->theirs, j->n, j->slot, NULL, e, ret, hash);
}

bool avoid_value(struct instance *in, const struct detect_avoid *a, bool mine, uint32_t index,
                 struct value *ret, uint64_t *ret_hash)
{
    const struct event *e = retained_at(&in->events, index)->event;
    bool present = side(in, mine ? &a->mine : &a->theirs, 1, 0, e, NULL, ret, ret_hash);
    *ret_hash = *ret_hash ? *ret_hash : 1; /* 0 marks a free place */
    return present;
}

/* One field with another. False: there is more to compute. */
static bool plain_holds(const struct detect_join *j, const struct event *self, const struct event *bound,
                        bool *ret)
{
    const struct expr *e = j->whole;
    if (e->op != EX_EQ && e->op != EX_NE) {
        return false;
    }
    const struct value *a = join_standing(e->kids[0], j->slot, self, bound);
    const struct value *b = join_standing(e->kids[1], j->slot, self, bound);
    *ret = a && b && expr_compares((enum expr_op)e->op, a, b);
    return a && b;
}

bool join_holds(struct instance *in, const struct detect_join *j, uint32_t of, uint32_t at)
{
    const struct event *self = retained_at(&in->events, at)->event;
    const struct event *bound = retained_at(&in->events, of)->event;
    struct value v;
    uint64_t hash;
    bool plain;
    if (plain_holds(j, self, bound, &plain)) {
        return plain;
    }
    bool known = side(in, &j->whole, 1, j->slot, self, bound, &v, &hash);
    return known && v.kind == VAL_BOOL && v.u.b;
}

/* What the shortest run that ends at the candidate gives (JOIN_PART: the candidate by itself); where it
 * begins. */
static bool run_value(struct instance *in, const struct detect_join *j, uint32_t index,
                      struct value *ret, uint32_t *ret_first)
{
    struct nfa_scratch *s = in->detector->scratch;
    const struct detect_item *it = &in->rule->detect->items[j->of];
    uint32_t test = it->node->test, min = j->kind == JOIN_PART ? 1 : it->min;
    *ret_first = min > 1 ? retained_nth_before(&in->events, test, index + 1, min, detector_work(in)) : index;
    if (*ret_first == UINT32_MAX) {
        return false;
    }
    s->run = xgrow(s->run, &s->cap_run, min, sizeof(*s->run));
    uint32_t n = 0;
    for (uint32_t i = *ret_first; i <= index && n < min;
         i = retained_next(&in->events, i + 1, index + 1, UINT64_C(1) << test,
                           detector_work(in))) {
        s->run[n++] = retained_at(&in->events, i)->event;
    }
    detector_work(in)->steps += n;
    struct eval ev = {.slots = s->probe, .n_slots = in->rule->n_slots, .key = in->detector->key,
                      .n_key = in->rule->n_key, .n_captures = in->rule->n_captures,
                      .scratch = &s->arena, .counters = &s->ignored, .regex = s->eval.regex,
                      .env = s->eval.env};
    s->probe[j->slot] = (struct slot_binding){.events = s->run, .n = n};
    *ret = expr_eval(j->theirs[0], &ev);
    s->probe[j->slot] = (struct slot_binding){0};
    s->eval.regex = ev.regex;
    return true;
}

/* ---- who waits --------------------------------------------------------------------------------- */

static bool least_first(const struct detect_join *j)
{
    return j->op == EX_GT || j->op == EX_GE;
}

/* As a first event it must not have reported; others of a run may. */
bool join_can_wait(const struct instance *in, const struct detect_join *j, uint32_t index)
{
    const struct candidate *c = retained_at(&in->events, index);
    if (j->kind == JOIN_FIRST) {
        return instance_is_start(in, index);
    }
    bool first = j->of == 0 && (j->kind == JOIN_VALUES || j->kind == JOIN_PAIR);
    return index >= in->lowest && !(first && c->reported) &&
           (j->kind == JOIN_PART || (c->ends & (UINT64_C(1) << j->of)));
}

/* A sum falls with it. What has no sign here counts as negative. */
static bool is_negative(struct instance *in, const struct detect_join *j, uint32_t index)
{
    struct value v;
    uint64_t hash;
    const struct event *e = retained_at(&in->events, index)->event;
    if (!side(in, &j->summed, 1, j->slot, e, NULL, &v, &hash)) {
        return false; /* missing: left out of the sum */
    }
    if (v.kind == VAL_DECIMAL) {
        return decimal_sign(value_as_decimal(v)) < 0;
    }
    return v.kind == VAL_INT || v.kind == VAL_DURATION ? v.u.i < 0 : true;
}

/* A run waits as long as its first event can be bound; longer ones begin with runs that wait too. */
static void add_run(struct instance *in, const struct detect_join *j, struct detect_join_state *s,
                    uint32_t index)
{
    struct value v;
    uint32_t first;
    if (j->summed && index >= in->lowest && is_negative(in, j, index)) {
        s->unknown = in->events.first_serial + index + 1;
    }
    if (!join_can_wait(in, j, index) || !run_value(in, j, index, &v, &first)) {
        return;
    }
    uint64_t serial = in->events.first_serial + first + 1;
    if (value_is_missing(v)) {
        s->unknown = serial > s->unknown ? serial : s->unknown;
    } else {
        heap_add(&s->heap, v, serial, least_first(j));
    }
}

static void add(struct instance *in, const struct detect_join *j, struct detect_join_state *s,
                uint32_t index)
{
    struct value v;
    uint64_t hash;
    detector_work(in)->steps++;
    if (j->kind == JOIN_RUN || j->kind == JOIN_PART) {
        add_run(in, j, s, index);
        return;
    }
    if (!join_can_wait(in, j, index)) {
        return;
    }
    if (!join_theirs(in, j, index, &v, &hash)) {
        /* of a run the next event may have a value */
        s->unknown = j->kind == JOIN_FIRST ? in->events.first_serial + index + 1 : s->unknown;
        return;
    }
    if (j->op == EX_NE) {
        differs_add(in, j, s, index, v);
    } else if (j->op == EX_EQ) {
        counts_add(&s->table, in->pool, hash, in->events.first_serial + index + 1);
    } else {
        heap_add(&s->heap, v, in->events.first_serial + index + 1, least_first(j));
    }
}

/* Enters the events before `end`. */
static __attribute__((noinline)) void enter_before(struct instance *in, const struct detect_join *j,
                                                   struct detect_join_state *s, uint64_t end)
{
    uint64_t tests = in->rule->detect->items[j->of].last;
    uint64_t first = in->events.first_serial;
    uint32_t i = s->cursor > first ? (uint32_t)(s->cursor - first) : 0;
    uint32_t stop = (uint32_t)(end - first);
    s->cursor = end;
    for (i = retained_next(&in->events, i, stop, tests, detector_work(in)); i < stop;
         i = retained_next(&in->events, i + 1, stop, tests, detector_work(in))) {
        add(in, j, s, i);
    }
}

static void catch_up(struct instance *in, const struct detect_join *j, struct detect_join_state *s, uint64_t end)
{
    if (end > s->cursor && end > in->events.first_serial) {
        enter_before(in, j, s, end);
    }
}

/* Events of item `of` must stand before this serial to have the items between behind them. */
static uint64_t reach(const struct instance *in, const struct detect_join *j,
                      const struct detect_join_state *s, const struct detect_event *e,
                      uint64_t start)
{
    if (j->kind == JOIN_FIRST) {
        return start; /* what waits to enter the item begins there or before */
    }
    /* What lies between can be skipped, or nothing does. */
    if (in->rule->detect->items[j->at].leading_from <= j->of + 1) {
        return e->serial - 1;
    }
    uint64_t between = s->between.arms[s->between.hi - s->between.lo].start;
    return between ? between - 1 : 0;
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

/* The event completes a match: the search need not look beyond the range. */
static void note_range(struct instance *in, const struct detect_join *j, uint64_t first, uint64_t last)
{
    const struct detect_plan *plan = in->rule->detect;
    struct nfa_scratch *s = in->detector->scratch;
    if (j->at + 1 == plan->n && plan->items[j->at].ends && !plan->items[j->at].optional) {
        VEC_PUSH(s->ranges, s->n_ranges, s->cap_ranges) =
            (struct detect_range){plan->items[j->of].node->test, first, last};
    }
}

static __attribute__((noinline)) bool pair_allows(struct instance *in, const struct detect_join *j, uint64_t end,
                        const struct detect_event *e, uint64_t *start)
{
    uint64_t found = pair_latest(in, j, end, e);
    bool next = in->rule->detect->items[j->at].next && j->at == j->of + 1;
    if (!found) {
        return false;
    }
    note_range(in, j, next ? found : 0, found);
    *start = j->of == 0 && found < *start ? found : *start;
    return true;
}

/* A value that is there, and no equality. */
static __attribute__((noinline)) bool compared_allows(struct instance *in, const struct detect_join *j,
                                                      struct detect_join_state *s, struct value mine,
                                                      uint64_t *start)
{
    struct value best;
    if (j->op == EX_NE) {
        uint64_t last = differs_latest(in, j, s, mine);
        *start = last < *start ? last : *start;
        return last != 0;
    }
    bool (*keep)(struct instance *, uint64_t) = still_waits;
    if (j->of == 0 && j->kind != JOIN_PART) {
        keep = still_starts;
    }
    if (s->unknown > in->events.first_serial && still_waits(in, s->unknown)) {
        return true;
    }
    return heap_best(s->heap, in, keep, &best) &&
           compares(j->op, mine, best);
}

static bool join_allows(struct instance *in, const struct detect_join *j,
                        struct detect_join_state *s, const struct detect_event *e, uint64_t *start)
{
    struct value mine;
    uint64_t hash, end = reach(in, j, s, e, *start);
    detector_work(in)->steps++;
    if (j->kind == JOIN_PAIR) {
        return pair_allows(in, j, end, e, start);
    }
    catch_up(in, j, s, end);
    if (!join_mine(in, j, e->index, &mine, &hash)) {
        return false;
    }
    if (j->kind == JOIN_FIRST && s->unknown > in->events.first_serial &&
        still_waits(in, s->unknown)) {
        return true;
    }
    if (j->op != EX_EQ) {
        return compared_allows(in, j, s, mine, start);
    }
    uint64_t first, last;
    if (!counts_find(&s->table, hash, &first, &last)) {
        return false;
    }
    if (j->kind != JOIN_FIRST) { /* that is about one event of the run alone */
        note_range(in, j, first, last);
    }
    return true;
}

bool joins_allow(struct instance *in, uint32_t item, const struct detect_event *e, uint64_t *start)
{
    const struct detect_plan *plan = in->rule->detect;
    for (uint32_t left = plan->items[item].joins; left != 0; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(left);
        if (!join_allows(in, &plan->joins[i], &in->detector->joins[i], e, start)) {
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
    if (j->op == EX_EQ && entered && join_can_wait(in, j, index) &&
        join_theirs(in, j, index, &v, &hash)) {
        counts_remove(&s->table, hash, in->events.first_serial + index + 1);
    }
}

void joins_forget(struct instance *in, uint32_t index)
{
    for (uint32_t i = 0; i < in->rule->detect->n_joins; i++) {
        forget(in, i, index);
    }
}

/* What waits elsewhere is asked whether it still can. */
void joins_forget_all(struct instance *in)
{
    const struct detect_plan *plan = in->rule->detect;
    for (uint32_t i = 0; i < plan->n_joins; i++) {
        if (detect_join_keeps(&plan->joins[i]) == KEEPS_TABLE) {
            counts_free(&in->detector->joins[i].table, in->pool);
        }
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

void joins_release(struct instance *in)
{
    const struct detect_plan *plan = in->rule->detect;
    for (uint32_t i = 0; i < plan->n_joins; i++) {
        struct detect_join_state *s = &in->detector->joins[i];
        switch (detect_join_keeps(&plan->joins[i])) {
        case KEEPS_TABLE: counts_free(&s->table, in->pool); break;
        case KEEPS_HEAP: heap_free(s->heap); break;
        case KEEPS_LATEST:
        case KEEPS_NOTHING: break;
        }
    }
}

uint64_t join_bytes(const struct detect_join *j, const struct detect_join_state *s, uint64_t *in_pool)
{
    switch (detect_join_keeps(j)) {
    case KEEPS_TABLE: *in_pool += counts_bytes(&s->table); return counts_bytes(&s->table);
    case KEEPS_HEAP: return heap_size(s->heap) * 32;
    case KEEPS_LATEST:
    case KEEPS_NOTHING: break;
    }
    return 0;
}
