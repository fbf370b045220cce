#include "nfa/rule_exprs.h"

void expr_each(const struct expr *e, expr_fn fn, void *ctx)
{
    if (e == NULL) {
        return;
    }
    fn(ctx, e);
    uint32_t n = e->op == EX_AGG ? 3 : e->n_kids;
    for (uint32_t i = 0; i < n; i++) {
        expr_each(e->kids[i], fn, ctx);
    }
}

static void each_of_pattern(const struct pattern *p, expr_fn fn, void *ctx)
{
    expr_each(p->until, fn, ctx);
    expr_each(p->having, fn, ctx);
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (p->items[i].node != NULL) {
            each_of_pattern(p->items[i].node, fn, ctx);
        }
    }
}

static void each_of_emits(const struct emit_plan *plans, uint32_t n, expr_fn fn, void *ctx)
{
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t f = 0; f < plans[i].n_fields; f++) {
            expr_each(plans[i].fields[f].value, fn, ctx);
        }
    }
}

static void each_of_conditions(const struct rule_condition *c, uint32_t n, expr_fn fn, void *ctx)
{
    for (uint32_t i = 0; i < n; i++) {
        expr_each(c[i].expr, fn, ctx);
    }
}

void role_each_expr(const struct rule_role *role, uint32_t n_key, expr_fn fn, void *ctx)
{
    expr_each(role->filter, fn, ctx);
    each_of_conditions(role->conditions, role->n_conditions, fn, ctx);
    for (uint32_t k = 0; k < n_key; k++) {
        expr_each(role->key[k], fn, ctx);
    }
}

static void each_of_test(const struct rule_test *test, expr_fn fn, void *ctx)
{
    expr_each(test->own, fn, ctx);
    expr_each(test->joint, fn, ctx);
    each_of_conditions(test->conditions, test->n_conditions, fn, ctx);
}

void rule_each_expr(const struct rule *rule, expr_fn fn, void *ctx)
{
    for (uint32_t i = 0; i < rule->n_roles; i++) {
        role_each_expr(&rule->roles[i], rule->n_key, fn, ctx);
    }
    for (uint32_t i = 0; i < rule->n_tests; i++) {
        each_of_test(&rule->tests[i], fn, ctx);
    }
    for (uint32_t i = 0; i < rule->n_clauses; i++) {
        each_of_conditions(rule->clauses[i].conditions, rule->clauses[i].n_conditions, fn, ctx);
    }
    for (uint32_t i = 0; i < rule->n_captures; i++) {
        expr_each(rule->captures[i].value, fn, ctx);
    }
    each_of_pattern(rule->root, fn, ctx);
    each_of_emits(rule->emits, rule->n_emits, fn, ctx);
    each_of_emits(rule->timeouts, rule->n_timeouts, fn, ctx);
    for (uint32_t i = 0; i < rule->quiet.n_per; i++) {
        expr_each(rule->quiet.per[i], fn, ctx);
    }
}
