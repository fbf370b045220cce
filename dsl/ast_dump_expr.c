#include "dsl/ast_dump_expr.h"

#include <inttypes.h>

static void gap(struct dump *D)
{
    if (D->out->len > 0 && D->out->ptr[D->out->len - 1] != '(' &&
        D->out->ptr[D->out->len - 1] != '\n') {
        buf_puts(D->out, " ");
    }
}

void dump_open(struct dump *D, const char *label)
{
    gap(D);
    buf_printf(D->out, "(%s", label);
}

void dump_close(struct dump *D)
{
    buf_puts(D->out, ")");
}

void dump_atom(struct dump *D, const char *text)
{
    gap(D);
    buf_puts(D->out, text);
}

/* Quoted, with everything escaped that could look like structure. */
void dump_text(struct dump *D, struct slice text)
{
    gap(D);
    buf_puts(D->out, "\"");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\') {
            buf_printf(D->out, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            buf_printf(D->out, "\\x%02x", c);
        } else {
            buf_put_byte(D->out, c);
        }
    }
    buf_puts(D->out, "\"");
}

void dump_name(struct dump *D, const struct ast_name *n)
{
    if (n->quoted) {
        gap(D);
        buf_printf(D->out, "`%.*s`", SLICE_ARG(n->text));
    } else {
        gap(D);
        buf_put_slice(D->out, n->text);
    }
}

static void put_names(struct dump *D, const struct ast_names *names)
{
    for (const struct ast_name *n = names->first; n; n = n->next) {
        dump_name(D, n);
    }
}

void dump_path(struct dump *D, const struct ast_path *p)
{
    dump_open(D, "path");
    put_names(D, &p->names);
    dump_close(D);
}

void dump_literal(struct dump *D, const struct ast_literal *lit)
{
    switch (lit->kind) {
    case AST_LIT_INT:
        gap(D);
        buf_printf(D->out, "%" PRId64, lit->int_value);
        break;
    case AST_LIT_DECIMAL:
    case AST_LIT_PERCENT:
        dump_open(D, lit->kind == AST_LIT_DECIMAL ? "decimal" : "percent");
        gap(D);
        buf_put_slice(D->out, lit->number);
        dump_close(D);
        break;
    case AST_LIT_FLOAT:
        dump_open(D, "float");
        buf_printf(D->out, " %a", lit->float_value);
        dump_close(D);
        break;
    case AST_LIT_STRING: dump_text(D, lit->string); break;
    case AST_LIT_DURATION:
        dump_open(D, "duration");
        buf_printf(D->out, " %" PRId64, lit->duration.ns);
        dump_close(D);
        break;
    case AST_LIT_TIMESTAMP:
        dump_open(D, "time");
        buf_printf(D->out, " %" PRId64, lit->time.ns);
        dump_close(D);
        break;
    case AST_LIT_IP:
    case AST_LIT_CIDR:
        dump_open(D, lit->kind == AST_LIT_IP ? "ip" : "cidr");
        dump_text(D, lit->spelling);
        dump_close(D);
        break;
    case AST_LIT_BOOL: dump_atom(D, lit->bool_value ? "true" : "false"); break;
    }
}

void dump_literal_opt(struct dump *D, const char *label, const struct ast_literal *lit)
{
    if (lit) {
        dump_open(D, label);
        dump_literal(D, lit);
        dump_close(D);
    }
}

void dump_literals(struct dump *D, const char *label, const struct ast_literals *list)
{
    if (list->n == 0) {
        return;
    }
    dump_open(D, label);
    for (const struct ast_literal *l = list->first; l; l = l->next) {
        dump_literal(D, l);
    }
    dump_close(D);
}

void dump_timed(struct dump *D, const char *label, const struct ast_timed *t)
{
    if (!t) {
        return;
    }
    dump_open(D, label);
    if (t->value.literal) {
        dump_literal(D, t->value.literal);
    } else {
        dump_name(D, t->value.name);
    }
    dump_close(D);
}

void dump_clause(struct dump *D, const char *label, const struct ast_clause *c)
{
    if (c) {
        dump_open(D, label);
        dump_expr(D, c->expr);
        dump_close(D);
    }
}

static void put_items(struct dump *D, const char *label, const struct ast_exprs *items)
{
    dump_open(D, label);
    for (const struct ast_expr *e = items->first; e; e = e->next) {
        dump_expr(D, e);
    }
    dump_close(D);
}

static void put_call(struct dump *D, const struct ast_expr *e)
{
    dump_open(D, "call");
    dump_name(D, e->call.name);
    for (const struct ast_expr *a = e->call.args.first; a; a = a->next) {
        dump_expr(D, a);
    }
    dump_clause(D, "where", e->call.where);
    dump_close(D);
}

static void put_test(struct dump *D, const struct ast_expr *e)
{
    static const char *const ops[] = {"in",       "~",           "like",     "matches",
                                      "contains", "starts-with", "ends-with"};
    dump_open(D, ops[e->test.op]);
    if (e->test.negated) {
        dump_atom(D, "not");
    }
    if (e->test.ignore_case) {
        dump_atom(D, "ignore-case");
    }
    dump_expr(D, e->test.value);
    dump_expr(D, e->test.operand);
    dump_close(D);
}

/* A form with a label and up to three operands. */
static void put_form(struct dump *D, const char *label, const struct ast_expr *a,
                     const struct ast_expr *b, const struct ast_expr *c)
{
    dump_open(D, label);
    dump_expr(D, a);
    dump_expr(D, b);
    dump_expr(D, c);
    dump_close(D);
}

static void put_leaf(struct dump *D, const struct ast_expr *e)
{
    if (e->kind == AST_EXPR_LITERAL) {
        dump_literal(D, e->literal);
    } else if (e->kind == AST_EXPR_PATH) {
        dump_path(D, e->path);
    } else {
        dump_open(D, "list");
        dump_name(D, e->named_list.name);
        dump_close(D);
    }
}

void dump_expr(struct dump *D, const struct ast_expr *e)
{
    static const char *const binary[] = {
        "or", "and", "=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/"};
    const struct ast_expr *x = D->flags & AST_DUMP_PARENS ? e : ast_bare(e);
    if (!x) {
        return;
    }
    switch (x->kind) {
    case AST_EXPR_LITERAL:
    case AST_EXPR_PATH:
    case AST_EXPR_NAMED_LIST: put_leaf(D, x); break;
    case AST_EXPR_CALL: put_call(D, x); break;
    case AST_EXPR_MEMBER:
        dump_open(D, "member");
        dump_expr(D, x->member.base);
        dump_name(D, x->member.name);
        dump_close(D);
        break;
    case AST_EXPR_INDEX: put_form(D, "index", x->index.base, x->index.index, NULL); break;
    case AST_EXPR_ARRAY: put_items(D, "array", &x->items); break;
    case AST_EXPR_TUPLE: put_items(D, "tuple", &x->items); break;
    case AST_EXPR_PAREN: put_form(D, "paren", x->inner, NULL, NULL); break;
    case AST_EXPR_UNARY:
        put_form(D, x->unary.op == AST_NOT ? "not" : "neg", x->unary.operand, NULL, NULL);
        break;
    case AST_EXPR_PERCENT_OF:
        dump_open(D, "percent-of");
        dump_literal(D, x->percent_of.percent);
        dump_expr(D, x->percent_of.operand);
        dump_close(D);
        break;
    case AST_EXPR_BINARY:
        put_form(D, binary[x->binary.op], x->binary.left, x->binary.right, NULL);
        break;
    case AST_EXPR_BETWEEN:
        put_form(D, x->between.negated ? "not-between" : "between", x->between.value,
                 x->between.low, x->between.high);
        break;
    case AST_EXPR_TEST: put_test(D, x); break;
    case AST_EXPR_IS:
        dump_open(D, x->is.negated ? "is-not" : "is");
        dump_atom(D, x->is.present ? "present" : "missing");
        dump_expr(D, x->is.value);
        dump_close(D);
        break;
    case AST_EXPR_IF: put_form(D, "if", x->cond.test, x->cond.yes, x->cond.no); break;
    }
}

void dump_map(struct dump *D, const struct ast_map *m)
{
    if (!m) {
        return;
    }
    dump_open(D, "map");
    for (const struct ast_map_entry *e = m->first; e; e = e->next) {
        dump_literal(D, e->key);
        dump_expr(D, e->value);
    }
    dump_close(D);
}

void dump_body(struct dump *D, const struct ast_body *b)
{
    if (!b) {
        return;
    }
    dump_open(D, "body");
    for (const struct ast_assign *a = b->first; a; a = a->next) {
        dump_path(D, &a->path);
        dump_expr(D, a->value);
    }
    dump_close(D);
}
