/* Signals of a run. SIGINT, SIGTERM: drain, then end; once more: end now, 130. SIGHUP: reload, but
 * from a terminal that goes away: end. SIGUSR1: figures. */
#ifndef FYKE_CLI_SIGNALS_H
#define FYKE_CLI_SIGNALS_H

#include <signal.h>

#include "base/clock.h"

struct signal_counts {
    volatile sig_atomic_t stop, reload, report;
};

/* What the process has received since signals_catch(). */
const struct signal_counts *signals_seen(void);
/* Until signals_catch(): what comes meanwhile waits. A hang-up or a request for figures must not end a process
 * that has not got round to them yet. */
void signals_hold(void);
/* From the first signal to stop on the process has `grace` left; then it writes `late` (a whole
 * line, which must stay) to standard error and exits with CLI_IO. `time_at`: where a time like
 * 2026-01-05T10:00:00.000Z is to be filled in; -1: nowhere. */
void signals_catch(struct duration grace, char *late, int time_at);
/* The run is over: the grace time no longer counts. */
void signals_release(void);

#endif
