/* Which topics a rule reads, and which rules share a clock. */
#ifndef FYKE_NFA_RULE_SOURCES_H
#define FYKE_NFA_RULE_SOURCES_H

#include "nfa/rule.h"

/* Fills rs->sources, clock_groups and clock_group_of_rule from the rules' roles: the last step of
 * building a rule set. Groups stand in order of their first rule. */
void ruleset_find_sources(struct ruleset *rs);

#endif
