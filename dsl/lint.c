/* Lints: what is allowed and probably not meant (language.md 3.3, 3.9, 3.11, 4). Warnings are
 * mistakes in most rules; notes tell of a choice that surprises some authors. Only run on rules
 * without errors. */
#include "dsl/check.h"
#include "dsl/lint_predicate.h"

/* ---- times --------------------------------------------------------------------------------- */

static void lint_no_limit(struct rule_ctx *r)
{
    bool first = true;
    if (!duration_is_infinite(r->rule->window)) {
        return;
    }
    for (const struct ast_elem *e = r->ast->pattern->first; e; e = e->next) {
        if (e->kind != AST_ELEM_STEP) {
            continue;
        }
        if (!first && !e->link.within) {
            struct diag *d = check_lint(r->c, DIAG_WARNING, "W0401", e->link.then,
                                        "this step may come at any later time");
            check_help(r->c, d, "give the rule a window, `for each KEY within 1 hour`, or limit "
                                "the gap: `then within 1 hour …`");
            return;
        }
        first = false;
    }
}

/* The least time from the first to the last event of a part. */
static int64_t least_length(const struct pattern *p)
{
    int64_t sum = 0;
    if (p->kind != PAT_SEQ && p->kind != PAT_REPEAT) {
        return 0;
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        const struct pattern_item *item = &p->items[i];
        int64_t gap = i > 0 ? item->link.after.ns : 0;
        for (uint32_t a = 0; a < item->n_absences; a++) {
            const struct pattern_absence *absence = &item->absences[a];
            if (absence->kind == ABSENT_FOR && absence->length.ns > gap) {
                gap = absence->length.ns;
            }
        }
        bool skipped = item->node && item->node->optional;
        int64_t length = item->node && !skipped ? least_length(item->node) : 0;
        if (!skipped && __builtin_add_overflow(sum, gap, &sum)) {
            return INT64_MAX;
        }
        if (__builtin_add_overflow(sum, length, &sum)) {
            return INT64_MAX;
        }
    }
    return sum;
}

static void lint_impossible_window(struct rule_ctx *r)
{
    char text[DURATION_TEXT_MAX];
    int64_t least = least_length(r->rule->root);
    if (duration_is_infinite(r->rule->window) || least <= r->rule->window.ns) {
        return;
    }
    duration_format((struct duration){least}, text);
    struct diag *d = check_lint(r->c, DIAG_WARNING, "W0411", r->ast->head->within->span,
                                "no match fits into this window");
    check_help(r->c, d, "the steps take at least %s", text);
}

static void lint_exact_between_gaps(struct rule_ctx *r)
{
    for (const struct ast_elem *e = r->ast->pattern->first; e; e = e->next) {
        const struct ast_part *p = e->part;
        bool exact = e->kind == AST_ELEM_STEP && p->kind == AST_PART_COUNTED && !p->count.open &&
                     !p->count.to && p->count.from->int_value > 1 &&
                     p->adj.kind == AST_ADJ_NONE;
        bool gaps = exact && (e->link.within || e->link.after) && e->next &&
                    e->next->kind == AST_ELEM_STEP &&
                    (e->next->link.within || e->next->link.after);
        if (gaps) {
            struct diag *d = check_lint(r->c, DIAG_WARNING, "W0406", p->count.span,
                                        "an exact count between two gaps is met only by exactly "
                                        "so many events");
            check_help(r->c, d, "did you mean `%lld or more`?",
                       (long long)p->count.from->int_value);
        }
    }
}

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

static void lint_chain(struct rule_ctx *r)
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
    lint_no_limit(r);
    lint_impossible_window(r);
    lint_exact_between_gaps(r);
    lint_hidden_fields(r);
    lint_final_count(r);
    lint_having(r, r->rule->root);
    lint_chain(r);
    lint_interleaved(r);
    lint_predicates(r);
}
