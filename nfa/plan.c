/* What follows from a rule's pattern: which events can begin or complete a match, how long an
 * event can matter, when deadlines lie. Used by the detector, the finder and `explain`. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "nfa/classify.h"
#include "nfa/detect.h"
#include "nfa/quick_test.h"
#include "nfa/rule.h"
#include "nfa/shape.h"

static uint64_t bit(uint32_t test)
{
    return UINT64_C(1) << test;
}

static struct shape shape_of_items(const struct pattern_item *items, uint32_t n)
{
    struct shape s = {.can_be_empty = true};
    for (uint32_t i = 0; i < n; i++) {
        if (!items[i].node) {
            continue;
        }
        struct shape k = pattern_shape(items[i].node);
        if (s.can_be_empty) {
            s.first |= k.first;
        }
        s.last = k.can_be_empty ? s.last | k.last : k.last;
        s.can_be_empty &= k.can_be_empty;
    }
    return s;
}

static struct shape shape_of_parts(const struct pattern *p)
{
    struct shape s = {0};
    for (uint32_t i = 0; i < p->n_items; i++) {
        struct shape k = pattern_shape(p->items[i].node);
        s.first |= k.first;
        s.last |= k.last;
    }
    return s;
}

struct shape pattern_shape(const struct pattern *p)
{
    struct shape s = {0};
    switch (p->kind) {
    case PAT_STEP:
    case PAT_COUNT: s = (struct shape){bit(p->test), bit(p->test), false}; break;
    case PAT_SEQ:
    case PAT_REPEAT: s = shape_of_items(p->items, p->n_items); break;
    case PAT_ANY:
    case PAT_ALL: s = shape_of_parts(p); break;
    }
    s.can_be_empty |= p->optional;
    return s;
}

/* ---- how many events of each test every match binds --------------------------------------- */

static void need_of(const struct pattern *p, uint32_t *need, uint32_t n_tests)
{
    if (p->optional) {
        return;
    }
    switch (p->kind) {
    case PAT_STEP: need[p->test] += 1; return;
    case PAT_COUNT: need[p->test] += p->min; return;
    case PAT_SEQ:
    case PAT_REPEAT:
        for (uint32_t i = 0; i < p->n_items; i++) {
            if (p->items[i].node) {
                need_of(p->items[i].node, need, n_tests);
            }
        }
        return;
    case PAT_ALL:
        if (p->min == p->n_items) {
            for (uint32_t i = 0; i < p->n_items; i++) {
                need_of(p->items[i].node, need, n_tests);
            }
        }
        return;
    case PAT_ANY: return; /* which alternative is open */
    }
}

/* ---- how long after its first event a match can last --------------------------------------- */

static struct duration plus(struct duration a, struct duration b)
{
    int64_t r;
    if (duration_is_infinite(a) || duration_is_infinite(b) ||
        __builtin_add_overflow(a.ns, b.ns, &r)) {
        return DURATION_INFINITE;
    }
    return (struct duration){r};
}

static struct duration shorter(struct duration a, struct duration b)
{
    return a.ns < b.ns ? a : b;
}

static struct duration longer(struct duration a, struct duration b)
{
    return a.ns > b.ns ? a : b;
}

static struct duration times(struct duration d, uint32_t n)
{
    int64_t r;
    if (n == 0) {
        return (struct duration){0};
    }
    if (duration_is_infinite(d) || n == COUNT_UNBOUNDED ||
        __builtin_mul_overflow(d.ns, (int64_t)n, &r)) {
        return DURATION_INFINITE;
    }
    return (struct duration){r};
}

static struct duration extent_of(const struct pattern *p);

/* The absences may stand at the end: nothing behind them has to be bound. */
static bool may_be_skipped(const struct pattern_item *item)
{
    return !item->node || pattern_shape(item->node).can_be_empty;
}

/* How long a trailing `no M for D` of the item lasts. `no M` and `next no M` without a time run to
 * the head window's end: rule.to_window_end. */
static struct duration tail_of_item(const struct pattern_item *item)
{
    struct duration d = {0};
    for (uint32_t a = 0; a < item->n_absences; a++) {
        if (item->absences[a].kind == ABSENT_FOR) {
            d = longer(d, item->absences[a].length);
        }
    }
    return d;
}

static struct duration extent_of_items(const struct pattern *p)
{
    struct duration sum = {0};
    for (uint32_t i = 0; i < p->n_items; i++) {
        const struct pattern_item *item = &p->items[i];
        struct duration bound = {0};
        if (item->node) {
            struct duration gap = i > 0 ? item->link.within : bound;
            bound = plus(gap, extent_of(item->node));
        }
        sum = plus(sum, may_be_skipped(item) ? longer(bound, tail_of_item(item)) : bound);
    }
    return sum;
}

static struct duration extent_of(const struct pattern *p)
{
    struct duration d = {0};
    switch (p->kind) {
    case PAT_STEP: return d;
    case PAT_COUNT:
        d = p->max == 1 ? d : times(p->each_within, p->max == COUNT_UNBOUNDED ? p->max : p->max - 1);
        break;
    case PAT_SEQ: d = extent_of_items(p); break;
    case PAT_REPEAT: d = p->max == 1 ? extent_of(p->items[0].node) : DURATION_INFINITE; break;
    case PAT_ANY:
        for (uint32_t i = 0; i < p->n_items; i++) {
            d = longer(d, extent_of(p->items[i].node));
        }
        break;
    case PAT_ALL: d = DURATION_INFINITE; break;
    }
    return shorter(d, p->span);
}

/* ---- trailing absences ---------------------------------------------------------------------- */

/* The lengths by which a match's completion can lie behind its last event: a set, ascending. */
struct lengths {
    struct duration *items;
    size_t n, cap;
};

static void lengths_add(struct lengths *l, struct duration d)
{
    size_t i = l->n;
    while (i > 0 && l->items[i - 1].ns > d.ns) {
        i--;
    }
    if (i > 0 && l->items[i - 1].ns == d.ns) {
        return;
    }
    (void)VEC_PUSH(l->items, l->n, l->cap);
    memmove(l->items + i + 1, l->items + i, (l->n - 1 - i) * sizeof(*l->items));
    l->items[i] = d;
}

static struct lengths tails_of(const struct pattern *p, const struct rule *rule);

/* Absences behind one event run side by side when a skipped part lies between them, one after the
 * other when a part of `all of` has ended at a deadline: both are kept, the finder decides. */
static struct lengths tails_behind(const struct lengths *before, struct lengths own,
                                   struct duration d)
{
    for (size_t j = 0; j < before->n; j++) {
        lengths_add(&own, plus(before->items[j], d));
        lengths_add(&own, longer(before->items[j], d));
    }
    return own;
}

static struct lengths tails_of_items(const struct pattern *p, const struct rule *rule)
{
    struct lengths l = {0};
    lengths_add(&l, (struct duration){0});
    for (uint32_t i = 0; i < p->n_items; i++) {
        const struct pattern_item *item = &p->items[i];
        struct lengths next = {0};
        if (item->node) {
            next = tails_of(item->node, rule);
        }
        if (may_be_skipped(item)) {
            next = tails_behind(&l, next, tail_of_item(item));
        }
        free(l.items);
        l = next;
    }
    return l;
}

static struct lengths tails_of(const struct pattern *p, const struct rule *rule)
{
    struct lengths l = {0};
    switch (p->kind) {
    case PAT_STEP:
    case PAT_COUNT: lengths_add(&l, (struct duration){0}); return l;
    case PAT_SEQ:
    case PAT_REPEAT: return tails_of_items(p, rule);
    case PAT_ANY:
    case PAT_ALL:
        for (uint32_t i = 0; i < p->n_items; i++) {
            struct lengths k = tails_of(p->items[i].node, rule);
            for (size_t j = 0; j < k.n; j++) {
                lengths_add(&l, k.items[j]);
            }
            free(k.items);
        }
        return l;
    }
    return l;
}

static void finish_tails(struct rule *rule, struct arena *arena)
{
    struct lengths l = tails_of(rule->root, rule);
    rule->tails = ARENA_ARRAY(arena, struct duration, l.n + 1);
    for (size_t i = 0; i < l.n; i++) {
        if (l.items[i].ns > 0) {
            rule->tails[rule->n_tails++] = l.items[i];
        }
    }
    free(l.items);
}

/* ---- flags ------------------------------------------------------------------------------- */

static void scan_absences(struct rule *rule, const struct pattern_item *item, bool at_end)
{
    for (uint32_t a = 0; a < item->n_absences; a++) {
        const struct pattern_absence *abs = &item->absences[a];
        rule->has_absence = true;
        switch (abs->kind) {
        case ABSENT_OPEN: rule->to_window_end |= at_end; break;
        case ABSENT_FOR: break;
        case ABSENT_NEXT:
            rule->uses_counted = true;
            rule->ends_with_next_no |= at_end;
            rule->to_window_end |= at_end;
            break;
        case ABSENT_LEAD:
            rule->lead = longer(rule->lead, abs->length);
            rule->lead_tests |= bit(abs->test);
            break;
        }
    }
}

enum { SEES_FOR = 1, SEES_NEXT = 2 };

/* Which of the two the part has: `no M for D`, `next`. */
static unsigned sees(const struct pattern *p)
{
    unsigned seen = p->kind == PAT_REPEAT && p->adjacency == ADJ_IN_A_ROW ? SEES_NEXT : 0;
    for (uint32_t i = 0; i < p->n_items; i++) {
        const struct pattern_item *item = &p->items[i];
        for (uint32_t a = 0; a < item->n_absences; a++) {
            seen |= item->absences[a].kind == ABSENT_FOR ? SEES_FOR : 0;
        }
        if (item->node) {
            seen |= (item->link.kind == LINK_NEXT ? SEES_NEXT : 0) | sees(item->node);
        }
    }
    return seen;
}

/* `last`: nothing behind the part has to be bound. */
static void scan_node(struct rule *rule, const struct pattern *p, bool last)
{
    rule->uses_counted |= p->adjacency == ADJ_IN_A_ROW;
    rule->has_all |= p->kind == PAT_ALL;
    bool at_end = last;
    for (uint32_t i = p->n_items; i-- > 0;) {
        const struct pattern_item *item = &p->items[i];
        bool skipped = may_be_skipped(item);
        scan_absences(rule, item, at_end && skipped);
        rule->uses_counted |= i > 0 && item->node && item->link.kind == LINK_NEXT;
        if (p->kind == PAT_ALL) {
            struct lengths l = tails_of(item->node, rule);
            rule->last_is_free |= l.items[l.n - 1].ns > 0;
            free(l.items);
        }
        if (item->node) {
            scan_node(rule, item->node, at_end && p->kind != PAT_ALL);
        }
        if (p->kind == PAT_SEQ) {
            at_end = at_end && skipped;
        }
    }
}

/* ---- closed suffixes ---------------------------------------------------------------------- */

static bool reads_slots_outside(const struct expr *e, uint64_t inside)
{
    if (!e) {
        return false;
    }
    if (e->op == EX_BOUND || e->op == EX_ITER || e->op == EX_AGG) {
        if (!(inside & (UINT64_C(1) << e->slot))) {
            return true;
        }
    }
    if (e->op == EX_FIRST_AT || e->op == EX_LAST_AT || e->op == EX_DETECTED_AT) {
        return true;
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (reads_slots_outside(e->kids[i], inside)) {
            return true;
        }
    }
    return false;
}

static uint64_t slots_of(const struct rule *rule, const struct pattern *p)
{
    uint64_t s = 0;
    if (p->kind == PAT_STEP || p->kind == PAT_COUNT) {
        return UINT64_C(1) << rule->tests[p->test].slot;
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (p->items[i].node) {
            s |= slots_of(rule, p->items[i].node);
        }
    }
    return s;
}

static bool test_open(const struct rule *rule, uint32_t test, uint64_t inside)
{
    return test != NO_TEST && reads_slots_outside(rule->tests[test].joint, inside);
}

static bool node_open(const struct rule *rule, const struct pattern *p, uint64_t inside);

static bool item_open(const struct rule *rule, const struct pattern_item *item, uint64_t inside)
{
    for (uint32_t a = 0; a < item->n_absences; a++) {
        if (test_open(rule, item->absences[a].test, inside)) {
            return true;
        }
    }
    return item->node && node_open(rule, item->node, inside);
}

static bool node_open(const struct rule *rule, const struct pattern *p, uint64_t inside)
{
    if (p->kind == PAT_STEP || p->kind == PAT_COUNT) {
        if (test_open(rule, p->test, inside)) {
            return true;
        }
    }
    if (reads_slots_outside(p->until, inside) || reads_slots_outside(p->having, inside) ||
        test_open(rule, p->guard_test, inside)) {
        return true;
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (item_open(rule, &p->items[i], inside)) {
            return true;
        }
    }
    return false;
}

/* closed[i]: whether items i… complete depends only on where the event before them stands. The
 * finder then remembers failures instead of trying them again. A `without` that reads names looks
 * at every binding, so it closes nothing. */
static void finish_closed(struct rule *rule, struct arena *arena)
{
    const struct pattern *root = rule->root;
    rule->closed = ARENA_ARRAY(arena, bool, root->n_items + 1);
    bool free_kill = (rule->without & ~rule->killers) == 0;
    uint64_t inside = 0;
    bool open = !free_kill;
    for (uint32_t i = root->n_items; i-- > 0;) {
        if (root->items[i].node) {
            inside |= slots_of(rule, root->items[i].node);
        }
        open |= item_open(rule, &root->items[i], inside);
        rule->closed[i] = !open;
    }
}

void rule_finish(struct rule *rule, struct arena *arena)
{
    assert(rule->root->kind == PAT_SEQ && rule->n_tests <= RULE_MAX_TESTS);
    struct shape s = pattern_shape(rule->root);
    rule->first_tests = s.first;
    rule->last_tests = s.last;
    rule->need = ARENA_ARRAY(arena, uint32_t, rule->n_tests + 1);
    need_of(rule->root, rule->need, rule->n_tests);
    rule->need_all = 0;
    rule->quick_tests = true;
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        rule->tests[t].quick = quick_test_new(rule->tests[t].own, arena);
        rule->quick_tests &= rule->tests[t].quick != NULL;
        rule->need_all += rule->need[t];
        if (rule->tests[t].use == TEST_STEP) {
            rule->step_tests |= bit(t);
        }
        if (rule->tests[t].use == TEST_WITHOUT) {
            rule->without |= bit(t);
            rule->killers |= rule->tests[t].joint ? 0 : bit(t);
        }
    }
    for (uint32_t i = 0; i < rule->n_roles; i++) {
        rule->counted_roles |= rule->roles[i].counted ? bit(i) : 0;
    }
    scan_node(rule, rule->root, true);
    /* The absence may stand at the end of a part or before a skipped one: the `next` comes later. */
    rule->keep_counted = sees(rule->root) == (SEES_FOR | SEES_NEXT);
    finish_tails(rule, arena);
    bool whole = rule->to_window_end || rule->n_timeouts;
    struct duration extent = whole ? DURATION_INFINITE : extent_of(rule->root);
    rule->horizon = plus(shorter(extent, rule->window), rule->lead);
    finish_closed(rule, arena);
    rule_find_leaves(rule, arena);
    rule->detect = detect_plan_new(rule, arena);
    rule->passing_tests = rule_find_passing(rule);
    rule->ending_tests = rule_find_ending(rule);
    rule_classify(rule, arena);
}
