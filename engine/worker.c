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

/* Things to do, whoever does them. */
struct each {
    worker_item job;
    void *ctx;
    uint32_t n;
};

struct workers {
    struct worker *workers;
    uint32_t n; /* with the caller */
    pthread_mutex_t lock;
    pthread_cond_t begin, done;
    /* Under the lock. */
    const struct each *each; /* NULL: nothing to do */
    uint64_t round;          /* grows with each pass */
    uint32_t running;        /* threads that have begun with this round and not finished */
    bool stop;
    atomic_bool *taken; /* the things to do; owned */
    size_t cap_taken;
};

static void run_each(const struct worker *w, const struct each *each)
{
    uint32_t n = w->all->n;
    for (uint32_t of = 0; of < n; of++) {
        for (uint32_t i = (w->index + of) % n; i < each->n; i += n) {
            if (!atomic_exchange(&w->all->taken[i], true)) {
                each->job(each->ctx, i, w->index, w->scratch);
            }
        }
    }
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct workers *all = w->all;
    uint64_t seen = 0;
    pthread_mutex_lock(&all->lock);
    while (!all->stop) {
        if (all->each == NULL || all->round == seen) {
            pthread_cond_wait(&all->begin, &all->lock);
            continue;
        }
        const struct each *each = all->each;
        seen = all->round;
        all->running++;
        pthread_mutex_unlock(&all->lock);
        run_each(w, each);
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

static void begin(struct workers *all, const struct each *each)
{
    pthread_mutex_lock(&all->lock);
    all->each = each;
    all->round++;
    pthread_cond_broadcast(&all->begin);
    pthread_mutex_unlock(&all->lock);
}

/* Everything is taken: a thread that has not begun yet has nothing to begin with any more. */
static void end(struct workers *all)
{
    pthread_mutex_lock(&all->lock);
    all->each = NULL;
    while (all->running > 0) {
        pthread_cond_wait(&all->done, &all->lock);
    }
    pthread_mutex_unlock(&all->lock);
}

void workers_each(struct workers *all, worker_item job, void *ctx, uint32_t n)
{
    const struct each each = {job, ctx, n};
    all->taken = xgrow(all->taken, &all->cap_taken, n + 1u, sizeof(*all->taken));
    for (uint32_t i = 0; i < n; i++) {
        atomic_init(&all->taken[i], false);
    }
    bool share = all->n > 1 && n > 1;
    if (share) {
        begin(all, &each);
    }
    run_each(&all->workers[0], &each);
    if (share) {
        end(all);
    }
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
