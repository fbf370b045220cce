#include "dsl/fmt_layout.h"

static bool is_logical(const struct ast_expr *e)
{
    return e->kind == AST_EXPR_BINARY && (e->binary.op == AST_AND || e->binary.op == AST_OR);
}

/* `and` inside `or` stands deeper, as it binds tighter. */
static uint32_t operand_indent(const struct ast_expr *e, const struct ast_expr *operand,
                               uint32_t indent)
{
    bool deeper = is_logical(e) && is_logical(operand) && operand->binary.op != e->binary.op;
    return deeper ? indent + FMT_CONTINUATION : indent;
}

/* `and` and `or` keep the line breaks that stand beside them. */
static void layout_binary(struct fmt *F, const struct ast_expr *e, uint32_t indent)
{
    uint32_t op = fmt_first(F, e->binary.op_span.start);
    if (is_logical(e) && (fmt_broken_before(F, op) || fmt_broken_before(F, op + 1))) {
        fmt_break(F, op, indent + FMT_CONTINUATION);
    }
    fmt_layout_expr(F, e->binary.left, operand_indent(e, e->binary.left, indent));
    fmt_layout_expr(F, e->binary.right, operand_indent(e, e->binary.right, indent));
}

/* A chain of `else if` keeps the line breaks before its branches. */
static void layout_if(struct fmt *F, const struct ast_expr *e, uint32_t indent)
{
    uint32_t other = fmt_first(F, e->cond.no->span.start) - 1;
    if (fmt_broken_before(F, other)) {
        fmt_break(F, other, indent + FMT_CONTINUATION);
    }
    fmt_layout_expr(F, e->cond.test, indent);
    fmt_layout_expr(F, e->cond.yes, indent);
    fmt_layout_expr(F, e->cond.no, indent);
}

/* Brackets with a line break behind the opener have one item per line, and so have those that are
 * too wide for one line. */
void fmt_layout_items(struct fmt *F, const struct ast_expr *e, uint32_t line, uint32_t indent)
{
    uint32_t open = fmt_first(F, e->span.start);
    uint32_t close = fmt_last(F, e->span.end);
    bool comments = fmt_has_comments(F, open, close);
    bool lines =
        comments || (e->items.n > 0 && (fmt_broken_before(F, open + 1) ||
                                        fmt_width(F, line, close) + indent > FMT_MAX_COLUMNS));
    for (const struct ast_expr *i = e->items.first; i; i = i->next) {
        if (lines) {
            fmt_break_clause(F, fmt_first(F, i->span.start), indent + FMT_INDENT);
        }
        fmt_layout_expr(F, i, lines ? indent + FMT_INDENT : indent);
    }
    if (lines) {
        fmt_break(F, close, indent);
    } else if (e->items.n > 0) {
        F->slots[close - 1].drop = F->tokens->items[close - 1].kind == TK_COMMA;
    }
}

static void layout_call(struct fmt *F, const struct ast_expr *e, uint32_t indent)
{
    F->slots[fmt_first(F, e->span.start) + 1].glue = true;
    for (const struct ast_expr *a = e->call.args.first; a; a = a->next) {
        fmt_layout_expr(F, a, indent);
    }
    fmt_layout_clause(F, e->call.where, indent);
}

void fmt_layout_expr(struct fmt *F, const struct ast_expr *e, uint32_t indent)
{
    switch (e->kind) {
    case AST_EXPR_LITERAL:
    case AST_EXPR_PATH:
    case AST_EXPR_NAMED_LIST: break;
    case AST_EXPR_CALL: layout_call(F, e, indent); break;
    case AST_EXPR_MEMBER: fmt_layout_expr(F, e->member.base, indent); break;
    case AST_EXPR_INDEX:
        F->slots[fmt_last(F, e->index.base->span.end) + 1].glue = true;
        fmt_layout_expr(F, e->index.base, indent);
        fmt_layout_expr(F, e->index.index, indent);
        break;
    case AST_EXPR_ARRAY:
    case AST_EXPR_TUPLE: fmt_layout_items(F, e, fmt_first(F, e->span.start), indent); break;
    case AST_EXPR_PAREN:
        fmt_layout_expr(F, e->inner, is_logical(e->inner) ? indent + FMT_CONTINUATION : indent);
        break;
    case AST_EXPR_UNARY:
        F->slots[fmt_first(F, e->unary.op_span.start)].glue_next = e->unary.op == AST_NEG;
        fmt_layout_expr(F, e->unary.operand, indent);
        break;
    case AST_EXPR_PERCENT_OF: fmt_layout_expr(F, e->percent_of.operand, indent); break;
    case AST_EXPR_BINARY: layout_binary(F, e, indent); break;
    case AST_EXPR_BETWEEN:
        fmt_layout_expr(F, e->between.value, indent);
        fmt_layout_expr(F, e->between.low, indent);
        fmt_layout_expr(F, e->between.high, indent);
        break;
    case AST_EXPR_TEST:
        fmt_layout_expr(F, e->test.value, indent);
        fmt_layout_expr(F, e->test.operand, indent);
        break;
    case AST_EXPR_IS: fmt_layout_expr(F, e->is.value, indent); break;
    case AST_EXPR_IF: layout_if(F, e, indent); break;
    }
}

static void break_chain(struct fmt *F, const struct ast_expr *e, uint32_t indent);

/* An operand of a broken chain that is still too wide is broken in turn. */
static void break_operand(struct fmt *F, const struct ast_expr *e, uint32_t indent)
{
    uint32_t width = fmt_width(F, fmt_first(F, e->span.start), fmt_last(F, e->span.end));
    if (width + indent + FMT_CONTINUATION > FMT_MAX_COLUMNS) {
        break_chain(F, e, indent + FMT_CONTINUATION);
    }
}

/* The outermost chain of one connective, `a and b and c`, or of `else if`. */
static void break_chain(struct fmt *F, const struct ast_expr *e, uint32_t indent)
{
    while (e->kind == AST_EXPR_PAREN || (e->kind == AST_EXPR_UNARY && e->unary.op == AST_NOT)) {
        e = e->kind == AST_EXPR_PAREN ? e->inner : e->unary.operand;
    }
    for (; e->kind == AST_EXPR_IF; e = e->cond.no) {
        fmt_break(F, fmt_first(F, e->cond.no->span.start) - 1, indent + FMT_CONTINUATION);
    }
    if (!is_logical(e)) {
        return;
    }
    enum ast_binary_op op = e->binary.op;
    for (; is_logical(e) && e->binary.op == op; e = e->binary.left) {
        fmt_break(F, fmt_first(F, e->binary.op_span.start), indent + FMT_CONTINUATION);
        break_operand(F, e->binary.right, indent);
    }
    break_operand(F, e, indent);
}

void fmt_layout_value(struct fmt *F, const struct ast_expr *e, uint32_t line, uint32_t indent)
{
    fmt_layout_expr(F, e, indent);
    if (fmt_width(F, line, fmt_last(F, e->span.end)) + indent > FMT_MAX_COLUMNS) {
        break_chain(F, e, indent);
    }
}

void fmt_layout_clause_of(struct fmt *F, const struct ast_clause *c, uint32_t line, uint32_t indent)
{
    if (c) {
        fmt_layout_value(F, c->expr, line, indent);
    }
}

void fmt_layout_clause(struct fmt *F, const struct ast_clause *c, uint32_t indent)
{
    if (c) {
        fmt_layout_value(F, c->expr, fmt_first(F, c->span.start), indent);
    }
}

/* Entries of braces. One line: commas between them; several: one each, and no commas. */
static void layout_entry(struct fmt *F, struct span span, bool lines, bool last, uint32_t indent)
{
    uint32_t end = fmt_last(F, span.end);
    bool comma = F->tokens->items[end + 1].kind == TK_COMMA;
    if (lines) {
        fmt_break_clause(F, fmt_first(F, span.start), indent + FMT_INDENT);
        F->slots[end + 1].drop = comma;
    } else {
        F->slots[end].comma_after = !comma && !last;
    }
}

/* The values inside have been laid out: one that needs several lines gives every entry its own. */
static bool braces_take_lines(struct fmt *F, struct span span, uint32_t n, uint32_t line,
                              uint32_t indent)
{
    uint32_t open = fmt_first(F, span.start);
    uint32_t close = fmt_last(F, span.end);
    bool inside = false;
    for (uint32_t i = open + 1; i < close && !inside; i++) {
        inside = F->slots[i].newline;
    }
    return fmt_has_comments(F, open, close) ||
           (n > 0 && (inside || fmt_broken_before(F, open + 1) ||
                      fmt_width(F, line, close) + indent > FMT_MAX_COLUMNS));
}

void fmt_layout_body(struct fmt *F, const struct ast_body *b, uint32_t line, uint32_t indent)
{
    if (!b) {
        return;
    }
    for (const struct ast_assign *a = b->first; a; a = a->next) {
        fmt_layout_expr(F, a->value, indent);
    }
    uint32_t widest = 0;
    bool lines = braces_take_lines(F, b->span, b->n, line, indent);
    for (const struct ast_assign *a = b->first; a; a = a->next) {
        layout_entry(F, a->span, lines, a == b->last, indent);
        uint32_t w = fmt_align_width(F, a->path.span);
        widest = w > widest ? w : widest;
    }
    for (const struct ast_assign *a = b->first; a && lines; a = a->next) {
        fmt_align_behind(F, a->path.span, widest);
        fmt_layout_value(F, a->value, fmt_first(F, a->span.start), indent + FMT_INDENT);
    }
    if (lines) {
        fmt_break(F, fmt_last(F, b->span.end), indent);
    }
}

void fmt_layout_map(struct fmt *F, const struct ast_map *m, uint32_t line, uint32_t indent)
{
    if (!m) {
        return;
    }
    for (const struct ast_map_entry *e = m->first; e; e = e->next) {
        fmt_layout_expr(F, e->value, indent);
    }
    bool lines = braces_take_lines(F, m->span, m->n, line, indent);
    for (const struct ast_map_entry *e = m->first; e; e = e->next) {
        layout_entry(F, e->span, lines, e == m->last, indent);
        if (lines) {
            fmt_layout_expr(F, e->value, indent + FMT_INDENT);
        }
    }
    if (lines) {
        fmt_break(F, fmt_last(F, m->span.end), indent);
    }
}
