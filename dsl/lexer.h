/* Text to tokens, before the filter. */
#ifndef FYKE_DSL_LEXER_H
#define FYKE_DSL_LEXER_H

#include "base/arena.h"
#include "dsl/token.h"

/* Any bytes. A text that is not UTF-8 or holds a NUL gives one TK_BAD (E0108) in front of the end;
 * one that is too large gives one TK_BAD (E0111). Everything lies in the arena. */
struct token_list *dsl_lex(const struct rule_file *src, struct arena *arena);

#endif
