/* What several instances can share: a run whose every key lives in one partition number. */
#ifndef FYKE_LIB_GROUP_H
#define FYKE_LIB_GROUP_H

#include "engine/engine.h"
#include "fyke/fyke.h"

enum err group_check_config(const struct fyke_run_config *c, bool from_kafka,
                            struct error *err) FYKE_MUST_USE;
/* Rules that would need events of other partitions: one line each, then the error. */
enum err group_check_rules(const struct ruleset *rs, engine_log log, void *log_ctx,
                           struct error *err) FYKE_MUST_USE;

#endif
