/* The formatter: one clause per line, comments kept, the same tree before and after; formatting
 * twice changes nothing.
 *
 * It moves tokens, it does not print the tree: the tree only says where lines begin. Every token is
 * copied as it was written, except that `in a row` and `anywhere` go behind `where`, and commas
 * between fields stand in one-line bodies only. */
#ifndef FYKE_DSL_FMT_H
#define FYKE_DSL_FMT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "dsl/ast.h"

/* Appends the formatted text. False, and nothing is appended, if the file is broken: a text with
 * errors is not touched. `scratch` holds the layout. */
bool dsl_fmt(const struct ast_file *file, struct arena *scratch, struct buf *out);

#endif
