/* What a run owes those who look after its process: that it lives, figures on demand, reload. */
#ifndef FYKE_LIB_RUN_LIFE_H
#define FYKE_LIB_RUN_LIFE_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "engine/engine.h"

enum run_phase {
    RUN_OPENING,   /* the state is not ours yet */
    RUN_STARTING,  /* the state is open; brokers are asked, tables read */
    RUN_READY,     /* reads and evaluates */
    RUN_RELOADING, /* takes other rules */
    RUN_STOPPING,  /* finishes what was read */
};

/* On the input thread: whenever the phase changes, between batches, and while a broker is waited
 * for. Often, so it must be cheap. */
typedef void (*run_beat_fn)(void *ctx, enum run_phase phase);

struct run_life {
    pthread_t thread; /* of the run; one that waits for a broker beside it says nothing */
    run_beat_fn beat; /* NULL: none */
    void *beat_ctx;
    enum run_phase phase;
    const volatile sig_atomic_t *reload; /* NULL: nobody asks */
    sig_atomic_t reload_seen;
    /* Called between any two batches; `asked`: a reload is, since the last call. True while one is
     * under way. */
    bool (*on_reload)(void *ctx, bool asked);
    void *on_reload_ctx;
    void (*between)(void *ctx); /* after it: the engine may be looked into; NULL */
    void *between_ctx;
};

/* For engine_options.beat and kafka_config.beat; `ctx` is the struct run_life. */
void run_life_step(void *ctx, enum engine_phase phase);
void run_life_wait(void *ctx);
/* The run has opened its state. */
void run_life_start(struct run_life *l);

#endif
