/* Conditions as the author wrote them: the conjuncts, and of an `or` its sides. For showing what held and what
 * did not; what decides is the whole expression. */
#include "dsl/check.h"

struct slice condition_text(struct checker *c, struct span span)
{
    return arena_copy(c->out, source_text(sources_get(c->sources, span.file), span));
}

struct condition_list {
    struct checker *c;
    bool sides; /* `or` is looked into, too */
    struct rule_condition *items; /* NULL: only counting */
    uint32_t n;
};

static bool joins(const struct ast_expr *bare, const struct expr *e, enum ast_binary_op word,
                  enum expr_op op)
{
    return bare->kind == AST_EXPR_BINARY && bare->binary.op == word && e->op == op && e->n_kids == 2;
}

/* Both trees are walked together: the tree as written knows the words, the other the meaning. */
static void list(struct condition_list *l, const struct ast_expr *ast, const struct expr *e);

static void list_sides(struct checker *c, const struct ast_expr *ast, const struct expr *e,
                       struct rule_condition *ret)
{
    struct condition_list l = {.c = c, .sides = true};
    if (!joins(ast_bare(ast), e, AST_OR, EX_OR)) {
        return;
    }
    list(&l, ast, e);
    l.items = ARENA_ARRAY(c->out, struct rule_condition, l.n + 1u);
    l.n = 0;
    list(&l, ast, e);
    ret->sides = l.items;
    ret->n_sides = l.n;
}

static void list(struct condition_list *l, const struct ast_expr *ast, const struct expr *e)
{
    const struct ast_expr *bare = ast_bare(ast);
    if (!e) {
        return;
    }
    if (joins(bare, e, AST_AND, EX_AND) || (l->sides && joins(bare, e, AST_OR, EX_OR))) {
        list(l, bare->binary.left, e->kids[0]);
        list(l, bare->binary.right, e->kids[1]);
        return;
    }
    if (l->sides && bare->kind == AST_EXPR_LITERAL) {
        return; /* `or false` is never true */
    }
    if (l->items) {
        struct rule_condition *to = &l->items[l->n];
        *to = (struct rule_condition){
            .text = condition_text(l->c, ast->span),
            .expr = e,
            .own = !(expr_reads(e) & ~(unsigned)(READS_SELF | READS_ENV))};
        if (!l->sides) {
            list_sides(l->c, ast, e, to);
        }
    }
    l->n++;
}

struct rule_condition *conditions_of(struct checker *c, const struct ast_expr *ast,
                                     const struct expr *e, uint32_t *ret_n)
{
    struct condition_list l = {.c = c};
    list(&l, ast, e);
    l.items = ARENA_ARRAY(c->out, struct rule_condition, l.n + 1u);
    l.n = 0;
    list(&l, ast, e);
    *ret_n = l.n;
    return l.items;
}
