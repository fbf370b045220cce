/* Lints: what is allowed and probably not meant (language.md 3.3, 3.9, 3.11, 4). Warnings are
 * mistakes in most rules; notes tell of a choice that surprises some authors. Only run on rules
 * without errors. */
#include "dsl/check.h"
#include "dsl/lint_predicate.h"

/* ---- names --------------------------------------------------------------------------------- */

static void lint_hidden_fields(struct rule_ctx *r)
{
    for (uint32_t s = 0; s < r->rule->n_slots; s++) {
        const struct name_info *n = &r->names[s];
        for (uint32_t i = 0; n->text.len && i < r->rule->n_roles; i++) {
            const struct schema_decl *d = &r->c->rs->decls[r->rule->roles[i].decl];
            if (decl_find_field(d, n->text) < 0) {
                continue;
            }
            struct diag *x = check_lint(r->c, DIAG_WARNING, "W0403", n->span,
                                        "`%.*s` hides the field of this name in `%.*s`",
                                        SLICE_ARG(n->text), SLICE_ARG(d->name));
            check_help(r->c, x, "take another name for the step");
        }
    }
}

/* ---- policies ------------------------------------------------------------------------------ */

static void lint_final_count(struct rule_ctx *r)
{
    const struct ast_elem *last = r->ast->pattern->last;
    const struct ast_part *p = last->part;
    if (last->kind != AST_ELEM_STEP || p->kind != AST_PART_COUNTED || !p->count.open ||
        p->until || p->having || r->rule->quiet.present || r->rule->policy == NO_SKIP) {
        return;
    }
    struct diag *d = check_lint(r->c, DIAG_NOTE, "W0404", p->count.span,
                                "the rule fires at the %lld%s event, so this count is a constant",
                                (long long)p->count.from->int_value,
                                p->count.from->int_value == 1   ? "st"
                                : p->count.from->int_value == 2 ? "nd"
                                : p->count.from->int_value == 3 ? "rd"
                                                                : "th");
    check_help(r->c, d, "`quiet for D` tells how many alerts followed");
}

/* An aggregate over the events of another step. */
static bool has_other_aggregate(const struct expr *e, int32_t own)
{
    if (!e) {
        return false;
    }
    if (e->op == EX_AGG) {
        return e->slot != own;
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (has_other_aggregate(e->kids[i], own)) {
            return true;
        }
    }
    return false;
}

static void lint_having(struct rule_ctx *r, const struct pattern *p)
{
    if (p->kind == PAT_COUNT && has_other_aggregate(p->having, r->rule->tests[p->test].slot)) {
        const struct ast_event_test *ast = r->tests[p->test].ast;
        struct diag *d = check_lint(r->c, DIAG_NOTE, "W0405", ast->span,
                                    "`having` holds if some choice of events satisfies it");
        check_help(r->c, d, "comparing totals of two parts finds some pair of parts for which it "
                            "holds");
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (p->items[i].node) {
            lint_having(r, p->items[i].node);
        }
    }
}

/* The test of a single step or count at an end of the pattern, -1 for anything else. */
static int32_t end_test(const struct pattern *root, bool last)
{
    const struct pattern_item *item = &root->items[last ? root->n_items - 1 : 0];
    const struct pattern *p = item->node;
    return p && (p->kind == PAT_STEP || p->kind == PAT_COUNT) ? (int32_t)p->test : -1;
}

static void lint_halved_chain(struct rule_ctx *r)
{
    int32_t first = end_test(r->rule->root, false);
    int32_t last = end_test(r->rule->root, true);
    if (r->rule->policy != SKIP_PAST_LAST || first < 0 || last < 0 || first == last ||
        !lint_tests_overlap(r, (uint32_t)first, (uint32_t)last)) {
        return;
    }
    struct diag *d = check_lint(r->c, DIAG_NOTE, "W0407", r->tests[last].ast->span,
                                "this event may be the first of the next match as well, but is "
                                "used up");
    check_second(r->c, d, r->tests[first].ast->span, "the first step");
    check_help(r->c, d, "`after match skip to next` lets chains overlap");
}

static bool is_key_field(const struct rule_ctx *r, const struct expr *f)
{
    for (uint32_t i = 0; i < r->rule->n_roles; i++) {
        for (uint32_t k = 0; k < r->rule->n_key; k++) {
            const struct expr *key = r->rule->roles[i].key[k];
            if (key && key->field && f->field && key->field->alt[0].decl == f->field->alt[0].decl &&
                key->field->alt[0].slot == f->field->alt[0].slot) {
                return true;
            }
        }
    }
    return false;
}

static bool links_steps(const struct rule_ctx *r, const struct expr *e)
{
    if (!e) {
        return false;
    }
    if (e->op == EX_AND) {
        for (uint32_t i = 0; i < e->n_kids; i++) {
            if (links_steps(r, e->kids[i])) {
                return true;
            }
        }
        return false;
    }
    if (e->op != EX_EQ) {
        return false;
    }
    const struct expr *a = e->kids[0];
    const struct expr *b = e->kids[1];
    const struct expr *self = a->op == EX_FIELD ? a : b;
    const struct expr *other = self == a ? b : a;
    return self->op == EX_FIELD && (other->op == EX_BOUND || other->op == EX_ITER) &&
           !is_key_field(r, self);
}

static void lint_interleaved(struct rule_ctx *r)
{
    for (uint32_t i = 0; i < r->rule->n_tests && r->rule->policy == SKIP_PAST_LAST; i++) {
        const struct rule_test *t = &r->rule->tests[i];
        if (t->use != TEST_STEP || !links_steps(r, t->joint)) {
            continue;
        }
        struct diag *d = check_lint(r->c, DIAG_NOTE, "W0408", r->tests[i].ast->where->span,
                                    "steps are linked by a field that is not in the key: "
                                    "interleaved chains hide each other");
        check_help(r->c, d, "put the field into the key, or write `after match skip to next`");
        return;
    }
}

void rule_lint(struct rule_ctx *r)
{
    lint_times(r);
    lint_reach(r);
    lint_hidden_fields(r);
    lint_final_count(r);
    lint_having(r, r->rule->root);
    lint_halved_chain(r);
    lint_interleaved(r);
    lint_predicates(r);
}
