/* Between lexer and parser; shared with formatter and editors. Looks at most four tokens ahead.
 *
 * 1. Name promotion: a word directly before `:`, `=` or `.`, or directly behind `.`, is a name.
 * 2. Spelled durations: `10 minutes`, `1 hour 30 minutes` on one line become one TK_DUR, unless
 *    the unit is itself a name by 1: `{ n = 5 minutes = 3 }` is two fields.
 * 3. `in a row` becomes one TK_IN_A_ROW. */
#ifndef FYKE_DSL_FILTER_H
#define FYKE_DSL_FILTER_H

#include "base/arena.h"
#include "dsl/token.h"

/* Works in place: the list may get shorter. */
void dsl_filter(struct token_list *list, struct arena *arena);

#endif
