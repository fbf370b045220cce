/* Several tasks in one process, which come and go: random logs of two topics in four partitions, read
 * by processes that are given this and that partition, one after the other, with crashes and aborts at
 * any call of the journal, copies that are old or lost. What is committed in the end is what one
 * process that reads everything commits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/xalloc.h"
#include "tests/support/state_dump.h"
#include "tests/support/task_world.h"

static void tasks_that_move_change_nothing(void **state)
{
    struct task_world *w = xcalloc(1, sizeof(*w));
    (void)state;
    for (uint64_t round = 0; round < 3; round++) {
        task_world_init(w, 10 + round, (int64_t)round * 2);
        for (int i = 0; i < 4; i++) {
            task_world_choose_warm(w);
            task_world_life(w, 5);
        }
        assert_true(task_world_life(w, 0));
        task_world_same_as_alone(w);
        assert_int_equal(w->crashes + w->aborts, 0);
        task_world_release(w);
    }
    free(w);
}

static void crashes_and_aborts_change_nothing(void **state)
{
    struct task_world *w = xcalloc(1, sizeof(*w));
    unsigned crashes = 0, aborts = 0;
    (void)state;
    for (uint64_t round = 0; round < 3; round++) {
        task_world_init(w, 20 + round, (int64_t)round * 2);
        task_world_wild_lives(w);
        task_world_same_as_alone(w);
        crashes += w->crashes;
        aborts += w->aborts;
        task_world_release(w);
    }
    print_message("%u crashes, %u aborts\n", crashes, aborts);
    assert_true(crashes > 20);
    assert_true(aborts > 8);
    free(w);
}

/* ---- while one is restored ---------------------------------------------------------------- */

#define HELD_TASK 2
#define PATIENCE 2000 /* rests of a millisecond */

static void lose_copies(struct task_world *w)
{
    for (int i = 0; i < N_DIRS; i++) {
        state_dir_remove(w->dirs[i]);
        state_dir_make(w->dirs[i]);
    }
}

/* Some of it is evaluated, by a life that ends with a crash; its copies are lost with it. */
static void begin_and_crash(struct task_world *w, uint64_t calls)
{
    w->log.fault_in = calls;
    w->log.fault = SIM_CRASH;
    assert_false(task_world_life(w, 0));
    w->log.fault_in = 0;
    lose_copies(w);
}

/* All that the other tasks have is read: when their alerts are committed the held one may go on. */
static void release_when_committed(struct shared_source *s)
{
    const struct timespec ms = {.tv_nsec = NS_PER_MS};
    size_t more = s->log->n_alerts - s->alerts_before;
    if (s->reads[0][HELD_TASK]) {
        return;
    }
    nanosleep(&ms, NULL);
    assert_true(++s->rests < PATIENCE);
    if (more > 20 && s->log->held_task >= 0) {
        print_message("%zu alerts of the others while it was restored\n", more);
        s->log->held_task = -1;
    }
}

static void others_commit_while_a_task_is_restored(void **state)
{
    struct task_world *w = xcalloc(1, sizeof(*w));
    struct shared_source s;
    (void)state;
    task_world_init(w, 30, 2);
    begin_and_crash(w, 300);
    shared_source_init(&s, &w->logs, 31, 0);
    s.at_rest = release_when_committed;
    s.log = &w->log;
    s.alerts_before = w->log.n_alerts;
    w->log.held_task = HELD_TASK;
    assert_true(task_world_life_of(w, &s));
    assert_int_equal(w->log.held_task, -1);
    task_world_same_as_alone(w);
    task_world_release(w);
    free(w);
}

/* First the task is taken away, then it comes back, while nothing is heard of its log. */
static void take_away_and_give_back(struct shared_source *s)
{
    const struct timespec ms = {.tv_nsec = NS_PER_MS};
    nanosleep(&ms, NULL);
    s->rests++;
    if (s->rests == 50) {
        s->changes = 2;
    }
    assert_true(s->rests < PATIENCE);
}

static void a_task_that_is_taken_away_while_it_is_restored(void **state)
{
    struct task_world *w = xcalloc(1, sizeof(*w));
    struct shared_source s;
    (void)state;
    task_world_init(w, 40, 2);
    begin_and_crash(w, 300);
    shared_source_init(&s, &w->logs, 41, 0);
    s.at_rest = take_away_and_give_back;
    s.log = &w->log;
    s.without = HELD_TASK;
    w->log.held_task = HELD_TASK;
    assert_true(task_world_life_of(w, &s));
    assert_true(s.abandoned);
    task_world_same_as_alone(w);
    task_world_release(w);
    free(w);
}

/* ---- warm copies -------------------------------------------------------------------------- */

static uint64_t entries_of(const struct sim_log *log, uint32_t task)
{
    uint64_t n = 0;
    for (size_t i = 0; i < log->n_entries; i++) {
        n += log->entries[i].task == task;
    }
    return n;
}

/* When the copy is at the end of the log its task is given. */
static void give_when_followed(struct shared_source *s)
{
    const struct timespec ms = {.tv_nsec = NS_PER_MS};
    struct engine_summary figures;
    nanosleep(&ms, NULL);
    assert_true(++s->rests < PATIENCE);
    task_set_summary(s->set, &figures);
    if (s->changes == 0 || figures.tasks < N_TASKS - 1 ||
        figures.followed < entries_of(s->log, HELD_TASK)) {
        return;
    }
    assert_int_equal(figures.warm, 1);
    s->restored = figures.restored;
    s->next_given = ALL_TASKS;
    s->give_now = true;
}

static void a_takeover_with_a_warm_copy_reads_only_the_tail(void **state)
{
    struct task_world *w = xcalloc(1, sizeof(*w));
    struct shared_source s;
    (void)state;
    task_world_init(w, 50, 2);
    /* Commits come by the clock, which every thread moves on that looks at it: few or many within so many calls. */
    for (int lives = 0; entries_of(&w->log, HELD_TASK) <= 20; lives++) {
        assert_true(lives < 50);
        begin_and_crash(w, 900);
    }
    uint64_t cold = entries_of(&w->log, HELD_TASK);
    shared_source_init(&s, &w->logs, 51, 0);
    s.at_rest = give_when_followed;
    s.log = &w->log;
    s.next_given = ALL_TASKS & ~(1u << HELD_TASK);
    s.changes = 1;
    s.waits = true;
    w->standby = 1;
    w->log.warm = 1u << HELD_TASK;
    assert_true(task_world_life_of(w, &s));
    print_message("%" PRIu64 " entries cold, %" PRIu64 " with a warm copy\n", cold, s.tail);
    assert_true(s.tail < 10);
    task_world_same_as_alone(w);
    task_world_release(w);
    free(w);
}

/* ---- pace ------------------------------------------------------------------------------------- */

static void note_when_committed(struct shared_source *s)
{
    int64_t now_ns = __atomic_load_n(s->clock, __ATOMIC_RELAXED);
    if (s->committed_ns == 0 && s->log->n_alerts > s->alerts_before) {
        s->committed_ns = now_ns;
        s->next_given = ALL_TASKS;
        s->give_now = true;
    }
}

/* Read to its end, the input leaves nothing to do but what somebody waits for: a fifth of the time between commits
 * is enough then. */
static void an_alert_does_not_wait_for_the_time_of_a_commit(void **state)
{
    const int64_t every_ns = 40 * NS_PER_S;
    struct task_world *w = xcalloc(1, sizeof(*w));
    struct shared_source s;
    (void)state;
    task_world_init(w, 70, 2);
    w->options.commit_every.ns = every_ns;
    shared_source_init(&s, &w->logs, 71, 0);
    s.at_rest = note_when_committed;
    s.log = &w->log;
    s.clock = &w->now;
    s.changes = 1;
    s.waits = true;
    assert_true(task_world_life_of(w, &s));
    print_message("committed by %" PRId64 " ms\n", s.committed_ns / NS_PER_MS);
    assert_in_range(s.committed_ns, every_ns / 5, every_ns * 3 / 4);
    task_world_same_as_alone(w);
    task_world_release(w);
    free(w);
}

/* ---- threads ------------------------------------------------------------------------------ */

static void note_thread(void *ctx, enum event_fate fate, const struct event *event,
                        const struct record *r)
{
    struct task_world *w = ctx;
    (void)fate, (void)event, (void)r;
    __atomic_add_fetch(&w->elsewhere, !pthread_equal(pthread_self(), w->thread), __ATOMIC_RELAXED);
}

/* How many events another thread evaluated. */
static unsigned life_of_threads(struct task_world *w, uint32_t threads)
{
    struct shared_source s;
    task_world_init(w, 60, 2);
    w->options.threads = threads;
    w->options.observe = note_thread;
    w->options.observe_ctx = w;
    for (uint64_t life = 0; life < 2; life++) {
        shared_source_init(&s, &w->logs, 61 + life, life == 0 ? 3 : 0);
        s.at_once = MOST_RECORDS;
        assert_true(task_world_life_of(w, &s));
    }
    task_world_same_as_alone(w);
    task_world_release(w);
    return w->elsewhere;
}

/* Where all cores are taken one thread may do it all: then once more. */
static void any_number_of_threads_gives_the_same(void **state)
{
    struct task_world *w = xcalloc(1, sizeof(*w));
    (void)state;
    assert_int_equal(life_of_threads(w, 1), 0);
    for (uint32_t threads = 3; threads <= 5; threads += 2) {
        for (int tries = 0; life_of_threads(w, threads) == 0; tries++) {
            assert_true(tries < 20);
        }
    }
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_that_move_change_nothing),
        cmocka_unit_test(crashes_and_aborts_change_nothing),
        cmocka_unit_test(others_commit_while_a_task_is_restored),
        cmocka_unit_test(an_alert_does_not_wait_for_the_time_of_a_commit),
        cmocka_unit_test(a_task_that_is_taken_away_while_it_is_restored),
        cmocka_unit_test(any_number_of_threads_gives_the_same),
        cmocka_unit_test(a_takeover_with_a_warm_copy_reads_only_the_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
