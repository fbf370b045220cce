#include "dsl/fmt_layout.h"

/* Names longer than this do not push the types of their neighbours to the right. */
#define MAX_ALIGN 24

static void clause_at(struct fmt *F, struct span span, uint32_t indent)
{
    fmt_break_clause(F, fmt_first(F, span.start), indent);
}

static void drop_comma_behind(struct fmt *F, struct span span)
{
    uint32_t next = fmt_last(F, span.end) + 1;
    F->slots[next].drop = F->tokens->items[next].kind == TK_COMMA;
}

static uint32_t path_width(const struct fmt *F, const struct ast_path *p)
{
    return fmt_width(F, fmt_first(F, p->span.start), fmt_last(F, p->span.end));
}

static void layout_items(struct fmt *F, const struct ast_item *items)
{
    uint32_t widest = 0;
    for (const struct ast_item *i = items; i; i = i->next) {
        uint32_t w = i->kind == AST_ITEM_FIELD ? path_width(F, i->path) : 0;
        widest = w > widest && w <= MAX_ALIGN ? w : widest;
    }
    for (const struct ast_item *i = items; i; i = i->next) {
        clause_at(F, i->span, FMT_INDENT);
        drop_comma_behind(F, i->span);
        if (i->kind != AST_ITEM_FIELD) {
            continue;
        }
        uint32_t w = path_width(F, i->path);
        uint32_t colon = fmt_last(F, i->path->span.end) + 1;
        F->slots[colon].pad = (uint16_t)(w < widest ? widest - w : 0);
        if (i->computed) {
            fmt_layout_expr(F, i->computed, FMT_INDENT);
        }
    }
}

/* `enum(`, like a call. */
static void glue_enum(struct fmt *F, const struct ast_type *t)
{
    if (t && t->kind == AST_TYPE_ENUM) {
        F->slots[fmt_first(F, t->span.start) + 1].glue = true;
    }
}

static void layout_event(struct fmt *F, const struct ast_event *e)
{
    for (const struct ast_item *i = e->items; i; i = i->next) {
        glue_enum(F, i->type);
    }
    fmt_layout_clause(F, e->where, 0);
    layout_items(F, e->items);
}

static void layout_profile(struct fmt *F, const struct ast_profile *p)
{
    fmt_layout_clause(F, p->filter->where, 0);
    for (const struct ast_measure *m = p->measures; m; m = m->next) {
        clause_at(F, m->span, FMT_INDENT);
        drop_comma_behind(F, m->span);
        fmt_layout_expr(F, m->value, FMT_INDENT);
    }
}

static void layout_let(struct fmt *F, const struct ast_let *l)
{
    for (const struct ast_filter *f = l->filters; f; f = f->next) {
        fmt_layout_clause(F, f->where, 0);
    }
}

static void layout_stmt(struct fmt *F, const struct ast_stmt *s, uint32_t indent)
{
    uint32_t line = fmt_first(F, s->span.start);
    clause_at(F, s->span, indent);
    if (s->array) {
        fmt_layout_expr(F, s->array, indent);
    }
    fmt_layout_map(F, s->map, line, indent);
    fmt_layout_body(F, s->body, line, indent);
}

void fmt_layout_test(struct fmt *F, const struct ast_test *t, uint32_t indent)
{
    uint32_t close = fmt_last(F, t->span.end);
    for (const struct ast_stmt *s = t->first; s; s = s->next) {
        layout_stmt(F, s, indent + FMT_INDENT);
    }
    if (t->first || F->tokens->items[close - 1].kind != TK_LBRACE ||
        fmt_has_comments(F, close - 1, close)) {
        fmt_break(F, close, indent);
    }
}

static void layout_rule_body(struct fmt *F, const struct ast_rule *r)
{
    for (const struct ast_meta *m = r->metas; m; m = m->next) {
        clause_at(F, m->span, FMT_INDENT);
    }
    if (r->head) {
        clause_at(F, r->head->span, FMT_INDENT);
    }
    clause_at(F, r->when, FMT_INDENT);
    fmt_layout_pattern(F, r->pattern, FMT_INDENT, true);
    for (const struct ast_event_test *w = r->withouts.first; w; w = w->next) {
        fmt_break_clause(F, fmt_first(F, w->span.start) - 1, FMT_INDENT);
        fmt_layout_clause(F, w->where, FMT_INDENT);
    }
}

static void layout_rule_tail(struct fmt *F, const struct ast_rule *r)
{
    if (r->policy) {
        clause_at(F, r->policy->span, FMT_INDENT);
    }
    if (r->quiet) {
        clause_at(F, r->quiet->span, FMT_INDENT);
    }
    for (const struct ast_emit *e = r->emits; e; e = e->next) {
        clause_at(F, e->span, FMT_INDENT);
        fmt_layout_body(F, e->body, fmt_first(F, e->span.start), FMT_INDENT);
    }
    for (const struct ast_test *t = r->tests; t; t = t->next) {
        clause_at(F, t->span, FMT_INDENT);
        F->slots[fmt_first(F, t->span.start)].blank = true;
        fmt_layout_test(F, t, FMT_INDENT);
    }
}

static bool takes_lines(const struct ast_decl *d)
{
    return d->kind == AST_DECL_EVENT || d->kind == AST_DECL_PROFILE || d->kind == AST_DECL_RULE ||
           d->kind == AST_DECL_TEST;
}

static void layout_decl(struct fmt *F, const struct ast_decl *d)
{
    uint32_t first = fmt_first(F, d->span.start);
    switch (d->kind) {
    case AST_DECL_IMPORT:
    case AST_DECL_ERROR: break;
    case AST_DECL_EVENT: layout_event(F, &d->event); break;
    case AST_DECL_CONST: fmt_layout_expr(F, d->constant.value, 0); break;
    case AST_DECL_LIST:
        glue_enum(F, d->list.type);
        if (d->list.array) {
            fmt_layout_expr(F, d->list.array, 0);
        }
        break;
    case AST_DECL_LOOKUP:
        glue_enum(F, d->lookup.key_type);
        glue_enum(F, d->lookup.value_type);
        fmt_layout_map(F, d->lookup.map, first, 0);
        break;
    case AST_DECL_LET: layout_let(F, &d->let); break;
    case AST_DECL_PROFILE: layout_profile(F, &d->profile); break;
    case AST_DECL_RULE:
        layout_rule_body(F, &d->rule);
        layout_rule_tail(F, &d->rule);
        break;
    case AST_DECL_TEST: fmt_layout_test(F, d->test, 0); break;
    }
    if (takes_lines(d) && d->kind != AST_DECL_TEST) {
        fmt_break(F, fmt_last(F, d->span.end), 0);
    }
}

void fmt_layout_file(struct fmt *F, const struct ast_file *file)
{
    const struct ast_decl *prev = NULL;
    for (const struct ast_decl *d = file->first; d; d = d->next) {
        uint32_t first = fmt_first(F, d->span.start);
        fmt_break_clause(F, first, 0);
        F->slots[first].blank = !prev || takes_lines(prev) || takes_lines(d);
        layout_decl(F, d);
        prev = d;
    }
}
