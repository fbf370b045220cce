/* Lints about times: what is kept for ever, what never fits, what never limits. On the tree, because
 * they point at what is written. */
#include "dsl/lint_predicate.h"

/* ---- steps without a limit ------------------------------------------------------------------- */

static void report_no_limit(struct rule_ctx *r, struct span span, const char *what)
{
    struct diag *d = check_lint(r->c, DIAG_WARNING, "W0401", span, "%s may come at any later time",
                                what);
    check_help(r->c, d, "give the rule a window, `for each KEY within 1 hour`, or limit the "
                        "distance: `then within 1 hour …`, `( … ) within 1 hour`; without it each "
                        "key keeps its first events for ever, up to --max-runs (1,000)");
}

static bool lint_no_limit(struct rule_ctx *r, const struct ast_pattern *p);

static bool part_has_no_limit(struct rule_ctx *r, const struct ast_part *part)
{
    if (part->within) {
        return false;
    }
    if (part->kind == AST_PART_GROUP || part->kind == AST_PART_REPEATED) {
        return lint_no_limit(r, part->group);
    }
    if (part->kind != AST_PART_CHOICE) {
        return false;
    }
    if (part->choice.kind != AST_CHOICE_ANY) {
        report_no_limit(r, part->choice.keyword, "one of these");
        return true;
    }
    for (const struct ast_pattern *p = part->choice.first; p; p = p->next) {
        if (lint_no_limit(r, p)) {
            return true;
        }
    }
    return false;
}

/* Told once per rule: true if it was. */
static bool lint_no_limit(struct rule_ctx *r, const struct ast_pattern *p)
{
    bool first = true;
    for (const struct ast_elem *e = p->first; e; e = e->next) {
        if (e->kind != AST_ELEM_STEP) {
            continue;
        }
        if (!first && !e->link.within) {
            report_no_limit(r, e->link.then, "this step");
            return true;
        }
        if (part_has_no_limit(r, e->part)) {
            return true;
        }
        first = false;
    }
    return false;
}

/* ---- what never fits ------------------------------------------------------------------------- */

static int64_t least_of_pattern(struct rule_ctx *r, const struct ast_pattern *p);

static int64_t sum_of(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t time_of(struct rule_ctx *r, const struct ast_timed *t)
{
    struct duration d;
    return t && check_timed(r->c, t, &d) ? d.ns : 0;
}

static void does_not_fit(struct rule_ctx *r, const struct ast_timed *limit, int64_t least)
{
    char text[DURATION_TEXT_MAX];
    struct duration d;
    if (!limit || !check_timed(r->c, limit, &d) || least <= d.ns) {
        return;
    }
    duration_format((struct duration){least}, text);
    struct diag *x = check_lint(r->c, DIAG_WARNING, "W0411", limit->span,
                                "no match fits into this time");
    check_help(r->c, x, "what it limits takes at least %s", text);
}

static int64_t times_least(const struct ast_count *n, int64_t each)
{
    int64_t product;
    return n->from && __builtin_mul_overflow(n->from->int_value, each, &product) ? INT64_MAX
           : n->from                                                             ? product
                                                                                 : each;
}

/* The least time from the first to the last event of a part. */
static int64_t least_of_part(struct rule_ctx *r, const struct ast_part *p)
{
    int64_t least = 0;
    switch (p->kind) {
    case AST_PART_EVENT:
    case AST_PART_COUNTED: break;
    case AST_PART_GROUP: least = least_of_pattern(r, p->group); break;
    case AST_PART_REPEATED: least = times_least(&p->count, least_of_pattern(r, p->group)); break;
    case AST_PART_CHOICE:
        for (const struct ast_pattern *c = p->choice.first; c; c = c->next) {
            int64_t part = least_of_pattern(r, c);
            bool any = p->choice.kind == AST_CHOICE_ANY;
            bool more = p->choice.kind == AST_CHOICE_ALL && part > least;
            bool less = any && (c == p->choice.first || part < least);
            least = more || less ? part : least;
        }
        break;
    }
    does_not_fit(r, p->within, least);
    return least;
}

/* Gaps and absences beside each other wait at the same time; what has been left out so far (of
 * optional parts) counts nothing. */
static int64_t least_of_pattern(struct rule_ctx *r, const struct ast_pattern *p)
{
    int64_t sum = 0;
    int64_t wait = 0;
    bool begun = false;
    for (const struct ast_elem *e = p->first; e; e = e->next) {
        if (e->kind != AST_ELEM_STEP) {
            int64_t absence = begun ? time_of(r, e->absence.for_time) : 0;
            wait = absence > wait ? absence : wait;
            continue;
        }
        int64_t length = least_of_part(r, e->part);
        int64_t gap = begun ? time_of(r, e->link.after) : 0;
        if (part_can_be_empty(e->part)) {
            continue;
        }
        sum = sum_of(sum, sum_of(gap > wait ? gap : wait, length));
        wait = 0;
        begun = true;
    }
    return sum_of(sum, wait);
}

/* ---- what never limits ----------------------------------------------------------------------- */

static void lint_slack_span(struct rule_ctx *r, const struct ast_part *p)
{
    char text[DURATION_TEXT_MAX];
    int64_t longest;
    if (p->kind != AST_PART_COUNTED || p->count.open || !p->pace || !p->within) {
        return;
    }
    int64_t most = p->count.to ? p->count.to->int_value : p->count.from->int_value;
    if (__builtin_mul_overflow(most - 1, time_of(r, p->pace), &longest) ||
        longest > time_of(r, p->within)) {
        return;
    }
    duration_format((struct duration){longest}, text);
    struct diag *d = check_lint(r->c, DIAG_NOTE, "W0416", p->within->span,
                                "this time limits nothing");
    check_second(r->c, d, p->pace->span, "with this the part takes at most %s", text);
}

static void lint_exact_between_gaps(struct rule_ctx *r, const struct ast_elem *e)
{
    const struct ast_part *p = e->part;
    bool exact = p->kind == AST_PART_COUNTED && !p->count.open && !p->count.to &&
                 p->count.from->int_value > 1 && p->adj.kind == AST_ADJ_NONE;
    bool gaps = exact && (e->link.within || e->link.after) && e->next &&
                e->next->kind == AST_ELEM_STEP && (e->next->link.within || e->next->link.after);
    if (gaps) {
        struct diag *d = check_lint(r->c, DIAG_WARNING, "W0406", p->count.span,
                                    "an exact count between two gaps is met only by exactly "
                                    "so many events");
        check_help(r->c, d, "did you mean `%lld or more`?", (long long)p->count.from->int_value);
    }
}

static void lint_steps(struct rule_ctx *r, const struct ast_pattern *p)
{
    for (const struct ast_elem *e = p->first; e; e = e->next) {
        if (e->kind != AST_ELEM_STEP) {
            continue;
        }
        lint_exact_between_gaps(r, e);
        lint_slack_span(r, e->part);
        if (e->part->group) {
            lint_steps(r, e->part->group);
        }
        for (const struct ast_pattern *c = e->part->choice.first; c; c = c->next) {
            lint_steps(r, c);
        }
    }
}

void lint_times(struct rule_ctx *r)
{
    if (duration_is_infinite(r->rule->window)) {
        lint_no_limit(r, r->ast->pattern);
    }
    int64_t least = least_of_pattern(r, r->ast->pattern);
    does_not_fit(r, r->ast->head ? r->ast->head->within : NULL, least);
    lint_steps(r, r->ast->pattern);
}
