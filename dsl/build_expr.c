#include "dsl/ast_build.h"

static uint32_t deeper(uint32_t a, const struct ast_expr *e)
{
    return e && e->depth > a ? e->depth : a;
}

/* `below` is the depth of the deepest child. */
static struct ast_expr *expr_new(struct parse *P, enum ast_expr_kind kind, struct span span,
                                 uint32_t below)
{
    struct ast_expr *e = ARENA_NEW(P->arena, struct ast_expr);
    e->kind = kind;
    e->id = ++P->file->n_exprs;
    e->depth = below + 1;
    e->span = span;
    if (e->depth > AST_MAX_DEPTH) {
        parse_too_deep(P);
    }
    return e;
}

static uint32_t deepest(const struct ast_exprs *list)
{
    uint32_t depth = 0;
    for (const struct ast_expr *e = list ? list->first : NULL; e; e = e->next) {
        depth = deeper(depth, e);
    }
    return depth;
}

struct ast_name *build_name(struct parse *P, tok t)
{
    struct ast_name *n = ARENA_NEW(P->arena, struct ast_name);
    n->span = build_span(P, t);
    n->text = token_text(P->tokens, t);
    n->quoted = (t->flags & TOKEN_QUOTED) != 0;
    n->reserved = (t->flags & TOKEN_RESERVED) != 0;
    if (n->quoted) {
        n->text = slice_from(n->text.ptr + 1, n->text.len - 2);
    }
    return n;
}

struct ast_expr *build_literal(struct parse *P, struct ast_literal *lit)
{
    struct ast_expr *e = expr_new(P, AST_EXPR_LITERAL, lit->span, 0);
    e->literal = lit;
    return e;
}

struct ast_expr *build_ref(struct parse *P, tok name)
{
    struct ast_expr *e = expr_new(P, AST_EXPR_PATH, build_span(P, name), 0);
    e->path = build_path(P, NULL, name);
    return e;
}

struct ast_expr *build_call(struct parse *P, tok name, struct ast_exprs *args,
                            struct ast_clause *where, tok close)
{
    uint32_t below = deeper(deepest(args), where ? where->expr : NULL);
    struct span span = span_join(build_span(P, name), build_span(P, close));
    struct ast_expr *e = expr_new(P, AST_EXPR_CALL, span, below);
    e->call.name = build_name(P, name);
    e->call.where = where;
    if (args) {
        e->call.args = *args;
    }
    return e;
}

struct ast_expr *build_member(struct parse *P, struct ast_expr *base, tok name)
{
    struct span span = span_join(base->span, build_span(P, name));
    if (base->kind == AST_EXPR_PATH) {
        build_path(P, base->path, name);
        base->span = span;
        return base;
    }
    struct ast_expr *e = expr_new(P, AST_EXPR_MEMBER, span, base->depth);
    e->member.base = base;
    e->member.name = build_name(P, name);
    return e;
}

struct ast_expr *build_index(struct parse *P, struct ast_expr *base, struct ast_expr *index,
                             tok close)
{
    struct span span = span_join(base->span, build_span(P, close));
    struct ast_expr *e = expr_new(P, AST_EXPR_INDEX, span, deeper(base->depth, index));
    e->index.base = base;
    e->index.index = index;
    return e;
}

struct ast_expr *build_items_expr(struct parse *P, enum ast_expr_kind kind, tok open,
                                  struct ast_exprs *items, tok close)
{
    struct span span = span_join(build_span(P, open), build_span(P, close));
    struct ast_expr *e = expr_new(P, kind, span, deepest(items));
    if (items) {
        e->items = *items;
    }
    return e;
}

struct ast_expr *build_named_list(struct parse *P, tok keyword, tok name)
{
    struct span span = span_join(build_span(P, keyword), build_span(P, name));
    struct ast_expr *e = expr_new(P, AST_EXPR_NAMED_LIST, span, 0);
    e->named_list.keyword = build_span(P, keyword);
    e->named_list.name = build_name(P, name);
    return e;
}

struct ast_expr *build_paren(struct parse *P, tok open, struct ast_expr *inner, tok close)
{
    struct span span = span_join(build_span(P, open), build_span(P, close));
    struct ast_expr *e = expr_new(P, AST_EXPR_PAREN, span, inner->depth);
    e->inner = inner;
    return e;
}

struct ast_expr *build_unary(struct parse *P, enum ast_unary_op op, tok sign,
                             struct ast_expr *operand)
{
    struct span op_span = build_span(P, sign);
    struct ast_expr *e =
        expr_new(P, AST_EXPR_UNARY, span_join(op_span, operand->span), operand->depth);
    e->unary.op = op;
    e->unary.op_span = op_span;
    e->unary.operand = operand;
    return e;
}

struct ast_expr *build_percent_of(struct parse *P, tok percent, tok of, struct ast_expr *operand)
{
    struct span span = span_join(build_span(P, percent), operand->span);
    struct ast_expr *e = expr_new(P, AST_EXPR_PERCENT_OF, span, operand->depth);
    e->percent_of.percent = percent->literal;
    e->percent_of.op_span = build_span(P, of);
    e->percent_of.operand = operand;
    return e;
}

struct ast_expr *build_binary(struct parse *P, enum ast_binary_op op, tok sign,
                              struct ast_expr *left, struct ast_expr *right)
{
    struct ast_expr *e = expr_new(P, AST_EXPR_BINARY, span_join(left->span, right->span),
                                  deeper(left->depth, right));
    e->binary.op = op;
    e->binary.op_span = build_span(P, sign);
    e->binary.left = left;
    e->binary.right = right;
    return e;
}

struct ast_expr *build_between(struct parse *P, tok negation, tok sign, struct ast_expr *value,
                               struct ast_expr *low, struct ast_expr *high)
{
    struct ast_expr *e = expr_new(P, AST_EXPR_BETWEEN, span_join(value->span, high->span),
                                  deeper(deeper(value->depth, low), high));
    e->between.negated = negation != NULL;
    e->between.op_span = span_join(build_span(P, negation ? negation : sign), build_span(P, sign));
    e->between.value = value;
    e->between.low = low;
    e->between.high = high;
    return e;
}

struct ast_test_sign *build_test_op(struct parse *P, enum ast_test_op op, tok first, tok last,
                                    tok tilde)
{
    struct ast_test_sign *s = ARENA_NEW(P->arena, struct ast_test_sign);
    s->op = op;
    s->ignore_case = tilde != NULL;
    s->span = span_join(build_span(P, first), build_span(P, tilde ? tilde : last));
    return s;
}

struct ast_expr *build_member_test(struct parse *P, tok negation, struct ast_test_sign *sign,
                                   struct ast_expr *value, struct ast_expr *operand)
{
    struct ast_expr *e = expr_new(P, AST_EXPR_TEST, span_join(value->span, operand->span),
                                  deeper(value->depth, operand));
    e->test.op = sign->op;
    e->test.negated = negation != NULL;
    e->test.ignore_case = sign->ignore_case;
    e->test.op_span = negation ? span_join(build_span(P, negation), sign->span) : sign->span;
    e->test.value = value;
    e->test.operand = operand;
    return e;
}

struct ast_expr *build_is(struct parse *P, tok is, tok negation, tok what, struct ast_expr *value,
                          bool present)
{
    struct span op = span_join(build_span(P, is), build_span(P, what));
    struct ast_expr *e = expr_new(P, AST_EXPR_IS, span_join(value->span, op), value->depth);
    e->is.negated = negation != NULL;
    e->is.present = present;
    e->is.op_span = op;
    e->is.value = value;
    return e;
}

struct ast_expr *build_if(struct parse *P, tok keyword, struct ast_expr *test, struct ast_expr *yes,
                          struct ast_expr *no)
{
    struct ast_expr *e = expr_new(P, AST_EXPR_IF, span_join(build_span(P, keyword), no->span),
                                  deeper(deeper(test->depth, yes), no));
    e->cond.test = test;
    e->cond.yes = yes;
    e->cond.no = no;
    return e;
}

struct ast_exprs *build_exprs(struct parse *P, struct ast_exprs *list, struct ast_expr *e)
{
    struct ast_exprs *l = list ? list : ARENA_NEW(P->arena, struct ast_exprs);
    BUILD_APPEND(l, e);
    return l;
}

void build_root_expr(struct parse *P, struct ast_expr *e)
{
    P->file->expr = e;
}

struct ast_path *build_path(struct parse *P, struct ast_path *path, tok name)
{
    struct ast_path *p = path ? path : ARENA_NEW(P->arena, struct ast_path);
    struct ast_name *n = build_name(P, name);
    p->span = path ? span_join(path->span, n->span) : n->span;
    BUILD_APPEND(&p->names, n);
    return p;
}

struct ast_paths *build_paths(struct parse *P, struct ast_paths *list, struct ast_path *path)
{
    struct ast_paths *l = list ? list : ARENA_NEW(P->arena, struct ast_paths);
    BUILD_APPEND(l, path);
    return l;
}

/* Recovery may parse a token a second time: the `next` of its literal must not join two lists. */
struct ast_literal *build_literal_copy(struct parse *P, const struct ast_literal *lit)
{
    struct ast_literal *copy = ARENA_NEW(P->arena, struct ast_literal);
    *copy = *lit;
    copy->next = NULL;
    return copy;
}

struct ast_literals *build_literals(struct parse *P, struct ast_literals *list,
                                    struct ast_literal *lit)
{
    struct ast_literals *l = list ? list : ARENA_NEW(P->arena, struct ast_literals);
    struct ast_literal *copy = build_literal_copy(P, lit);
    BUILD_APPEND(l, copy);
    return l;
}

struct ast_clause *build_clause(struct parse *P, tok keyword, struct ast_expr *e)
{
    struct ast_clause *c = ARENA_NEW(P->arena, struct ast_clause);
    c->keyword = build_span(P, keyword);
    c->span = span_join(c->keyword, e->span);
    c->expr = e;
    return c;
}

struct ast_dur *build_dur(struct parse *P, tok t)
{
    struct ast_dur *d = ARENA_NEW(P->arena, struct ast_dur);
    d->span = build_span(P, t);
    if (t->kind == TK_DUR) {
        d->literal = t->literal;
    } else {
        d->name = build_name(P, t);
    }
    return d;
}

struct ast_timed *build_timed(struct parse *P, tok first, tok last, struct ast_dur *value)
{
    struct ast_timed *t = ARENA_NEW(P->arena, struct ast_timed);
    t->keyword = span_join(build_span(P, first), build_span(P, last));
    t->span = span_join(t->keyword, value->span);
    t->value = *value;
    return t;
}

struct ast_body *build_body(struct parse *P, tok open, struct ast_body *assigns, tok close)
{
    struct ast_body *b = assigns ? assigns : ARENA_NEW(P->arena, struct ast_body);
    b->span = span_join(build_span(P, open), build_span(P, close));
    return b;
}

struct ast_body *build_assigns(struct parse *P, struct ast_body *list, struct ast_assign *a)
{
    struct ast_body *l = list ? list : ARENA_NEW(P->arena, struct ast_body);
    BUILD_APPEND(l, a);
    return l;
}

struct ast_assign *build_assign(struct parse *P, struct ast_path *path, struct ast_expr *value)
{
    struct ast_assign *a = ARENA_NEW(P->arena, struct ast_assign);
    a->span = span_join(path->span, value->span);
    a->path = *path;
    a->value = value;
    return a;
}

struct ast_map *build_map(struct parse *P, tok open, struct ast_map *entries, tok close)
{
    struct ast_map *m = entries ? entries : ARENA_NEW(P->arena, struct ast_map);
    m->span = span_join(build_span(P, open), build_span(P, close));
    return m;
}

struct ast_map *build_entries(struct parse *P, struct ast_map *list, struct ast_map_entry *e)
{
    struct ast_map *l = list ? list : ARENA_NEW(P->arena, struct ast_map);
    BUILD_APPEND(l, e);
    return l;
}

struct ast_map_entry *build_entry(struct parse *P, struct ast_literal *key, struct ast_expr *value)
{
    struct ast_map_entry *e = ARENA_NEW(P->arena, struct ast_map_entry);
    e->span = span_join(key->span, value->span);
    e->key = key;
    e->value = value;
    return e;
}
