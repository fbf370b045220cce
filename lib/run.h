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
    /* Between two batches, on the input thread: run_engine() may be looked into. */
    void (*between)(void *ctx, struct run *run);
    /* Events as they are read, alerts as they are handed to the output; not where several instances
     * share the work. On the input thread. */
    void (*observe)(void *ctx, const struct ruleset *rs, enum event_fate fate,
                    const struct event *e, const struct record *r);
    void (*alert)(void *ctx, const struct out_record *r);
    /* A reload has come to an end: its record (reload_audit.h), one JSON object. */
    void (*reloaded)(void *ctx, struct slice record);
    void *ctx;
};

enum fyke_result run_whole(const struct fyke_rules *rules, const struct fyke_run_config *c,
                           const struct run_hooks *hooks);
/* NULL: several instances share the work, or it has not begun. */
struct engine *run_engine(struct run *r);
const struct ruleset *run_ruleset(const struct run *r);
/* The figures so far, nothing before the state is open; on the input thread only. */
void run_figures_now(struct run *r, run_figures_fn figures, void *ctx);

#endif
