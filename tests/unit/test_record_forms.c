/* A record moves between its two forms, segments in its head and segments apart, as it grows and shrinks:
 * every step committed, with crashes and aborts at every call of the commit, and from rest in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/state/rules_apart.h"
#include "engine/state/state_scan.h"
#include "tests/support/compile_text.h"
#include "tests/support/journal_world.h"
#include "tests/support/state_dump.h"

static const char text[] =
    "language 1\n"
    "event Login from topic \"logins\" { user : string key  at : timestamp in ms event time }\n"
    "event Logout from topic \"logouts\" { user : string key  at : timestamp in ms event time }\n"
    "rule pair { for each user within 40ms when Login as a then Logout as b where b.at > a.at + 1d\n"
    "  emit alert }\n";

/* Logins of one user from … to, the time at which all of that is decided, and how many segments stand apart
 * then. */
struct step {
    int from, to, until;
    uint64_t apart;
};
static const struct step steps[] = {
    {1, 1, 2, 0},     {2, 31, 32, 1},     {75, 75, 76, 0},     {77, 104, 105, 1},
    {145, 146, 147, 0}, {148, 175, 176, 1}, {177, 177, 300, 0}, {301, 301, 302, 0},
};
#define N_STEPS FYKE_ARRAY_LEN(steps)

static void send(struct world *w, const struct step *s)
{
    for (int at = s->from; at <= s->to; at++) {
        world_send(w, LOGINS, "bob", at);
    }
    world_tick_to(w, s->until);
}

/* Returns at how many calls it went wrong. */
static uint64_t commit_in_spite_of(struct world *w, enum sim_fault fault)
{
    for (uint64_t call = 1;; call++) {
        w->log.fault_in = call;
        w->log.fault = fault;
        enum err rc = engine_commit(w->engine, &w->err);
        w->log.fault_in = 0;
        if (rc == ERR_OK) {
            return call - 1;
        }
        world_end_life(w, fault == SIM_CRASH);
        world_begin_life(w);
    }
}

/* The whole state is read through and checked for that. */
static uint64_t segments_apart(const char *dir)
{
    struct store_options o = {.dir = dir, .max_shards = 64};
    struct state_figures f;
    struct error err = ERROR_INIT;
    struct header h;
    struct store *s;
    state_dump_header(dir, &h);
    assert_int_equal(store_open(&o, &s, &err), ERR_OK);
    assert_int_equal(store_open_shards(s, h.n_shards, &err), ERR_OK);
    assert_int_equal(rules_apart_read(s, &h, &err), ERR_OK);
    if (state_scan(s, &h, NULL, NULL, &f, &err) != ERR_OK) {
        fail_msg("%s", err.text);
    }
    store_close(s);
    header_release(&h);
    return f.segments;
}

/* What the directory holds after each step. */
static void take_steps(struct world *w, struct buf *dumps)
{
    for (size_t i = 0; i < N_STEPS; i++) {
        world_begin_life(w);
        send(w, &steps[i]);
        world_commit(w);
        world_end_life(w, false);
        world_dump(w, &dumps[i]);
        assert_int_equal(segments_apart(w->dir), steps[i].apart);
        world_copy_is_what_the_changelog_says(w);
    }
}

static void take_steps_with(struct world *w, enum sim_fault fault, const struct buf *want)
{
    for (size_t i = 0; i < N_STEPS; i++) {
        world_begin_life(w);
        send(w, &steps[i]);
        assert_true(commit_in_spite_of(w, fault) >= 3);
        world_end_life(w, i % 2 == 1);
        world_restore_from_changelog(w);
        world_state_is(w, &want[i]);
    }
}

static struct world *make_world(struct compilation *c, size_t memory_bytes)
{
    void *state;
    assert_int_equal(world_setup(&state), 0);
    struct world *w = state;
    w->rs = c->ruleset;
    w->options.memory_bytes = memory_bytes;
    return w;
}

static void free_world(struct world *w)
{
    void *state = w;
    assert_int_equal(world_teardown(&state), 0);
}

static void it_moves_both_ways(void **state)
{
    static const enum sim_fault faults[] = {SIM_CRASH, SIM_ABORT};
    struct compilation *c = compile_text(text);
    struct buf want[N_STEPS] = {{0}};
    (void)state;
    struct world *w = make_world(c, (size_t)64 << 20);
    take_steps(w, want);
    free_world(w);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(faults); i++) {
        w = make_world(c, 1);
        take_steps_with(w, faults[i], want);
        free_world(w);
    }
    for (size_t i = 0; i < N_STEPS; i++) {
        buf_release(&want[i]);
    }
    compilation_free(c);
}

/* One life: what is forgotten in between leaves memory, or rests there. */
static void it_moves_out_of_memory_and_rest(void **state)
{
    static const size_t memory[] = {(size_t)64 << 20, 20000, 1};
    struct compilation *c = compile_text(text);
    struct buf want = BUF_INIT;
    (void)state;
    for (size_t m = 0; m < FYKE_ARRAY_LEN(memory); m++) {
        struct world *w = make_world(c, memory[m]);
        world_begin_life(w);
        for (size_t i = 0; i < N_STEPS; i++) {
            send(w, &steps[i]);
            world_commit(w);
        }
        world_end_life(w, false);
        if (m == 0) {
            world_dump(w, &want);
        }
        world_state_is(w, &want);
        assert_int_equal(segments_apart(w->dir), 0);
        free_world(w);
    }
    buf_release(&want);
    compilation_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_moves_both_ways),
        cmocka_unit_test(it_moves_out_of_memory_and_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
