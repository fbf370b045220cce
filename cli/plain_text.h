/* Texts that others have written, on a terminal or among lines that programs read. */
#ifndef FYKE_CLI_PLAIN_TEXT_H
#define FYKE_CLI_PLAIN_TEXT_H

#include "base/buf.h"
#include "base/slice.h"

/* Control characters as escapes: it moves no cursor and looks like no other line. */
void plain_put(struct buf *out, struct slice text);
/* Line by line, behind `prefix` and `indent`, each with its end. */
void plain_put_lines(struct buf *out, const char *prefix, const char *indent, struct slice text);
/* The description of a test in TAP: `#` would begin a directive. */
void plain_put_tap(struct buf *out, struct slice text);

#endif
