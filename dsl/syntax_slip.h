/* Help for people who write what another language says at a place where it is refused. */
#ifndef FYKE_DSL_SYNTAX_SLIP_H
#define FYKE_DSL_SYNTAX_SLIP_H

#include "dsl/syntax_hint.h"

/* What to write instead, chosen by the refused token or the word before it; NULL: nothing known. */
const char *syntax_slip(const struct site *s);

#endif
