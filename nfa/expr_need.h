/* What an event has to hold for a condition to be true: so that of many conditions those that it may
 * pass are found, and the others need not be asked. */
#ifndef FYKE_NFA_EXPR_NEED_H
#define FYKE_NFA_EXPR_NEED_H

#include "base/arena.h"
#include "nfa/expr.h"

/* The field `slot` of the event is one of `values` (none: the condition is never true). */
struct expr_need {
    uint32_t slot;
    bool weak; /* a bool: every other event may hold it */
    const struct value *values; /* of the expression, or in the arena; neither missing nor networks */
    uint32_t n;
};

/* Of conditions that say `field = constant`, `field in (constants)`, an `and` with such a part (that
 * with the fewest values), an `or` of such over one field. False: nothing of that kind is known. */
bool expr_need(const struct expr *e, uint32_t decl, struct arena *arena, struct expr_need *ret);
/* What an event needs when one of two conditions is to hold. False: the fields differ. `ret` may be `a`. */
bool expr_need_either(const struct expr_need *a, const struct expr_need *b, struct arena *arena,
                      struct expr_need *ret);

#endif
