/* Lints that look into conditions. */
#ifndef FYKE_DSL_LINT_PREDICATE_H
#define FYKE_DSL_LINT_PREDICATE_H

#include "dsl/check.h"

/* lint_times.c: limits that are missing, that nothing fits into, that limit nothing. */
void lint_times(struct rule_ctx *r);
/* lint_reach.c: parts that no match can contain. */
void lint_reach(struct rule_ctx *r);
/* Contradictions and negative tests on optional fields, over all tests of the rule. */
void lint_predicates(struct rule_ctx *r);
/* One event might pass both tests: nothing in their own conditions excludes it. */
bool lint_tests_overlap(struct rule_ctx *r, uint32_t a, uint32_t b);

#endif
