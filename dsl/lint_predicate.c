#include "dsl/lint_predicate.h"

/* ---- facts: what the conjuncts of a condition say about single fields ------------------------ */

#define MAX_FACTS 64

/* field OP constant. Presence tests have no constant. */
struct fact {
    uint32_t decl, slot;
    enum expr_op op; /* EX_EQ … EX_GE, EX_IS_MISSING */
    struct value value;
};

struct facts {
    struct fact items[MAX_FACTS];
    uint32_t n;
};

static void add_fact(struct facts *f, const struct expr *field, enum expr_op op, struct value v)
{
    if (f->n < MAX_FACTS && field->field && field->field->n == 1) {
        f->items[f->n++] = (struct fact){field->field->alt[0].decl, field->field->alt[0].slot, op,
                                         v};
    }
}

static enum expr_op mirrored(enum expr_op op)
{
    return op == EX_LT   ? EX_GT
           : op == EX_LE ? EX_GE
           : op == EX_GT ? EX_LT
           : op == EX_GE ? EX_LE
                         : op;
}

static void compare_fact(struct facts *f, const struct expr *e)
{
    const struct expr *a = e->kids[0];
    const struct expr *b = e->kids[1];
    if (a->op == EX_FIELD && b->op == EX_CONST) {
        add_fact(f, a, (enum expr_op)e->op, b->value);
    } else if (b->op == EX_FIELD && a->op == EX_CONST) {
        add_fact(f, b, mirrored((enum expr_op)e->op), a->value);
    }
}

static void collect_facts(struct facts *f, const struct expr *e)
{
    if (!e) {
        return;
    }
    switch (e->op) {
    case EX_AND:
        for (uint32_t i = 0; i < e->n_kids; i++) {
            collect_facts(f, e->kids[i]);
        }
        break;
    case EX_EQ:
    case EX_NE:
    case EX_LT:
    case EX_LE:
    case EX_GT:
    case EX_GE:
        compare_fact(f, e);
        break;
    case EX_BETWEEN:
        if (e->kids[0]->op == EX_FIELD && e->kids[1]->op == EX_CONST) {
            add_fact(f, e->kids[0], EX_GE, e->kids[1]->value);
        }
        if (e->kids[0]->op == EX_FIELD && e->kids[2]->op == EX_CONST) {
            add_fact(f, e->kids[0], EX_LE, e->kids[2]->value);
        }
        break;
    case EX_FIELD:
        add_fact(f, e, EX_EQ, value_bool(true));
        break;
    case EX_NOT:
        if (e->kids[0]->op == EX_FIELD) {
            add_fact(f, e->kids[0], EX_EQ, value_bool(false));
        }
        break;
    case EX_IS_MISSING:
        if (e->kids[0]->op == EX_FIELD) {
            add_fact(f, e->kids[0], EX_IS_MISSING, VALUE_MISSING);
        }
        break;
    default:
        break;
    }
}

static bool is_upper(enum expr_op op)
{
    return op == EX_LT || op == EX_LE || op == EX_EQ;
}
static bool is_lower(enum expr_op op)
{
    return op == EX_GT || op == EX_GE || op == EX_EQ;
}

/* low says "at least", high says "at most": nothing lies between. */
static bool empty_range(const struct fact *low, const struct fact *high)
{
    if (!is_lower(low->op) || !is_upper(high->op)) {
        return false;
    }
    int c = value_compare(low->value, high->value);
    return c > 0 || (c == 0 && (low->op == EX_GT || high->op == EX_LT));
}

static bool conflict(const struct fact *a, const struct fact *b)
{
    if (a->decl != b->decl || a->slot != b->slot) {
        return false;
    }
    if (a->op == EX_IS_MISSING || b->op == EX_IS_MISSING) {
        return a->op != b->op;
    }
    if (a->value.kind != b->value.kind) {
        return false;
    }
    if ((a->op == EX_EQ && b->op == EX_NE) || (a->op == EX_NE && b->op == EX_EQ)) {
        return value_compare(a->value, b->value) == 0;
    }
    return empty_range(a, b) || empty_range(b, a);
}

static bool contradictory(const struct facts *f)
{
    for (uint32_t i = 0; i < f->n; i++) {
        for (uint32_t k = i + 1; k < f->n; k++) {
            if (conflict(&f->items[i], &f->items[k])) {
                return true;
            }
        }
    }
    return false;
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
            struct facts f = {.n = 0};
            collect_facts(&f, ra->filter);
            collect_facts(&f, rb->filter);
            collect_facts(&f, ta->own);
            collect_facts(&f, tb->own);
            if (!contradictory(&f)) {
                return true;
            }
        }
    }
    return false;
}

static void lint_contradiction(struct rule_ctx *r, uint32_t test)
{
    const struct rule_test *t = &r->rule->tests[test];
    const struct ast_event_test *ast = r->tests[test].ast;
    for (uint32_t i = 0; i < r->rule->n_roles; i++) {
        struct facts f = {.n = 0};
        if (!(t->roles >> i & 1)) {
            continue;
        }
        collect_facts(&f, r->rule->roles[i].filter);
        collect_facts(&f, t->own);
        if (!contradictory(&f)) {
            return;
        }
    }
    if (t->roles) {
        check_lint(r->c, DIAG_WARNING, "W0409", ast->where ? ast->where->span : ast->span,
                   "no `%.*s` can satisfy this", SLICE_ARG(ast->source->text));
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

/* An optional field of the event under a negative test, NULL without. */
static const struct field_ref *optional_field(const struct rule_ctx *r, const struct expr *e)
{
    if (!e) {
        return NULL;
    }
    if (e->op == EX_FIELD && e->field) {
        const struct schema_decl *d = &r->c->rs->decls[e->field->alt[0].decl];
        return d->fields[e->field->alt[0].slot].optional ? e->field : NULL;
    }
    if (e->op == EX_IS_MISSING || e->op == EX_IS_PRESENT || e->op == EX_AGG ||
        (e->op == EX_CALL && e->takes_missing)) {
        return NULL;
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        const struct field_ref *f = optional_field(r, e->kids[i]);
        if (f) {
            return f;
        }
    }
    return NULL;
}

static const struct field_ref *negative_on_optional(const struct rule_ctx *r,
                                                    const struct expr *e)
{
    if (!e) {
        return NULL;
    }
    if (e->op == EX_NE || e->op == EX_NOT) {
        return optional_field(r, e);
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        const struct field_ref *f = negative_on_optional(r, e->kids[i]);
        if (f) {
            return f;
        }
    }
    return NULL;
}

static void lint_negative(struct rule_ctx *r, uint32_t test)
{
    const struct rule_test *t = &r->rule->tests[test];
    const struct expr *parts[2] = {t->own, t->joint};
    for (size_t i = 0; i < 2; i++) {
        const struct field_ref *f = negative_on_optional(r, parts[i]);
        if (!f || asks_presence(t->own, f) || asks_presence(t->joint, f)) {
            continue;
        }
        struct slice name = r->c->rs->decls[f->alt[0].decl].fields[f->alt[0].slot].name;
        struct diag *d = check_lint(r->c, DIAG_WARNING, "W0402", r->tests[test].ast->where->span,
                                    "`%.*s` may be missing, and this negative test does not hold "
                                    "then",
                                    SLICE_ARG(name));
        check_help(r->c, d, "add `or %.*s is missing`, or `and %.*s is present`", SLICE_ARG(name),
                   SLICE_ARG(name));
    }
}

void lint_predicates(struct rule_ctx *r)
{
    for (uint32_t i = 0; i < r->rule->n_tests; i++) {
        lint_contradiction(r, i);
        lint_negative(r, i);
    }
}
