/* Two rule sets that mostly are the same, evaluated as one: rules that say the same in both are evaluated
 * once, and what they say counts on both sides.
 *
 *   old  a  b  c' ─┐
 *   new  a  b  c  ─┴─►  a  b  c  c'   one engine, one decoding    a b c' → old's collector, a b c → new's
 *
 * That needs the same events on both sides, so the same topics and declarations, and no rule that is evaluated
 * twice may derive what another one reads. Otherwise each set has its own engine. */
#ifndef FYKE_LIB_REPLAY_SHARED_H
#define FYKE_LIB_REPLAY_SHARED_H

#include "lib/replay_collect.h"

#define REPLAY_SIDES 2

struct replay_shared {
    struct sink sink; /* first: of the engine */
    struct ruleset *rs; /* of the new set, then what only the old one has; NULL: they are not evaluated as one */
    bool *belongs[REPLAY_SIDES]; /* per rule of `rs` */
    struct replay_collect *sides[REPLAY_SIDES];
};

/* `was` is changed: it can be evaluated only through `rs` from then on, and must outlive it. False: nothing has
 * happened, each needs an engine of its own. */
bool replay_shared_init(struct replay_shared *s, struct ruleset *was, const struct ruleset *is);
void replay_shared_release(struct replay_shared *s);

/* engine_options.observe */
void replay_shared_event(void *ctx, enum event_fate fate, const struct event *e, const struct record *r);

#endif
