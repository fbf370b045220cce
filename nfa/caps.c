/* The bounds of an instance. They depend on that key's history alone: the number of open starts, and
 * the tests that one search may evaluate. Reaching one drops the starts that are oldest, writes a
 * record `capped` once, and every later alert says so until the window has passed (language.md
 * section 4, Caps): the only loss that the language allows. */
#include "nfa/instance.h"
#include "nfa/scratch.h"

static void drop_oldest(struct instance *in, uint32_t count, struct etime now,
                        const struct nfa_call *call)
{
    bool first_time = in->capped_until.ns == INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        instance_mark_reported(in, instance_first_start(in));
    }
    call->scratch->counters.capped += count;
    in->capped_until = etime_add(now, in->rule->window);
    if (first_time) {
        instance_tell(in, MATCH_CAPPED, now, count, call);
    }
}

void caps_after_event(struct instance *in, struct etime now, const struct nfa_call *call)
{
    uint32_t max = call->scratch->limits.max_runs;
    if (in->live_starts > max) {
        drop_oldest(in, in->live_starts - max, now, call);
    }
}

/* The cost of a search grows with the starts, so halving them makes the next one fit. */
void caps_after_exhaustion(struct instance *in, struct etime now, const struct nfa_call *call)
{
    call->scratch->counters.exhausted++;
    if (in->live_starts) {
        drop_oldest(in, (in->live_starts + 1) / 2, now, call);
    }
}
