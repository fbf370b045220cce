/* Rules of two rule sets that say the same of the same input: conditions and outputs are equal, and so is all
 * that they read: events, what derives these, lists, lookups, measures. Titles and tests may differ. */
#ifndef FYKE_NFA_RULE_SAME_H
#define FYKE_NFA_RULE_SAME_H

#include "nfa/rule.h"

#define RULE_NONE UINT32_MAX

/* The same topics and declarations, in the same order: every record gives the same events in both. */
bool rulesets_read_alike(const struct ruleset *a, const struct ruleset *b);
/* ret[i]: the rule of `is` that says what rule i of `was` does; RULE_NONE: none. */
void rulesets_find_same(const struct ruleset *was, const struct ruleset *is, uint32_t *ret);
/* Does a list or lookup that the rule reads hold something else in the other set, or is it
 * gone there? What a topic holds is not known. */
bool rule_data_differ(const struct ruleset *was, const struct rule *a, const struct ruleset *is);
/* Do they tell the same of a match: `emit`, timeouts, quiet time? */
bool rules_tell_same(const struct ruleset *was, const struct rule *a, const struct ruleset *is, const struct rule *b);

#endif
