/* Whole runs, for lib/ and cli/: fyke_run() with the figures as they are. */
#ifndef FYKE_LIB_RUN_H
#define FYKE_LIB_RUN_H

#include "fyke/fyke.h"
#include "lib/run_life.h"
#include "lib/summary.h"

typedef void (*run_figures_fn)(void *ctx, const struct run_figures *f);

struct run;

/* Each may be NULL. */
struct run_hooks {
    run_figures_fn figures; /* once if the run began, whatever its outcome */
    /* As run_beat_fn; `run` is for run_figures_now() during this call. */
    void (*beat)(void *ctx, enum run_phase phase, struct run *run);
    void *ctx;
};

enum fyke_result run_whole(const struct fyke_rules *rules, const struct fyke_run_config *c,
                           const struct run_hooks *hooks);
/* The figures so far, nothing before the state is open; on the input thread only. */
void run_figures_now(struct run *r, run_figures_fn figures, void *ctx);

#endif
