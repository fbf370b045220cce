/* `fyke replay --speed 10x`: the events of the range come ten times as fast as they happened. */
#ifndef FYKE_CLI_REPLAY_PACE_H
#define FYKE_CLI_REPLAY_PACE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct replay_pace {
    double speed; /* event time per time of the clock; 0: as fast as it goes */
    const volatile sig_atomic_t *stop;
    bool begun;
    struct etime first; /* event that was there first, and when */
    int64_t begun_ns;
};

/* "max", "10x", "0.5x"; false: it is no speed. */
bool replay_pace_parse(const char *text, double *ret);
/* How long until the event is due, as the monotonic clock stands. The first one is due at once. */
int64_t replay_pace_left_ns(struct replay_pace *p, struct etime t, int64_t now_ns);
/* replay_config.pace: waits until then, or until it is told to stop. */
void replay_pace_wait(void *ctx, struct etime t);

#endif
