/* Bounds of a run with a journal: a full database, a full overlay, bytes per commit, what is left of keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "connectors/memory.h"
#include "tests/support/journal_world.h"

/* ---- space -------------------------------------------------------------------------------------- */

/* The output goes on while there is room in memory; nothing is lost when there is space again. */
static void a_full_database_stops_nothing_that_is_committed(void **state)
{
    struct world *w = *state;
    char user[16];
    w->options.state_map_bytes = (size_t)256 << 10;
    w->options.checkpoint_every.ns = 0;
    world_begin_life(w);
    for (int i = 0; i < 4000; i++) {
        snprintf(user, sizeof(user), "u%d", i);
        world_send(w, LOGOUTS, user, i);
        if (i % 100 == 0) {
            world_send(w, LOGINS, "clock", i);
            world_commit(w);
            world_wait_a_little();
        }
    }
    world_heard(w, "has reached its limit of 0 MiB");
    world_commit(w);
    world_end_life(w, false);
    w->options.state_map_bytes = (size_t)64 << 20;
    world_check(w, world_try_life(w));
    world_heard(w, "entries restored from the changelog");
    world_end_life(w, false);
    world_copy_is_what_the_changelog_says(w);
}

/* Over the bound reading stops, and a run that is told to end does. */
static void a_full_overlay_waits_and_can_be_stopped(void **state)
{
    struct world *w = *state;
    struct memory_source source;
    char payload[64];
    memory_source_init(&source, false);
    memory_source_add_partition(&source, LOGINS, 0);
    memory_source_add_partition(&source, LOGOUTS, 0);
    for (int i = 0; i < 6000; i++) {
        snprintf(payload, sizeof(payload), "{\"user\":\"u%d\",\"at\":%d}", i, i);
        memory_source_add(&source, LOGOUTS, 0, i, payload);
    }
    source.batch = 100;
    w->options.state_map_bytes = (size_t)256 << 10;
    w->options.overlay_bytes = (size_t)128 << 10;
    w->options.commit_every.ns = 0;
    w->options.checkpoint_every.ns = 0;
    w->stop_at = "has reached its limit";
    world_check(w, world_try_life(w));
    world_check(w, engine_run(w->engine, &source.source, sim_journal_sink(w->journal), &w->stop,
                        &w->err));
    assert_true(w->stop == 1);
    assert_true(source.at < source.n_records);
    world_end_life(w, false);
    source.source.ops->close(&source.source);
    w->options.state_map_bytes = (size_t)64 << 20;
    world_check(w, world_try_life(w));
    world_end_life(w, false);
    world_copy_is_what_the_changelog_says(w);
}

/* ---- sizes -------------------------------------------------------------------------------------- */

/* `n` open candidates of one key: what a commit writes follows what came, not what is kept. */
static uint64_t largest_late_commit(struct world *w, int n)
{
    uint64_t largest = 0;
    w->options.nfa.max_runs = 10000000;
    w->log.max_value_bytes = 64 << 10;
    world_begin_life(w);
    for (int i = 0; i < n; i++) {
        world_send(w, LOGINS, "bob", i / 100);
        if (i % 1000 == 999) {
            world_send(w, LOGOUTS, "clock", i / 100);
            world_commit(w);
            w->n_sent = w->fed = 0;
            largest = i > n / 2 && w->log.last_commit_bytes > largest ? w->log.last_commit_bytes
                                                                     : largest;
        }
    }
    return largest;
}

static void one_key_with_100000_candidates_writes_what_changed(void **state)
{
    struct world *w = *state;
    w->rules.rules[0].window = DURATION_INFINITE;
    rule_finish(&w->rules.rules[0], &w->rules.rs.arena);
    uint64_t bytes = largest_late_commit(w, 100000);
    print_message("1,000 events to 100,000 candidates of one key: %" PRIu64 " bytes\n", bytes);
    assert_true(bytes < 1000 * 100 + 3 * 8192);
}

/* ---- what stays --------------------------------------------------------------------------------- */

static void keys_seen_once_leave_nothing_in_the_log(void **state)
{
    struct world *w = *state;
    struct rng rng = rng_seed(3);
    char user[16];
    world_begin_life(w);
    for (int i = 0; i < 20000; i++) {
        snprintf(user, sizeof(user), "u%d", i);
        world_send(w, LOGINS, user, i / 10);
        if (i % 1000 == 0) {
            world_commit(w);
        }
    }
    world_send(w, LOGINS, "clock", 10000);
    world_send(w, LOGOUTS, "nobody", 10000);
    for (int i = 0; i < 20; i++) { /* deadlines fire in slices */
        world_commit(w);
    }
    world_end_life(w, false);
    world_copy_is_what_the_changelog_says(w);
    w->log.now += 1;
    for (int i = 0; i < 60; i++) {
        sim_log_compact(&w->log, &rng, 0);
    }
    print_message("%zu entries left\n", w->log.n_entries);
    assert_true(w->log.n_entries < 8);
    world_copy_is_what_the_changelog_says(w);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_full_database_stops_nothing_that_is_committed),
        T(a_full_overlay_waits_and_can_be_stopped),
        T(one_key_with_100000_candidates_writes_what_changed),
        T(keys_seen_once_leave_nothing_in_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
