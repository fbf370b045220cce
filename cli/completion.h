/* Completion scripts of shells and manual pages: all made of the verbs' own help texts, so that what
 * is documented is what is offered. */
#ifndef FYKE_CLI_COMPLETION_H
#define FYKE_CLI_COMPLETION_H

#include "base/buf.h"
#include "cli/cli.h"

void completion_bash(struct buf *out);
void completion_zsh(struct buf *out);
void completion_fish(struct buf *out);
/* fyke(1), troff with the man macros. */
void completion_man(struct buf *out);

#endif
