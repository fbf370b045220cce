/* What a switch of rules leaves behind, freed on a thread of its own once the new rules run: freeing takes as
 * long as there is state in memory, and nothing is evaluated while the run's own thread does it.
 *
 * Thread rule: all functions from the run's own thread; nothing that was handed over is used by it any more. */
#ifndef FYKE_LIB_LATER_H
#define FYKE_LIB_LATER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct later_item {
    void (*fn)(void *item);
    void *item;
};

struct later {
    struct later_item *waiting, *going; /* in the order in which they were handed over */
    size_t n, cap, n_going;
    pthread_t thread;
    bool running;
};

/* `item` may be NULL. */
void later_free(struct later *l, void (*fn)(void *item), void *item);
/* Begins with what was handed over. */
void later_begin(struct later *l);
/* All of it is gone. */
void later_finish(struct later *l);

#endif
