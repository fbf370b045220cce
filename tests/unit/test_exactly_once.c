/* Exactly once, case by case: commits, aborts, the first start, what falls silent. The state directory:
 * test_journal_copy.c; starts after which something is gone: test_journal_gone.c; bounds:
 * test_journal_bounds.c; at random: test_journal.c; on a real broker: tests/integration/eos_matrix.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/engine_parts.h"
#include "tests/support/journal_life.h"
#include "tests/support/journal_world.h"

/* ---- reading through ---------------------------------------------------------------------------- */

/* The database still has the record, the overlay knows that it is gone, memory knows nothing. */
static void deleted_then_an_event_before_the_checkpoint(void **state)
{
    struct world *w = *state;
    w->options.memory_bytes = 1;
    w->options.overlay_bytes = (size_t)64 << 20;
    world_begin_life(w);
    world_send(w, LOGOUTS, "kept", 1); /* in the database alone from then on: lookups must go there */
    world_send(w, LOGINS, "bob", 10);
    world_tick_to(w, 11);
    world_checkpoint(w);
    uint64_t before = world_checkpoints(w);
    world_send(w, LOGOUTS, "bob", 12); /* bob's pair is complete, his record gone */
    world_tick_to(w, 13);
    world_commit(w);
    world_send(w, LOGOUTS, "bob", 14);
    world_tick_to(w, 15);
    world_commit(w);
    assert_int_equal(world_checkpoints(w), before);
    size_t pairs = 0;
    for (size_t i = 0; i < w->log.n_alerts; i++) {
        pairs += strcmp(w->log.alerts[i].rule, "pair") == 0 &&
                 strstr(w->log.alerts[i].value, "\"bob\"") != NULL;
    }
    assert_int_equal(pairs, 1);
    world_end_life(w, false);
    world_copy_is_what_the_changelog_says(w);
}

/* ---- aborts ------------------------------------------------------------------------------------- */

static void after_an_abort_every_record_is_as_committed(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT;
    world_begin_life(w);
    world_send_some(w, 0, 200);
    world_commit(w);
    world_end_life(w, false);
    world_dump(w, &want);
    for (uint64_t call = 1; call < 40; call += 3) {
        world_begin_life(w);
        world_send_some(w, 200, 260);
        w->log.fault_in = call;
        w->log.fault = SIM_ABORT;
        assert_int_equal(engine_commit(w->engine, &w->err), ERR_ABORTED);
        world_end_life(w, false); /* writes what is committed, nothing of what is in memory */
        world_state_is(w, &want);
        w->n_sent -= 60;
        w->offsets[LOGOUTS] -= 20;
        w->offsets[LOGINS] -= 40;
    }
    world_copy_is_what_the_changelog_says(w);
    buf_release(&want);
}

static void who_comes_later_shuts_out_who_was_there(void **state)
{
    struct world *w = *state;
    world_begin_life(w);
    world_send_some(w, 0, 50);
    struct journal *other = sim_journal_new(&w->log);
    world_check(w, other->ops->open(other, false, &w->err));
    uint64_t commits = w->log.commits;
    assert_int_equal(engine_commit(w->engine, &w->err), ERR_KAFKA);
    assert_true(w->err.fatal);
    assert_int_equal(w->log.commits, commits);
    world_end_life(w, false);
    other->ops->close(other);
}

/* ---- the first start ---------------------------------------------------------------------------- */

/* `latest` is another place at every start: what the first one found holds. */
static void killed_before_the_first_commit(void **state)
{
    struct world *w = *state;
    for (uint64_t call = 1; call <= 5; call++) {
        world_check(w, world_try_life(w));
        world_begin_reading(w, (int64_t)call);
        w->log.fault_in = call;
        w->log.fault = SIM_CRASH;
        enum err rc = engine_commit(w->engine, &w->err);
        world_end_life(w, true);
        if (rc == ERR_OK) {
            break; /* a commit of nothing has fewer calls */
        }
        assert_int_equal(w->log.n_positions, 0);
    }
    w->log.fault_in = 0;
    w->log.n_positions = 0;
    sim_log_truncate(&w->log, 0);
    world_forget_copy(w);
    world_check(w, world_try_life(w));
    world_begin_reading(w, 5);
    w->log.fault_in = 4;
    w->log.fault = SIM_CRASH_AFTER;
    assert_int_equal(engine_commit(w->engine, &w->err), ERR_IO);
    world_end_life(w, true);
    world_check(w, world_try_life(w));
    world_begin_reading(w, 9);
    assert_int_equal(world_position_of(w, LOGINS), 5);
    assert_int_equal(world_position_of(w, LOGOUTS), 5);
}

static void what_a_flush_brings_is_refused(void **state)
{
    struct world *w = *state;
    w->options.watermark_end = END_FLUSH;
    world_refused(w, ERR_USAGE, "cannot be exactly once");
}

/* ---- idleness ----------------------------------------------------------------------------------- */

enum step_kind { SEND, FALL_SILENT, COMMIT };

struct step {
    enum step_kind kind;
    uint32_t topic;
    const char *user;
    int64_t at_ms;
};

static void carry_out(struct world *w, const struct step *s)
{
    switch (s->kind) {
    case SEND: world_send(w, s->topic, s->user, s->at_ms); break;
    case FALL_SILENT:
        world_end_reached(w, s->topic, w->offsets[s->topic]);
        w->now += 10 * NS_PER_MS;
        idle_check(w->engine);
        break;
    case COMMIT: world_commit(w); break;
    }
}

/* The process dies behind step `crash`; what was not committed comes again, advances included. */
static void carry_out_all(struct world *w, const struct step *steps, size_t n, size_t crash)
{
    size_t committed = 0, n_sent = 0;
    int64_t offsets[2] = {0, 0};
    w->rules.topics[LOGOUTS].idle_after.ns = 5 * NS_PER_MS;
    world_begin_life(w);
    for (size_t i = 0; i < n; i++) {
        carry_out(w, &steps[i]);
        if (steps[i].kind == COMMIT) {
            committed = i + 1;
            n_sent = w->n_sent;
            memcpy(offsets, w->offsets, sizeof(offsets));
        }
        if (i == crash) {
            world_end_life(w, true);
            w->n_sent = n_sent;
            memcpy(w->offsets, offsets, sizeof(offsets));
            world_begin_life(w);
            i = committed - 1; /* 0 - 1 + 1 is the first */
            crash = n;
        }
    }
    world_end_life(w, false);
}

/* The logouts fall silent, the clock passes them; what they bring then is older, of keys that the clock
 * has passed and of others; in between something is late by its own partition. */
static const struct step silent_steps[] = {
    {SEND, LOGINS, "bob", 10},   {SEND, LOGINS, "eve", 30},    {SEND, LOGOUTS, "ann", 5},
    {COMMIT, 0, NULL, 0},        {SEND, LOGINS, "clock", 60},  {SEND, LOGINS, "late", 20},
    {FALL_SILENT, 1, NULL, 0},   {COMMIT, 0, NULL, 0},         {SEND, LOGOUTS, "bob", 12},
    {SEND, LOGOUTS, "eve", 40},  {SEND, LOGINS, "ann", 70},    {SEND, LOGOUTS, "ann", 41},
    {COMMIT, 0, NULL, 0},        {SEND, LOGOUTS, "eve", 35},   {SEND, LOGINS, "bob", 90},
    {FALL_SILENT, 1, NULL, 0},   {SEND, LOGOUTS, "ann", 80},   {COMMIT, 0, NULL, 0},
    {SEND, LOGOUTS, "bob", 100}, {SEND, LOGINS, "clock", 200}, {FALL_SILENT, 1, NULL, 0},
    {COMMIT, 0, NULL, 0},        {SEND, LOGOUTS, "bob", 210},  {SEND, LOGINS, "clock", 300},
    {COMMIT, 0, NULL, 0},
};

static void take_outcome(struct world *w, struct buf *out)
{
    sim_log_sequences(&w->log, out);
    struct buf state = BUF_INIT;
    world_dump(w, &state);
    buf_put_slice(out, buf_slice(&state));
    buf_release(&state);
}

static void idle_decisions_and_older_events_across_crashes(void **state)
{
    const size_t n = FYKE_ARRAY_LEN(silent_steps);
    struct buf want = BUF_INIT, got = BUF_INIT;
    carry_out_all(*state, silent_steps, n, n);
    assert_true(((struct world *)*state)->log.n_alerts > 1);
    take_outcome(*state, &want);
    for (size_t crash = 0; crash < n; crash++) {
        void *other;
        world_setup(&other);
        carry_out_all(other, silent_steps, n, crash);
        buf_clear(&got);
        take_outcome(other, &got);
        if (!slice_eq(buf_slice(&want), buf_slice(&got))) {
            fail_msg("a crash behind step %zu changes alerts or state", crash);
        }
        world_teardown(&other);
    }
    buf_release(&want);
    buf_release(&got);
}

/* ---- every step --------------------------------------------------------------------------------- */

/* About ten records fit into memory; a crash or an abort at every single call of the journal. */
static void a_budget_of_ten_records_and_an_end_at_every_step(void **state)
{
    static const enum sim_fault kinds[] = {SIM_ABORT, SIM_CRASH, SIM_CRASH_AFTER};
    struct journal_setting s = {.base = {1, 16384, 9, 2, 0, 0, 0},
                                .overlay_bytes = (size_t)64 << 20,
                                .lose_in = 5,
                                .max_value = 400,
                                .records = 16};
    struct logs *l = xcalloc(1, sizeof(*l));
    struct rng rng = rng_seed(5);
    struct journal_outcome calm = {0}, got = {0};
    struct hand_rules rules;
    (void)state;
    hand_begin(&rules, 2);
    hand_pair(&rules, "pair", 40);
    hand_missing(&rules, "missing", 15);
    hand_single(&rules, "any_login");
    logs_random(l, &rng, 2, 0);
    journal_life_run(&rules.rs, l, &s, 7, &calm);
    for (uint64_t call = 1; call <= calm.calls; call++) {
        for (size_t k = 0; k < FYKE_ARRAY_LEN(kinds); k++) {
            s.fault_at = call;
            s.kind = kinds[k];
            journal_life_run(&rules.rs, l, &s, 7, &got);
            if (!slice_eq(buf_slice(&calm.alerts), buf_slice(&got.alerts)) ||
                !slice_eq(buf_slice(&calm.state), buf_slice(&got.state))) {
                fail_msg("call %" PRIu64 " kind %zu: other alerts or another state", call, k);
            }
        }
    }
    print_message("%" PRIu64 " calls\n", calm.calls);
    assert_true(calm.calls > 50);
    journal_outcome_release(&calm);
    journal_outcome_release(&got);
    hand_end(&rules);
    free(l);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(deleted_then_an_event_before_the_checkpoint),
        T(after_an_abort_every_record_is_as_committed),
        T(who_comes_later_shuts_out_who_was_there),
        T(killed_before_the_first_commit),
        T(what_a_flush_brings_is_refused),
        T(idle_decisions_and_older_events_across_crashes),
        cmocka_unit_test(a_budget_of_ten_records_and_an_end_at_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
