/* `events "FILE"` of a test: the events of a JSONL or kcat file, in its order. */
#ifndef FYKE_LIB_RULE_TEST_EVENTS_H
#define FYKE_LIB_RULE_TEST_EVENTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "nfa/eval_env.h"
#include "nfa/event.h"
#include "nfa/rule.h"

typedef void (*rule_test_event)(void *ctx, struct event *e);

/* Calls `fn` for every event; they live in `arena`. False: *problem says what is wrong, with the
 * line. Envelopes of topics that no event declares are left out. */
bool rule_test_events(const struct ruleset *rs, const struct eval_env *env, const char *path,
                      struct arena *arena, rule_test_event fn, void *ctx, struct buf *problem);

#endif
