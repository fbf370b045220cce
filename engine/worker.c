#include "engine/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/xalloc.h"

struct worker {
    struct workers *all;
    uint32_t index;
    struct nfa_scratch *scratch;
    pthread_t thread; /* not for index 0 */
    bool started;
};

struct workers {
    struct worker *workers;
    uint32_t n; /* with the caller */
    pthread_mutex_t lock;
    pthread_cond_t begin, done;
    /* Under the lock. */
    worker_job job;
    void *ctx;
    uint64_t round;   /* grows with each pass */
    uint32_t running; /* threads that have not finished this round */
    bool stop;
    atomic_bool *taken; /* of workers_each(); owned */
    size_t cap_taken;
};

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct workers *all = w->all;
    uint64_t seen = 0;
    pthread_mutex_lock(&all->lock);
    for (;;) {
        while (all->round == seen && !all->stop) {
            pthread_cond_wait(&all->begin, &all->lock);
        }
        if (all->stop) {
            break;
        }
        seen = all->round;
        worker_job job = all->job;
        void *ctx = all->ctx;
        pthread_mutex_unlock(&all->lock);
        job(ctx, w->index, all->n, w->scratch);
        pthread_mutex_lock(&all->lock);
        if (--all->running == 0) {
            pthread_cond_signal(&all->done);
        }
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

struct workers *workers_new(const struct ruleset *rs, struct nfa_limits limits, uint32_t threads,
                            const struct eval_env *env)
{
    struct workers *all = xcalloc(1, sizeof(*all));
    all->workers = xcalloc(threads, sizeof(*all->workers));
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->begin, NULL);
    pthread_cond_init(&all->done, NULL);
    for (uint32_t i = 0; i < threads; i++) {
        struct worker *w = &all->workers[i];
        *w = (struct worker){.all = all, .index = i};
        /* A thread that cannot be started leaves its part to the others. */
        if (i > 0 && pthread_create(&w->thread, NULL, worker_main, w) != 0) {
            break;
        }
        w->scratch = nfa_scratch_new(rs, limits);
        nfa_scratch_set_env(w->scratch, env);
        w->started = i > 0;
        all->n++;
    }
    return all;
}

void workers_free(struct workers *all)
{
    if (all == NULL) {
        return;
    }
    pthread_mutex_lock(&all->lock);
    all->stop = true;
    pthread_cond_broadcast(&all->begin);
    pthread_mutex_unlock(&all->lock);
    for (uint32_t i = 0; i < all->n; i++) {
        if (all->workers[i].started) {
            pthread_join(all->workers[i].thread, NULL);
        }
        nfa_scratch_free(all->workers[i].scratch);
    }
    pthread_cond_destroy(&all->begin);
    pthread_cond_destroy(&all->done);
    pthread_mutex_destroy(&all->lock);
    free(all->taken);
    free(all->workers);
    free(all);
}

uint32_t workers_count(const struct workers *all)
{
    return all->n;
}

void workers_run(struct workers *all, worker_job job, void *ctx)
{
    if (all->n > 1) {
        pthread_mutex_lock(&all->lock);
        all->job = job;
        all->ctx = ctx;
        all->round++;
        all->running = all->n - 1;
        pthread_cond_broadcast(&all->begin);
        pthread_mutex_unlock(&all->lock);
    }
    job(ctx, 0, all->n, all->workers[0].scratch);
    if (all->n > 1) {
        pthread_mutex_lock(&all->lock);
        while (all->running > 0) {
            pthread_cond_wait(&all->done, &all->lock);
        }
        pthread_mutex_unlock(&all->lock);
    }
}

/* ---- things to do, whoever does them ------------------------------------------------------ */

struct each {
    worker_item job;
    void *ctx;
    atomic_bool *taken;
    uint32_t n;
};

static void run_each(void *ctx, uint32_t worker, uint32_t n, struct nfa_scratch *scratch)
{
    const struct each *each = ctx;
    for (uint32_t of = 0; of < n; of++) {
        for (uint32_t i = (worker + of) % n; i < each->n; i += n) {
            if (!atomic_exchange(&each->taken[i], true)) {
                each->job(each->ctx, i, scratch);
            }
        }
    }
}

void workers_each(struct workers *all, worker_item job, void *ctx, uint32_t n)
{
    all->taken = xgrow(all->taken, &all->cap_taken, n + 1u, sizeof(*all->taken));
    for (uint32_t i = 0; i < n; i++) {
        atomic_init(&all->taken[i], false);
    }
    struct each each = {job, ctx, all->taken, n};
    workers_run(all, run_each, &each);
}

struct nfa_scratch *workers_scratch(struct workers *all)
{
    return all->workers[0].scratch;
}

void workers_counters(const struct workers *all, struct nfa_counters *ret)
{
    *ret = (struct nfa_counters){0};
    for (uint32_t i = 0; i < all->n; i++) {
        nfa_counters_add(ret, nfa_scratch_counters(all->workers[i].scratch));
    }
}
