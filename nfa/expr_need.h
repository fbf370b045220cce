/* What an event has to hold for a condition to be true: so that of many conditions those that it may
 * pass are found, and the others need not be asked. */
#ifndef FYKE_NFA_EXPR_NEED_H
#define FYKE_NFA_EXPR_NEED_H

#include "base/arena.h"
#include "nfa/expr.h"

enum want_kind {
    WANT_VALUE, /* equals one of `values` */
    WANT_LEAST, /* not below values[0] */
    WANT_MOST,  /* not above values[0] */
};

/* Of the field `slot`. */
struct expr_want {
    uint32_t slot;
    enum want_kind kind;
    const struct value *values; /* of the expression, or in the arena; neither missing nor networks */
    uint32_t n;
};

/* Any of them; none: the condition is never true. */
struct expr_need {
    const struct expr_want *any;
    uint32_t n;
};

/* By slot, how many values conditions name: a field of which many are named seldom holds a given one. */
struct slot_values {
    const uint32_t *n;
    uint32_t n_slots;
};

/* Of conditions that say `field = constant`, `field in (constants)`, `field >= constant` and the like, an `and`
 * with such a part (that which seems to be the rarest), an `or` of such. False: nothing of that kind is known. */
bool expr_need(const struct expr *e, uint32_t decl, const struct slot_values *known,
               struct arena *arena, struct expr_need *ret);

/* Everything of that kind that the condition names. */
void expr_each_want(const struct expr *e, uint32_t decl, struct arena *arena,
                    void (*fn)(void *ctx, const struct expr_want *want), void *ctx);

#endif
