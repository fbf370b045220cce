/* Glob patterns over UTF-8: `*` is any run of characters (also an empty one, also with `/`), `?`
 * is one character, everything else stands for itself; there is no escape and no class. A byte that
 * is not valid UTF-8 counts as one character and equals only itself. */
#ifndef FYKE_BASE_GLOB_H
#define FYKE_BASE_GLOB_H

#include <stdbool.h>

#include "base/slice.h"

/* The whole text must match. `ignore_case` folds as utf8_fold(). Needs no memory; at worst
 * O(pattern × text): only the last `*` is ever retried. */
bool glob_match(struct slice pattern, struct slice text, bool ignore_case);
/* No `*` or `?` in it. */
bool glob_is_literal(struct slice pattern);

#endif
