/* Several rule sets read one input: a set of all their topics and declarations, for the source, and
 * which topic is which. Nothing is evaluated by it. */
#ifndef FYKE_LIB_REPLAY_UNION_H
#define FYKE_LIB_REPLAY_UNION_H

#include "base/arena.h"
#include "nfa/rule.h"

struct replay_union {
    struct arena arena;
    struct ruleset rs;  /* borrows from the sets */
    uint32_t **own;     /* per set and topic of the union: the set's number; UINT32_MAX: none */
    uint32_t *first;    /* per topic of the union: the first set that has it */
};

void replay_union_init(struct replay_union *u, const struct ruleset *const *sets, uint32_t n);
void replay_union_release(struct replay_union *u);

#endif
