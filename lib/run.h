/* Whole runs, for lib/ and cli/: fyke_run() with the figures as they are. */
#ifndef FYKE_LIB_RUN_H
#define FYKE_LIB_RUN_H

#include "fyke/fyke.h"
#include "lib/summary.h"

typedef void (*run_figures_fn)(void *ctx, const struct run_figures *f);

/* `figures` is called once if the run began, whatever its outcome; may be NULL. */
enum fyke_result run_whole(const struct fyke_rules *rules, const struct fyke_run_config *c,
                           run_figures_fn figures, void *ctx);

#endif
