/* Lints on the parts of a condition, at the place where they are joined: what can never hold, and
 * what always does. `x = 1 and x = 2` and `x != 1 or x != 2` are the usual slips. */
#include "dsl/lint_facts.h"

static bool contradict(struct expr_ctx *x, const struct expr *a, const struct expr *b,
                       bool negated)
{
    struct facts f = {.rs = x->c->rs};
    facts_add(&f, a, negated);
    facts_add(&f, b, negated);
    return facts_contradict(&f);
}

/* Judged where its own parts are joined. */
static bool is_composed(const struct expr *e)
{
    while (e->op == EX_NOT) {
        e = e->kids[0];
    }
    return e->op == EX_AND || e->op == EX_OR;
}

static bool both_are(const struct expr *a, const struct expr *b, enum expr_op op)
{
    return a->op == op && b->op == op;
}

static void report_never(struct expr_ctx *x, struct typed first, struct typed second)
{
    struct diag *d = check_lint(x->c, DIAG_WARNING, "W0409", second.span,
                                "this contradicts the condition before it: both never hold");
    check_second(x->c, d, first.span, "the other condition");
    if (both_are(first.e, second.e, EX_EQ)) {
        check_help(x->c, d, "a value is not two at once: write `or`, or `in (…, …)`");
    }
}

static void report_always(struct expr_ctx *x, struct typed first, struct typed second)
{
    struct diag *d = check_lint(x->c, DIAG_WARNING, "W0413", second.span,
                                "one of the two conditions holds for every value");
    check_second(x->c, d, first.span, "the other condition");
    if (both_are(first.e, second.e, EX_NE)) {
        check_help(x->c, d, "to leave out both values write `and`, or `not in (…, …)`");
    }
}

/* `always`: the negations contradict each other. */
static void lint_single(struct expr_ctx *x, struct typed t, bool always)
{
    struct facts f = {.rs = x->c->rs};
    facts_add(&f, t.e, always);
    if (!facts_contradict(&f)) {
        return;
    }
    if (always) {
        check_lint(x->c, DIAG_WARNING, "W0413", t.span, "this holds for every value");
    } else {
        check_lint(x->c, DIAG_WARNING, "W0409", t.span, "this can never hold");
    }
}

void lint_condition(struct expr_ctx *x, struct typed t)
{
    if (t.e && !is_composed(t.e)) {
        lint_single(x, t, false);
        lint_single(x, t, true);
    }
}

/* The first two that exclude each other; else all of them together do. */
static void report_chain(struct expr_ctx *x, bool is_or, const struct typed *parts, uint32_t n,
                         struct span whole)
{
    for (uint32_t k = 0; k < n; k++) {
        for (uint32_t i = 0; i < k; i++) {
            if (!contradict(x, parts[i].e, parts[k].e, is_or)) {
                continue;
            }
            if (is_or) {
                report_always(x, parts[i], parts[k]);
            } else {
                report_never(x, parts[i], parts[k]);
            }
            return;
        }
    }
    if (is_or) {
        check_lint(x->c, DIAG_WARNING, "W0413", whole,
                   "one of these conditions holds for every value");
    } else {
        check_lint(x->c, DIAG_WARNING, "W0409", whole, "these conditions never hold together");
    }
}

void lint_chain(struct expr_ctx *x, bool is_or, const struct typed *parts, uint32_t n,
                struct span whole)
{
    struct facts f = {.rs = x->c->rs};
    uint32_t seen = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t before = x->c->diags->n_warnings;
        if (!is_composed(parts[i].e)) {
            lint_single(x, parts[i], false);
            lint_single(x, parts[i], true);
        }
        if (x->c->diags->n_warnings != before) {
            return;
        }
    }
    for (; seen < n && f.n < MAX_FACTS; seen++) {
        facts_add(&f, parts[seen].e, is_or);
    }
    if (facts_contradict(&f)) {
        report_chain(x, is_or, parts, seen, whole);
    }
}

/* A value compared with itself: true or false for every event. In languages that join tables such a
 * condition has a side of each table. */
void lint_self_comparison(struct expr_ctx *x, const struct expr *e, struct span span)
{
    if (e->op < EX_EQ || e->op > EX_GE || e->kids[0]->op == EX_CONST ||
        !expr_same(e->kids[0], e->kids[1])) {
        return;
    }
    bool always = e->op == EX_EQ || e->op == EX_LE || e->op == EX_GE;
    struct diag *d = check_lint(x->c, DIAG_WARNING, always ? "W0413" : "W0409", span,
                                "both sides are the same value: this %s holds",
                                always ? "always" : "never");
    if (e->kids[0]->op == EX_FIELD && x->rule) {
        check_help(x->c, d, "a bare field is that of the event under test; a field of another step "
                            "is written with the step's name: `a.FIELD`");
    }
}
