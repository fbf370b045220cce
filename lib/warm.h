/* `--on-change warm`: rules that are new or have changed begin with the last window already seen.
 *
 * Beside the run, on a thread of its own, an engine with these rules alone reads the input again, from as far
 * back as they look (replay_span.h) up to where the run stands, and follows it while it goes on; nothing
 * of it goes out. When it has caught up the run stops at a commit; the engine reads the rest, evaluates what the
 * run has evaluated, and what it keeps becomes part of the run's state in the commit that makes the rules others. So a
 * process that is killed before it goes on with the rules that were in force, and one that is killed behind it has
 * the warmed state.
 *
 * Thread rule: all functions from the run's own thread. */
#ifndef FYKE_LIB_WARM_H
#define FYKE_LIB_WARM_H

#include "engine/engine.h"
#include "lib/rules.h"

struct map;
struct warm;

enum warm_phase {
    WARM_READS,  /* it is behind */
    WARM_NEAR,   /* it has caught up, and follows */
    WARM_FAILED, /* warm_meet() says why */
};

/* Names of the rules of `next` that are to be warmed; borrowed; the caller releases the map. */
void warm_names(const struct fyke_rules *before, const struct fyke_rules *next, struct map *ret);
/* Begins. ERR_USAGE: these rules cannot be warmed. Both sets are borrowed, as the configuration. */
enum err warm_begin(const struct fyke_run_config *c, const struct fyke_rules *before,
                    const struct fyke_rules *next, struct engine *live, struct warm **ret,
                    struct error *err) FYKE_MUST_USE;
/* Between two batches: how far the run is. */
void warm_follow(struct warm *w, struct engine *live);
enum warm_phase warm_phase(struct warm *w);
/* The run has stopped; `header` of its last commit. Waits until the past is evaluated as far. */
enum err warm_meet(struct warm *w, struct slice header, struct error *err) FYKE_MUST_USE;
/* Behind it: what was gathered, until warm_free(). */
struct engine_kept *warm_state(struct warm *w);
/* "1h5m: rule spree, 1h of windows and absences, 5m of quiet" */
struct slice warm_span(const struct warm *w);
/* Ends the thread, removes what it wrote. */
void warm_free(struct warm *w);
/* A process was killed while it warmed: removes what is left. */
void warm_clean(const char *state_dir);

#endif
