/* What stays open from one life of a run to the next when other rules take over: input, output, journal and the
 * state directory. Opening them takes longer than all the rest of a switch, and longer the larger the state.
 *
 * They are kept when the rules read the same topics by the same numbers; whatever cannot be kept is closed and
 * opened as for any start. */
#ifndef FYKE_LIB_RUN_KEPT_H
#define FYKE_LIB_RUN_KEPT_H

#include "engine/engine.h"
#include "engine/journal/journal.h"
#include "lib/refused.h"

struct run;

struct run_kept {
    struct engine_kept *state; /* NULL: nothing is kept */
    struct journal *journal;
    struct source *source;
    struct sink *sink;
    struct sink *refused[REFUSED_PLACES];
};

/* The life is over, its engine stopped for `next`: takes from it what the next one can go on with. */
void run_keep(struct run *r, const struct ruleset *next);
/* Closes what no life took. */
void run_kept_release(struct run_kept *k);
/* NULL: there is none that can go on under r->rs. */
struct source *run_kept_source(struct run_kept *k, const struct ruleset *rs);
struct journal *run_kept_journal(struct run_kept *k, const struct ruleset *rs);
struct sink *run_kept_sink(struct run_kept *k);

#endif
