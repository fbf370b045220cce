/* Bounds of a run with a journal: a full database, a full overlay, bytes per commit, what is left of keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/memory.h"
#include "engine/engine_parts.h"
#include "engine/state/checkpoint.h"
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
    const char *long_form = getenv("FYKE_CANDIDATES");
    int n = long_form != NULL ? atoi(long_form) : 100000;
    w->rules.rules[0].window = DURATION_INFINITE;
    rule_finish(&w->rules.rules[0], &w->rules.rs.arena);
    uint64_t bytes = largest_late_commit(w, n);
    print_message("1,000 events to %d candidates of one key: %" PRIu64 " bytes\n", n, bytes);
    assert_true(bytes < 1000 * 100 + 3 * 8192);
}

static int64_t restart_of(const struct world *w, uint32_t topic)
{
    for (size_t i = 0; i < w->engine->n_partitions; i++) {
        if (w->engine->partitions[i]->topic->index == topic) {
            return w->engine->partitions[i]->restart;
        }
    }
    return -1;
}

/* An event an hour ahead waits, and a restart reads on from it; whatever is late behind it until then takes
 * one place in the header. Somebody is told. */
static void what_is_late_behind_an_event_far_ahead_takes_no_room(void **state)
{
    struct world *w = *state;
    struct engine_summary s;
    uint64_t largest = 0;
    world_begin_life(w);
    world_tick_to(w, 5);
    world_commit(w);
    uint64_t plain = w->log.last_commit_bytes;
    world_send(w, LOGINS, "far", 3600000);
    int64_t far = w->offsets[LOGINS] - 1;
    for (int i = 0; i < 20000; i++) {
        world_send(w, i % 2 == 0 ? LOGINS : LOGOUTS, "clock", 10 + i / 10);
        if (i % 1000 == 999) {
            world_commit(w);
            largest = w->log.last_commit_bytes > largest ? w->log.last_commit_bytes : largest;
        }
    }
    print_message("10,000 late events behind it: %" PRIu64 " bytes a commit, %" PRIu64 " without\n",
                  largest, plain);
    assert_true(largest < plain + 200);
    assert_int_equal(restart_of(w, LOGINS), far);
    engine_summary(w->engine, &s);
    assert_int_equal(s.late, 10000);
    assert_int_equal(s.position_holds, 0);
    w->now += 61 * NS_PER_S;
    world_commit(w);
    world_commit(w);
    world_heard(w, "the event at offset 1 still waits for its time, so a restart would read again from there, "
                   "10001 records");
    engine_summary(w->engine, &s);
    assert_int_equal(s.position_holds, 1);
    world_end_life(w, true);
    world_begin_life(w);
    engine_summary(w->engine, &s);
    assert_int_equal(s.late, 0); /* it was counted then */
    world_commit(w);
    assert_int_equal(restart_of(w, LOGINS), far);
    world_tick_to(w, 3600001);
    world_commit(w);
    assert_int_equal(restart_of(w, LOGINS), w->offsets[LOGINS]);
    world_end_life(w, false);
    world_copy_is_what_the_changelog_says(w);
}

/* The clocks of all values stand in every header, so commits are further apart. */
static void large_headers_are_written_less_often(void **state)
{
    struct world *w = *state;
    char user[16];
    w->rules.topics[LOGINS].has_watermark_per = true;
    w->rules.topics[LOGINS].watermark_per_decl = 0;
    w->rules.topics[LOGINS].watermark_per_slot = 0;
    w->rules.topics[LOGINS].idle_after.ns = HOUR_NS;
    w->options.commit_every.ns = 0;
    world_begin_life(w);
    for (int i = 0; i < 8000; i++) {
        snprintf(user, sizeof(user), "u%d", i);
        world_send(w, LOGINS, user, 10);
    }
    world_commit(w);
    size_t bytes = w->engine->state->told_bytes;
    print_message("the clocks of 8,000 values: %zu bytes a header\n", bytes);
    assert_in_range(bytes, 65537, 8000 * 24);
    world_send(w, LOGINS, "u1", 11);
    assert_false(engine_commit_due(w->engine));
    w->now += (int64_t)bytes * NS_PER_S / (4 << 20);
    assert_true(engine_commit_due(w->engine));
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
        T(what_is_late_behind_an_event_far_ahead_takes_no_room),
        T(large_headers_are_written_less_often),
        T(keys_seen_once_leave_nothing_in_the_log),
    };
    if (getenv("FYKE_CANDIDATES") != NULL) {
        cmocka_set_test_filter("one_key*");
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
