/* Old versions of rules beside the rules in force: they finish what they have open and begin nothing
 * (`rule.drains`).
 *
 * The rules of an older set are made to speak of the declarations, lists, lookups and profiles of the
 * set in force, which must mean the same there. Both sets are compiled; the older one is changed in
 * place, so it serves one linking and must outlive what it is linked into. */
#ifndef FYKE_NFA_RULE_LINK_H
#define FYKE_NFA_RULE_LINK_H

#include "nfa/rule.h"

/* A rule of an older set. */
struct link_rule {
    struct ruleset *from;
    uint32_t rule;      /* there */
    uint32_t in_force;  /* the rule of the same name in the set in force */
    /* Set by ruleset_link(): why it cannot run beside the others; NULL: it does. */
    const char *refused;
    uint32_t unit;      /* its number then */
};

/* The set in force with the old rules behind its own: n_rules as before, then n_draining. What `base` owns
 * stays its own; *ret borrows from it and from the older sets. Freed by ruleset_free(). */
struct ruleset *ruleset_link(const struct ruleset *base, struct link_rule *old, uint32_t n);
/* Is all there that the old rules name? Changes nothing. */
bool ruleset_may_link_beside(const struct ruleset *base, const struct link_rule *old, uint32_t n);
/* The same with the old rules as rules like any other: they begin matches, too, and stand among n_rules. No
 * rule may read what they derive. */
struct ruleset *ruleset_link_beside(const struct ruleset *base, struct link_rule *old, uint32_t n);

#endif
