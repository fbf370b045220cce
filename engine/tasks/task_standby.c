#include "engine/tasks/task_standby.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/xalloc.h"
#include "engine/journal/follower.h"

/* Between two looks at the logs. */
#define PAUSE_MS 500
/* After an error: of a log that cannot be read, or a choice that cannot be made now. */
#define RETRY_MS 5000

struct warm_copy {
    struct follower *follower; /* NULL: not kept */
    struct task task;          /* names the directory */
    struct engine_options options;
    int64_t not_before_ms; /* after an error */
    bool said;             /* the error */
};

struct task_standby {
    const struct task_set *in; /* the thread reads what never changes */
    uint32_t copies, n_tasks;
    struct journal *reader;
    struct task_log *log;
    volatile sig_atomic_t stop_reading; /* the thread is to look at what follows */
    pthread_t thread;
    bool threaded;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    bool *ours; /* per task */
    bool *held; /* per task: the thread has its directory open */
    bool again, end;
    uint32_t n_held;
    uint64_t entries;
    /* The thread's. */
    bool *seen; /* `ours` as of its last look */
    bool *warm; /* per task: chosen */
    bool chosen;
    int64_t choose_at_ms;
    struct warm_copy *each; /* per task */
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct timespec in_ms(int64_t ms)
{
    int64_t at = now_ms() + ms;
    return (struct timespec){.tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000};
}

/* ---- a copy ------------------------------------------------------------------------------- */

static void say(struct task_standby *s, const char *line)
{
    task_log_line(s->log, line);
}

static void set_held(struct task_standby *s, uint32_t number, bool held)
{
    pthread_mutex_lock(&s->lock);
    s->n_held += held;
    s->n_held -= s->held[number];
    s->held[number] = held;
    pthread_mutex_unlock(&s->lock);
}

/* False: it has become ours in between. */
static bool hold(struct task_standby *s, uint32_t number)
{
    pthread_mutex_lock(&s->lock);
    bool ours = s->ours[number];
    s->n_held += !ours;
    s->held[number] = !ours;
    pthread_mutex_unlock(&s->lock);
    return !ours;
}

static void close_copy(struct task_standby *s, uint32_t number)
{
    struct warm_copy *c = &s->each[number];
    if (c->follower == NULL) {
        return;
    }
    follower_close(c->follower);
    c->follower = NULL;
    task_release(&c->task);
    set_held(s, number, false);
}

static enum err open_copy(struct task_standby *s, uint32_t number, struct error *err)
{
    struct warm_copy *c = &s->each[number];
    if (!hold(s, number)) {
        return ERR_OK;
    }
    c->task = task_named(s->in, number);
    task_log_hold(c->task.log, true);
    c->options = task_set_options_of(s->in, &c->task);
    struct follower_options o = {.engine = &c->options,
                                 .reader = s->reader,
                                 .task = number,
                                 .n_shards = c->options.shards};
    enum err rc = follower_open(&o, &c->follower, err);
    if (rc != ERR_OK) {
        task_release(&c->task);
        set_held(s, number, false);
    }
    return rc;
}

static enum err follow(struct task_standby *s, uint32_t number, struct error *err)
{
    struct warm_copy *c = &s->each[number];
    uint64_t n = 0;
    if (c->follower == NULL) {
        FYKE_TRY(open_copy(s, number, err));
    }
    if (c->follower == NULL) {
        return ERR_OK;
    }
    enum err rc = follower_step(c->follower, &n, err);
    pthread_mutex_lock(&s->lock);
    s->entries += n;
    pthread_mutex_unlock(&s->lock);
    c->said &= rc != ERR_OK;
    return rc;
}

/* A warm copy is worth having and no more: without it a restore reads everything. */
static void cannot_follow(struct task_standby *s, uint32_t number, const struct error *err)
{
    struct warm_copy *c = &s->each[number];
    char line[sizeof(err->text) + 64];
    close_copy(s, number);
    if (s->stop_reading != 0) {
        return;
    }
    c->not_before_ms = now_ms() + RETRY_MS;
    if (!c->said) {
        snprintf(line, sizeof(line), "task %u is not kept warm: %s", number, err->text);
        say(s, line);
        c->said = true;
    }
}

/* ---- the thread --------------------------------------------------------------------------- */

static void choose(struct task_standby *s)
{
    struct error err = ERROR_INIT;
    if (s->chosen || now_ms() < s->choose_at_ms) {
        return;
    }
    s->chosen = s->reader->ops->warm(s->reader, s->copies, s->n_tasks, s->warm, &err) == ERR_OK;
    if (!s->chosen) {
        s->choose_at_ms = now_ms() + RETRY_MS;
        if (s->stop_reading == 0) {
            say(s, err.text);
        }
    }
}

static void follow_all(struct task_standby *s)
{
    uint32_t n = 0;
    for (uint32_t p = 0; p < s->n_tasks; p++) {
        bool keep = s->chosen && s->warm[p] && !s->seen[p] && n < TASK_SET_MAX;
        n += keep;
        if (!keep) {
            close_copy(s, p);
        }
    }
    for (uint32_t p = 0; p < s->n_tasks && s->stop_reading == 0; p++) {
        struct error err = ERROR_INIT;
        bool keep = s->chosen && s->warm[p] && !s->seen[p];
        if (keep && now_ms() >= s->each[p].not_before_ms && follow(s, p, &err) != ERR_OK) {
            cannot_follow(s, p, &err);
        }
    }
}

/* False: it is over. */
static bool look(struct task_standby *s, bool wait)
{
    struct timespec until = in_ms(PAUSE_MS);
    pthread_mutex_lock(&s->lock);
    while (wait && s->stop_reading == 0 && !s->end &&
           pthread_cond_timedwait(&s->changed, &s->lock, &until) == 0) {
    }
    s->stop_reading = s->end;
    s->chosen &= !s->again;
    if (s->again) {
        s->choose_at_ms = 0;
    }
    s->again = false;
    memcpy(s->seen, s->ours, s->n_tasks * sizeof(*s->seen));
    bool on = !s->end;
    pthread_mutex_unlock(&s->lock);
    return on;
}

static void *thread_main(void *arg)
{
    struct task_standby *s = arg;
    while (look(s, true)) {
        choose(s);
        follow_all(s);
    }
    return NULL;
}

/* ---- the input thread's side -------------------------------------------------------------- */

static enum err start(struct task_standby *s, struct error *err)
{
    struct journal *j = s->in->options.journal;
    struct journal_reader_options o = {&s->stop_reading, task_log_line, s->log};
    FYKE_TRY(j->ops->reader(j, &o, &s->reader, err));
    s->threaded = pthread_create(&s->thread, NULL, thread_main, s) == 0;
    return s->threaded ? ERR_OK
                       : error_set(err, ERR_IO, "no thread can be had for warm copies (--standby)");
}

enum err task_standby_new(const struct task_set *in, uint32_t copies, struct task_standby **ret,
                          struct error *err)
{
    pthread_condattr_t attr;
    *ret = NULL;
    if (copies == 0) {
        return ERR_OK;
    }
    struct task_standby *s = xcalloc(1, sizeof(*s));
    s->in = in;
    s->copies = copies;
    s->n_tasks = in->n_all_tasks;
    s->log = task_log_new(in->options.log, in->options.log_ctx);
    task_log_hold(s->log, true);
    s->ours = xcalloc(s->n_tasks, sizeof(*s->ours));
    s->held = xcalloc(s->n_tasks, sizeof(*s->held));
    s->seen = xcalloc(s->n_tasks, sizeof(*s->seen));
    s->warm = xcalloc(s->n_tasks, sizeof(*s->warm));
    s->each = xcalloc(s->n_tasks, sizeof(*s->each));
    s->chosen = false;
    s->choose_at_ms = INT64_MAX; /* not before the group has shared */
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attr);
    pthread_condattr_destroy(&attr);
    *ret = s;
    return start(s, err);
}

void task_standby_leave(struct task_standby *s, const bool *ours, bool again)
{
    if (s == NULL) {
        return;
    }
    pthread_mutex_lock(&s->lock);
    memcpy(s->ours, ours, s->n_tasks * sizeof(*ours));
    s->again |= again;
    for (uint32_t p = 0; p < s->n_tasks; p++) {
        if (again || (s->ours[p] && s->held[p])) {
            s->stop_reading = 1;
        }
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

bool task_standby_has_left(struct task_standby *s, uint32_t number)
{
    if (s == NULL) {
        return true;
    }
    pthread_mutex_lock(&s->lock);
    bool held = s->held[number];
    pthread_mutex_unlock(&s->lock);
    return !held;
}

void task_standby_tick(struct task_standby *s)
{
    if (s != NULL) {
        task_log_pass_on(s->log);
    }
}

void task_standby_figures(const struct task_standby *s, uint32_t *ret_copies,
                          uint64_t *ret_entries)
{
    *ret_copies = 0;
    *ret_entries = 0;
    if (s != NULL) {
        pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&s->lock;
        pthread_mutex_lock(lock);
        *ret_copies = s->n_held;
        *ret_entries = s->entries;
        pthread_mutex_unlock(lock);
    }
}

void task_standby_free(struct task_standby *s)
{
    if (s == NULL) {
        return;
    }
    if (s->threaded) {
        pthread_mutex_lock(&s->lock);
        s->end = true;
        s->stop_reading = 1;
        pthread_cond_broadcast(&s->changed);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->thread, NULL);
    }
    for (uint32_t p = 0; p < s->n_tasks; p++) {
        close_copy(s, p);
    }
    if (s->reader != NULL) {
        s->reader->ops->close(s->reader);
    }
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    task_log_pass_on(s->log);
    task_log_free(s->log);
    free(s->ours);
    free(s->held);
    free(s->seen);
    free(s->warm);
    free(s->each);
    free(s);
}
