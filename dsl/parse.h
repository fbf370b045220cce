/* From text to tree. */
#ifndef FYKE_DSL_PARSE_H
#define FYKE_DSL_PARSE_H

#include "base/arena.h"
#include "dsl/ast.h"
#include "dsl/diag.h"
#include "dsl/source.h"

/* Never NULL. Errors go to `diags` (at most DIAG_MAX_SYNTAX), one per declaration; then `broken`
 * is set and the declarations that parsed are there, the others as AST_DECL_ERROR. The tree points
 * into the arena and the source. */
struct ast_file *dsl_parse(const struct rule_file *src, struct arena *arena, struct diags *diags);

/* The whole text as one expression: `expr` of the result, NULL after an error. */
struct ast_file *dsl_parse_expr(const struct rule_file *src, struct arena *arena,
                                struct diags *diags);

#endif
