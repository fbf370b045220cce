/* Trailing absences: matches that wait for a deadline. Candidates stand in order of time, so the events
 * whose deadline is now are found by their time; the walk has noted which of them can end a match, and
 * what has been seen since is one serial per test. */
#include "nfa/detect.h"
#include "nfa/instance.h"

/* The items behind which nothing has to be bound. */
static uint64_t last_items(const struct detect_plan *plan)
{
    uint64_t mask = 0;
    for (uint32_t i = plan->n; i-- > 0;) {
        mask |= UINT64_C(1) << i;
        if (!plan->items[i].optional) {
            break;
        }
    }
    return mask;
}

/* The absences behind the last step that read their event alone and last until the deadline. */
static uint64_t killers(const struct rule *r)
{
    uint64_t tests = 0;
    const struct pattern_item *last = &r->root->items[r->root->n_items - 1];
    for (uint32_t a = 0; !last->node && a < last->n_absences; a++) {
        uint32_t m = last->absences[a].test;
        if (last->absences[a].kind == ABSENT_FOR && !r->tests[m].joint &&
            last->absences[a].length.ns == r->tails[0].ns) {
            tests |= UINT64_C(1) << m;
        }
    }
    return tests;
}

/* The latest event that passes one of the tests; 0: none. Nothing at or before it is left open. */
static uint32_t latest_of(const struct instance *in, uint64_t tests)
{
    uint64_t seen = in->events.first_serial;
    for (uint64_t b = tests; b; b &= b - 1) {
        uint64_t s = in->detector->more->last_seen[__builtin_ctzll(b)];
        seen = s > seen ? s : seen;
    }
    return (uint32_t)(seen - in->events.first_serial);
}

/* Some unused event of that time can end a match and is not followed by one that must not come. */
static bool tail_ends(struct instance *in, struct etime at)
{
    const struct detect_plan *plan = in->rule->detect;
    uint64_t items = last_items(plan);
    uint32_t n = retained_count(&in->events);
    uint32_t i = retained_at_or_after(&in->events, at);
    /* the event that breaks an absence may itself begin one: it stands at latest_of() - 1 */
    uint32_t open = latest_of(in, killers(in->rule));
    open = open > 0 ? open - 1 : 0;
    i = i < open ? open : i;
    i = i < in->lowest ? in->lowest : i;
    for (; i < n && retained_at(&in->events, i)->time.ns == at.ns; i++) {
        detector_work(in)->steps++;
        if (retained_at(&in->events, i)->ends & items) {
            return true;
        }
    }
    return false;
}

bool open_ends_at(struct instance *in, struct etime t)
{
    const struct rule *r = in->rule;
    if (r->n_tails == 1 && !r->to_window_end) {
        return tail_ends(in, etime_sub(t, r->tails[0]));
    }
    return true;
}
