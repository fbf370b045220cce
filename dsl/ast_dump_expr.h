/* Pieces of ast_dump.c: writing S-expressions, and the parts that all declarations share. */
#ifndef FYKE_DSL_AST_DUMP_EXPR_H
#define FYKE_DSL_AST_DUMP_EXPR_H

#include "dsl/ast_dump.h"

struct dump {
    struct buf *out;
    enum ast_dump_flags flags;
};

void dump_open(struct dump *D, const char *label);
void dump_close(struct dump *D);
void dump_atom(struct dump *D, const char *text);
void dump_text(struct dump *D, struct slice text);
void dump_name(struct dump *D, const struct ast_name *n);
void dump_path(struct dump *D, const struct ast_path *p);
void dump_literal(struct dump *D, const struct ast_literal *lit);

/* NULL or empty: nothing is written. */
void dump_literal_opt(struct dump *D, const char *label, const struct ast_literal *lit);
void dump_literals(struct dump *D, const char *label, const struct ast_literals *list);
void dump_timed(struct dump *D, const char *label, const struct ast_timed *t);
void dump_clause(struct dump *D, const char *label, const struct ast_clause *c);
void dump_expr(struct dump *D, const struct ast_expr *e);
void dump_map(struct dump *D, const struct ast_map *m);
void dump_body(struct dump *D, const struct ast_body *b);

#endif
