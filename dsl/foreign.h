/* What other languages call it: help for names that are unknown here but not elsewhere. */
#ifndef FYKE_DSL_FOREIGN_H
#define FYKE_DSL_FOREIGN_H

#include "base/slice.h"

/* What to write instead of the function `name` (any case), or NULL. */
const char *foreign_function_help(struct slice name);
/* The type of this language for a type of another one, or NULL. */
const char *foreign_type(struct slice name);

#endif
