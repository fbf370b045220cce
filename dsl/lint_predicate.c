#include "dsl/lint_predicate.h"

#include "dsl/lint_facts.h"

/* ---- contradictions -------------------------------------------------------------------------- */

static void add_role(struct facts *f, const struct rule_role *role)
{
    facts_add(f, f->rs->decls[role->decl].where, false);
    facts_add(f, role->filter, false);
}

static bool never(const struct rule_ctx *r, const struct expr *e)
{
    struct facts f = {.rs = r->c->rs};
    facts_add(&f, e, false);
    return facts_contradict(&f);
}

bool lint_tests_overlap(struct rule_ctx *r, uint32_t a, uint32_t b)
{
    const struct rule_test *ta = &r->rule->tests[a];
    const struct rule_test *tb = &r->rule->tests[b];
    for (uint32_t i = 0; i < r->rule->n_roles; i++) {
        for (uint32_t k = 0; k < r->rule->n_roles; k++) {
            const struct rule_role *ra = &r->rule->roles[i];
            const struct rule_role *rb = &r->rule->roles[k];
            if (!(ta->roles >> i & 1) || !(tb->roles >> k & 1) || ra->decl != rb->decl) {
                continue;
            }
            struct facts f = {.rs = r->c->rs};
            add_role(&f, ra);
            facts_add(&f, rb->filter, false);
            facts_add(&f, ta->own, false);
            facts_add(&f, tb->own, false);
            if (!facts_contradict(&f)) {
                return true;
            }
        }
    }
    return false;
}

/* Only what the test and its source say together: each alone was judged where it stands. */
static void lint_contradiction(struct rule_ctx *r, uint32_t test)
{
    const struct rule_test *t = &r->rule->tests[test];
    const struct ast_event_test *ast = r->tests[test].ast;
    if (!t->roles || !ast->where || never(r, t->own)) {
        return;
    }
    for (uint32_t i = 0; i < r->rule->n_roles; i++) {
        struct facts f = {.rs = r->c->rs};
        if (!(t->roles >> i & 1)) {
            continue;
        }
        add_role(&f, &r->rule->roles[i]);
        bool source_alone = facts_contradict(&f);
        facts_add(&f, t->own, false);
        if (source_alone || !facts_contradict(&f)) {
            return;
        }
    }
    struct diag *d = check_lint(r->c, DIAG_WARNING, "W0409", ast->where->span,
                                "no `%.*s` can satisfy this", SLICE_ARG(ast->source->text));
    const struct symbol *s = scope_peek(r->c, ast->source->text);
    if (s && s->kind == SYM_LET) {
        check_second(r->c, d, s->span, "what it lets through");
    }
}

/* ---- negative tests on optional fields ------------------------------------------------------ */

static bool same_field(const struct field_ref *a, const struct field_ref *b)
{
    return a && b && a->alt[0].decl == b->alt[0].decl && a->alt[0].slot == b->alt[0].slot;
}

/* The condition asks somewhere whether the field is there. */
static bool asks_presence(const struct expr *e, const struct field_ref *field)
{
    if (!e) {
        return false;
    }
    if ((e->op == EX_IS_MISSING || e->op == EX_IS_PRESENT) &&
        same_field(e->kids[0]->field, field)) {
        return true;
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (asks_presence(e->kids[i], field)) {
            return true;
        }
    }
    return false;
}

/* The condition cannot hold without the field: it compares it, on its own or beside `and`. */
static bool needs_value(const struct expr *e, const struct field_ref *field)
{
    bool compares = e && e->op >= EX_EQ && e->op <= EX_ENDS_WITH && e->op != EX_NE;
    if (!e || (e->op != EX_AND && !compares)) {
        return false;
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        const struct expr *kid = e->kids[i];
        if (compares ? kid->op == EX_FIELD && same_field(kid->field, field)
                     : needs_value(kid, field)) {
            return true;
        }
    }
    return false;
}

static bool is_certain(const struct expr *e, const struct field_ref *field)
{
    return asks_presence(e, field) || needs_value(e, field);
}

/* An optional field of the event under a negative test, NULL without. */
static const struct field_ref *optional_field(const struct checker *c, const struct expr *e)
{
    if (!e) {
        return NULL;
    }
    if (e->op == EX_FIELD && e->field) {
        const struct schema_decl *d = &c->rs->decls[e->field->alt[0].decl];
        return d->fields[e->field->alt[0].slot].optional ? e->field : NULL;
    }
    if (e->op == EX_IS_MISSING || e->op == EX_IS_PRESENT || e->op == EX_AGG ||
        (e->op == EX_CALL && e->takes_missing)) {
        return NULL;
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        const struct field_ref *f = optional_field(c, e->kids[i]);
        if (f) {
            return f;
        }
    }
    return NULL;
}

static const struct field_ref *negative_on_optional(const struct checker *c,
                                                    const struct expr *e)
{
    if (!e) {
        return NULL;
    }
    if (e->op == EX_NE || e->op == EX_NOT) {
        return optional_field(c, e);
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        const struct field_ref *f = negative_on_optional(c, e->kids[i]);
        if (f) {
            return f;
        }
    }
    return NULL;
}

static void report_negative(struct checker *c, const struct field_ref *f, struct span span)
{
    struct slice name = c->rs->decls[f->alt[0].decl].fields[f->alt[0].slot].name;
    struct diag *d = check_lint(c, DIAG_WARNING, "W0402", span,
                                "`%.*s` may be missing, and this negative test does not hold "
                                "then",
                                SLICE_ARG(name));
    check_help(c, d, "add `or %.*s is missing`, or `and %.*s is present`", SLICE_ARG(name),
               SLICE_ARG(name));
}

void lint_let(struct checker *c, const struct expr *filter, struct span span)
{
    const struct field_ref *f = negative_on_optional(c, filter);
    if (f && !is_certain(filter, f)) {
        report_negative(c, f, span);
    }
}

static void lint_negative(struct rule_ctx *r, uint32_t test)
{
    const struct rule_test *t = &r->rule->tests[test];
    const struct expr *parts[2] = {t->own, t->joint};
    for (size_t i = 0; i < 2; i++) {
        const struct field_ref *f = negative_on_optional(r->c, parts[i]);
        if (f && !is_certain(t->own, f) && !is_certain(t->joint, f)) {
            report_negative(r->c, f, r->tests[test].ast->where->span);
        }
    }
}

void lint_predicates(struct rule_ctx *r)
{
    for (uint32_t i = 0; i < r->rule->n_tests; i++) {
        lint_contradiction(r, i);
        lint_negative(r, i);
    }
}
