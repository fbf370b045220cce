/* What the conditions of a rule compare: from each step's test to joins with earlier steps, and to what can
 * be judged as soon as an earlier event is bound. */
#include "base/xalloc.h"
#include "nfa/detect.h"

/* ---- joins ---------------------------------------------------------------------------------- */

void detect_reads_of(const struct expr *e, struct detect_reads *r)
{
    enum expr_op op = (enum expr_op)e->op;
    if (op == EX_FIELD || op == EX_CAPTURE) {
        r->self = true;
        return;
    }
    if (op == EX_BOUND) {
        r->slots |= UINT64_C(1) << e->slot;
        return;
    }
    r->other |= e->changes || op == EX_ITER || op == EX_AGG || op == EX_FIRST_AT ||
                op == EX_LAST_AT || op == EX_DETECTED_AT || op == EX_PROFILE;
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (e->kids[i]) {
            detect_reads_of(e->kids[i], r);
        }
    }
}

static bool one_bit(uint64_t x)
{
    return x && !(x & (x - 1));
}

uint8_t detect_mirrored(uint8_t op)
{
    switch (op) {
    case EX_LT: return EX_GT;
    case EX_LE: return EX_GE;
    case EX_GT: return EX_LT;
    case EX_GE: return EX_LE;
    default: return op;
    }
}

bool detect_is_ordered_number(uint8_t kind)
{
    return kind == VAL_INT || kind == VAL_DECIMAL || kind == VAL_FLOAT || kind == VAL_TIMESTAMP ||
           kind == VAL_DURATION;
}

/* The item that binds the slot's one event; NO_ITEM if a choice or a part does. */
static uint32_t item_of_slot(const struct detect_plan *plan, const struct rule *rule, int32_t slot)
{
    uint32_t found = NO_ITEM;
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        if (rule->tests[t].slot != slot || rule->tests[t].use != TEST_STEP) {
            continue;
        }
        uint32_t i = plan->item_of_test[t];
        if (found != NO_ITEM || i == NO_ITEM || plan->items[i].kind != DETECT_STEP ||
            plan->items[i].node->kind != PAT_STEP) {
            return NO_ITEM;
        }
        found = i;
    }
    return found;
}

/* `mine op theirs`, if the condition can be read that way. */
static bool split(const struct detect_plan *plan, const struct rule *rule, uint32_t at,
                  const struct expr *e, struct detect_join *j, const struct expr **mine,
                  const struct expr **theirs)
{
    bool equal = e->op == EX_EQ;
    if (!equal && e->op != EX_LT && e->op != EX_LE && e->op != EX_GT && e->op != EX_GE) {
        return false;
    }
    struct detect_reads a = {0}, b = {0};
    detect_reads_of(e->kids[0], &a);
    detect_reads_of(e->kids[1], &b);
    bool turned = a.slots != 0;
    const struct detect_reads *m = turned ? &b : &a, *t = turned ? &a : &b;
    if (a.other || b.other || m->slots || t->self || !one_bit(t->slots)) {
        return false;
    }
    *mine = e->kids[turned];
    *theirs = e->kids[!turned];
    *j = (struct detect_join){.at = at, .slot = __builtin_ctzll(t->slots), .n = 1};
    j->op = turned ? detect_mirrored(e->op) : e->op;
    j->of = item_of_slot(plan, rule, j->slot);
    return j->of != NO_ITEM && j->of < at && (equal || detect_is_ordered_number((*theirs)->kind));
}

#define MAX_JOINS 16
_Static_assert(MAX_JOINS <= 16, "detect_item has a bit for each");
#define MAX_PAIRS 8

static void add_join(struct detect_plan *plan, const struct detect_join *j,
                     const struct expr *mine, const struct expr *theirs, struct arena *arena)
{
    struct detect_join *to = NULL;
    for (uint32_t i = 0; i < plan->n_joins && j->op == EX_EQ; i++) {
        struct detect_join *k = &plan->joins[i];
        if (k->op == EX_EQ && k->kind == j->kind && k->at == j->at && k->of == j->of &&
            k->n < MAX_PAIRS) {
            to = k;
        }
    }
    if (!to) {
        if (plan->n_joins == MAX_JOINS) {
            return;
        }
        to = &plan->joins[plan->n_joins++];
        *to = *j;
        to->n = 0;
        to->mine = ARENA_ARRAY(arena, const struct expr *, MAX_PAIRS);
        to->theirs = ARENA_ARRAY(arena, const struct expr *, MAX_PAIRS);
    }
    to->mine[to->n] = mine;
    to->theirs[to->n] = theirs;
    to->n++;
}

/* `mine not in distinct(name.field)` over a counted step that is chosen by its own event alone. */
static bool avoid_of(struct detect_plan *plan, const struct rule *rule, uint32_t at,
                     const struct expr *e)
{
    if (e->op != EX_NOT || e->kids[0]->op != EX_IN || plan->n_avoids == MAX_JOINS) {
        return false;
    }
    const struct expr *mine = e->kids[0]->kids[0], *list = e->kids[0]->kids[1];
    struct detect_reads r = {0};
    detect_reads_of(mine, &r);
    if (r.other || r.slots || list->op != EX_AGG || list->scope >= 0 || list->kids[1] ||
        (list->agg != AGG_DISTINCT && list->agg != AGG_COLLECT) || !list->kids[0] ||
        !expr_is_unary(list->kids[0]) || list->kids[0]->kind != mine->kind) {
        return false;
    }
    for (uint32_t i = 0; i < at; i++) {
        const struct detect_item *it = &plan->items[i];
        if (it->kind == DETECT_COUNT && rule->tests[it->node->test].slot == list->slot &&
            !rule->tests[it->node->test].joint && !it->optional && !it->node->until &&
            !it->node->having && it->node->adjacency != ADJ_ANYWHERE) {
            plan->avoids[plan->n_avoids++] =
                (struct detect_avoid){at, i, mine, list->kids[0]};
            return true;
        }
    }
    return false;
}

/* The condition reads one other event, which every match binds. */
static bool pair_of(struct detect_plan *plan, const struct rule *rule, uint32_t at,
                    const struct expr *e)
{
    struct detect_reads r = {0};
    detect_reads_of(e, &r);
    if (r.other || !one_bit(r.slots) || plan->n_joins == MAX_JOINS) {
        return false;
    }
    int32_t slot = __builtin_ctzll(r.slots);
    uint32_t of = item_of_slot(plan, rule, slot);
    if (of == NO_ITEM || of >= at || plan->items[of].optional) {
        return false;
    }
    plan->joins[plan->n_joins++] = (struct detect_join){
        .kind = JOIN_PAIR, .at = at, .of = of, .slot = slot, .whole = e};
    return true;
}

/* ---- joins with the aggregates of a run -------------------------------------------------------- */

enum { FALLS = -1, STAYS = 0, GROWS = 1, UNKNOWN = 2 };

/* The sign of a constant number; UNKNOWN: it is none. */
static int sign_of(const struct expr *e)
{
    while (e->op == EX_TO_DECIMAL || e->op == EX_TO_FLOAT) {
        e = e->kids[0];
    }
    if (e->op != EX_CONST || !detect_is_ordered_number(e->value.kind)) {
        return UNKNOWN;
    }
    struct value v = e->value;
    if (v.kind == VAL_FLOAT) {
        return v.u.f > 0 ? GROWS : v.u.f < 0 ? FALLS : STAYS;
    }
    if (v.kind == VAL_DECIMAL) {
        return decimal_sign(value_as_decimal(v));
    }
    return v.u.i > 0 ? GROWS : v.u.i < 0 ? FALLS : STAYS;
}

static int turned(int direction)
{
    return direction == UNKNOWN ? UNKNOWN : -direction;
}

/* How a number follows the one aggregate that it reads; UNKNOWN: it does not, or not always. */
static int follows(const struct expr *e, const struct expr **agg)
{
    if (!detect_is_ordered_number(e->kind)) {
        return UNKNOWN;
    }
    int by = e->n_kids == 2 && e->kids[0] && e->kids[1] ? sign_of(e->kids[1]) : UNKNOWN;
    bool turned_round = by == UNKNOWN && (e->op == EX_ADD || e->op == EX_SUB || e->op == EX_MUL);
    const struct expr *inner = e->n_kids ? e->kids[turned_round] : NULL;
    by = turned_round ? sign_of(e->kids[0]) : by;
    switch (e->op) {
    case EX_AGG: *agg = e; return GROWS;
    case EX_TO_DECIMAL:
    case EX_TO_FLOAT: return follows(inner, agg);
    case EX_NEG: return turned(follows(inner, agg));
    case EX_ADD: return by == UNKNOWN ? UNKNOWN : follows(inner, agg);
    case EX_SUB:
        by = by == UNKNOWN ? UNKNOWN : follows(inner, agg);
        return turned_round ? turned(by) : by;
    case EX_DIV:
    case EX_MUL:
        if (by == GROWS || by == FALLS) {
            int how = follows(inner, agg);
            return by == GROWS ? how : turned(how);
        }
        return UNKNOWN;
    default: return UNKNOWN;
    }
}

/* Where the aggregate goes as events are added to its run. */
static int direction_of(const struct expr *agg)
{
    switch ((enum agg_op)agg->agg) {
    case AGG_COUNT:
    case AGG_COUNT_DISTINCT:
    case AGG_SUM: /* as long as nothing negative is among its events: joins.c */
    case AGG_MAX: return GROWS;
    case AGG_MIN: return FALLS;
    case AGG_AVERAGE: case AGG_STDDEV: case AGG_FIRST: case AGG_LAST: case AGG_NTH:
    case AGG_DISTINCT: case AGG_COLLECT: case AGG_PERCENTILE: case AGG_GAP_AVERAGE:
    case AGG_GAP_STDDEV: case AGG_OP_COUNT: break;
    }
    return UNKNOWN;
}

/* It lies between the values of single events of the run, whichever they are. */
static bool lies_between(const struct expr *agg)
{
    switch ((enum agg_op)agg->agg) {
    case AGG_MAX: case AGG_MIN: case AGG_FIRST: case AGG_LAST: case AGG_PERCENTILE: return true;
    case AGG_AVERAGE: return agg->kids[0] && agg->kids[0]->kind != VAL_FLOAT; /* that is rounded */
    case AGG_COUNT: case AGG_COUNT_DISTINCT: case AGG_SUM: case AGG_STDDEV: case AGG_NTH:
    case AGG_DISTINCT: case AGG_COLLECT: case AGG_GAP_AVERAGE: case AGG_GAP_STDDEV:
    case AGG_OP_COUNT: break;
    }
    return false;
}

static bool reads_its_events(const struct expr *agg)
{
    return agg->scope < 0 && (!agg->kids[0] || expr_is_unary(agg->kids[0])) &&
           (!agg->kids[1] || expr_is_unary(agg->kids[1]));
}

/* The counted step that binds the slot, whose events are chosen by themselves alone. */
static uint32_t run_of_slot(const struct detect_plan *plan, const struct rule *rule, int32_t slot,
                            uint32_t before)
{
    for (uint32_t i = 0; i < before; i++) {
        const struct detect_item *it = &plan->items[i];
        if (it->kind == DETECT_COUNT && rule->tests[it->node->test].slot == slot) {
            const struct pattern *p = it->node;
            bool plain = !rule->tests[p->test].joint && !it->optional && !p->until && !p->having &&
                         p->adjacency != ADJ_ANYWHERE;
            return plain ? i : NO_ITEM;
        }
    }
    return NO_ITEM;
}

static bool is_inequality(const struct expr *e)
{
    return e->op == EX_LT || e->op == EX_LE || e->op == EX_GT || e->op == EX_GE;
}

/* `mine > 20 * max(probe.amount)`: the shortest runs are the easiest, so they decide. `mine > 3 *
 * average(a.v)`: some event of the run is as easy; that is not all there is to it. */
static bool run_join_of(struct detect_plan *plan, const struct rule *rule, uint32_t at,
                        const struct expr *e, struct arena *arena, bool *whole)
{
    for (uint32_t side = 0; side < 2 && is_inequality(e); side++) {
        const struct expr *mine = e->kids[side], *theirs = e->kids[1 - side], *agg = NULL;
        uint8_t op = side ? detect_mirrored(e->op) : e->op;
        int wants = op == EX_GT || op == EX_GE ? GROWS : FALLS;
        struct detect_reads r = {0};
        detect_reads_of(mine, &r);
        int how = follows(theirs, &agg);
        if (how == UNKNOWN || !agg || !reads_its_events(agg) || r.other || r.slots) {
            continue;
        }
        int grows = direction_of(agg);
        bool harder = grows != UNKNOWN && how * grows == wants;
        *whole = harder && agg->agg != AGG_SUM;
        uint32_t of = harder || lies_between(agg) ? run_of_slot(plan, rule, agg->slot, at) : NO_ITEM;
        if (of == NO_ITEM || plan->n_joins == MAX_JOINS) {
            continue;
        }
        struct detect_join j = {.kind = harder ? JOIN_RUN : JOIN_PART, .at = at, .of = of,
                                .slot = agg->slot, .op = op};
        j.whole = *whole ? e : NULL;
        j.summed = agg->agg == AGG_SUM ? agg->kids[0] : NULL;
        add_join(plan, &j, mine, theirs, arena);
        return true;
    }
    return false;
}

/* `country != first(fail.country)`, `fail` the counted step that the pattern begins with: a condition on
 * the match's first event. */
static bool first_join_of(struct detect_plan *plan, const struct rule *rule, uint32_t at,
                          const struct expr *e, struct arena *arena)
{
    bool ordered = is_inequality(e);
    for (uint32_t side = 0; side < 2 && (ordered || e->op == EX_EQ || e->op == EX_NE); side++) {
        const struct expr *mine = e->kids[side], *theirs = e->kids[1 - side];
        struct detect_reads r = {0}, of = {0};
        detect_reads_of(mine, &r);
        if (theirs->op != EX_AGG || theirs->agg != AGG_FIRST || theirs->scope >= 0 ||
            theirs->kids[1] || r.other || r.slots || plan->n_joins == MAX_JOINS ||
            run_of_slot(plan, rule, theirs->slot, at) != 0) {
            continue;
        }
        detect_reads_of(theirs->kids[0], &of);
        if (of.other || of.slots || (ordered && !detect_is_ordered_number(theirs->kind))) {
            continue;
        }
        struct detect_join j = {.kind = JOIN_FIRST, .at = at, .slot = theirs->slot};
        j.op = side ? detect_mirrored(e->op) : e->op;
        add_join(plan, &j, mine, theirs->kids[0], arena);
        return true;
    }
    return false;
}

static void joins_of(struct detect_plan *plan, const struct rule *rule, uint32_t at,
                     const struct expr *e, struct arena *arena)
{
    struct detect_join j;
    const struct expr *mine, *theirs;
    bool whole = false;
    if (e->op == EX_AND) {
        for (uint32_t i = 0; i < e->n_kids; i++) {
            joins_of(plan, rule, at, e->kids[i], arena);
        }
    } else if (split(plan, rule, at, e, &j, &mine, &theirs)) {
        add_join(plan, &j, mine, theirs, arena);
    } else if (avoid_of(plan, rule, at, e) || first_join_of(plan, rule, at, e, arena) ||
               (run_join_of(plan, rule, at, e, arena, &whole) && whole)) {
        return;
    } else if (!expr_is_unary(e)) {
        pair_of(plan, rule, at, e);
        plan->unsplit_test = plan->unsplit ? plan->unsplit_test : plan->items[at].node->test;
        plan->unsplit = plan->unsplit ? plan->unsplit : e;
    }
}

static void set_joins(struct detect_plan *plan, const struct rule *rule, struct arena *arena)
{
    plan->joins = ARENA_ARRAY(arena, struct detect_join, MAX_JOINS);
    plan->avoids = ARENA_ARRAY(arena, struct detect_avoid, MAX_JOINS);
    for (uint32_t i = 0; i < plan->n; i++) {
        const struct detect_item *it = &plan->items[i];
        if (it->kind == DETECT_STEP && it->node->kind == PAT_STEP &&
            rule->tests[it->node->test].joint) {
            joins_of(plan, rule, i, rule->tests[it->node->test].joint, arena);
        }
    }
}

/* ---- conditions that can be judged early ---------------------------------------------------- */

/* The test whose event is bound last among those the condition reads; NO_TEST: it reads others. */
static uint32_t latest_test(const struct detect_plan *plan, const struct rule *rule,
                            uint64_t slots)
{
    uint32_t latest = 0;
    for (uint64_t b = slots; b; b &= b - 1) {
        uint32_t i = item_of_slot(plan, rule, __builtin_ctzll(b));
        if (i == NO_ITEM) {
            return NO_TEST;
        }
        latest = i > latest ? i : latest;
    }
    return plan->items[latest].node->test;
}

static void early_of(struct detect_plan *plan, const struct rule *rule, const struct expr *e,
                     struct arena *arena)
{
    if (e->op == EX_AND) {
        for (uint32_t i = 0; i < e->n_kids; i++) {
            early_of(plan, rule, e->kids[i], arena);
        }
        return;
    }
    struct detect_reads r = {0};
    detect_reads_of(e, &r);
    uint32_t test = !r.other && r.slots ? latest_test(plan, rule, r.slots) : NO_TEST;
    if (test != NO_TEST && plan->n_early < MAX_JOINS) {
        plan->early[plan->n_early++] = (struct detect_early){
            .test = test,
            .alone = r.slots == UINT64_C(1) << rule->tests[test].slot,
            .condition = e,
        };
    }
}

static void set_early(struct detect_plan *plan, const struct rule *rule, struct arena *arena)
{
    const struct detect_item *last = plan->n ? &plan->items[plan->n - 1] : NULL;
    plan->early = ARENA_ARRAY(arena, struct detect_early, MAX_JOINS);
    if (last && last->ends && !last->optional && last->node->kind == PAT_STEP &&
        rule->tests[last->node->test].joint) {
        early_of(plan, rule, rule->tests[last->node->test].joint, arena);
    }
}

void detect_set_joins(struct detect_plan *plan, const struct rule *rule, struct arena *arena)
{
    set_joins(plan, rule, arena);
    set_early(plan, rule, arena);
}
