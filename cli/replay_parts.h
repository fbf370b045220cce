/* What the verbs that replay share: progress, gates, files of reports. */
#ifndef FYKE_CLI_REPLAY_PARTS_H
#define FYKE_CLI_REPLAY_PARTS_H

#include "cli/replay_args.h"

/* Signals end the replay early, and on a terminal a line tells how far it is. signals_release() behind. */
void replay_watch(struct replay_args *a);
/* replay_args.config.options.log, with the arguments as its context. */
void replay_say(void *ctx, const char *line);
void replay_clear_progress(struct replay_args *a);

/* CLI_OK or CLI_USAGE; `old_rs`: of a diff; NULL. */
int replay_check_gates(const struct replay_args *a, const struct ruleset *rs,
                       const struct ruleset *old_rs);
/* One line per gate on standard error, beside whatever report there is. CLI_OK or CLI_FINDINGS. */
int replay_judge_gates(const struct replay_args *a, const struct replay_result *r,
                       const struct replay_diff *d);
/* CLI_OK or CLI_IO. */
int replay_write_file(const char *path, struct slice text);

#endif
