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
            fmt_layout_value(F, i->computed, fmt_first(F, i->span.start), FMT_INDENT);
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

static void layout_event(struct fmt *F, const struct ast_event *e, uint32_t line)
{
    for (const struct ast_item *i = e->items; i; i = i->next) {
        glue_enum(F, i->type);
    }
    fmt_layout_clause_of(F, e->where, line, 0);
    layout_items(F, e->items);
}

static void layout_profile(struct fmt *F, const struct ast_profile *p, uint32_t line)
{
    fmt_layout_clause_of(F, p->filter->where, line, 0);
    for (const struct ast_measure *m = p->measures; m; m = m->next) {
        clause_at(F, m->span, FMT_INDENT);
        drop_comma_behind(F, m->span);
        fmt_layout_expr(F, m->value, FMT_INDENT);
    }
}

/* `any of (…)` has one source per line like the groups of a pattern. */
static void layout_let(struct fmt *F, const struct ast_let *l, struct span span)
{
    uint32_t line = fmt_first(F, span.start);
    uint32_t close = fmt_last(F, span.end);
    bool choice = l->any_of.end > l->any_of.start;
    uint32_t open = choice ? fmt_first(F, l->filters->span.start) - 1 : line;
    bool lines = choice && (fmt_broken_before(F, open + 1) || fmt_has_comments(F, open, close) ||
                            fmt_width(F, line, close) > FMT_MAX_COLUMNS);
    for (const struct ast_filter *f = l->filters; f; f = f->next) {
        uint32_t first = fmt_first(F, f->span.start);
        if (lines) {
            fmt_break_clause(F, first, FMT_INDENT);
        }
        fmt_layout_clause_of(F, f->where, lines ? first : line, lines ? FMT_INDENT : 0);
    }
    if (lines) {
        fmt_break(F, close, 0);
    }
}

static void layout_stmt(struct fmt *F, const struct ast_stmt *s, uint32_t indent)
{
    uint32_t line = fmt_first(F, s->span.start);
    clause_at(F, s->span, indent);
    if (s->array) {
        fmt_layout_items(F, s->array, line, indent);
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

/* Keys that do not fit have a line each. */
static void layout_head(struct fmt *F, const struct ast_head *h)
{
    uint32_t first = fmt_first(F, h->span.start);
    fmt_break_clause(F, first, FMT_INDENT);
    if (fmt_width(F, first, fmt_last(F, h->span.end)) + FMT_INDENT <= FMT_MAX_COLUMNS) {
        return;
    }
    for (const struct ast_key *k = h->keys.first; k; k = k->next) {
        if (k != h->keys.first) {
            fmt_break(F, fmt_first(F, k->span.start), FMT_INDENT + FMT_CONTINUATION);
        }
    }
    if (h->within && h->keys.first) {
        fmt_break(F, fmt_first(F, h->within->span.start), FMT_INDENT + FMT_CONTINUATION);
    }
}

static void layout_rule_body(struct fmt *F, const struct ast_rule *r)
{
    for (const struct ast_meta *m = r->metas; m; m = m->next) {
        clause_at(F, m->span, FMT_INDENT);
        layout_strings(F, m);
    }
    if (r->head) {
        layout_head(F, r->head);
    }
    clause_at(F, r->when, FMT_INDENT);
    fmt_layout_pattern(F, r->pattern, FMT_INDENT, true);
    for (const struct ast_event_test *w = r->withouts.first; w; w = w->next) {
        uint32_t line = fmt_first(F, w->span.start) - 1;
        fmt_break_clause(F, line, FMT_INDENT);
        fmt_layout_clause_of(F, w->where, line, FMT_INDENT);
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
    case AST_DECL_EVENT: layout_event(F, &d->event, first); break;
    case AST_DECL_CONST: fmt_layout_value(F, d->constant.value, first, 0); break;
    case AST_DECL_LIST:
        glue_enum(F, d->list.type);
        if (d->list.array) {
            fmt_layout_items(F, d->list.array, first, 0);
        }
        break;
    case AST_DECL_LOOKUP:
        glue_enum(F, d->lookup.key_type);
        glue_enum(F, d->lookup.value_type);
        fmt_layout_map(F, d->lookup.map, first, 0);
        break;
    case AST_DECL_LET: layout_let(F, &d->let, d->span); break;
    case AST_DECL_PROFILE: layout_profile(F, &d->profile, first); break;
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
