#include "dsl/fmt_layout.h"

/* Moves token `from` behind token `to`: the only change of order that the formatter makes. */
static void move_behind(struct fmt *F, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        F->order[i] = F->order[i + 1];
    }
    F->order[to] = from;
}

static void layout_suffixes(struct fmt *F, const struct ast_part *p, uint32_t indent)
{
    fmt_layout_clause(F, p->until, indent);
    fmt_layout_clause(F, p->having, indent);
    if (p->guard) {
        fmt_layout_clause(F, p->guard->event.where, indent);
    }
}

static void break_span(struct fmt *F, bool given, struct span span, uint32_t indent)
{
    if (given) {
        fmt_break(F, fmt_first(F, span.start), indent);
    }
}

/* A step that is too long for a line has one for each of its conditions. */
static void break_step(struct fmt *F, const struct ast_part *p, uint32_t indent)
{
    const struct ast_clause *where = p->event.where;
    break_span(F, where, where ? where->span : (struct span){0}, indent);
    break_span(F, p->until, p->until ? p->until->span : (struct span){0}, indent);
    break_span(F, p->having, p->having ? p->having->span : (struct span){0}, indent);
    break_span(F, p->guard, p->guard ? p->guard->span : (struct span){0}, indent);
}

/* The token with which a step's line begins when it has one of its own. */
static uint32_t line_of(const struct fmt *F, const struct ast_elem *e)
{
    uint32_t first = fmt_first(F, e->span.start);
    if (span_given(e->link.then)) {
        return fmt_first(F, e->link.then.start);
    }
    return first > 0 && F->tokens->items[first - 1].kind == TK_WHEN ? first - 1 : first;
}

static void layout_event_part(struct fmt *F, const struct ast_elem *e, uint32_t indent)
{
    const struct ast_part *p = e->part;
    const struct ast_clause *where = p->event.where;
    uint32_t last = fmt_last(F, e->span.end);
    bool wide = fmt_width(F, line_of(F, e), last) + indent > FMT_MAX_COLUMNS;
    uint32_t inner = wide ? indent + FMT_CONTINUATION : indent;
    if (wide) {
        break_step(F, p, inner);
    }
    fmt_layout_clause(F, where, inner);
    layout_suffixes(F, p, inner);
    if (where && p->adj.kind != AST_ADJ_NONE && p->adj.span.start < where->span.start) {
        move_behind(F, fmt_first(F, p->adj.span.start), fmt_last(F, where->span.end));
    }
}

/* The patterns between the parenthesis before the first and the one behind the last. */
static void layout_groups(struct fmt *F, const struct ast_elem *e, const struct ast_pattern *first,
                          const struct ast_pattern *last, uint32_t indent)
{
    uint32_t open = fmt_first(F, first->span.start) - 1;
    uint32_t close = fmt_last(F, last->span.end) + 1;
    uint32_t width = fmt_width(F, fmt_first(F, e->span.start), fmt_last(F, e->span.end));
    bool lines = fmt_broken_before(F, open + 1) || fmt_has_comments(F, open, close) ||
                 width + indent > FMT_MAX_COLUMNS;
    for (const struct ast_pattern *p = first; p; p = p->next) {
        if (lines) {
            fmt_break_clause(F, fmt_first(F, p->span.start), indent + FMT_INDENT);
        }
        fmt_layout_pattern(F, p, lines ? indent + FMT_INDENT : indent, lines);
    }
    if (lines) {
        fmt_break(F, close, indent);
    }
}

static void layout_elem(struct fmt *F, const struct ast_elem *e, uint32_t indent)
{
    const struct ast_part *p = e->part;
    if (!p) {
        fmt_layout_clause_of(F, e->absence.event.where, line_of(F, e), indent);
        return;
    }
    switch (p->kind) {
    case AST_PART_EVENT:
    case AST_PART_COUNTED: layout_event_part(F, e, indent); break;
    case AST_PART_REPEATED:
    case AST_PART_GROUP: layout_groups(F, e, p->group, p->group, indent); break;
    case AST_PART_CHOICE: layout_groups(F, e, p->choice.first, p->choice.last, indent); break;
    }
    if (p->kind != AST_PART_EVENT && p->kind != AST_PART_COUNTED) {
        layout_suffixes(F, p, indent);
    }
}

void fmt_layout_pattern(struct fmt *F, const struct ast_pattern *p, uint32_t indent, bool lines)
{
    for (const struct ast_elem *e = p->first; e; e = e->next) {
        if (lines && span_given(e->link.then)) {
            fmt_break_clause(F, fmt_first(F, e->link.then.start), indent);
        }
        layout_elem(F, e, indent);
    }
}
