/* Which parts of a rule's conditions must be kept with the event: nfa/capture.h says why.
 *
 * Conditions are rebuilt, not changed: their nodes may be shared (lets, consts). */
#include "dsl/check.h"

struct capturing {
    struct rule_ctx *r;
    uint64_t tests; /* whose events stand as the current event of the expression at hand */
};

static bool changes(const struct expr *e)
{
    if (!e) {
        return false;
    }
    bool any = e->changes;
    uint32_t n = e->op == EX_AGG ? 3 : e->n_kids;
    for (uint32_t i = 0; i < n && !any; i++) {
        any = changes(e->kids[i]);
    }
    return any;
}

static const struct expr *capture(struct capturing *k, const struct expr *e)
{
    struct rule *rule = k->r->rule;
    struct expr *c = expr_new(k->r->c, EX_CAPTURE, (enum value_kind)e->kind, 1);
    c->item_kind = e->item_kind;
    c->kids[0] = e;
    c->slot = (int32_t)rule->n_captures;
    struct rule_capture *all =
        ARENA_ARRAY(k->r->c->out, struct rule_capture, rule->n_captures + 1);
    for (uint32_t i = 0; i < rule->n_captures; i++) {
        all[i] = rule->captures[i];
    }
    all[rule->n_captures++] = (struct rule_capture){e, k->tests};
    rule->captures = all;
    return c;
}

static uint64_t tests_of_slot(const struct rule *rule, int32_t slot)
{
    uint64_t tests = 0;
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        tests |= rule->tests[t].slot == slot ? UINT64_C(1) << t : 0;
    }
    return tests;
}

/* `top`: outside aggregates; `live`: there everything is read when it is asked for. */
static const struct expr *rebuild(struct capturing *k, const struct expr *e, bool live)
{
    if (!changes(e)) {
        return e;
    }
    if (!live && !(expr_reads(e) & (READS_BOUND | READS_OUTPUT))) {
        return capture(k, e);
    }
    struct expr *copy = ARENA_NEW(k->r->c->out, struct expr);
    *copy = *e;
    uint32_t n = e->op == EX_AGG ? 3 : e->n_kids;
    copy->kids = ARENA_ARRAY(k->r->c->out, const struct expr *, n + 1);
    struct capturing inner = *k;
    if (e->op == EX_AGG) {
        inner.tests = tests_of_slot(k->r->rule, e->slot);
        live = false;
    }
    for (uint32_t i = 0; i < n; i++) {
        copy->kids[i] = rebuild(&inner, e->kids[i], live);
    }
    return copy;
}

const struct expr *rule_capture_condition(struct rule_ctx *r, const struct expr *e, uint64_t tests)
{
    struct capturing k = {r, tests};
    return rebuild(&k, e, false);
}

const struct expr *rule_capture_output(struct rule_ctx *r, const struct expr *e)
{
    struct capturing k = {r, 0};
    return rebuild(&k, e, true);
}
