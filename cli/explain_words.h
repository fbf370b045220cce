/* The tree of a rule in words. Conditions stand as they were written. */
#ifndef FYKE_CLI_EXPLAIN_WORDS_H
#define FYKE_CLI_EXPLAIN_WORDS_H

#include "base/buf.h"
#include "dsl/compile.h"

void words_rule(const struct compilation *c, const struct ast_rule *r, struct buf *out);
/* "  NAME: Source where …" and a newline. */
void words_let(const struct compilation *c, const struct ast_let *let, struct buf *out);

#endif
