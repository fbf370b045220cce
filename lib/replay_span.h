/* How much of the past a rule set needs to answer for a point in time, and how much of the future
 * shows what has begun: the warm-up and the cool-down of a replay.
 *
 * A match detected at T reads events from T − need on:
 *   need of a rule  its horizon (windows, gaps, trailing and leading absences: rule.horizon)
 *                   + the longest past of the measures that it reads (over + every, or warm)
 *                   + its quiet time: an alert so long ago may hold this one back
 *                   + the most that the rules need which derive what it reads
 * A rule without a bound needs everything there is. */
#ifndef FYKE_LIB_REPLAY_SPAN_H
#define FYKE_LIB_REPLAY_SPAN_H

#include "base/buf.h"
#include "nfa/rule.h"

struct replay_span {
    struct duration need;    /* DURATION_INFINITE: everything */
    uint32_t rule;           /* the first one that needs so much; UINT32_MAX: none needs a past */
    struct duration window, measures, quiet, derived; /* of that rule: what `need` adds up */
    struct duration horizon; /* the longest that is bounded, of any rule */
    struct duration late;    /* the most that a source is `out of order by` */
};

/* The parts of one rule's need. */
struct replay_rule_span {
    struct duration window, measures, quiet, derived;
};
/* Per rule; nothing of disabled ones. */
void replay_span_of_rules(const struct ruleset *rs, struct replay_rule_span *ret);

void replay_span_of(const struct ruleset *rs, struct replay_span *ret);
/* "1h5m: rule spree, 1h of windows and absences, 5m of quiet" */
void replay_span_text(const struct replay_span *s, const struct ruleset *rs, struct buf *out);

#endif
