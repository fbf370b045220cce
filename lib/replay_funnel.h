/* How far the first events of a rule come, step by step: of every rule its beginnings (nfa/rule_prefix.h)
 * as rules of their own, evaluated in the same read beside the rules themselves.
 *
 *   when 3 Login as bad then Login as good
 *     bad, the first   events that pass the first step
 *     bad              first events that two more followed
 *     good             of these, those that a good one followed
 *     (matches)        what the rule made of them: events used up, quiet times
 *
 * A first event counts once per step, when it gets there; what matches use up has no say. */
#ifndef FYKE_LIB_REPLAY_FUNNEL_H
#define FYKE_LIB_REPLAY_FUNNEL_H

#include "lib/replay.h"

struct funnel_part {
    uint32_t rule;
    struct slice label;
};

struct replay_funnel {
    struct ruleset rs; /* what derives, and the beginnings; borrows from the rule set */
    struct funnel_part *parts; /* per rule of rs; label of no bytes: it derives for others */
    struct arena arena;
};

void replay_funnel_init(struct replay_funnel *f, const struct ruleset *rs);
void replay_funnel_release(struct replay_funnel *f);
/* What the beginnings have found becomes a part of `to`. */
void replay_funnel_take(const struct replay_funnel *f, const struct replay_result *found,
                        struct replay_result *to);

#endif
