/* The meaning errors of a pattern's shape (language.md 2, 3.2, 3.5, 3.7, 4; grammar.md "left to
 * the checker"). Times are check_bounds.c's business. */
#include "dsl/check.h"

/* ---- what can be empty --------------------------------------------------------------------- */

bool pattern_can_be_empty(const struct ast_pattern *p)
{
    for (const struct ast_elem *e = p->first; e; e = e->next) {
        if (e->kind == AST_ELEM_STEP && !part_can_be_empty(e->part)) {
            return false;
        }
    }
    return true;
}

static bool choice_can_be_empty(const struct ast_part *part)
{
    for (const struct ast_pattern *p = part->choice.first; p; p = p->next) {
        bool empty = pattern_can_be_empty(p);
        if (part->choice.kind == AST_CHOICE_ALL ? !empty : empty) {
            return part->choice.kind != AST_CHOICE_ALL;
        }
    }
    return part->choice.kind == AST_CHOICE_ALL;
}

bool part_can_be_empty(const struct ast_part *p)
{
    if (p->optional) {
        return true;
    }
    switch (p->kind) {
    case AST_PART_EVENT:
        return false;
    case AST_PART_COUNTED:
        return p->count.from->int_value == 0;
    case AST_PART_REPEATED:
        return p->count.from->int_value == 0 || pattern_can_be_empty(p->group);
    case AST_PART_GROUP:
        return pattern_can_be_empty(p->group);
    case AST_PART_CHOICE:
        return choice_can_be_empty(p);
    }
    return false;
}

/* ---- counts and suffixes ------------------------------------------------------------------- */

static void check_count(struct rule_ctx *r, const struct ast_part *part)
{
    const struct ast_count *n = &part->count;
    int64_t from = n->from->int_value;
    int64_t to = n->to ? n->to->int_value : from;
    if (!n->open && to == 0) {
        struct diag *d = check_error(r->c, "E0402", n->span, "a count of zero binds no event");
        check_help(r->c, d, "that something must not occur is written `no %.*s`",
                   part->kind == AST_PART_COUNTED ? (int)part->event.source->text.len : 1,
                   part->kind == AST_PART_COUNTED ? part->event.source->text.ptr : "X");
    } else if (!n->open && to < from) {
        struct diag *d = check_error(r->c, "E0402", n->span, "no number is at least %lld and at "
                                     "most %lld", (long long)from, (long long)to);
        check_help(r->c, d, "write `%lld to %lld`", (long long)to, (long long)from);
    }
    if (from > 1000000 || to > 1000000) {
        check_error(r->c, "E0402", n->span, "a count is at most 1,000,000");
    }
}

static void check_counted(struct rule_ctx *r, const struct ast_part *part)
{
    const struct ast_clause *cond = part->until ? part->until : part->having;
    check_count(r, part);
    if (part->adj.kind == AST_ADJ_ANYWHERE && cond) {
        struct diag *d = check_error(r->c, "E0418", cond->span,
                                     "`anywhere` has no one set of events to judge by `%s`",
                                     part->until ? "until" : "having");
        check_second(r->c, d, part->adj.span, "any subset may be chosen here");
        check_help(r->c, d, "leave `anywhere` out");
    }
}

static void check_repeated(struct rule_ctx *r, const struct ast_part *part)
{
    check_count(r, part);
    if (part->pace) {
        struct diag *d = check_error(r->c, "E0417", part->pace->span,
                                     "`each within` belongs to a counted step, not to a group");
        check_help(r->c, d, "limit the step that begins the group: `(… then within D …)`");
    }
    if (part->adj.kind == AST_ADJ_ANYWHERE) {
        struct diag *d = check_error(r->c, "E0417", part->adj.span,
                                     "`anywhere` belongs to a counted step, not to a group");
        check_help(r->c, d, "a repeated group may leave events out anyway");
    }
    if (part->having && part->adj.kind != AST_ADJ_IN_A_ROW) {
        struct diag *d = check_error(r->c, "E0419", part->having->span,
                                     "a group that may leave events out has no `having`");
        check_help(r->c, d, "write `in a row` after the group");
    }
    if (pattern_can_be_empty(part->group)) {
        check_error(r->c, "E0404", part->group->span, "the repeated group can be empty");
    }
}

/* ---- choices ------------------------------------------------------------------------------- */

static const char *choice_text(const struct ast_part *part)
{
    return part->choice.kind == AST_CHOICE_ALL   ? "all of"
           : part->choice.kind == AST_CHOICE_ANY ? "any of"
                                                 : "n of";
}

/* A part of `all of` has to say by itself when it ends. */
static void check_part_end(struct rule_ctx *r, const struct ast_part *part,
                           const struct ast_pattern *p)
{
    const struct ast_elem *last = p->last;
    while (last && last->kind == AST_ELEM_STEP && last->part->kind == AST_PART_GROUP) {
        last = last->part->group->last;
    }
    if (last->kind == AST_ELEM_NEXT_NO ||
        (last->kind == AST_ELEM_ABSENCE && !last->absence.for_time)) {
        struct diag *d = check_error(r->c, "E0407", last->span,
                                     "a part of `%s` cannot end with `%s`", choice_text(part),
                                     last->kind == AST_ELEM_NEXT_NO ? "next no" : "no");
        check_help(r->c, d, "say for how long: `no %.*s for 10 minutes`",
                   SLICE_ARG(last->absence.event.source->text));
    }
}

static void check_choice(struct rule_ctx *r, const struct ast_part *part)
{
    bool all = part->choice.kind == AST_CHOICE_ALL;
    if (part->choice.kind == AST_CHOICE_N) {
        int64_t n = part->choice.n->int_value;
        if (n > part->choice.n_parts) {
            check_error(r->c, "E0403", part->choice.keyword, "%lld of %u parts cannot be chosen",
                        (long long)n, part->choice.n_parts);
        } else if (n == 0) {
            check_error(r->c, "E0402", part->choice.keyword, "a count of zero binds no event");
        }
    }
    for (const struct ast_pattern *p = part->choice.first; p; p = p->next) {
        if (!all && pattern_can_be_empty(p)) {
            struct diag *d = check_error(r->c, "E0404", p->span, "a part of `%s` can be empty",
                                         choice_text(part));
            check_help(r->c, d, "make the whole optional: `optional %s (…)`", choice_text(part));
        }
        if (part->choice.kind != AST_CHOICE_ANY) {
            check_part_end(r, part, p);
        }
    }
}

/* ---- sequences ----------------------------------------------------------------------------- */

static void check_sequence(struct rule_ctx *r, const struct ast_pattern *p, bool top, bool bound);

static void check_part(struct rule_ctx *r, const struct ast_part *part, bool bound)
{
    switch (part->kind) {
    case AST_PART_EVENT:
        break;
    case AST_PART_COUNTED:
        check_counted(r, part);
        break;
    case AST_PART_REPEATED:
        check_repeated(r, part);
        check_sequence(r, part->group, false, bound);
        break;
    case AST_PART_GROUP:
        check_sequence(r, part->group, false, bound);
        break;
    case AST_PART_CHOICE:
        check_choice(r, part);
        for (const struct ast_pattern *p = part->choice.first; p; p = p->next) {
            check_sequence(r, p, false, bound && part->choice.kind == AST_CHOICE_ANY);
        }
        break;
    }
}

static void check_leading(struct rule_ctx *r, const struct ast_elem *e, bool top)
{
    if (!top) {
        struct diag *d = check_error(r->c, "E0406", e->span,
                                     "an absence cannot begin a part of a pattern");
        check_help(r->c, d, "write it at the start of the rule's pattern, or between two steps");
    }
}

/* `A then no M for D then within E B`: E would run from A, D is waited for first. */
static void check_gap_after_absence(struct rule_ctx *r, const struct ast_elem *absence,
                                    const struct ast_elem *e)
{
    if (absence && e->link.within && !e->link.after) {
        struct diag *d = check_error(r->c, "E0408", e->link.within->span,
                                     "`within` counts from the step before the absence");
        check_second(r->c, d, absence->span, "this is waited for first");
        check_help(r->c, d, "write `then after D within E`: both count from the same step");
    }
}

/* `bound`: an event of the match is bound before this sequence for certain. */
static void check_sequence(struct rule_ctx *r, const struct ast_pattern *p, bool top, bool bound)
{
    const struct ast_elem *timed = NULL;
    for (const struct ast_elem *e = p->first; e; e = e->next) {
        if (e->kind == AST_ELEM_STEP) {
            check_gap_after_absence(r, timed, e);
            check_part(r, e->part, bound);
            bound = bound || !part_can_be_empty(e->part);
            timed = NULL;
        } else if (e->kind == AST_ELEM_LEADING_ABSENCE) {
            check_leading(r, e, top);
        } else {
            if (!bound) {
                struct diag *d = check_error(r->c, "E0420", e->span,
                                             "the part before this absence can be empty");
                check_help(r->c, d, "an absence needs an event to count from");
            }
            timed = e->absence.for_time ? e : timed;
        }
    }
}

/* ---- the end ------------------------------------------------------------------------------- */

static void check_last(struct rule_ctx *r, const struct ast_pattern *p);

static void check_last_part(struct rule_ctx *r, const struct ast_part *part)
{
    if (part_can_be_empty(part)) {
        struct span at = part->optional ? part->optional_span : part->span;
        struct diag *d = check_error(r->c, "E0405", at,
                                     "an optional last part is never part of an alert: the rule "
                                     "fires before it");
        check_help(r->c, d, "leave the part out, or write `after match no skip` to get every "
                            "match");
        return;
    }
    if (part->kind == AST_PART_GROUP) {
        check_last(r, part->group);
    } else if (part->kind == AST_PART_CHOICE && part->choice.kind == AST_CHOICE_ANY) {
        for (const struct ast_pattern *p = part->choice.first; p; p = p->next) {
            check_last(r, p);
        }
    }
}

static void check_last(struct rule_ctx *r, const struct ast_pattern *p)
{
    if (p->last && p->last->kind == AST_ELEM_STEP) {
        check_last_part(r, p->last->part);
    }
}

void rule_check_pattern(struct rule_ctx *r)
{
    const struct ast_pattern *p = r->ast->pattern;
    bool no_skip = r->ast->policy && r->ast->policy->kind == AST_POLICY_NO_SKIP;
    check_sequence(r, p, true, false);
    if (pattern_can_be_empty(p)) {
        struct diag *d = check_error(r->c, "E0401", p->span, "this pattern can match no event");
        check_help(r->c, d, "at least one part must be bound: leave `optional` out once");
    } else if (!no_skip) {
        check_last(r, p);
    }
    rule_check_bounds(r);
}
