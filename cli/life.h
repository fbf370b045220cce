/* What a running process shows of itself: to systemd, on the status socket, on demand. */
#ifndef FYKE_CLI_LIFE_H
#define FYKE_CLI_LIFE_H

#include "cli/log.h"
#include "cli/notify.h"
#include "cli/signals.h"
#include "cli/status_socket.h"
#include "lib/run.h"

struct life {
    struct log *log;
    const char *state_dir; /* NULL: no socket */
    const char *app;
    const struct signal_counts *signals;
    bool service; /* a line when it is ready and when it stops */
    /* Figures for SIGUSR1. */
    run_figures_fn report;
    void *report_ctx;
    /* The rest is its own. */
    bool was_ready;
    struct notify notify;
    struct local_socket socket;
    enum run_phase phase;
    sig_atomic_t reports_seen;
    struct ptime next_sign, next_status;
    struct ptime started;
};

/* The caller has set the upper part. */
void life_open(struct life *l);
void life_close(struct life *l);
/* For run_hooks.beat. */
void life_beat(struct life *l, enum run_phase phase, struct run *run);

const char *life_phase_name(enum run_phase phase);

#endif
