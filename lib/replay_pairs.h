/* Pairing the alerts of one rule, key and kind (lib/replay_diff.h). */
#ifndef FYKE_LIB_REPLAY_PAIRS_H
#define FYKE_LIB_REPLAY_PAIRS_H

#include "lib/replay_diff.h"

#define PAIR_NONE SIZE_MAX
/* Alerts with an event in common that are looked at per event. */
#define PAIR_CANDIDATES 1000

struct pair_side {
    const struct replay_alerts *alerts;
    const struct replay_alert **items; /* by time of detection, then evidence */
    size_t *with;                      /* index on the other side; PAIR_NONE */
    size_t n;
};

/* Fills `with` of both sides. */
void pair_alerts(struct pair_side *was, struct pair_side *is);
/* Events that both hold. */
uint32_t pair_common(const struct pair_side *was, const struct replay_alert *a,
                     const struct pair_side *is, const struct replay_alert *b);

#endif
