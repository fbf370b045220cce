#include "engine/journal/checkpointer.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/xalloc.h"

#define RETRY_MS 1000

struct checkpointer {
    struct store *store;
    struct fault *fault;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    enum checkpoint_state state;
    struct checkpoint_job job;
    struct error why;
    bool stop;
};

/* ---- writing ------------------------------------------------------------------------------ */

struct writer {
    struct store_txn *txn;
    uint32_t shard;
};

static enum err write_op(void *ctx, const struct record_key *key, bool deleted, struct slice value,
                         struct error *err)
{
    const struct writer *w = ctx;
    return deleted ? store_del(w->txn, w->shard, key, err)
                   : store_put(w->txn, w->shard, key, value, err);
}

static enum err write_all(struct store_txn *t, const struct checkpoint_job *job,
                          struct fault *fault, struct error *err)
{
    for (uint32_t i = 0; i < job->n_dbs; i++) {
        struct writer w = {t, i};
        FYKE_TRY(overlay_each_frozen(job->overlays[i], write_op, &w, err));
        if (i == (job->n_dbs - 1) / 2) {
            fault_point(fault, "mid-checkpoint");
        }
    }
    if (job->rules.len > 0) {
        FYKE_TRY(store_put_rules(t, job->rules, err));
    }
    FYKE_TRY(store_put_header(t, job->header, err));
    return store_put_origin(t, &job->origin, err);
}

enum err checkpoint_write(struct store *s, const struct checkpoint_job *job, struct fault *fault,
                          struct error *err)
{
    struct store_txn *t;
    fault_point(fault, "before-checkpoint");
    FYKE_TRY(store_begin(s, &t, err));
    enum err rc = write_all(t, job, fault, err);
    if (rc != ERR_OK) {
        store_abort(t);
        return rc;
    }
    rc = store_commit(t, err);
    fault_point(fault, "after-checkpoint");
    return rc;
}

/* ---- thread ------------------------------------------------------------------------------- */

static struct timespec in_ms(unsigned ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* Without the lock; it is taken again before it returns. */
static void write_job(struct checkpointer *c)
{
    struct error err = ERROR_INIT;
    struct checkpoint_job job = c->job;
    pthread_mutex_unlock(&c->lock);
    enum err rc = checkpoint_write(c->store, &job, c->fault, &err);
    pthread_mutex_lock(&c->lock);
    c->why = err;
    c->state = rc == ERR_OK        ? CHECKPOINT_DONE
               : err.retriable     ? CHECKPOINT_BLOCKED
                                   : CHECKPOINT_FAILED;
    pthread_cond_broadcast(&c->changed);
}

static void *thread_main(void *arg)
{
    struct checkpointer *c = arg;
    pthread_mutex_lock(&c->lock);
    while (!c->stop) {
        if (c->state == CHECKPOINT_WRITING) {
            write_job(c);
        } else if (c->state == CHECKPOINT_BLOCKED) {
            struct timespec until = in_ms(RETRY_MS);
            if (pthread_cond_timedwait(&c->changed, &c->lock, &until) != 0) {
                write_job(c);
            }
        } else {
            pthread_cond_wait(&c->changed, &c->lock);
        }
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

struct checkpointer *checkpointer_new(struct store *s, struct fault *fault)
{
    struct checkpointer *c = xcalloc(1, sizeof(*c));
    pthread_condattr_t attr;
    c->store = s;
    c->fault = fault;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &attr);
    pthread_condattr_destroy(&attr);
    c->started = pthread_create(&c->thread, NULL, thread_main, c) == 0;
    return c;
}

bool checkpointer_end(struct checkpointer *c, struct store_origin *origin)
{
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    if (c->started) {
        pthread_join(c->thread, NULL);
    }
    bool pending = c->state == CHECKPOINT_WRITING || c->state == CHECKPOINT_BLOCKED ||
                   c->state == CHECKPOINT_FAILED;
    if (origin != NULL) {
        *origin = c->job.origin;
    }
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c);
    return pending;
}

/* ---- the input thread's side -------------------------------------------------------------- */

void checkpointer_begin(struct checkpointer *c, const struct checkpoint_job *job)
{
    pthread_mutex_lock(&c->lock);
    assert(c->state == CHECKPOINT_IDLE);
    c->job = *job;
    c->state = CHECKPOINT_WRITING;
    if (c->started) {
        pthread_cond_broadcast(&c->changed);
    } else {
        write_job(c); /* no thread could be had: the caller waits */
    }
    pthread_mutex_unlock(&c->lock);
}

enum checkpoint_state checkpointer_poll(struct checkpointer *c, unsigned wait_ms, struct error *err)
{
    struct timespec until = in_ms(wait_ms);
    pthread_mutex_lock(&c->lock);
    int rc = wait_ms == 0 ? 1 : 0;
    while (rc == 0 && (c->state == CHECKPOINT_WRITING || c->state == CHECKPOINT_BLOCKED)) {
        rc = pthread_cond_timedwait(&c->changed, &c->lock, &until);
    }
    if (c->state == CHECKPOINT_BLOCKED && !c->started) {
        write_job(c);
    }
    enum checkpoint_state state = c->state;
    if (state == CHECKPOINT_DONE) {
        c->state = CHECKPOINT_IDLE;
    }
    if (state == CHECKPOINT_BLOCKED || state == CHECKPOINT_FAILED) {
        *err = c->why;
    }
    pthread_mutex_unlock(&c->lock);
    return state;
}
