/* What is still read of the events bound so far, by place in the pattern: a search that failed there fails
 * again when all of that is the same (finder_memo.c).
 *
 * A leaf is one thing that a condition reads of bound events: a field, an aggregate. Before each item of
 * the pattern stands a mask of the leaves that some condition from there on may read. */
#include <string.h>

#include "nfa/rule.h"

#define MAX_LEAVES 64

struct leaves {
    struct rule *rule;
    struct rule_leaf items[MAX_LEAVES];
    uint32_t n;
    bool fits; /* there are no more, and all of them are known before the match is complete */
};

static uint64_t bit(uint32_t i)
{
    return UINT64_C(1) << i;
}

static bool is_unary_agg(const struct expr *e)
{
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (e->kids[i] && !expr_is_unary(e->kids[i])) {
            return false;
        }
    }
    return true;
}

/* Its value so far and the events to come give its value: nothing else need be known of it. */
static bool goes_on(const struct expr *e)
{
    return e->op == EX_AGG && is_unary_agg(e) &&
           (e->agg == AGG_COUNT || e->agg == AGG_SUM || e->agg == AGG_MIN || e->agg == AGG_MAX ||
            e->agg == AGG_FIRST || e->agg == AGG_LAST);
}

/* One value stands for it: it goes on from there, or the events of its name are bound at once, by one
 * step, in its own iteration. Otherwise the events themselves do. */
static bool is_value(const struct rule *rule, const struct expr *e)
{
    uint32_t steps = 0;
    bool plain = e->kind != VAL_LIST && (e->op != EX_AGG || is_unary_agg(e));
    if (goes_on(e)) {
        return true;
    }
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        if (rule->tests[t].use == TEST_STEP && rule->tests[t].slot == e->slot) {
            int32_t scope = e->op == EX_BOUND ? -1 : e->scope;
            plain = plain && rule->tests[t].group == scope;
            steps++;
        }
    }
    return plain && steps == 1;
}

static bool same_field(const struct field_ref *a, const struct field_ref *b)
{
    return a == b || (a && b && a->n == b->n && memcmp(a->alt, b->alt, a->n * sizeof(a->alt[0])) == 0);
}

static uint64_t leaf_of(struct leaves *l, const struct expr *e)
{
    for (uint32_t i = 0; i < l->n; i++) {
        const struct expr *x = l->items[i].expr;
        bool same = x->op == e->op && e->op != EX_AGG && x->slot == e->slot && x->scope == e->scope &&
                    same_field(x->field, e->field);
        if (x == e || same) {
            return bit(i);
        }
    }
    if (l->n == MAX_LEAVES) {
        l->fits = false;
        return 0;
    }
    l->items[l->n] = (struct rule_leaf){.expr = e, .whole = !is_value(l->rule, e)};
    return bit(l->n++);
}

static uint64_t leaves_of(struct leaves *l, const struct expr *e)
{
    uint64_t mask = 0;
    if (!e) {
        return 0;
    }
    if (e->op == EX_BOUND || e->op == EX_ITER || e->op == EX_AGG) {
        mask = leaf_of(l, e);
    }
    if (e->op == EX_FIRST_AT || e->op == EX_LAST_AT || e->op == EX_DETECTED_AT) {
        l->fits = false;
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        mask |= leaves_of(l, e->kids[i]);
    }
    return mask;
}

static uint64_t of_test(const struct rule *rule, uint32_t test)
{
    return test == NO_TEST ? 0 : rule->test_leaves[test];
}

/* All that is read inside of the part. */
static uint64_t of_node(struct leaves *l, const struct pattern *p)
{
    uint64_t mask = of_test(l->rule, p->guard_test) | leaves_of(l, p->until) | leaves_of(l, p->having);
    if (p->kind == PAT_STEP || p->kind == PAT_COUNT) {
        return mask | of_test(l->rule, p->test);
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        const struct pattern_item *item = &p->items[i];
        for (uint32_t a = 0; a < item->n_absences; a++) {
            mask |= of_test(l->rule, item->absences[a].test);
        }
        mask |= item->node ? of_node(l, item->node) : 0;
    }
    return mask;
}

/* How many events a part binds at least. */
static uint32_t least_of(const struct pattern *p)
{
    uint64_t sum = 0, least = UINT32_MAX;
    if (p->optional) {
        return 0;
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        uint32_t n = p->items[i].node ? least_of(p->items[i].node) : 0;
        sum += n;
        least = n < least ? n : least;
    }
    switch (p->kind) {
    case PAT_STEP: sum = 1; break;
    case PAT_COUNT: sum = p->min; break;
    case PAT_SEQ: break;
    case PAT_REPEAT: sum *= p->min; break;
    case PAT_ANY: sum = least; break;
    case PAT_ALL: sum = least * p->min; break;
    }
    return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

static bool opens_plain(const struct pattern *p)
{
    bool sequence = p->kind == PAT_SEQ || p->kind == PAT_REPEAT;
    uint32_t n = sequence ? 1 : p->n_items;
    if (p->optional) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct pattern_item *item = &p->items[i];
        if (!item->node || item->n_absences || !opens_plain(item->node)) {
            return false;
        }
    }
    return true;
}

static bool is_plain(const struct pattern_item *item, bool linked)
{
    const struct pattern_link *l = &item->link;
    bool any = !linked || (l->kind == LINK_LATER && duration_is_infinite(l->within) && l->after.ns == 0);
    return any && item->node && item->n_absences == 0 && opens_plain(item->node);
}

static uint64_t steps_of(const struct pattern *p)
{
    uint64_t steps = p->kind == PAT_STEP || p->kind == PAT_COUNT ? bit(p->test) : 0;
    for (uint32_t i = 0; i < p->n_items; i++) {
        steps |= p->items[i].node ? steps_of(p->items[i].node) : 0;
    }
    return steps;
}

static void number_items(struct leaves *l, const struct pattern *p, uint64_t after, uint32_t *id);

/* `after`: what is read behind the part, and by its guard when it ends. Items are walked from the last
 * one on, each part of a sequence or of `all of` being followed by those behind it. */
static void number_parts(struct leaves *l, const struct pattern *p, uint64_t after, uint32_t *id)
{
    uint64_t steps = 0;
    bool plain = true; /* in `all of` the parts behind it are tried, too */
    for (uint32_t i = p->n_items; i-- > 0;) {
        struct pattern_item *item = &p->items[i];
        uint64_t behind = after;
        for (uint32_t a = 0; a < item->n_absences; a++) {
            after |= of_test(l->rule, item->absences[a].test);
        }
        if (item->node) {
            after |= of_node(l, item->node);
            steps |= steps_of(item->node);
            number_items(l, item->node, behind, id);
        }
        item->steps = steps;
        item->live = after;
        plain = is_plain(item, p->kind == PAT_SEQ && i > 0) && (plain || p->kind == PAT_SEQ);
        item->plain = plain;
        item->least = item->node ? least_of(item->node) : 0;
        item->id = (*id)++;
    }
}

static void number_items(struct leaves *l, const struct pattern *p, uint64_t after, uint32_t *id)
{
    after |= of_test(l->rule, p->guard_test);
    switch (p->kind) {
    case PAT_STEP:
    case PAT_COUNT: return;
    case PAT_SEQ:
    case PAT_ALL: number_parts(l, p, after, id); return;
    case PAT_ANY:
        for (uint32_t i = 0; i < p->n_items; i++) {
            number_items(l, p->items[i].node, after, id);
        }
        return;
    case PAT_REPEAT: /* any part of it may come again */
        after |= of_node(l, p);
        p->items[0].live = after;
        p->items[0].plain = is_plain(&p->items[0], false);
        p->items[0].least = least_of(p->items[0].node);
        p->items[0].id = (*id)++;
        number_items(l, p->items[0].node, after, id);
        return;
    }
}

static uint64_t slots_of(const struct rule *rule, uint64_t steps)
{
    uint64_t slots = 0;
    for (; steps; steps &= steps - 1) {
        slots |= bit((uint32_t)rule->tests[__builtin_ctzll(steps)].slot);
    }
    return slots;
}

/* The items of the root that bind what the last one's condition reads: if it fails, others than these
 * need not be chosen anew. */
static void find_culprit(struct leaves *l)
{
    struct rule *r = l->rule;
    const struct pattern *root = r->root, *last = root->items[root->n_items - 1].node;
    uint64_t read = 0;
    r->last_reads = 0;
    if (!last || last->kind != PAT_STEP) {
        return;
    }
    for (uint64_t b = r->test_leaves[last->test]; b; b &= b - 1) {
        read |= bit((uint32_t)l->items[__builtin_ctzll(b)].expr->slot);
    }
    for (uint32_t i = 0; i + 1 < root->n_items; i++) {
        if (root->items[i].node && (slots_of(r, steps_of(root->items[i].node)) & read)) {
            r->last_reads = i + 1;
        }
    }
}

/* A `without M` looks at every event since the first one, with the names bound up to then. */
static void watch_without(struct leaves *l)
{
    struct rule *r = l->rule;
    for (uint32_t t = 0; t < r->n_tests; t++) {
        if (r->tests[t].use == TEST_WITHOUT) {
            r->always_live |= r->test_leaves[t];
        }
    }
    for (uint32_t i = 0; i < l->n; i++) {
        l->items[i].whole |= (r->always_live & bit(i)) != 0;
    }
}

void rule_find_leaves(struct rule *rule, struct arena *arena)
{
    struct leaves l = {.rule = rule, .fits = true};
    uint32_t id = 0;
    rule->test_leaves = ARENA_ARRAY(arena, uint64_t, rule->n_tests + 1);
    rule->always_live = 0;
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        rule->test_leaves[t] = leaves_of(&l, rule->tests[t].joint);
    }
    number_items(&l, rule->root, 0, &id);
    watch_without(&l);
    find_culprit(&l);
    rule->leaves = ARENA_ARRAY(arena, struct rule_leaf, l.n + 1);
    memcpy(rule->leaves, l.items, l.n * sizeof(l.items[0]));
    rule->n_leaves = l.n;
    rule->remembers = l.fits;
}
