/* What lemon generates from grammar.y, and the look ahead that it lacks. */
#ifndef FYKE_DSL_PARSER_H
#define FYKE_DSL_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/ast_build.h"
#include "dsl/token.h"

void *DslParserAlloc(void *(*alloc)(size_t), struct parse *parse);
void DslParserFree(void *parser, void (*release)(void *));
/* `token` may be NULL for the entry pseudo tokens. */
void DslParser(void *parser, int kind, const struct token *token);

/* Would this terminal be shifted (or end the input) next? `*own`: by an action of its own, not by
 * falling back to a name. */
bool parser_accepts(const void *parser, int token, bool *own);
/* Terminals are 0 (the end) to n - 1. */
int parser_n_tokens(void);

#endif
