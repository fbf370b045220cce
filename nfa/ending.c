/* Events that end what an absence has open (`A then no M for D`), all of it at once: what they end need not be searched
 * at its deadline, and they are kept only if something begins with them. */
#include "nfa/rule.h"

/* One step, then absences and nothing else; no event counts for anything but these. */
static bool is_step_then_absence(const struct rule *r)
{
    const struct pattern *p = r->root;
    const struct pattern *step = p->items[0].node;
    return p->n_items == 2 && p->guard_test == NO_TEST && step != NULL && step->kind == PAT_STEP && !step->optional &&
           p->items[0].n_absences == 0 && p->items[1].node == NULL && r->n_timeouts == 0 && r->without == 0 &&
           !r->uses_counted;
}

/* As long as the first event is kept. */
static bool lasts(const struct pattern_absence *a, const struct rule *r)
{
    return a->kind == ABSENT_OPEN || (a->kind == ABSENT_FOR && a->length.ns >= r->horizon.ns);
}

uint64_t rule_find_ending(const struct rule *r)
{
    uint64_t tests = 0;
    if (!is_step_then_absence(r)) {
        return 0;
    }
    const struct pattern_item *last = &r->root->items[1];
    for (uint32_t i = 0; i < last->n_absences; i++) {
        const struct pattern_absence *a = &last->absences[i];
        if (!lasts(a, r) || r->tests[a->test].joint != NULL) {
            return 0;
        }
        tests |= UINT64_C(1) << a->test;
    }
    return tests;
}
