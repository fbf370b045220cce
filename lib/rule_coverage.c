#include "lib/rule_coverage.h"

#include <stdlib.h>

#include "lib/rule_test_probe.h"
#include "nfa/expr.h"

void rule_coverage_init(struct rule_coverage *v, const struct ruleset *rs)
{
    arena_init(&v->arena);
    v->n = rs->n_rules;
    v->rules = ARENA_ARRAY(&v->arena, struct rule_cover, rs->n_rules + 1u);
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        const struct rule *r = &rs->rules[i];
        struct rule_cover *k = &v->rules[i];
        k->rule = r;
        k->states = ARENA_ARRAY(&v->arena, bool, r->root->n_items + 1u);
        k->edges = ARENA_ARRAY(&v->arena, bool, r->n_tests + 1u);
        k->outcomes = ARENA_ARRAY(&v->arena, uint8_t *, r->n_tests + 1u);
        for (uint32_t t = 0; t < r->n_tests; t++) {
            k->outcomes[t] = ARENA_ARRAY(&v->arena, uint8_t, r->tests[t].n_conditions + 1u);
        }
    }
}

void rule_coverage_release(struct rule_coverage *v)
{
    arena_release(&v->arena);
}

/* ---- looking on --------------------------------------------------------------------------------- */

static void on_asked(void *ctx, const struct rule *rule, uint32_t test, const struct event *e,
                     struct eval *ev, bool bound)
{
    struct rule_cover *k = ctx;
    const struct rule_test *t = &k->rule->tests[test];
    bool passes = bound || !t->joint;
    (void)e;
    if (!slice_eq(rule->name, k->rule->name)) {
        return;
    }
    for (uint32_t i = 0; i < t->n_conditions; i++) {
        const struct rule_condition *c = &t->conditions[i];
        if (c->own == bound) {
            continue; /* own conditions are asked once, the others with bindings */
        }
        bool holds = expr_true(c->expr, ev);
        k->outcomes[test][i] |= holds ? OUTCOME_TRUE : OUTCOME_FALSE;
        passes = passes && holds;
    }
    k->edges[test] = k->edges[test] || passes;
}

void rule_coverage_add(struct rule_coverage *v, const struct compilation *c,
                       const struct compiled_test *test, const struct rule_test_options *options)
{
    struct rule_cover *k = &v->rules[test->rule];
    const struct nfa_watch watch = {on_asked, k};
    struct test_run r;
    FYKE_CLEANUP(buf_release) struct buf problem = BUF_INIT;
    k->n_tests++;
    test_run_begin(&r, c, test, options, &problem);
    for (uint32_t n = k->rule->root->n_items; problem.len == 0 && n > 0; n--) {
        struct memory_sink sink;
        memory_sink_init(&sink);
        bool reached = test_probe(&r, n, &watch, &sink) && sink.n_alerts > 0;
        k->states[n - 1] = k->states[n - 1] || reached;
        memory_sink_release(&sink);
    }
    if (problem.len == 0 && k->rule->without) {
        struct memory_sink sink;
        memory_sink_init(&sink);
        (void)!test_probe(&r, 0, &watch, &sink);
        memory_sink_release(&sink);
    }
    test_run_end(&r);
}

/* ---- counting ----------------------------------------------------------------------------------- */

static unsigned outcomes_seen(uint8_t bits)
{
    return (bits & OUTCOME_TRUE ? 1u : 0u) + (bits & OUTCOME_FALSE ? 1u : 0u);
}

void rule_cover_count(const struct rule_cover *r, struct cover_count *ret)
{
    *ret = (struct cover_count){.states_all = r->rule->root->n_items, .edges_all = r->rule->n_tests};
    for (uint32_t i = 0; i < r->rule->root->n_items; i++) {
        ret->states += r->states[i];
    }
    for (uint32_t t = 0; t < r->rule->n_tests; t++) {
        ret->edges += r->edges[t];
        ret->outcomes_all += 2 * r->rule->tests[t].n_conditions;
        for (uint32_t i = 0; i < r->rule->tests[t].n_conditions; i++) {
            ret->outcomes += outcomes_seen(r->outcomes[t][i]);
        }
    }
}

void cover_count_add(struct cover_count *sum, const struct cover_count *c)
{
    sum->states += c->states;
    sum->states_all += c->states_all;
    sum->edges += c->edges;
    sum->edges_all += c->edges_all;
    sum->outcomes += c->outcomes;
    sum->outcomes_all += c->outcomes_all;
}

unsigned cover_percent(const struct cover_count *c)
{
    unsigned all = c->states_all + c->edges_all + c->outcomes_all;
    return all == 0 ? 100 : (c->states + c->edges + c->outcomes) * 100 / all;
}

void rule_cover_gaps(const struct rule_cover *r, void (*fn)(void *ctx, struct slice line),
                     void *ctx)
{
    FYKE_CLEANUP(buf_release) struct buf line = BUF_INIT;
    for (uint32_t i = 0; i < r->rule->root->n_items; i++) {
        if (!r->states[i]) {
            buf_clear(&line);
            buf_printf(&line, "step %u of %u was never reached", i + 1, r->rule->root->n_items);
            fn(ctx, buf_slice(&line));
            break; /* nor any behind it */
        }
    }
    for (uint32_t t = 0; t < r->rule->n_tests; t++) {
        const struct rule_test *test = &r->rule->tests[t];
        if (!r->edges[t]) {
            buf_clear(&line);
            buf_printf(&line, "no event was ever taken as %.*s", SLICE_ARG(test->label));
            fn(ctx, buf_slice(&line));
        }
        for (uint32_t i = 0; i < test->n_conditions; i++) {
            uint8_t seen = r->outcomes[t][i];
            const char *lack = !seen ? "asked" : !(seen & OUTCOME_TRUE) ? "true" : "false";
            if (seen != (OUTCOME_TRUE | OUTCOME_FALSE)) {
                buf_clear(&line);
                buf_printf(&line, "%.*s: `%.*s` was never %s", SLICE_ARG(test->label),
                           SLICE_ARG(test->conditions[i].text), lack);
                fn(ctx, buf_slice(&line));
            }
        }
    }
}

void rule_cover_graphviz(const struct rule_cover *r, struct buf *out)
{
    enum rule_mark marks[RULE_MAX_TESTS];
    for (uint32_t t = 0; t < r->rule->n_tests; t++) {
        bool whole = r->edges[t];
        for (uint32_t i = 0; i < r->rule->tests[t].n_conditions; i++) {
            whole = whole && r->outcomes[t][i] == (OUTCOME_TRUE | OUTCOME_FALSE);
        }
        marks[t] = whole ? MARK_COVERED : r->edges[t] ? MARK_PARTLY : MARK_NEVER;
    }
    rule_graphviz_marked(r->rule, marks, out);
}
