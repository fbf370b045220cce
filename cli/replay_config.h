/* `replay -c FILE`, `diff -c FILE`: what the service that runs is configured with. */
#ifndef FYKE_CLI_REPLAY_CONFIG_H
#define FYKE_CLI_REPLAY_CONFIG_H

#include "cli/replay_args.h"

/* The file, and what stands over it in the environment. What cannot be taken over and could change an answer is said
 * on standard error. CLI_OK or an exit code after an error. */
int replay_config_take(const struct cli_verb *v, const char *path, struct replay_args *a);
/* Lists that the command line does not name, once it was read. */
void replay_config_complete(struct replay_args *a);

#endif
