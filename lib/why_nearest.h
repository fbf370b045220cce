/* How far the key came, and why no further: for when no single change brings about a match. The beginnings of the
 * rule (nfa/rule_prefix.h) are evaluated as the rule is; behind the longest that matches, the event of
 * which fewest conditions failed, the earliest of them with what it read. */
#ifndef FYKE_LIB_WHY_NEAREST_H
#define FYKE_LIB_WHY_NEAREST_H

#include "lib/why_events.h"

/* Fills ret->reached, ret->steps and ret->nearest. */
enum err why_find_nearest(const struct why_events *w, const struct ruleset *rs, uint32_t rule,
                          struct why_result *ret, struct error *err) FYKE_MUST_USE;

#endif
