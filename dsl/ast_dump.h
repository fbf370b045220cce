/* The tree as an S-expression, without spans: equal text means equal trees. */
#ifndef FYKE_DSL_AST_DUMP_H
#define FYKE_DSL_AST_DUMP_H

#include "base/buf.h"
#include "dsl/ast.h"

enum ast_dump_flags {
    AST_DUMP_PLAIN = 0,
    AST_DUMP_PARENS = 1, /* keep AST_EXPR_PAREN, which the checker's view drops */
};

void ast_dump_file(struct buf *out, const struct ast_file *file, enum ast_dump_flags flags);
void ast_dump_expr(struct buf *out, const struct ast_expr *expr, enum ast_dump_flags flags);

#endif
