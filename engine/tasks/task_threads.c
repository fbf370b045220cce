/* Tasks spread over threads: between two barriers each task belongs to one of them, which decodes, orders
 * and evaluates what a batch holds for it. What leaves the task afterwards, alerts, commits, lines, is the
 * input thread's, task by task; only records that are refused go out at once, one at a time. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/tasks/task_set_parts.h"

/* Fewer records than this are not worth waking anybody. */
#define LEAST_RECORDS 64

/* A run of records in the batch. */
struct run {
    uint32_t first, n;
};

/* What one task has to do in a turn. */
struct share {
    struct run *runs; /* owned */
    size_t n, cap;
    enum err rc;
    struct error err;
};

struct task_threads {
    struct workers *workers;
    pthread_mutex_t refusing;
    engine_refused refused;
    void *refused_ctx;
    struct share *shares; /* owned; per task of the turn */
    size_t cap_shares;
    /* Of the turn. */
    struct task_set *in;
    const struct source_batch *batch;
};

/* ---- life --------------------------------------------------------------------------------- */

struct task_threads *task_threads_new(const struct ruleset *rs, const struct engine_options *o)
{
    if (o->threads <= 1) {
        return NULL;
    }
    struct task_threads *t = xcalloc(1, sizeof(*t));
    uint32_t n = o->threads < TASK_SET_MAX ? o->threads : TASK_SET_MAX;
    t->workers = workers_new(rs, o->nfa, n, NULL);
    t->refused = o->refused;
    t->refused_ctx = o->refused_ctx;
    pthread_mutex_init(&t->refusing, NULL);
    return t;
}

void task_threads_free(struct task_threads *t)
{
    if (t == NULL) {
        return;
    }
    workers_free(t->workers);
    for (size_t i = 0; i < t->cap_shares; i++) {
        free(t->shares[i].runs);
    }
    free(t->shares);
    pthread_mutex_destroy(&t->refusing);
    free(t);
}

/* In place of the tasks' own: sinks are not made for several threads. */
static enum err refuse_one_at_a_time(void *ctx, enum refused_why why, const char *reason,
                                     const struct record *r, struct error *err)
{
    struct task_threads *t = ctx;
    pthread_mutex_lock(&t->refusing);
    enum err rc = t->refused(t->refused_ctx, why, reason, r, err);
    pthread_mutex_unlock(&t->refusing);
    return rc;
}

void task_threads_guard(struct task_threads *t, struct engine_options *o)
{
    if (t != NULL && o->refused != NULL) {
        o->refused = refuse_one_at_a_time;
        o->refused_ctx = t;
    }
}

/* ---- a turn ------------------------------------------------------------------------------- */

static void make_room(struct task_threads *t, size_t n)
{
    if (n > t->cap_shares) {
        t->shares = xrealloc(t->shares, n * sizeof(*t->shares));
        for (size_t i = t->cap_shares; i < n; i++) {
            t->shares[i] = (struct share){0};
        }
        t->cap_shares = n;
    }
    for (size_t i = 0; i < n; i++) {
        t->shares[i].n = 0;
        t->shares[i].rc = ERR_OK;
    }
}

static void deal(struct task_threads *t)
{
    const struct source_batch *b = t->batch;
    for (uint32_t i = 0, len; i < b->n; i += len) {
        int32_t partition = b->records[i].partition;
        for (len = 1; i + len < b->n && b->records[i + len].partition == partition; len++) {
        }
        size_t at;
        if (task_set_find(t->in, partition, &at)) {
            struct share *s = &t->shares[at];
            VEC_PUSH(s->runs, s->n, s->cap) = (struct run){i, len};
        }
    }
}

static enum err do_share(struct engine *e, const struct share *s, const struct source_batch *b,
                         struct error *err)
{
    for (size_t i = 0; i < s->n; i++) {
        FYKE_TRY(engine_push_batch(e, b->records + s->runs[i].first, s->runs[i].n, err));
    }
    return s->n > 0 ? engine_release(e, err) : ERR_OK;
}

static void job(void *ctx, uint32_t task, uint32_t worker, struct nfa_scratch *scratch)
{
    const struct task_threads *t = ctx;
    struct share *s = &t->shares[task];
    (void)worker;
    (void)scratch; /* tasks have their own */
    s->rc = do_share(t->in->tasks[task].engine, s, t->batch, &s->err);
}

static void do_all(struct task_threads *t)
{
    for (uint32_t i = 0; i < t->in->n_tasks; i++) {
        job(t, i, 0, NULL);
    }
}

/* The first of the tasks that failed, whichever thread was faster. */
static enum err gather(const struct task_threads *t, struct error *err)
{
    for (size_t i = 0; i < t->in->n_tasks; i++) {
        if (t->shares[i].rc != ERR_OK) {
            *err = t->shares[i].err;
            return t->shares[i].rc;
        }
    }
    return ERR_OK;
}

static void hold_lines(const struct task_set *in, bool hold)
{
    for (size_t i = 0; i < in->n_tasks; i++) {
        task_log_hold(in->tasks[i].log, hold);
    }
}

enum err task_threads_push(struct task_threads *t, struct task_set *in,
                           const struct source_batch *b, struct error *err)
{
    if (b->n == 0) {
        return ERR_OK;
    }
    t->in = in;
    t->batch = b;
    make_room(t, in->n_tasks);
    deal(t);
    hold_lines(in, true);
    if (b->n < LEAST_RECORDS) {
        do_all(t);
    } else {
        workers_each(t->workers, job, t, (uint32_t)in->n_tasks);
    }
    hold_lines(in, false);
    return gather(t, err);
}
