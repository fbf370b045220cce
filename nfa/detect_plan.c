/* From the pattern of a rule to the plan of its detector. */
#include <string.h>

#include "base/xalloc.h"
#include "nfa/detect.h"
#include "nfa/shape.h"

static uint64_t bit(uint32_t test)
{
    return UINT64_C(1) << test;
}

/* ---- items ---------------------------------------------------------------------------------- */

/* A choice between plain steps is one event. */
static bool is_one_event(const struct pattern *p)
{
    if (p->kind == PAT_STEP) {
        return true;
    }
    for (uint32_t i = 0; p->kind == PAT_ANY && i < p->n_items; i++) {
        if (p->items[i].node->kind != PAT_STEP) {
            return false;
        }
    }
    return p->kind == PAT_ANY;
}

static void set_parts(struct detect_item *it, const struct pattern *p, struct arena *arena)
{
    it->n_parts = p->n_items;
    it->parts = ARENA_ARRAY(arena, uint64_t, p->n_items);
    for (uint32_t i = 0; i < p->n_items; i++) {
        it->parts[i] = pattern_shape(p->items[i].node).first;
    }
}

static void set_kind(struct detect_item *it, const struct pattern *p, struct arena *arena)
{
    struct shape s = pattern_shape(p);
    it->node = p;
    it->first = s.first;
    it->last = s.last;
    it->optional = p->optional;
    it->kind = DETECT_PART;
    if (is_one_event(p)) {
        it->kind = DETECT_STEP;
    } else if (p->kind == PAT_COUNT) {
        it->kind = DETECT_COUNT;
        it->min = p->min;
    } else if (p->kind == PAT_ALL) {
        it->kind = DETECT_ALL;
        it->min = p->min;
        set_parts(it, p, arena);
    }
}

/* What stands between the event bound before and this item. Behind a `no M for D` the look of
 * `first` and `next` begins at the deadline: then neither is used. */
static void set_entry(struct detect_item *it, const struct pattern_item *item, bool delayed,
                      const struct rule *rule)
{
    it->gap = item->link.within;
    for (uint32_t a = 0; a < item->n_absences; a++) {
        uint32_t m = item->absences[a].test;
        delayed |= item->absences[a].kind == ABSENT_FOR;
        if (item->absences[a].kind == ABSENT_OPEN && !rule->tests[m].joint) {
            it->kills |= bit(m);
        }
    }
    it->next = item->link.kind == LINK_NEXT && !delayed;
    bool one_test = it->first && !(it->first & (it->first - 1));
    if (item->link.kind == LINK_FIRST && !delayed && one_test &&
        (it->kind == DETECT_STEP || it->kind == DETECT_COUNT) &&
        !rule->tests[__builtin_ctzll(it->first)].joint) {
        it->kills |= it->first;
    }
}

static bool has_delay(const struct pattern_item *item)
{
    for (uint32_t a = 0; a < item->n_absences; a++) {
        if (item->absences[a].kind == ABSENT_FOR) {
            return true;
        }
    }
    return false;
}

/* Nothing behind item i has to be bound, and no absence behind it has to run out. */
static bool completes_at_event(const struct pattern *root, uint32_t i)
{
    for (uint32_t k = i + 1; k < root->n_items; k++) {
        const struct pattern_item *item = &root->items[k];
        if (item->node && !item->node->optional) {
            return false;
        }
        for (uint32_t a = 0; a < item->n_absences; a++) {
            if (item->absences[a].kind != ABSENT_NEXT) {
                return false;
            }
        }
    }
    return true;
}

static void set_items(struct detect_plan *plan, const struct rule *rule, struct arena *arena)
{
    const struct pattern *root = rule->root;
    bool delayed = false;
    plan->items = ARENA_ARRAY(arena, struct detect_item, root->n_items + 1);
    for (uint32_t i = 0; i < root->n_items; i++) {
        const struct pattern_item *item = &root->items[i];
        if (!item->node) {
            continue; /* trailing absences */
        }
        struct detect_item *it = &plan->items[plan->n];
        *it = (struct detect_item){.gap = DURATION_INFINITE};
        set_kind(it, item->node, arena);
        if (i > 0) {
            set_entry(it, item, delayed, rule);
        }
        it->leading_from = plan->n;
        if (plan->n > 0 && it[-1].optional) {
            it->leading_from = it[-1].leading_from;
        }
        it->ends = completes_at_event(root, i);
        /* Absences in front of a part that is skipped stay for the next one, absences at the end of
         * a group run on. */
        delayed = it->kind == DETECT_PART || it->kind == DETECT_ALL ||
                  (it->optional && (delayed || has_delay(item)));
        plan->n++;
    }
}

static void set_item_of_test(struct detect_plan *plan, const struct rule *rule,
                             struct arena *arena)
{
    plan->item_of_test = ARENA_ARRAY(arena, uint8_t, rule->n_tests + 1);
    memset(plan->item_of_test, NO_ITEM, rule->n_tests + 1);
    for (uint32_t i = 0; i < plan->n && i < NO_ITEM; i++) {
        const struct detect_item *it = &plan->items[i];
        if (it->kind != DETECT_STEP && it->kind != DETECT_COUNT) {
            continue;
        }
        for (uint64_t b = it->first; b; b &= b - 1) {
            plan->item_of_test[__builtin_ctzll(b)] = (uint8_t)i;
        }
    }
}

/* ---- until, having --------------------------------------------------------------------------- */

#define MAX_REGISTERS 4

/* An aggregate over the step's own events that only grows (min: falls) with a longer run. */
static const struct expr *growing(const struct expr *e, int32_t slot)
{
    while (e->op == EX_TO_DECIMAL || e->op == EX_TO_FLOAT) {
        e = e->kids[0];
    }
    if (e->op != EX_AGG || e->slot != slot || (e->kids[0] && !expr_is_unary(e->kids[0])) ||
        (e->kids[1] && !expr_is_unary(e->kids[1]))) {
        return NULL;
    }
    bool counts = e->agg == AGG_COUNT || e->agg == AGG_COUNT_DISTINCT;
    bool sums = e->agg == AGG_SUM || e->agg == AGG_MAX || e->agg == AGG_MIN;
    return counts || (sums && e->kids[0] && detect_is_ordered_number(e->kids[0]->kind)) ? e : NULL;
}

static bool register_of(const struct expr *e, int32_t slot, struct detect_register *ret)
{
    if (e->op != EX_EQ && e->op != EX_LT && e->op != EX_LE && e->op != EX_GT && e->op != EX_GE) {
        return false;
    }
    const struct expr *left = growing(e->kids[0], slot), *right = growing(e->kids[1], slot);
    const struct expr *limit = e->kids[left ? 1 : 0];
    struct detect_reads r = {0};
    detect_reads_of(limit, &r);
    if ((!left && !right) || r.other || r.slots || !detect_is_ordered_number(limit->kind)) {
        return false;
    }
    ret->agg = left ? left : right;
    ret->limit = limit;
    ret->op = left ? e->op : detect_mirrored(e->op);
    bool falls = ret->agg->agg == AGG_MIN;
    if (ret->op == EX_EQ) {
        ret->op = falls ? EX_LE : EX_GE;
    }
    return falls == (ret->op == EX_LT || ret->op == EX_LE);
}

static void registers_of(struct detect_item *it, const struct expr *e, int32_t slot)
{
    if (e->op == EX_AND) {
        for (uint32_t i = 0; i < e->n_kids; i++) {
            registers_of(it, e->kids[i], slot);
        }
    } else if (it->n_registers < MAX_REGISTERS &&
               register_of(e, slot, &it->registers[it->n_registers])) {
        it->n_registers++;
    } else {
        it->registers_whole = false;
    }
}

static void set_registers(struct detect_plan *plan, const struct rule *rule, struct arena *arena)
{
    for (uint32_t i = 0; i < plan->n; i++) {
        struct detect_item *it = &plan->items[i];
        if (it->kind != DETECT_COUNT || (!it->node->until && !it->node->having)) {
            continue;
        }
        int32_t slot = rule->tests[it->node->test].slot;
        it->registers = ARENA_ARRAY(arena, struct detect_register, MAX_REGISTERS);
        it->registers_whole = true;
        it->first_register = plan->n_registers;
        registers_of(it, it->node->until ? it->node->until : it->node->having, slot);
        plan->n_registers += it->n_registers;
    }
}

/* ---- what concerns an event ------------------------------------------------------------------ */

static void set_concerned(struct detect_plan *plan, const struct rule *rule, struct arena *arena)
{
    plan->items_of_test = ARENA_ARRAY(arena, uint64_t, rule->n_tests);
    memset(plan->items_of_test, 0, rule->n_tests * sizeof(uint64_t));
    for (uint32_t i = 0; i < plan->n && plan->at_events; i++) {
        const struct detect_item *it = &plan->items[i];
        for (uint64_t b = it->first | it->last | it->kills; b; b &= b - 1) {
            plan->items_of_test[__builtin_ctzll(b)] |= UINT64_C(1) << i;
        }
    }
    for (uint32_t i = 0; i < plan->n_avoids; i++) {
        plan->items[plan->avoids[i].at].avoids |= (uint16_t)(1U << i);
    }
    plan->walked = plan->n;
    for (uint32_t i = 0; i < plan->n_joins; i++) {
        struct detect_join *j = &plan->joins[i];
        plan->items[j->at].joins |= (uint16_t)(1U << i);
        for (uint32_t k = j->of + 1; k < j->at && plan->at_events; k++) {
            j->between |= UINT64_C(1) << k;
        }
        plan->walked += j->at - j->of - 1;
    }
}

/* ---- memory --------------------------------------------------------------------------------- */

static bool has_counts(const struct detect_plan *plan)
{
    bool any = false;
    for (uint32_t i = 0; i < plan->n; i++) {
        any |= plan->items[i].kind == DETECT_COUNT;
    }
    return any;
}

static bool has_several(const struct detect_plan *plan)
{
    bool any = false;
    for (uint32_t i = 0; i < plan->n; i++) {
        any |= plan->items[i].kind != DETECT_STEP;
    }
    return any;
}

static bool has_outside(const struct detect_plan *plan)
{
    bool any = plan->n_registers > 0 || plan->n_avoids > 0;
    for (uint32_t i = 0; i < plan->n_joins; i++) {
        any |= detect_join_keeps(&plan->joins[i]) == KEEPS_HEAP;
    }
    return any;
}

/* Between two that stand next to each other there is no walk. */
size_t detect_walk_bytes(const struct detect_plan *plan, uint32_t items)
{
    size_t entered = plan->has_several ? items * sizeof(uint64_t) : 0;
    return items > 0 ? (items + 1) * sizeof(struct detect_arm) + entered : 0;
}

static size_t more_bytes(const struct detect_plan *plan, const struct rule *rule)
{
    return sizeof(struct detect_more) + rule->n_tests * sizeof(uint64_t) +
           plan->n_sessions * sizeof(struct detect_session) +
           plan->n_registers * sizeof(struct run_register *) +
           plan->n_avoids * sizeof(struct avoid_state *);
}

const struct detect_plan *detect_plan_new(const struct rule *rule, struct arena *arena)
{
    struct detect_plan *plan = ARENA_ARRAY(arena, struct detect_plan, 1);
    *plan = (struct detect_plan){0};
    set_items(plan, rule, arena);
    set_item_of_test(plan, rule, arena);
    plan->at_events = plan->n < NO_ITEM && plan->n <= 64 && !rule->last_is_free &&
                      !rule->ends_with_next_no;
    detect_set_joins(plan, rule, arena);
    set_registers(plan, rule, arena);
    set_concerned(plan, rule, arena);
    plan->n_sessions = has_counts(plan) ? plan->n : 0;
    plan->has_several = has_several(plan);
    plan->has_outside = has_outside(plan);
    plan->has_more = plan->has_several || plan->n_avoids > 0 || rule_has_deadlines(rule);
    plan->few = few_join(plan, rule);
    sift_plan(plan, rule);
    plan->few_alike = plan->few != NULL && few_asks_alike(plan);
    plan->bytes = sizeof(struct detector) + detect_walk_bytes(plan, plan->n) +
                  plan->n_joins * sizeof(struct detect_join_state) +
                  (plan->has_more ? more_bytes(plan, rule) : 0);
    for (uint32_t i = 0; i < plan->n_joins; i++) {
        plan->bytes += detect_walk_bytes(plan, plan->joins[i].at - plan->joins[i].of - 1);
    }
    return plan;
}
