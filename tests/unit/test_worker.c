/* Threads that do things together: each thing once, and nobody waits for one who is held up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/attr.h"
#include "engine/worker.h"

#define ITEMS 23
#define PATIENCE_S 60

struct work {
    pthread_mutex_t lock;
    pthread_cond_t done_one;
    unsigned times[ITEMS], done;
    unsigned waits_for; /* item 0: until so many are done */
};

static void wait_for_others(struct work *w)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    while (w->done < w->waits_for) {
        if (pthread_cond_timedwait(&w->done_one, &w->lock, &until) != 0) {
            return;
        }
    }
}

static void do_item(void *ctx, uint32_t item, struct nfa_scratch *scratch)
{
    struct work *w = ctx;
    (void)scratch;
    pthread_mutex_lock(&w->lock);
    if (item == 0) {
        wait_for_others(w);
    }
    w->times[item] += item > 0 || w->done >= w->waits_for;
    w->done++;
    pthread_cond_broadcast(&w->done_one);
    pthread_mutex_unlock(&w->lock);
}

static void run(uint32_t threads, uint32_t items, unsigned waits_for)
{
    struct ruleset rs = {0};
    struct nfa_limits limits = {.max_runs = 1, .max_matches = 1};
    struct work w = {.waits_for = waits_for};
    struct workers *all = workers_new(&rs, limits, threads, NULL);
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.done_one, NULL);
    for (unsigned round = 1; round < 4; round++) {
        w.done = 0;
        workers_each(all, do_item, &w, items);
        assert_int_equal(w.done, items);
        for (uint32_t i = 0; i < ITEMS; i++) {
            assert_int_equal(w.times[i], i < items ? round : 0);
        }
    }
    workers_free(all);
    pthread_cond_destroy(&w.done_one);
    pthread_mutex_destroy(&w.lock);
}

static void each_item_once(void **state)
{
    static const uint32_t items[] = {0, 1, 2, 16, ITEMS};
    (void)state;
    for (uint32_t threads = 1; threads < 6; threads++) {
        for (size_t i = 0; i < FYKE_ARRAY_LEN(items); i++) {
            run(threads, items[i], 0);
        }
    }
}

/* Item 0 ends when all others are done, those of its own thread too. */
static void others_take_what_is_left(void **state)
{
    (void)state;
    run(2, ITEMS, ITEMS - 1);
    run(3, 16, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_once),
        cmocka_unit_test(others_take_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
