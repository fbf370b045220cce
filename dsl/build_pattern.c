#include "dsl/ast_build.h"

static void extend(struct span *span, struct span by)
{
    *span = span_join(*span, by);
}

struct ast_pattern *build_pattern(struct parse *P, struct ast_pattern *list, struct ast_elem *e)
{
    struct ast_pattern *p = list;
    if (!p) {
        p = ARENA_NEW(P->arena, struct ast_pattern);
        p->span = e->span;
        p->depth = 1;
    }
    struct span open_then = p->open_then;
    p->open_then = (struct span){0};
    if (e->kind == AST_ELEM_LEADING_ABSENCE) {
        p->open_then = e->link.then;
        e->link = (struct ast_link){0};
    }
    if (span_given(open_then)) {
        e->link.then = e->link.span = open_then;
    }
    extend(&p->span, e->span);
    BUILD_APPEND(p, e);
    const struct ast_part *part = e->part;
    for (const struct ast_pattern *g = part ? (part->group ? part->group : part->choice.first)
                                            : NULL;
         g; g = g->next) {
        p->depth = g->depth + 1 > p->depth ? g->depth + 1 : p->depth;
    }
    if (p->depth > AST_MAX_GROUPS) {
        parse_too_deep(P);
    }
    return p;
}

struct ast_patterns *build_patterns(struct parse *P, struct ast_patterns *list,
                                    struct ast_pattern *p)
{
    struct ast_patterns *l = list ? list : ARENA_NEW(P->arena, struct ast_patterns);
    BUILD_APPEND(l, p);
    return l;
}

static struct ast_elem *elem_new(struct parse *P, enum ast_elem_kind kind, struct span span)
{
    struct ast_elem *e = ARENA_NEW(P->arena, struct ast_elem);
    e->kind = kind;
    e->span = span;
    return e;
}

struct ast_elem *build_step(struct parse *P, struct ast_link *link, struct ast_part *part)
{
    struct ast_elem *e = elem_new(P, AST_ELEM_STEP, part->span);
    e->part = part;
    if (link) {
        e->link = *link;
        extend(&e->span, link->span);
    }
    return e;
}

static void set_absence(struct parse *P, struct ast_elem *e, tok first, tok last,
                        struct ast_event_test *event)
{
    e->absence.keyword = span_join(build_span(P, first), build_span(P, last));
    e->absence.event = *event;
    extend(&e->span, event->span);
}

struct ast_elem *build_absence(struct parse *P, tok then, tok no, struct ast_event_test *event,
                               struct ast_timed *for_time)
{
    struct ast_elem *e = elem_new(P, AST_ELEM_ABSENCE, build_span(P, then));
    set_absence(P, e, no, no, event);
    e->link.then = e->link.span = build_span(P, then);
    e->absence.for_time = for_time;
    if (for_time) {
        extend(&e->span, for_time->span);
    }
    return e;
}

struct ast_elem *build_next_no(struct parse *P, tok then, tok next, tok no,
                               struct ast_event_test *event)
{
    struct ast_elem *e = elem_new(P, AST_ELEM_NEXT_NO, build_span(P, then));
    set_absence(P, e, next, no, event);
    e->link.then = e->link.span = build_span(P, then);
    return e;
}

/* The link carries the `then` behind it until build_pattern() hands it to the next element. */
struct ast_elem *build_lead(struct parse *P, tok no, struct ast_event_test *event,
                            struct ast_timed *for_time, tok assume, tok quiet, tok then)
{
    struct ast_elem *e = elem_new(P, AST_ELEM_LEADING_ABSENCE, build_span(P, no));
    set_absence(P, e, no, no, event);
    e->absence.for_time = for_time;
    extend(&e->span, for_time->span);
    if (assume) {
        e->absence.assume_quiet = span_join(build_span(P, assume), build_span(P, quiet));
        extend(&e->span, e->absence.assume_quiet);
    }
    e->link.then = build_span(P, then);
    return e;
}

struct ast_link *build_link(struct parse *P, tok then, struct ast_link *rest)
{
    struct ast_link *l = rest ? rest : ARENA_NEW(P->arena, struct ast_link);
    l->then = build_span(P, then);
    l->span = rest ? span_join(l->then, rest->span) : l->then;
    return l;
}

struct ast_link *build_link_kind(struct parse *P, enum ast_link_kind kind, tok keyword,
                                 struct ast_link *gap)
{
    struct ast_link *l = gap ? gap : ARENA_NEW(P->arena, struct ast_link);
    l->kind = kind;
    l->kind_span = build_span(P, keyword);
    l->span = gap ? span_join(l->kind_span, gap->span) : l->kind_span;
    return l;
}

struct ast_link *build_gap(struct parse *P, struct ast_timed *within, struct ast_timed *after)
{
    struct ast_link *l = ARENA_NEW(P->arena, struct ast_link);
    l->within = within;
    l->after = after;
    l->span = within ? within->span : after->span;
    if (after) {
        extend(&l->span, after->span);
    }
    return l;
}

static struct ast_part *part_new(struct parse *P, enum ast_part_kind kind, struct span span)
{
    struct ast_part *p = ARENA_NEW(P->arena, struct ast_part);
    p->kind = kind;
    p->span = span;
    return p;
}

static void add_suffix(struct ast_part *p, const struct ast_suffix *suffix)
{
    p->guard = suffix->guard;
    p->within = suffix->within;
    if (p->guard) {
        extend(&p->span, p->guard->span);
    }
    if (p->within) {
        extend(&p->span, p->within->span);
    }
}

static void add_repetition(struct ast_part *p, struct ast_adj *adj, struct ast_timed *pace,
                           struct ast_clause *until, struct ast_clause *having)
{
    if (adj) {
        p->adj = *adj;
        extend(&p->span, adj->span);
    }
    p->pace = pace;
    p->until = until;
    p->having = having;
    if (pace) {
        extend(&p->span, pace->span);
    }
    if (until) {
        extend(&p->span, until->span);
    }
    if (having) {
        extend(&p->span, having->span);
    }
}

struct ast_part *build_optional(struct parse *P, tok keyword, struct ast_part *part)
{
    part->optional = true;
    part->optional_span = build_span(P, keyword);
    extend(&part->span, part->optional_span);
    return part;
}

struct ast_part *build_event_part(struct parse *P, struct ast_event_test *event)
{
    struct ast_part *p = part_new(P, AST_PART_EVENT, event->span);
    p->event = *event;
    return p;
}

struct ast_part *build_counted(struct parse *P, struct ast_count *count,
                               struct ast_event_test *named, struct ast_cond *cond,
                               struct ast_timed *pace, struct ast_clause *until,
                               struct ast_clause *having, struct ast_suffix *suffix)
{
    struct ast_part *p = part_new(P, AST_PART_COUNTED, count->span);
    p->count = *count;
    p->event = *build_event_where(P, named, cond->where);
    extend(&p->span, p->event.span);
    add_repetition(p, cond->adj, pace, until, having);
    add_suffix(p, suffix);
    return p;
}

struct ast_part *build_repeated(struct parse *P, struct ast_count *count, struct ast_pattern *group,
                                tok close, struct ast_adj *adj, struct ast_timed *pace,
                                struct ast_clause *having, struct ast_suffix *suffix)
{
    struct ast_part *p =
        part_new(P, AST_PART_REPEATED, span_join(count->span, build_span(P, close)));
    p->count = *count;
    p->group = group;
    add_repetition(p, adj, pace, NULL, having);
    add_suffix(p, suffix);
    return p;
}

struct ast_part *build_group(struct parse *P, tok open, struct ast_pattern *group, tok close,
                             struct ast_suffix *suffix)
{
    struct ast_part *p =
        part_new(P, AST_PART_GROUP, span_join(build_span(P, open), build_span(P, close)));
    p->group = group;
    add_suffix(p, suffix);
    return p;
}

struct ast_part *build_choice(struct parse *P, enum ast_choice_kind kind, tok first, tok of,
                              struct ast_patterns *parts, tok close, struct ast_suffix *suffix)
{
    struct ast_part *p =
        part_new(P, AST_PART_CHOICE, span_join(build_span(P, first), build_span(P, close)));
    p->choice.kind = kind;
    p->choice.keyword = span_join(build_span(P, first), build_span(P, of));
    p->choice.n = kind == AST_CHOICE_N ? first->literal : NULL;
    p->choice.first = parts->first;
    p->choice.last = parts->last;
    p->choice.n_parts = parts->n;
    add_suffix(p, suffix);
    return p;
}

struct ast_count *build_count(struct parse *P, tok from, tok to, tok more)
{
    struct ast_count *c = ARENA_NEW(P->arena, struct ast_count);
    tok last = to ? to : more ? more : from;
    c->span = span_join(build_span(P, from), build_span(P, last));
    c->from = from->literal;
    c->to = to ? to->literal : NULL;
    c->open = more != NULL;
    return c;
}

struct ast_event_test *build_named(struct parse *P, tok source, tok alias)
{
    struct ast_event_test *e = ARENA_NEW(P->arena, struct ast_event_test);
    e->source = build_name(P, source);
    e->span = e->source->span;
    if (alias) {
        e->alias = build_name(P, alias);
        extend(&e->span, e->alias->span);
    }
    return e;
}

struct ast_event_test *build_event_where(struct parse *P, struct ast_event_test *event,
                                         struct ast_clause *where)
{
    (void)P;
    event->where = where;
    if (where) {
        extend(&event->span, where->span);
    }
    return event;
}

struct ast_cond *build_cond(struct parse *P, struct ast_clause *where, struct ast_adj *adj)
{
    struct ast_cond *c = ARENA_NEW(P->arena, struct ast_cond);
    c->where = where;
    c->adj = adj;
    return c;
}

struct ast_adj *build_adj(struct parse *P, enum ast_adj_kind kind, tok keyword)
{
    struct ast_adj *a = ARENA_NEW(P->arena, struct ast_adj);
    a->kind = kind;
    a->span = build_span(P, keyword);
    return a;
}

struct ast_suffix *build_suffix(struct parse *P, struct ast_guard *guard, struct ast_timed *within)
{
    struct ast_suffix *s = ARENA_NEW(P->arena, struct ast_suffix);
    s->guard = guard;
    s->within = within;
    return s;
}

struct ast_guard *build_guard(struct parse *P, tok with, tok no, struct ast_event_test *event)
{
    struct ast_guard *g = ARENA_NEW(P->arena, struct ast_guard);
    g->keyword = span_join(build_span(P, with), build_span(P, no));
    g->span = span_join(g->keyword, event->span);
    g->event = *event;
    return g;
}
