/* Phases of a run, and when a reload begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/run_life.h"

struct world {
    struct run_life life;
    volatile sig_atomic_t wishes;
    char seen[64]; /* a letter per call, R a reload */
};

static void note(struct world *w, char c)
{
    size_t n = strlen(w->seen);
    assert_true(n + 1 < sizeof(w->seen));
    w->seen[n] = c;
}

static void beat(void *ctx, enum run_phase phase)
{
    static const char letters[] = {[RUN_OPENING] = 'o',
                                   [RUN_STARTING] = 's',
                                   [RUN_READY] = 'r',
                                   [RUN_RELOADING] = 'l',
                                   [RUN_STOPPING] = 'x'};
    note(ctx, letters[phase]);
}

/* Under way until it is called again. */
static bool reload(void *ctx, bool asked)
{
    if (asked) {
        note(ctx, 'R');
    }
    return asked;
}

static void look(void *ctx)
{
    note(ctx, 'b');
}

static void begin(struct world *w)
{
    *w = (struct world){.life = {.thread = pthread_self(),
                                 .beat = beat,
                                 .on_reload = reload}};
    w->life.beat_ctx = w->life.on_reload_ctx = w;
    w->life.reload = &w->wishes;
}

static void assert_seen(struct world *w, const char *want)
{
    assert_string_equal(w->seen, want);
    memset(w->seen, 0, sizeof(w->seen));
}

static void phases_in_order(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    run_life_wait(&w.life);
    run_life_start(&w.life);
    run_life_wait(&w.life);
    run_life_step(&w.life, ENGINE_READY);
    run_life_step(&w.life, ENGINE_RUNNING);
    run_life_wait(&w.life);
    run_life_step(&w.life, ENGINE_STOPPING);
    run_life_wait(&w.life);
    assert_seen(&w, "ossrrrxx");
}

static void several_wishes_are_one_reload(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    w.wishes = 1; /* before anything is read */
    run_life_start(&w.life);
    run_life_step(&w.life, ENGINE_READY);
    assert_seen(&w, "sRl");
    run_life_step(&w.life, ENGINE_RUNNING);
    assert_seen(&w, "r");
    w.wishes += 3;
    run_life_wait(&w.life); /* not in the middle of something */
    run_life_step(&w.life, ENGINE_WAITING); /* nor in a commit */
    w.life.between = look;
    w.life.between_ctx = &w;
    run_life_step(&w.life, ENGINE_STANDING); /* nor without tasks; but it may be looked into */
    w.life.between = NULL;
    run_life_step(&w.life, ENGINE_RUNNING);
    run_life_step(&w.life, ENGINE_RUNNING);
    assert_seen(&w, "rrrbRlr");
    w.wishes++;
    run_life_step(&w.life, ENGINE_STOPPING); /* too late */
    assert_seen(&w, "x");
}

static void *wait_beside(void *ctx)
{
    run_life_wait(ctx);
    return NULL;
}

static void another_thread_says_nothing(void **state)
{
    struct world w;
    pthread_t thread;
    (void)state;
    begin(&w);
    assert_int_equal(pthread_create(&thread, NULL, wait_beside, &w.life), 0);
    pthread_join(thread, NULL);
    assert_seen(&w, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_in_order),
        cmocka_unit_test(several_wishes_are_one_reload),
        cmocka_unit_test(another_thread_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
