/* fyke replay --sweep */
#ifndef FYKE_CLI_REPLAY_SWEEP_H
#define FYKE_CLI_REPLAY_SWEEP_H

#include "cli/replay_args.h"

/* Exit code. */
int replay_sweep(struct replay_args *a, const struct fyke_rules *rules);

#endif
