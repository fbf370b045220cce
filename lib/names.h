/* The names that a run has on a broker, looked at before anything is asked of it: the application's, its
 * group's, and those of the topics that it writes to. */
#ifndef FYKE_LIB_NAMES_H
#define FYKE_LIB_NAMES_H

#include <stdbool.h>

#include "base/error.h"
#include "fyke/fyke.h"
#include "nfa/rule.h"

/* Can topics and transactions be named after it? */
enum err names_check_app(const char *app, struct error *err) FYKE_MUST_USE;

/* Nothing that the run writes (alerts, late and invalid records) may come back to it as input, or stand
 * among its own state: ERR_USAGE. Two outputs may go to one topic. `topics` as in kafka_source_new().
 * Asked for every set of rules that is to come into force. */
enum err names_check(const struct fyke_run_config *c, bool from_kafka, const struct ruleset *rs,
                     const char *topics, struct error *err) FYKE_MUST_USE;

#endif
