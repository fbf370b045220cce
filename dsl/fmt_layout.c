#include "dsl/fmt_layout.h"

static void clause_at(struct fmt *F, struct span span, uint32_t indent)
{
    fmt_break_clause(F, fmt_first(F, span.start), indent);
}

static void drop_comma_behind(struct fmt *F, struct span span)
{
    uint32_t next = fmt_last(F, span.end) + 1;
    F->slots[next].drop = F->tokens->items[next].kind == TK_COMMA;
}

static void layout_items(struct fmt *F, const struct ast_item *items)
{
    uint32_t widest = 0;
    for (const struct ast_item *i = items; i; i = i->next) {
        uint32_t w = i->kind == AST_ITEM_FIELD ? fmt_align_width(F, i->path->span) : 0;
        widest = w > widest ? w : widest;
    }
    for (const struct ast_item *i = items; i; i = i->next) {
        clause_at(F, i->span, FMT_INDENT);
        drop_comma_behind(F, i->span);
        if (i->kind != AST_ITEM_FIELD) {
            continue;
        }
        fmt_align_behind(F, i->path->span, widest);
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

static bool is_plain_at(const struct ast_stmt *s)
{
    return s && s->kind == AST_STMT_AT && !s->late;
}

/* The events of `at … EVENT` on neighbouring lines stand in one column. */
static void align_events(struct fmt *F, const struct ast_stmt *first)
{
    uint32_t widest = 0;
    for (const struct ast_stmt *s = first; is_plain_at(s); s = s->next) {
        uint32_t w = fmt_align_width(F, s->moment->span);
        widest = w > widest ? w : widest;
    }
    for (const struct ast_stmt *s = first; is_plain_at(s); s = s->next) {
        fmt_align_behind(F, s->moment->span, widest);
    }
}

void fmt_layout_test(struct fmt *F, const struct ast_test *t, uint32_t indent)
{
    uint32_t close = fmt_last(F, t->span.end);
    const struct ast_stmt *prev = NULL;
    for (const struct ast_stmt *s = t->first; s; prev = s, s = s->next) {
        layout_stmt(F, s, indent + FMT_INDENT);
        if (is_plain_at(s) && !is_plain_at(prev)) {
            align_events(F, s);
        }
    }
    if (t->first || F->tokens->items[close - 1].kind != TK_LBRACE ||
        fmt_has_comments(F, close - 1, close)) {
        fmt_break(F, close, indent);
    }
}

/* `description` with several strings has one per line, below each other. */
static void layout_strings(struct fmt *F, const struct ast_meta *m)
{
    uint32_t column = FMT_INDENT + (m->keyword.end - m->keyword.start) + 1;
    for (const struct ast_literal *l = m->strings.first; l; l = l->next) {
        if (l != m->strings.first) {
            fmt_break(F, fmt_first(F, l->span.start), column);
        }
    }
}

static void layout_rule_body(struct fmt *F, const struct ast_rule *r)
{
    for (const struct ast_meta *m = r->metas; m; m = m->next) {
        clause_at(F, m->span, FMT_INDENT);
        layout_strings(F, m);
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

static const struct ast_name *aligned_name(const struct ast_decl *d)
{
    switch (d->kind) {
    case AST_DECL_CONST: return d->constant.name;
    case AST_DECL_LET: return d->let.name;
    case AST_DECL_IMPORT:
    case AST_DECL_EVENT:
    case AST_DECL_LIST:
    case AST_DECL_LOOKUP:
    case AST_DECL_PROFILE:
    case AST_DECL_RULE:
    case AST_DECL_TEST:
    case AST_DECL_ERROR: return NULL;
    }
    return NULL;
}

/* Constants, or lets, that follow each other line by line have their `=` in one column. */
static bool same_column(const struct fmt *F, const struct ast_decl *a, const struct ast_decl *b)
{
    return b && a->kind == b->kind && aligned_name(a) &&
           fmt_newlines(F, a->span.end, b->span.start) < 2;
}

static void align_run(struct fmt *F, const struct ast_decl *first)
{
    uint32_t widest = 0;
    const struct ast_decl *d = first;
    for (bool more = true; more; d = d->next) {
        uint32_t w = fmt_align_width(F, aligned_name(d)->span);
        widest = w > widest ? w : widest;
        more = same_column(F, d, d->next);
    }
    for (const struct ast_decl *e = first; e != d; e = e->next) {
        fmt_align_behind(F, aligned_name(e)->span, widest);
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
        if (aligned_name(d) && !(prev && same_column(F, prev, d))) {
            align_run(F, d);
        }
        prev = d;
    }
}
