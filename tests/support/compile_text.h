/* Compiling rule texts in tests. */
#ifndef FYKE_TESTS_COMPILE_TEXT_H
#define FYKE_TESTS_COMPILE_TEXT_H

#include "dsl/compile.h"

/* One file "t.rules" in memory; never NULL. */
struct compilation *compile_text(const char *text);
/* "E0302,W0404": the codes in order of position, errors only or all. Static buffer. */
const char *codes_of(const struct compilation *c, bool errors_only);
bool has_code(const struct compilation *c, const char *code);

#endif
