/* A rule set with other values for its constants and windows, every combination in one read of the
 * data. A point is a text of the rules with other words in these places, compiled as any other. */
#ifndef FYKE_LIB_REPLAY_SWEEP_H
#define FYKE_LIB_REPLAY_SWEEP_H

#include "base/arena.h"
#include "dsl/source.h"
#include "lib/replay.h"
#include "lib/rules.h"

struct sweep_axis {
    struct slice name;    /* of a const, or [RULE.]window, [RULE.]quiet */
    struct span span;     /* of the value */
    struct slice written; /* what stands there */
    struct slice *values; /* to try; as they would be written */
    uint32_t n;
};

struct sweep_point {
    struct slice *values; /* per axis */
    bool as_written;
    bool meets;           /* the gates, if there are any */
    struct fyke_rules *rules;
};

struct replay_sweep {
    struct arena arena;
    const struct fyke_rules *rules;
    struct sweep_axis *axes;
    size_t n_axes, cap_axes;
    struct sweep_point *points; /* what is written first, unless it is one of the values */
    uint32_t n_points;
    struct buf left_out; /* a message per combination that does not compile */
    struct replay_result *results; /* per point */
};

void replay_sweep_init(struct replay_sweep *s, const struct fyke_rules *rules);
void replay_sweep_release(struct replay_sweep *s);
/* "NAME=a,b,c"; names of rules and constants may stand in backticks. */
enum err replay_sweep_add(struct replay_sweep *s, const char *text, struct error *err) FYKE_MUST_USE;
/* All combinations, compiled; those that the rules do not take stand in s->left_out. */
enum err replay_sweep_points(struct replay_sweep *s, struct error *err) FYKE_MUST_USE;
/* On FYKE_OK and FYKE_INTERRUPTED s->results are filled. */
enum fyke_result replay_sweep_run(struct replay_sweep *s, const struct replay_config *c);
/* Does any of the points change what this rule finds? */
bool replay_sweep_concerns(const struct replay_sweep *s, uint32_t rule);

#endif
