#include "lib/rule_coverage.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "lib/json_view.h"
#include "lib/rule_test_probe.h"
#include "nfa/expr.h"

/* ---- places ------------------------------------------------------------------------------------- */

static uint32_t conditions_at(const struct rule *r, enum cover_of of, uint32_t index,
                              const struct rule_condition **ret)
{
    switch (of) {
    case COVER_TEST: *ret = r->tests[index].conditions; return r->tests[index].n_conditions;
    case COVER_ROLE: *ret = r->roles[index].conditions; return r->roles[index].n_conditions;
    case COVER_CLAUSE: *ret = r->clauses[index].conditions; return r->clauses[index].n_conditions;
    }
    return 0;
}

/* Their number; `ret`: may be NULL. */
static uint32_t list_places(const struct rule *r, struct cover_place *ret)
{
    const uint32_t counts[] = {
        [COVER_TEST] = r->n_tests, [COVER_ROLE] = r->n_roles, [COVER_CLAUSE] = r->n_clauses};
    uint32_t n = 0;
    for (uint32_t of = 0; of < FYKE_ARRAY_LEN(counts); of++) {
        for (uint32_t i = 0; i < counts[of]; i++) {
            const struct rule_condition *c;
            uint32_t n_conditions = conditions_at(r, (enum cover_of)of, i, &c);
            for (uint32_t k = 0; k < n_conditions; k++) {
                for (int32_t side = -1; side < (int32_t)c[k].n_sides; side++, n++) {
                    if (ret) {
                        ret[n] = (struct cover_place){(enum cover_of)of, i, k, side, 0};
                    }
                }
            }
        }
    }
    return n;
}

/* Of `r`, which has the same places (its plan is the same). */
static const struct rule_condition *condition_of(const struct rule *r, const struct cover_place *p)
{
    const struct rule_condition *c;
    (void)conditions_at(r, p->of, p->index, &c);
    c += p->condition;
    return p->side < 0 ? c : &c->sides[p->side];
}

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
        k->n_places = list_places(r, NULL);
        k->places = ARENA_ARRAY(&v->arena, struct cover_place, k->n_places + 1u);
        list_places(r, k->places);
    }
}

void rule_coverage_release(struct rule_coverage *v)
{
    arena_release(&v->arena);
}

/* ---- looking on --------------------------------------------------------------------------------- */

/* The rule, or the beginning of it that is tried; in the rules of a reload, as long as it is the same. */
static bool is_ours(const struct rule_cover *k, const struct rule *rule)
{
    return slice_eq(rule->name, k->rule->name) && rule->plan == k->rule->plan;
}

static bool note(struct cover_place *p, const struct rule_condition *c, struct eval *ev)
{
    bool holds = expr_true(c->expr, ev);
    p->seen |= holds ? OUTCOME_TRUE : OUTCOME_FALSE;
    return holds;
}

static void on_asked(void *ctx, const struct rule *rule, uint32_t test, const struct event *e,
                     struct eval *ev, bool bound)
{
    struct rule_cover *k = ctx;
    (void)e;
    if (!is_ours(k, rule)) {
        return;
    }
    bool passes = bound || !rule->tests[test].joint;
    for (uint32_t i = 0; i < k->n_places; i++) {
        struct cover_place *p = &k->places[i];
        if (p->of != COVER_TEST || p->index != test) {
            continue;
        }
        const struct rule_condition *c = condition_of(rule, p);
        if (rule->tests[test].conditions[p->condition].own == bound) {
            continue; /* own conditions are asked once, the others with bindings */
        }
        bool holds = note(p, c, ev);
        passes = passes && (p->side >= 0 || holds);
    }
    k->edges[test] = k->edges[test] || passes;
}

static void on_filtered(void *ctx, const struct rule *rule, uint32_t role, struct eval *ev)
{
    struct rule_cover *k = ctx;
    for (uint32_t i = 0; is_ours(k, rule) && i < k->n_places; i++) {
        if (k->places[i].of == COVER_ROLE && k->places[i].index == role) {
            (void)note(&k->places[i], condition_of(rule, &k->places[i]), ev);
        }
    }
}

static void on_judged(void *ctx, const struct rule *rule, const struct expr *e, struct eval *ev)
{
    struct rule_cover *k = ctx;
    for (uint32_t i = 0; is_ours(k, rule) && i < k->n_places; i++) {
        struct cover_place *p = &k->places[i];
        if (p->of == COVER_CLAUSE && rule->clauses[p->index].decides == e) {
            (void)note(p, condition_of(rule, p), ev);
        }
    }
}

/* ---- one test ------------------------------------------------------------------------------------ */

static void reach(struct rule_cover *k, struct test_run *r, const struct nfa_watch *watch)
{
    for (uint32_t n = k->rule->root->n_items; n > 0; n--) {
        struct memory_sink sink;
        memory_sink_init(&sink);
        bool reached = test_probe(r, n, watch, &sink) && sink.n_alerts > 0;
        k->states[n - 1] = k->states[n - 1] || reached;
        memory_sink_release(&sink);
    }
    if (k->rule->without) {
        struct memory_sink sink;
        memory_sink_init(&sink);
        (void)!test_probe(r, 0, watch, &sink);
        memory_sink_release(&sink);
    }
}

static bool is_of_plan(const struct rule_cover *k, struct slice alert)
{
    char plan[17];
    struct json_view v;
    snprintf(plan, sizeof(plan), "%016llx", (unsigned long long)k->rule->plan);
    json_view_init(&v);
    bool is = json_view_set(&v, alert) && json_view_is(json_view_get(v.root, "plan"), plan) &&
              json_view_is(json_view_get(v.root, "kind"), "match");
    json_view_release(&v);
    return is;
}

/* Through reloads, as the test goes: what comes of the rule as it is here has reached all of it. */
static void go_through(struct rule_cover *k, struct test_run *r, const struct nfa_watch *watch)
{
    struct memory_sink sink;
    memory_sink_init(&sink);
    test_evaluate(r, &(struct test_evaluation){.rules = r->first, .watch = watch}, &sink);
    for (size_t i = 0; r->problem->len == 0 && i < sink.n_alerts; i++) {
        for (uint32_t n = 0; is_of_plan(k, memory_sink_value(&sink, i)) && n < k->rule->root->n_items; n++) {
            k->states[n] = true;
        }
    }
    memory_sink_release(&sink);
}

void rule_coverage_add(struct rule_coverage *v, const struct compilation *c,
                       const struct compiled_test *test, const struct rule_test_options *options)
{
    struct rule_cover *k = &v->rules[test->rule];
    const struct nfa_watch watch = {
        .asked = on_asked, .filtered = on_filtered, .judged = on_judged, .ctx = k};
    struct test_run r;
    FYKE_CLEANUP(buf_release) struct buf problem = BUF_INIT;
    k->n_tests++;
    test_run_begin(&r, c, test, options, &problem);
    if (problem.len == 0 && test_rules_change(&r)) {
        go_through(k, &r, &watch);
        test_run_end_at_change(&r);
    }
    if (problem.len == 0) {
        reach(k, &r, &watch);
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
    }
    for (uint32_t i = 0; i < r->n_places; i++) {
        ret->outcomes_all += 2;
        ret->outcomes += outcomes_seen(r->places[i].seen);
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

/* "p: `amount > 5`", "let Big: `amount > 5`", "f: until `count(f) > 2`"; a side: " in `amount > 5 or fast`". */
static void put_place(const struct rule_cover *r, const struct cover_place *p, struct buf *out)
{
    const struct rule *rule = r->rule;
    const struct rule_clause *clause = p->of == COVER_CLAUSE ? &rule->clauses[p->index] : NULL;
    struct cover_place whole = *p;
    whole.side = -1;
    if (p->of == COVER_TEST) {
        buf_printf(out, "%.*s: ", SLICE_ARG(rule->tests[p->index].label));
    } else if (p->of == COVER_ROLE) {
        buf_printf(out, "let %.*s: ", SLICE_ARG(rule->roles[p->index].name));
    } else if (clause->test == NO_TEST) {
        buf_printf(out, "%.*s of the group ", SLICE_ARG(clause->word));
    } else {
        buf_printf(out, "%.*s: %.*s ", SLICE_ARG(rule->tests[clause->test].label),
                   SLICE_ARG(clause->word));
    }
    buf_printf(out, "`%.*s`", SLICE_ARG(condition_of(rule, p)->text));
    if (p->side >= 0) {
        buf_printf(out, " in `%.*s`", SLICE_ARG(condition_of(rule, &whole)->text));
    }
}

static void put_lack(const struct rule_cover *r, const struct cover_place *p,
                     void (*fn)(void *ctx, struct slice line), void *ctx)
{
    FYKE_CLEANUP(buf_release) struct buf line = BUF_INIT;
    const char *lack = !p->seen ? "asked" : !(p->seen & OUTCOME_TRUE) ? "true" : "false";
    if (p->seen != (OUTCOME_TRUE | OUTCOME_FALSE)) {
        put_place(r, p, &line);
        buf_printf(&line, " was never %s", lack);
        fn(ctx, buf_slice(&line));
    }
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
    uint32_t next = 0;
    for (uint32_t t = 0; t < r->rule->n_tests; t++) {
        if (!r->edges[t]) {
            buf_clear(&line);
            buf_printf(&line, "no event was ever taken as %.*s",
                       SLICE_ARG(r->rule->tests[t].label));
            fn(ctx, buf_slice(&line));
        }
        while (next < r->n_places && r->places[next].of == COVER_TEST && r->places[next].index == t) {
            put_lack(r, &r->places[next++], fn, ctx);
        }
    }
    while (next < r->n_places) {
        put_lack(r, &r->places[next++], fn, ctx);
    }
}

static enum rule_mark mark_of(const struct rule_cover *r, uint32_t test)
{
    const struct rule_test *t = &r->rule->tests[test];
    bool whole = r->edges[test];
    for (uint32_t i = 0; i < r->n_places && whole; i++) {
        const struct cover_place *p = &r->places[i];
        bool of_test = p->of == COVER_TEST     ? p->index == test
                       : p->of == COVER_ROLE   ? t->roles >> p->index & 1
                                               : r->rule->clauses[p->index].test == test;
        whole = !of_test || p->seen == (OUTCOME_TRUE | OUTCOME_FALSE);
    }
    return whole ? MARK_COVERED : r->edges[test] ? MARK_PARTLY : MARK_NEVER;
}

static enum rule_mark mark_of_clause(const struct rule_cover *r, uint32_t clause)
{
    bool whole = true, any = false;
    for (uint32_t i = 0; i < r->n_places; i++) {
        const struct cover_place *p = &r->places[i];
        if (p->of == COVER_CLAUSE && p->index == clause) {
            whole = whole && p->seen == (OUTCOME_TRUE | OUTCOME_FALSE);
            any = any || p->seen;
        }
    }
    return !any ? MARK_NEVER : whole ? MARK_COVERED : MARK_PARTLY;
}

void rule_cover_graphviz(const struct rule_cover *r, struct buf *out)
{
    enum rule_mark *clauses = xcalloc(r->rule->n_clauses + 1u, sizeof(*clauses));
    struct rule_marks marks = {.clauses = clauses};
    for (uint32_t t = 0; t < r->rule->n_tests; t++) {
        marks.tests[t] = mark_of(r, t);
    }
    for (uint32_t i = 0; i < r->rule->n_clauses; i++) {
        clauses[i] = mark_of_clause(r, i);
    }
    rule_graphviz_marked(r->rule, &marks, out);
    free(clauses);
}
