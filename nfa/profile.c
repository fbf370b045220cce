#include "nfa/profile.h"

void expr_each_measure(const struct expr *e, void (*fn)(void *ctx, uint32_t measure), void *ctx)
{
    if (!e) {
        return;
    }
    if (e->op == EX_PROFILE) {
        fn(ctx, (uint32_t)e->slot);
    }
    uint32_t n = e->op == EX_AGG ? 3 : e->n_kids;
    for (uint32_t i = 0; i < n; i++) {
        expr_each_measure(e->kids[i], fn, ctx);
    }
}

static void each_of_pattern(const struct pattern *p, void (*fn)(void *ctx, uint32_t measure),
                            void *ctx)
{
    expr_each_measure(p->until, fn, ctx);
    expr_each_measure(p->having, fn, ctx);
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (p->items[i].node) {
            each_of_pattern(p->items[i].node, fn, ctx);
        }
    }
}

static void each_of_emits(const struct emit_plan *plans, uint32_t n,
                          void (*fn)(void *ctx, uint32_t measure), void *ctx)
{
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t f = 0; f < plans[i].n_fields; f++) {
            expr_each_measure(plans[i].fields[f].value, fn, ctx);
        }
    }
}

void rule_each_condition_measure(const struct rule *rule, void (*fn)(void *ctx, uint32_t measure),
                                 void *ctx)
{
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        expr_each_measure(rule->tests[t].own, fn, ctx);
        expr_each_measure(rule->tests[t].joint, fn, ctx);
    }
    each_of_pattern(rule->root, fn, ctx);
}

void rule_each_measure(const struct rule *rule, void (*fn)(void *ctx, uint32_t measure),
                       void *ctx)
{
    rule_each_condition_measure(rule, fn, ctx);
    each_of_emits(rule->emits, rule->n_emits, fn, ctx);
    each_of_emits(rule->timeouts, rule->n_timeouts, fn, ctx);
    for (uint32_t i = 0; i < rule->quiet.n_per; i++) {
        expr_each_measure(rule->quiet.per[i], fn, ctx);
    }
}
