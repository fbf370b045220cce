/* The identity of an alert: equal for equal input, whatever the threads, batches, restarts.
 * Byte layout: docs/formats.md. */
#ifndef FYKE_ENGINE_OUT_MATCH_ID_H
#define FYKE_ENGINE_OUT_MATCH_ID_H

#include "base/hash.h"
#include "nfa/state.h"

const char *match_kind_name(enum match_kind kind);
struct hash128 match_id(const struct ruleset *rs, const struct match *m);
/* The same with a memo that was taken for the match, or NULL. */
struct alert_memo;
struct hash128 match_id_again(const struct ruleset *rs, const struct match *m,
                              struct alert_memo *memo);

#endif
