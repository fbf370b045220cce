/* May a match complete at this point? A necessary condition from counters, in O(tests) per event:
 * the event passes a test that can end a match, and every step has enough events that are not used
 * up. The finder decides; this keeps it from being asked in vain. */
#include "nfa/instance.h"

void detector_add(struct instance *in, uint64_t tests)
{
    for (uint64_t b = tests; b; b &= b - 1) {
        in->have[__builtin_ctzll(b)]++;
    }
}

void detector_remove(struct instance *in, uint64_t tests)
{
    for (uint64_t b = tests; b; b &= b - 1) {
        in->have[__builtin_ctzll(b)]--;
    }
}

bool detector_may_complete_later(const struct instance *in)
{
    const struct rule *r = in->rule;
    for (uint32_t t = 0; t < r->n_tests; t++) {
        if (in->have[t] < r->need[t]) {
            return false;
        }
    }
    return in->live_starts > 0;
}

bool detector_may_complete(const struct instance *in, uint64_t tests, bool counted)
{
    const struct rule *r = in->rule;
    bool may_end = (tests & r->last_tests) != 0 || (r->ends_with_next_no && counted);
    return may_end && detector_may_complete_later(in);
}
