/* Events that a match can only end with. Such an event completes a match when it comes or never: nothing
 * behind it asks for it again, so it is not kept. */
#include "nfa/detect.h"
#include "nfa/rule.h"

/* Steps, absences and guards that ask for the test. */
static uint32_t uses_of(const struct pattern *p, uint32_t test)
{
    uint32_t n = p->guard_test == test;
    if (p->kind == PAT_STEP || p->kind == PAT_COUNT) {
        return n + (p->test == test);
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        const struct pattern_item *item = &p->items[i];
        for (uint32_t a = 0; a < item->n_absences; a++) {
            n += item->absences[a].test == test;
        }
        n += item->node ? uses_of(item->node, test) : 0;
    }
    return n;
}

/* The last item is a step that any later event may follow with, and with its event everything is decided. */
static bool ends_at_once(const struct rule *r)
{
    const struct pattern_item *last = &r->root->items[r->root->n_items - 1];
    return r->detect->at_events && last->node && last->node->kind == PAT_STEP &&
           !last->node->optional && r->root->n_items > 1 && last->link.kind == LINK_LATER &&
           r->n_tails == 0 && !r->to_window_end && r->n_timeouts == 0 && r->policy != NO_SKIP;
}

uint64_t rule_find_passing(const struct rule *r)
{
    if (!ends_at_once(r)) {
        return 0;
    }
    uint32_t test = r->root->items[r->root->n_items - 1].node->test;
    uint64_t bit = UINT64_C(1) << test;
    return r->tests[test].use == TEST_STEP && uses_of(r->root, test) == 1 && !((r->first_tests | r->lead_tests) & bit)
               ? bit
               : 0;
}
