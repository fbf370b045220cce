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
    /* Between two batches, on the input thread: run_look() and run_rule_figures() may be called. */
    void (*between)(void *ctx, struct run *run);
    /* Events as they are read, alerts as they are handed to the output. On the input thread, but that events are
     * observed by several threads at a time where several instances share the work. */
    void (*observe)(void *ctx, const struct ruleset *rs, enum event_fate fate,
                    const struct event *e, const struct record *r);
    void (*alert)(void *ctx, const struct out_record *r);
    /* A reload has come to an end: its record (reload_audit.h), one JSON object; of which reading of the files
     * (run_ask_reload()), 0: it was not asked for here. */
    void (*reloaded)(void *ctx, uint64_t reading, struct slice record);
    void *ctx;
};

enum fyke_result run_whole(const struct fyke_rules *rules, const struct fyke_run_config *c,
                           const struct run_hooks *hooks);
/* engine_look(), or task_set_look(): then *ret_task, otherwise -1. ERR_USAGE also before it has begun. */
enum err run_look(struct run *r, const char *rule, struct slice key, const struct engine_looker *looker,
                  int64_t *ret_task, struct error *err) FYKE_MUST_USE;
/* False: it has not begun. */
bool run_rule_figures(struct run *r, struct engine_rule_figures *ret, bool *ret_whole);
/* Several instances: tasks that are here, and of how many; false: this one alone, or it has not begun. */
bool run_tasks(const struct run *r, uint32_t *ret_here, uint32_t *ret_of);
/* The number of the i-th that is here, ascending. */
uint32_t run_task_number(const struct run *r, uint32_t i);
/* The rule files are to be read again: which reading it will be, or an earlier one than that of which the next
 * record tells. 0: there are no files. */
uint64_t run_ask_reload(struct run *r);
const struct ruleset *run_ruleset(const struct run *r);
/* The figures so far, nothing before the state is open; on the input thread only. */
void run_figures_now(struct run *r, run_figures_fn figures, void *ctx);

#endif
