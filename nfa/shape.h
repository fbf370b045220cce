/* What a part of the pattern can begin and end with. Private to nfa/. */
#ifndef FYKE_NFA_SHAPE_H
#define FYKE_NFA_SHAPE_H

#include "nfa/pattern.h"

struct shape {
    uint64_t first, last; /* tests whose event can be the part's first, its last */
    bool can_be_empty;
};

struct shape pattern_shape(const struct pattern *p); /* plan.c */

#endif
