#include "nfa/rule_prefix.h"

#include <string.h>

/* Finishing a rule writes into the items. */
static struct pattern *copy_pattern(const struct pattern *p, uint32_t n_items, struct arena *arena)
{
    struct pattern *copy = ARENA_NEW(arena, struct pattern);
    *copy = *p;
    copy->n_items = n_items;
    copy->items = n_items ? ARENA_ARRAY(arena, struct pattern_item, n_items) : NULL;
    for (uint32_t i = 0; i < n_items; i++) {
        const struct pattern_item *from = &p->items[i];
        copy->items[i] = (struct pattern_item){
            .link = from->link, .absences = from->absences, .n_absences = from->n_absences};
        if (from->node) {
            copy->items[i].node = copy_pattern(from->node, from->node->n_items, arena);
        }
    }
    return copy;
}

static uint64_t tests_of(const struct pattern *p)
{
    uint64_t tests = p->test == NO_TEST ? 0 : UINT64_C(1) << p->test;
    tests |= p->guard_test == NO_TEST ? 0 : UINT64_C(1) << p->guard_test;
    for (uint32_t i = 0; i < p->n_items; i++) {
        for (uint32_t a = 0; a < p->items[i].n_absences; a++) {
            tests |= UINT64_C(1) << p->items[i].absences[a].test;
        }
        tests |= p->items[i].node ? tests_of(p->items[i].node) : 0;
    }
    return tests;
}

/* What rule_finish() derives by adding to it. */
static void forget_derived(struct rule *r)
{
    r->lead = (struct duration){0};
    r->lead_tests = r->counted_roles = r->step_tests = r->first_tests = r->last_tests = 0;
    r->uses_counted = r->keep_counted = r->ends_with_next_no = r->to_window_end = false;
    r->has_absence = r->has_all = r->last_is_free = r->remembers = false;
    r->tails = NULL;
    r->n_tails = 0;
    r->killers = r->without = r->always_live = 0;
    r->leaves = NULL;
    r->n_leaves = r->last_reads = 0;
}

static void take_beginning(const struct rule *rule, struct pattern *root, struct arena *arena,
                           struct rule *ret)
{
    *ret = *rule;
    uint64_t tests = tests_of(root);
    ret->root = root;
    ret->tests = ARENA_ARRAY(arena, struct rule_test, rule->n_tests + 1u);
    memcpy(ret->tests, rule->tests, rule->n_tests * sizeof(*rule->tests));
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        if (!(tests & (UINT64_C(1) << t))) {
            ret->tests[t].use = TEST_ABSENT;
            ret->tests[t].roles = 0; /* no event passes it */
        }
    }
    ret->policy = NO_SKIP;
    ret->quiet = (struct quiet_plan){0};
    ret->timeouts = NULL;
    ret->n_timeouts = 0;
    ret->emits = ARENA_ARRAY(arena, struct emit_plan, 1);
    ret->n_emits = 1;
    ret->status = (struct slice){0};
    forget_derived(ret);
    rule_finish(ret, arena);
}

void rule_prefix(const struct rule *rule, uint32_t n_items, struct arena *arena, struct rule *ret)
{
    take_beginning(rule, copy_pattern(rule->root, n_items, arena), arena, ret);
}

bool rule_prefix_has_first(const struct rule *rule)
{
    const struct pattern *p = rule->root->items[0].node;
    if (!p || p->kind != PAT_COUNT || p->min < 2) {
        return false;
    }
    const struct rule_test *t = &rule->tests[p->test];
    for (uint32_t i = 0; i < t->n_conditions; i++) {
        if (!t->conditions[i].own) {
            return false;
        }
    }
    return true;
}

void rule_prefix_first(const struct rule *rule, struct arena *arena, struct rule *ret)
{
    struct pattern *root = copy_pattern(rule->root, 1, arena);
    struct pattern *step = ARENA_NEW(arena, struct pattern);
    *step = (struct pattern){.kind = PAT_STEP,
                             .test = root->items[0].node->test,
                             .guard_test = NO_TEST,
                             .each_within = DURATION_INFINITE,
                             .span = DURATION_INFINITE};
    root->items[0].node = step;
    take_beginning(rule, root, arena, ret);
}
