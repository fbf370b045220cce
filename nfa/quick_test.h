/* Conditions that compare fields of the event at hand with constants, judged where they stand: most tests of
 * most rules are no more than that. What expr_true() says of the same condition. */
#ifndef FYKE_NFA_QUICK_TEST_H
#define FYKE_NFA_QUICK_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/short_bytes.h"
#include "nfa/event.h"

struct arena;
struct expr;

/* field `op` constant; a field of another declaration is missing, and then nothing is true. */
struct quick_comparison {
    uint32_t decl, slot;
    uint8_t op;    /* enum expr_op: EX_EQ to EX_GE */
    bool is_text;  /* EX_EQ with a text: the one that is asked most */
    struct value constant;
};

/* All of them. */
struct quick_test {
    uint32_t n;
    struct quick_comparison items[];
};

/* NULL: the condition is of another kind. */
const struct quick_test *quick_test_new(const struct expr *condition, struct arena *arena);
bool quick_comparison_holds(const struct quick_comparison *c, const struct value *v);

/* Texts that differ mostly do so in their first letter. */
static inline bool quick_text_equal(const struct value *v, const struct value *constant)
{
    return v->len == constant->len &&
           (v->len == 0 || (v->u.str[0] == constant->u.str[0] &&
                            short_bytes_equal(v->u.str, constant->u.str, v->len)));
}

/* Of an event of the comparison's declaration. */
static inline bool quick_comparison_true(const struct quick_comparison *c, const struct event *e)
{
    if (c->slot >= e->n_values) {
        return false;
    }
    const struct value *v = &e->values[c->slot];
    if (v->kind != c->constant.kind) {
        return false; /* missing: the checker has seen to everything else */
    }
    return c->is_text ? quick_text_equal(v, &c->constant) : quick_comparison_holds(c, v);
}

static inline bool quick_test_true(const struct quick_test *t, const struct event *e)
{
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->items[i].decl != e->decl || !quick_comparison_true(&t->items[i], e)) {
            return false;
        }
    }
    return true;
}

#endif
