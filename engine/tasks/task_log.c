#include "engine/tasks/task_log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"

#define MAX_LINES 64

struct task_log {
    engine_log to;
    void *to_ctx;
    pthread_mutex_t lock;
    /* Under the lock. */
    bool hold;
    char *lines[MAX_LINES]; /* owned */
    size_t n;
    uint64_t left_out;
};

struct task_log *task_log_new(engine_log to, void *to_ctx)
{
    struct task_log *l = xcalloc(1, sizeof(*l));
    l->to = to;
    l->to_ctx = to_ctx;
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

void task_log_free(struct task_log *l)
{
    if (l == NULL) {
        return;
    }
    for (size_t i = 0; i < l->n; i++) {
        free(l->lines[i]);
    }
    pthread_mutex_destroy(&l->lock);
    free(l);
}

void task_log_line(void *ctx, const char *line)
{
    struct task_log *l = ctx;
    if (l->to == NULL) {
        return;
    }
    pthread_mutex_lock(&l->lock);
    if (!l->hold) {
        l->to(l->to_ctx, line);
    } else if (l->n < MAX_LINES) {
        l->lines[l->n++] = xstrdup(line);
    } else {
        l->left_out++;
    }
    pthread_mutex_unlock(&l->lock);
}

void task_log_pass_on(struct task_log *l)
{
    char more[64];
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->n; i++) {
        l->to(l->to_ctx, l->lines[i]);
        free(l->lines[i]);
    }
    if (l->left_out > 0) {
        snprintf(more, sizeof(more), "(and %llu lines more)", (unsigned long long)l->left_out);
        l->to(l->to_ctx, more);
    }
    l->n = l->left_out = 0;
    pthread_mutex_unlock(&l->lock);
}

void task_log_hold(struct task_log *l, bool hold)
{
    task_log_pass_on(l);
    pthread_mutex_lock(&l->lock);
    l->hold = hold;
    pthread_mutex_unlock(&l->lock);
}
