/* What a condition read when it stood in the way of a match: aggregates, names bound before, profiles, lookups. */
#ifndef FYKE_LIB_WHY_ACTUAL_H
#define FYKE_LIB_WHY_ACTUAL_H

#include "lib/why_events.h"

/* `condition`: as written, of a step, `until` or `having`; `alert`: the match that there would be without it, whose events
 * are looked at. *ret: empty where it reads nothing but fields of one event, or was never asked; lives in `arena`. */
enum err why_find_actual(const struct why_events *w, const struct ruleset *rs, uint32_t rule,
                         struct slice condition, struct slice alert, struct arena *arena,
                         struct slice *ret, struct error *err) FYKE_MUST_USE;

#endif
