/* Times in a pattern (language.md 3.3): what has no bound, and what exceeds the bound around it. */
#include "dsl/check.h"

/* A bound that holds around a place: the head window or a span. */
struct bound {
    const struct bound *outer;
    const struct ast_timed *ast;
    struct duration length;
};

struct bounds {
    struct rule_ctx *r;
    bool head; /* the rule has a head window */
};

/* ---- inner exceeds outer ------------------------------------------------------------------- */

/* Against the tightest bound around it. */
static void fits(struct bounds *b, const struct ast_timed *inner, const struct bound *outer,
                 const char *what)
{
    struct duration length;
    const struct bound *tight = outer;
    if (!inner || !outer || !check_timed(b->r->c, inner, &length)) {
        return;
    }
    for (const struct bound *o = outer; o; o = o->outer) {
        tight = o->length.ns < tight->length.ns ? o : tight;
    }
    if (length.ns > tight->length.ns) {
        struct diag *d = check_error(b->r->c, "E0413", inner->span,
                                     "%s exceeds the limit around it", what);
        check_second(b->r->c, d, tight->ast->span, "the limit");
        check_help(b->r->c, d, "an inner time is at most the outer one");
    }
}

static void check_gap(struct bounds *b, const struct ast_link *link, const struct bound *outer)
{
    struct duration within, after;
    fits(b, link->within, outer, "this gap");
    fits(b, link->after, outer, "this gap");
    if (link->within && link->after && check_timed(b->r->c, link->within, &within) &&
        check_timed(b->r->c, link->after, &after) && after.ns > within.ns) {
        struct diag *d = check_error(b->r->c, "E0413", link->after->span,
                                     "nothing is both after this and within that");
        check_second(b->r->c, d, link->within->span, "the limit");
    }
}

/* ---- absences without a bound -------------------------------------------------------------- */

/* What follows a sequence: bounded = every continuation has a `within` gap to its next event.
 * last = nothing follows. */
struct follow {
    bool bounded;
    bool last;
};

static struct follow follow_of(const struct ast_elem *e, struct follow after)
{
    for (; e; e = e->next) {
        if (e->kind != AST_ELEM_STEP) {
            continue;
        }
        if (!e->link.within) {
            return (struct follow){.bounded = false, .last = false};
        }
        if (!part_can_be_empty(e->part)) {
            return (struct follow){.bounded = true, .last = false};
        }
        struct follow rest = follow_of(e->next, after);
        return (struct follow){.bounded = rest.bounded, .last = rest.last};
    }
    return after;
}

/* Some continuation of the pattern binds no further event. */
static bool may_be_last(const struct ast_elem *e, bool after)
{
    for (; e; e = e->next) {
        if (e->kind == AST_ELEM_STEP && !part_can_be_empty(e->part)) {
            return false;
        }
    }
    return after;
}

static void unbounded(struct bounds *b, const struct ast_elem *e, bool last)
{
    struct slice m = e->absence.event.source->text;
    if (last) {
        struct diag *d = check_error(b->r->c, "E0410", e->span,
                                     "`no %.*s` at the end needs a time to wait for", SLICE_ARG(m));
        check_help(b->r->c, d, "write `no %.*s for 10 minutes`, or give the rule a window: `for "
                               "each KEY within 10 minutes`",
                   SLICE_ARG(m));
        return;
    }
    struct diag *d = check_error(b->r->c, "E0409", e->span,
                                 "`no %.*s` between two steps has no limit in time", SLICE_ARG(m));
    check_help(b->r->c, d, "give the rule a window: `for each KEY within 10 minutes`, or limit the "
                           "gap: `then within 10 minutes …`");
}

/* ---- the walk ------------------------------------------------------------------------------ */

static void walk(struct bounds *b, const struct ast_pattern *p, const struct bound *outer,
                 const struct bound *follow_outer, struct follow after, bool end);

static void check_loop(struct bounds *b, const struct ast_part *part, const struct bound *inner)
{
    if (!part->count.open || inner) {
        return;
    }
    struct diag *d = check_error(b->r->c, "E0412", part->count.span,
                                 "an open count needs a limit in time");
    check_help(b->r->c, d, "give it a span: `… within 10 minutes`, or the rule a window: `for "
                           "each KEY within 10 minutes`");
}

/* `follow_outer`: the bounds that also hold for what follows the part. */
static void walk_part(struct bounds *b, const struct ast_part *part, const struct bound *outer,
                      const struct bound *follow_outer, struct follow after, bool end)
{
    struct bound span = {.outer = outer, .ast = part->within};
    const struct bound *inner = outer;
    if (part->within && check_timed(b->r->c, part->within, &span.length)) {
        fits(b, part->within, outer, "this span");
        inner = &span;
    }
    fits(b, part->pace, inner, "`each within`");
    if (part->kind == AST_PART_COUNTED || part->kind == AST_PART_REPEATED) {
        check_loop(b, part, inner);
    }
    if (part->kind == AST_PART_GROUP) {
        walk(b, part->group, inner, follow_outer, after, end);
    } else if (part->kind == AST_PART_REPEATED) {
        /* The last element of an iteration is followed by the next iteration or by what follows
         * the group; within the group the span bounds it, behind it only the outer ones do. */
        struct follow next = {.bounded = after.bounded && inner, .last = after.last};
        walk(b, part->group, inner, follow_outer, next, end);
    } else if (part->kind == AST_PART_CHOICE) {
        bool any = part->choice.kind == AST_CHOICE_ANY;
        struct follow nothing = {.bounded = true, .last = false};
        for (const struct ast_pattern *p = part->choice.first; p; p = p->next) {
            walk(b, p, inner, any ? follow_outer : inner, any ? after : nothing, any && end);
        }
    }
}

static void walk_absence(struct bounds *b, const struct ast_elem *e, const struct bound *outer,
                         const struct bound *follow_outer, struct follow after, bool end)
{
    if (e->kind == AST_ELEM_LEADING_ABSENCE || e->kind == AST_ELEM_NEXT_NO) {
        return;
    }
    if (e->absence.for_time) {
        fits(b, e->absence.for_time, outer, "this absence");
        return;
    }
    bool ends_here = may_be_last(e->next, true);
    bool last = ends_here && end;
    const struct bound *holds = ends_here ? follow_outer : outer;
    if (last && !b->head) {
        unbounded(b, e, true);
    } else if (!last && !holds && !follow_of(e->next, after).bounded) {
        unbounded(b, e, false);
    }
}

static void walk(struct bounds *b, const struct ast_pattern *p, const struct bound *outer,
                 const struct bound *follow_outer, struct follow after, bool end)
{
    for (const struct ast_elem *e = p->first; e; e = e->next) {
        if (e->kind != AST_ELEM_STEP) {
            walk_absence(b, e, outer, follow_outer, after, end);
            continue;
        }
        bool ends_here = may_be_last(e->next, true);
        check_gap(b, &e->link, outer);
        walk_part(b, e->part, outer, ends_here ? follow_outer : outer, follow_of(e->next, after),
                  end && ends_here);
    }
}

void rule_check_bounds(struct rule_ctx *r)
{
    struct bounds b = {.r = r};
    const struct ast_head *head = r->ast->head;
    struct bound window = {.ast = head ? head->within : NULL};
    const struct bound *outer = NULL;
    if (window.ast && check_timed(r->c, window.ast, &window.length)) {
        outer = &window;
    }
    b.head = window.ast != NULL;
    walk(&b, r->ast->pattern, outer, outer, (struct follow){.bounded = false, .last = true}, true);
}
