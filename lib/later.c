#include "lib/later.h"

#include <stdlib.h>

#include "base/xalloc.h"

void later_free(struct later *l, void (*fn)(void *item), void *item)
{
    if (item) {
        VEC_PUSH(l->waiting, l->n, l->cap) = (struct later_item){fn, item};
    }
}

static void free_all(struct later_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        items[i].fn(items[i].item);
    }
    free(items);
}

static void *run(void *ctx)
{
    struct later *l = ctx;
    free_all(l->going, l->n_going);
    return NULL;
}

static void join(struct later *l)
{
    if (l->running) {
        pthread_join(l->thread, NULL);
        l->running = false;
    }
}

static void take(struct later *l)
{
    l->going = l->waiting;
    l->n_going = l->n;
    l->waiting = NULL;
    l->n = l->cap = 0;
}

void later_begin(struct later *l)
{
    if (l->n == 0) {
        return;
    }
    join(l);
    take(l);
    l->running = pthread_create(&l->thread, NULL, run, l) == 0;
    if (!l->running) {
        free_all(l->going, l->n_going);
    }
}

void later_finish(struct later *l)
{
    join(l);
    take(l);
    free_all(l->going, l->n_going);
}
