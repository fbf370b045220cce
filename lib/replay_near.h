/* Near misses: what rules would have found besides, if one place of them were looser.
 *
 * Each rule is run beside the others, in the same read, with each of its looser versions (dsl/mutate.h); alerts
 * that only the looser one raises are its near misses. So each of them has been tried. */
#ifndef FYKE_LIB_REPLAY_NEAR_H
#define FYKE_LIB_REPLAY_NEAR_H

#include "base/arena.h"
#include "dsl/mutate.h"
#include "lib/replay_diff.h"

struct near_miss {
    uint32_t rule;           /* in the rule set */
    struct slice words;      /* of the change */
    uint64_t n, n_true;      /* alerts more; with a labelled event in evidence */
    struct duration written; /* windows of whole rules: what the rule says; 0: another place */
    struct duration needed;  /* then: what the nearest one would have needed */
    struct replay_alert nearest; /* the shortest of them */
    struct slice key;            /* its key text */
};

struct replay_near {
    struct arena arena;
    struct near_miss *items; /* by rule; of a rule the fewest alerts first, with labels the truest */
    uint32_t n;
    uint32_t tried, left_out; /* changes; more than one read can take */
};

/* Fills *ret as replay_run() would, and *near. */
enum fyke_result replay_near_run(const struct fyke_rules *rules, const struct replay_config *c,
                                 struct replay_result *ret, struct replay_near *near);
void replay_near_release(struct replay_near *n);

#endif
