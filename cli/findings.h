/* Errors in rules where a program reads what a verb writes: an annotation, an object, a test that cannot
 * run. On standard output; people have them on stderr. */
#ifndef FYKE_CLI_FINDINGS_H
#define FYKE_CLI_FINDINGS_H

#include "cli/cli.h"
#include "fyke/fyke.h"

/* Other formats than github, json and tap: nothing. */
void finding_put(enum cli_format format, const struct fyke_diagnostic *d);
/* Behind the last one: why nothing else comes. */
void finding_put_end(enum cli_format format, const char *why);

#endif
