/* One rule of a rule set and all that derives events for it, as a rule set of its own.
 *
 * Rules are independent (language.md 3.16), so what the rule says in it is what it says in the
 * whole; but opening an engine costs what two or three rules cost. Declarations, lists and profiles
 * keep their numbers. Borrows from the whole; only the list of rules is its own. */
#ifndef FYKE_NFA_RULESET_SUBSET_H
#define FYKE_NFA_RULESET_SUBSET_H

#include "nfa/rule.h"

/* `rule`: index among rs->n_rules; UINT32_MAX: none, the set has no rules. The rule is evaluated and
 * heard whatever its status; the others as they say. Rules keep their order. `instead`: stands in its
 * place and reads and derives no more than it; NULL: the rule itself. */
void ruleset_subset(const struct ruleset *rs, uint32_t rule, const struct rule *instead,
                    struct ruleset *ret);
/* `also`: per rule as written, those that are in it besides, with what derives for them. */
void ruleset_subset_also(const struct ruleset *rs, uint32_t rule, const bool *also,
                         struct ruleset *ret);
void ruleset_subset_release(struct ruleset *subset);

#endif
