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

static bool seen_after(const struct instance *in, uint64_t tests, uint32_t index)
{
    uint64_t serial = in->events.first_serial + index + 1;
    for (uint64_t b = tests; b; b &= b - 1) {
        if (in->detector->last_seen[__builtin_ctzll(b)] > serial) {
            return true;
        }
    }
    return false;
}

/* Some unused event of that time can end a match. */
static bool tail_ends(struct instance *in, struct etime at)
{
    const struct detect_plan *plan = in->rule->detect;
    uint64_t items = last_items(plan), kill = killers(in->rule);
    uint32_t n = retained_count(&in->events);
    for (uint32_t i = retained_at_or_after(&in->events, at);
         i < n && retained_at(&in->events, i)->event->time.ns == at.ns; i++) {
        in->detector->steps++;
        if (i >= in->lowest && (retained_at(&in->events, i)->ends & items) &&
            !seen_after(in, kill, i)) {
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
