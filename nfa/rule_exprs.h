/* Every expression of a rule: its sources, conditions, pattern and outputs, node by node. */
#ifndef FYKE_NFA_RULE_EXPRS_H
#define FYKE_NFA_RULE_EXPRS_H

#include "nfa/rule.h"

typedef void (*expr_fn)(void *ctx, const struct expr *e);

/* `e` and all below it, from the top; NULL: none. */
void expr_each(const struct expr *e, expr_fn fn, void *ctx);
void role_each_expr(const struct rule_role *role, uint32_t n_key, expr_fn fn, void *ctx);
void rule_each_expr(const struct rule *rule, expr_fn fn, void *ctx);

#endif
