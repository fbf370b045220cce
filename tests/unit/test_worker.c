/* Threads that do things together: each thing once, and nobody waits for one who is held up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

static void do_item(void *ctx, uint32_t item, uint32_t worker, struct nfa_scratch *scratch)
{
    struct work *w = ctx;
    (void)worker;
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

/* ---- a thread that is held up before it begins ---------------------------------------------- */

static int gate[2];

static void stand_still(int signal)
{
    char byte;
    (void)signal;
    if (read(gate[0], &byte, 1) != 1) {
        _exit(1);
    }
}

struct other {
    _Atomic pid_t id; /* 0: it has not come yet */
    pthread_t thread;
};

/* Item 0 waits for the other thread, which takes item 1. */
static void meet(void *ctx, uint32_t item, uint32_t worker, struct nfa_scratch *scratch)
{
    struct other *other = ctx;
    (void)scratch;
    if (worker == 1) {
        other->thread = pthread_self();
        other->id = gettid();
    }
    while (item == 0 && worker == 0 && other->id == 0) {
        usleep(100);
    }
}

/* It waits for work, so it holds no lock. */
static bool is_asleep(pid_t id)
{
    char path[64], state = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)id);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
    fclose(f);
    return state == 'S';
}

static void count_item(void *ctx, uint32_t item, uint32_t worker, struct nfa_scratch *scratch)
{
    unsigned *times = ctx;
    (void)scratch;
    assert_int_equal(worker, 0);
    times[item]++;
}

static void nobody_waits_for_a_thread_that_has_not_begun(void **state)
{
    struct ruleset rs = {0};
    struct nfa_limits limits = {.max_runs = 1, .max_matches = 1};
    struct workers *all = workers_new(&rs, limits, 2, NULL);
    struct sigaction act = {.sa_handler = stand_still};
    struct other other = {0};
    unsigned times[ITEMS] = {0};
    (void)state;
    assert_int_equal(pipe(gate), 0);
    assert_int_equal(sigaction(SIGUSR1, &act, NULL), 0);
    workers_each(all, meet, &other, 2);
    while (!is_asleep(other.id)) {
        usleep(100);
    }
    pthread_kill(other.thread, SIGUSR1);
    alarm(PATIENCE_S);
    workers_each(all, count_item, times, ITEMS);
    alarm(0);
    for (uint32_t i = 0; i < ITEMS; i++) {
        assert_int_equal(times[i], 1);
    }
    assert_int_equal(write(gate[1], "", 1), 1);
    workers_free(all);
    close(gate[0]);
    close(gate[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_once),
        cmocka_unit_test(others_take_what_is_left),
        cmocka_unit_test(nobody_waits_for_a_thread_that_has_not_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
