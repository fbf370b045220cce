/* What to say about a token that cannot stand where it stands. */
#ifndef FYKE_DSL_SYNTAX_ERROR_H
#define FYKE_DSL_SYNTAX_ERROR_H

#include "dsl/ast_build.h"

/* Reports the token `at`, which the parser refuses; `first` is the first token of the broken
 * declaration. Returns the index of the token at which the error stands: `at`, or the declaration
 * word in column 1 before it (E0210). Leaves the parser as it is. */
uint32_t syntax_error_report(struct parse *P, const void *parser, uint32_t first, uint32_t at);

/* Import, event, const, list, lookup, let, profile, rule, test: not as a promoted name. */
bool is_declaration_word(const struct token *t);

#endif
