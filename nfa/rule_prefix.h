/* The beginning of a rule as a rule of its own: its first items, every match of them, no `without`.
 * For finding out how far a key came (tests of rules, coverage), never for a running engine. */
#ifndef FYKE_NFA_RULE_PREFIX_H
#define FYKE_NFA_RULE_PREFIX_H

#include "nfa/rule.h"

/* `n_items`: of rule->root, at least 1. Everything new lies in `arena`, the rest is borrowed. It says
 * an alert without fields. */
void rule_prefix(const struct rule *rule, uint32_t n_items, struct arena *arena, struct rule *ret);
/* Its first item, a counted step, as a single step: the events that may begin it. Only where these are
 * told by their own fields. */
bool rule_prefix_has_first(const struct rule *rule);
void rule_prefix_first(const struct rule *rule, struct arena *arena, struct rule *ret);

#endif
