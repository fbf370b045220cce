#include "lib/run_life.h"

static void enter(struct run_life *l, enum run_phase phase)
{
    l->phase = phase;
    if (l->beat) {
        l->beat(l->beat_ctx, phase);
    }
}

void run_life_start(struct run_life *l)
{
    enter(l, RUN_STARTING);
}

void run_life_wait(void *ctx)
{
    struct run_life *l = ctx;
    if (pthread_equal(l->thread, pthread_self())) {
        enter(l, l->phase);
    }
}

/* Several wishes that came while nobody looked are one. */
static enum run_phase reload_phase(struct run_life *l)
{
    sig_atomic_t asked = l->reload ? *l->reload : 0;
    bool again = asked != l->reload_seen;
    l->reload_seen = asked;
    return l->on_reload(l->on_reload_ctx, again) ? RUN_RELOADING : RUN_READY;
}

static void look(const struct run_life *l)
{
    if (l->between) {
        l->between(l->between_ctx);
    }
}

void run_life_step(void *ctx, enum engine_phase phase)
{
    struct run_life *l = ctx;
    switch (phase) {
    case ENGINE_READY:
    case ENGINE_RUNNING:
        enter(l, reload_phase(l));
        look(l);
        break;
    case ENGINE_STANDING:
        enter(l, l->phase);
        look(l);
        break;
    case ENGINE_STOPPING: enter(l, RUN_STOPPING); break;
    case ENGINE_WAITING: enter(l, l->phase); break;
    }
}
