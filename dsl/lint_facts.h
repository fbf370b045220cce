/* What the parts of a condition say about single values, and whether it can all be true at once.
 *
 * A fact compares one expression with constants: `tries > 5`, `a.country in ("NL", "BE")`,
 * `ip is missing`. Nothing else is looked at, so "no contradiction" proves nothing, and a
 * contradiction is one whatever the events are. */
#ifndef FYKE_DSL_LINT_FACTS_H
#define FYKE_DSL_LINT_FACTS_H

#include "dsl/check.h"

/* Further facts are left out: lints need not see everything. */
#define MAX_FACTS 64

enum fact_op {
    FACT_EQ,
    FACT_NE,
    FACT_LT,
    FACT_LE,
    FACT_GT,
    FACT_GE,
    FACT_IN,
    FACT_NOT_IN,
    FACT_MISSING,
    FACT_PRESENT,
};

struct fact {
    const struct expr *subject;
    enum fact_op op;
    struct value value; /* FACT_IN, FACT_NOT_IN: the list */
};

struct facts {
    const struct ruleset *rs; /* for the values of enums */
    struct fact items[MAX_FACTS];
    uint32_t n;
};

/* Adds what must hold for `e` to be true, or, negated, to be false. */
void facts_add(struct facts *f, const struct expr *e, bool negated);
/* Nothing satisfies all of them. */
bool facts_contradict(const struct facts *f);
/* The same expression over the same values. */
bool expr_same(const struct expr *a, const struct expr *b);

#endif
