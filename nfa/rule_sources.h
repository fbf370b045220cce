/* Which topics a rule reads, which rules share a clock, and in what order rules run.
 *
 * A rule that reads derived events stands one level above the rules that derive them, and waits for
 * their sources too. Everything that it needs runs under its own clock: where a rule that derives
 * for it has another clock (other sources, or one that need not wait), it stands there a second
 * time, as a copy that only derives. So no event that was derived ever waits for a clock, and what
 * is stored between two passes is the same as without derived events.
 *
 * The quiet time of a rule whose `per` leaves out parts of its key is kept by a unit one level above
 * the rule, keyed by the values of `per`: there alerts of several keys meet in one order. A rule that
 * speaks at deadlines waits for it like a reader of what deadlines derive. */
#ifndef FYKE_NFA_RULE_SOURCES_H
#define FYKE_NFA_RULE_SOURCES_H

#include "nfa/rule.h"

/* Fills sources, clock_groups, clock_group_of_rule, copies and levels from the rules' roles and
 * what they emit: the last step of building a rule set, after rule_finish() of each. No rule may
 * read what comes from itself. Groups stand in order of their first rule. */
void ruleset_find_sources(struct ruleset *rs);

/* The rule may derive events when nothing happens: at deadlines. */
bool rule_derives_later(const struct rule *rule);

#endif
