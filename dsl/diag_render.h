/* Diagnostics as text: for people, and one JSON object per line. */
#ifndef FYKE_DSL_DIAG_RENDER_H
#define FYKE_DSL_DIAG_RENDER_H

#include "base/buf.h"
#include "dsl/diag.h"

/* file:line:col: error[E0203]: message, then the line of source with the span underlined, another
 * place if there is one, and help. With `color` in ANSI colours. */
void diag_render_human(struct buf *out, const struct sources *set, const struct diag *d,
                       bool color);
/* A line that GitHub's runners show beside the source: `::error file=…,line=…`. `named`: what they call the file
 * that the diagnostic lies in; NULL if it lies in none. */
void diag_render_github(struct buf *out, const struct sources *set, const struct diag *d,
                        const char *named);
/* Text of such a command: what would end a value (`property`) or the line is written as %XX. */
void diag_put_github(struct buf *out, const char *text, bool property);
/* {"file","line","col","end_line","end_col","severity","code","message","suggestion"} and a
 * newline; `end` is the place behind the span, `suggestion` may be null. */
void diag_render_json(struct buf *out, const struct sources *set, const struct diag *d);

/* "2 errors, 1 warning", or "no findings". */
void diag_render_summary(struct buf *out, const struct diags *ds);

#endif
