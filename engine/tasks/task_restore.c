/* Tasks that are being restored: each on a thread of its own, with a reader of the journal of its own,
 * while those that are here go on. The thread has the task for itself until it is done; what it has to
 * say waits for the input thread. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/tasks/task_set_parts.h"
#include "engine/tasks/task_standby.h"

/* At one time: each has a connection, and they share disk and broker with those that go on. */
#define MAX_THREADS 4

struct task_restore {
    struct task_set *in; /* the thread reads what never changes */
    struct task task;
    struct journal *reader; /* NULL: not begun */
    struct engine_options options;
    pthread_t thread;
    bool threaded; /* else there was none to be had: it was done at once */
    volatile sig_atomic_t stop;
    bool unwanted;  /* taken away again: it is closed when its thread has noticed */
    bool ready;     /* finished, looked at, and as good as new */
    uint64_t given; /* the assignment under which it began */
    /* The thread's, until `finished`. */
    enum err rc;
    struct error err;
    bool finished; /* atomic */
};

static bool is_finished(const struct task_restore *r)
{
    return r->reader != NULL && __atomic_load_n(&r->finished, __ATOMIC_ACQUIRE);
}

/* ---- the thread --------------------------------------------------------------------------- */

static void *thread_main(void *arg)
{
    struct task_restore *r = arg;
    r->rc = engine_new(r->in->rs, &r->options, &r->task.engine, &r->err);
    if (r->rc == ERR_OK) {
        r->rc = engine_restore(r->task.engine, &r->err);
    }
    __atomic_store_n(&r->finished, true, __ATOMIC_RELEASE);
    return NULL;
}

static enum err begin(struct task_restore *r, struct error *err)
{
    struct task_set *in = r->in;
    struct journal *j = in->options.journal;
    struct journal_reader_options o = {&r->stop, task_log_line, r->task.log};
    FYKE_TRY(j->ops->reader(j, &o, &r->reader, err));
    r->stop = 0;
    r->finished = r->ready = false;
    r->given = in->given;
    r->err = (struct error)ERROR_INIT;
    r->options = task_set_options_of(in, &r->task);
    r->options.journal = r->reader;
    task_log_hold(r->task.log, true);
    r->threaded = pthread_create(&r->thread, NULL, thread_main, r) == 0;
    if (!r->threaded) {
        thread_main(r);
    }
    return ERR_OK;
}

/* As it was before begin(), its thread has ended. */
static void end(struct task_restore *r)
{
    if (r->threaded) {
        pthread_join(r->thread, NULL);
        r->threaded = false;
    }
    if (r->reader != NULL) {
        r->reader->ops->close(r->reader);
        r->reader = NULL;
    }
    task_log_hold(r->task.log, false);
}

static void discard(struct task_restore *r)
{
    end(r);
    engine_abandon(r->task.engine);
    r->task.engine = NULL;
}

static void free_restore(struct task_restore *r)
{
    task_release(&r->task);
    free(r);
}

/* ---- which -------------------------------------------------------------------------------- */

static struct task_restore *restore_of(struct task_set *in, uint32_t number)
{
    for (size_t i = 0; i < in->n_restores; i++) {
        if (in->restores[i]->task.number == number) {
            return in->restores[i];
        }
    }
    return NULL;
}

static void drop(struct task_set *in, size_t i)
{
    free_restore(in->restores[i]);
    in->n_restores--;
    memmove(in->restores + i, in->restores + i + 1,
            (in->n_restores - i) * sizeof(struct task_restore *));
}

static void want(struct task_set *in, uint32_t number)
{
    struct task_restore *r = restore_of(in, number);
    if (r == NULL) {
        r = xcalloc(1, sizeof(*r));
        r->in = in;
        r->task = task_named(in, number);
        VEC_PUSH(in->restores, in->n_restores, in->cap_restores) = r;
    }
    r->unwanted = false;
}

/* One that was stopped and is given back begins again when its thread has ended. */
static void unwant(struct task_restore *r)
{
    r->unwanted = true;
    r->stop = 1;
}

enum err task_restores_want(struct task_set *in, const bool *ours, struct error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < in->n_restores; i++) {
        if (!ours[in->restores[i]->task.number]) {
            unwant(in->restores[i]);
        }
    }
    for (uint32_t p = 0; p < in->n_all_tasks; p++) {
        n += ours[p];
        if (n > TASK_SET_MAX) {
            return error_set(err, ERR_LIMIT, "an instance takes at most %d partitions of a topic; "
                             "start more instances", TASK_SET_MAX);
        }
        if (ours[p] && task_set_task_of(in, (int32_t)p) == NULL) {
            want(in, p);
        }
    }
    return ERR_OK;
}

void task_restores_note(const struct task_set *in, bool *ours)
{
    for (size_t i = 0; i < in->n_restores; i++) {
        ours[in->restores[i]->task.number] = true;
    }
}

uint32_t task_restores_wanted(const struct task_set *in)
{
    uint32_t n = 0;
    for (size_t i = 0; i < in->n_restores; i++) {
        n += !in->restores[i]->unwanted;
    }
    return n;
}

/* ---- steps -------------------------------------------------------------------------------- */

/* It finished, but what it read may be old: others may have had the task in between. */
static enum err check_standing(struct task_restore *r, struct error *err)
{
    r->ready = true;
    if (r->given != r->in->given) {
        FYKE_TRY(task_set_still_stands(r->in, r->task.engine, &r->ready, err));
    }
    if (!r->ready) {
        discard(r);
        return begin(r, err);
    }
    return ERR_OK;
}

/* An end that was asked for is no failure. */
static enum err look_at(struct task_restore *r, struct error *err)
{
    task_log_pass_on(r->task.log);
    if (r->rc == ERR_OK) {
        return check_standing(r, err);
    }
    if (r->stop == 0) {
        *err = r->err;
        return r->rc;
    }
    discard(r);
    return begin(r, err);
}

static void drop_unwanted(struct task_set *in)
{
    size_t before = in->n_restores;
    for (size_t i = in->n_restores; i-- > 0;) {
        struct task_restore *r = in->restores[i];
        if (r->unwanted && (r->reader == NULL || is_finished(r))) {
            discard(r);
            drop(in, i);
        }
    }
    if (in->n_restores < before) {
        task_set_tell_standby(in, false);
    }
}

static enum err begin_waiting(struct task_set *in, struct error *err)
{
    uint32_t busy = 0;
    for (size_t i = 0; i < in->n_restores; i++) {
        busy += in->restores[i]->reader != NULL && !is_finished(in->restores[i]);
    }
    for (size_t i = 0; i < in->n_restores && busy < MAX_THREADS; i++) {
        struct task_restore *r = in->restores[i];
        if (r->reader == NULL && !r->unwanted &&
            task_standby_has_left(in->standby, r->task.number)) {
            FYKE_TRY(begin(r, err));
            busy++;
        }
    }
    return ERR_OK;
}

enum err task_restores_step(struct task_set *in, bool *ret_any, struct error *err)
{
    *ret_any = false;
    drop_unwanted(in);
    FYKE_TRY(begin_waiting(in, err));
    for (size_t i = 0; i < in->n_restores; i++) {
        struct task_restore *r = in->restores[i];
        task_log_pass_on(r->task.log);
        if (!r->unwanted && is_finished(r)) {
            FYKE_TRY(look_at(r, err));
            *ret_any |= r->ready;
        }
    }
    return ERR_OK;
}

enum err task_restores_take(struct task_set *in, struct error *err)
{
    for (size_t i = in->n_restores; i-- > 0;) {
        struct task_restore *r = in->restores[i];
        if (r->unwanted || !r->ready) {
            continue;
        }
        end(r);
        engine_set_journal(r->task.engine, in->options.journal);
        struct task t = r->task;
        r->task = (struct task){0};
        drop(in, i);
        in->opened++;
        FYKE_TRY(task_set_insert(in, &t, err));
    }
    return ERR_OK;
}

void task_restores_end(struct task_set *in)
{
    for (size_t i = 0; i < in->n_restores; i++) {
        in->restores[i]->stop = 1;
    }
    while (in->n_restores > 0) {
        discard(in->restores[in->n_restores - 1]);
        drop(in, in->n_restores - 1);
    }
    free(in->restores);
    in->restores = NULL;
}
