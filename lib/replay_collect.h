/* Alerts and events of a replay, counted where they belong. Both come on the input thread, alerts in
 * the order of a bounded run: by time of detection. */
#ifndef FYKE_LIB_REPLAY_COLLECT_H
#define FYKE_LIB_REPLAY_COLLECT_H

#include "engine/engine.h"
#include "lib/json_view.h"
#include "lib/replay.h"
#include "lib/replay_key_counts.h"
#include "lib/replay_labels.h"
#include "lib/replay_settled.h"
#include "lib/replay_verify.h"

struct replay_collect {
    struct sink sink; /* first */
    const struct replay_config *config;
    bool is_aside; /* not the first of several rule sets: no lines, nothing verified */
    struct replay_result *result;
    struct hasher digest;
    struct buf parts; /* of one alert, for the digest */
    struct replay_labels labels;
    struct replay_verify verify;
    struct replay_settled settled;
    struct replay_key_counts keys; /* in result->rules */
    struct map rule_of; /* name → rule, as a pointer into result->rules */
};

void replay_collect_init(struct replay_collect *c, const struct replay_config *config,
                         struct replay_result *result);
/* Sorts what is sorted, makes the digest. */
void replay_collect_finish(struct replay_collect *c);
void replay_collect_release(struct replay_collect *c);
/* engine_options.observe */
void replay_collect_event(void *ctx, enum event_fate fate, const struct event *e,
                          const struct record *r);

#endif
