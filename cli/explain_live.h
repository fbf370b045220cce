/* Where a rule stands for a key in a running process. */
#ifndef FYKE_CLI_EXPLAIN_LIVE_H
#define FYKE_CLI_EXPLAIN_LIVE_H

#include "cli/live_client.h"

/* Asks the process; an exit code. */
int explain_live(const struct live_target *t, const char *rule, struct slice key,
                 enum cli_format format, bool color);

#endif
