/* Starts with a journal after which something is gone: a rule, a topic, the end of a partition, its voice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_parts.h"
#include "tests/support/journal_world.h"

/* ---- rules that are gone ------------------------------------------------------------------------ */

/* What leaves the state with a rule leaves the changelog with it, and a crash at any step of that is
 * one like any other. */
static void a_rule_that_is_gone_leaves_the_changelog(void **state)
{
    static const enum sim_fault kinds[] = {SIM_ABORT, SIM_CRASH, SIM_CRASH_AFTER};
    struct world *w = *state;
    struct buf want = BUF_INIT;
    uint64_t ended = 0;
    world_begin_life(w);
    world_send_some(w, 0, 60);
    world_commit(w);
    world_end_life(w, false);
    const size_t n = w->log.n_entries;
    const uint64_t seq = w->log.positions[0].seq;
    w->rules.rules[1].plan = 9; /* `far` is another rule now */
    world_check(w, world_try_to_begin(w));
    world_heard(w, "rule far has changed: its open partial matches are dropped");
    world_end_life(w, false);
    world_dump(w, &want);
    const uint64_t calls = w->log.n_entries - n + 2;
    assert_true(calls > 4);
    for (uint64_t call = 0; call < 3 * calls; call++) {
        sim_log_truncate(&w->log, n); /* as it was before */
        w->log.positions[0].seq = w->log.positions[1].seq = seq;
        world_forget_copy(w);
        w->log.fault = kinds[call % 3];
        w->log.fault_in = 1 + call / 3 + (w->log.fault == SIM_ABORT ? 0 : 2 * n + 1);
        enum err rc = world_try_to_begin(w);
        assert_true(rc == ERR_OK || rc == ERR_ABORTED || rc == ERR_IO);
        ended += rc != ERR_OK;
        world_end_life(w, rc == ERR_IO);
        w->log.fault_in = 0;
        world_check(w, world_try_to_begin(w));
        world_end_life(w, false);
        world_state_is(w, &want);
    }
    assert_true(ended > calls);
    world_copy_is_what_the_changelog_says(w);
    buf_release(&want);
}

/* A topic that no rule names any more has no number: what is committed at the start leaves it out. */
static void a_topic_that_is_gone_has_no_position(void **state)
{
    struct world *w = *state;
    world_begin_life(w);
    world_send_some(w, 0, 60);
    world_commit(w);
    world_end_life(w, false);
    hand_end(&w->rules);
    hand_begin(&w->rules, 0);
    hand_single(&w->rules, "any_login");
    w->rules.rs.n_topics = w->rules.rs.n_decls = 1;
    const uint64_t commits = w->log.commits;
    const struct source_partition logins = {.topic = LOGINS};
    world_check(w, world_try_life(w));
    world_check(w, engine_begin(w->engine, &logins, 1, sim_journal_sink(w->journal), &w->err));
    world_heard(w, "rule pair has been removed");
    assert_int_equal(w->log.commits, commits + 1);
    for (size_t i = 0; i < w->log.n_positions; i++) {
        assert_int_equal(w->log.positions[i].seq, w->log.positions[i].at.topic == LOGINS ? 3 : 2);
    }
}

/* ---- reading again ------------------------------------------------------------------------------ */

/* A leader that has just taken over may show less than what was read before: what still waits for
 * its turn comes after that end. */
static void an_end_in_front_of_what_was_read_ends_nothing(void **state)
{
    struct world *w = *state;
    world_begin_life(w);
    world_send(w, LOGINS, "bob", 10); /* waits for the logouts */
    world_send(w, LOGINS, "eve", 11);
    world_commit(w);
    world_end_life(w, true);
    world_check(w, world_try_life(w));
    world_begin_reading(w, 0);
    assert_int_equal(world_position_of(w, LOGINS), 0);
    world_end_reached(w, LOGINS, 0);
    w->fed = 0;
    world_check(w, world_feed(w));
    world_end_reached(w, LOGINS, 2);
    world_send(w, LOGOUTS, "bob", 12);
    world_tick_to(w, 13);
    world_commit(w);
    assert_int_equal(w->log.n_alerts, 1);
    assert_string_equal(w->log.alerts[0].rule, "pair");
}

/* What a partition lets through by falling silent is committed like what a record brings. */
static void an_idle_partition_is_worth_a_commit(void **state)
{
    struct world *w = *state;
    w->rules.topics[LOGOUTS].idle_after.ns = 5 * NS_PER_MS;
    world_begin_life(w);
    world_send(w, LOGINS, "bob", 10);
    world_commit(w);
    assert_false(w->engine->dirty);
    world_end_reached(w, LOGOUTS, 0);
    w->now += 10 * NS_PER_MS;
    idle_check(w->engine);
    assert_true(w->engine->dirty);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_rule_that_is_gone_leaves_the_changelog),
        T(a_topic_that_is_gone_has_no_position),
        T(an_end_in_front_of_what_was_read_ends_nothing),
        T(an_idle_partition_is_worth_a_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
