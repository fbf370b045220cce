/* What the rules are stands beside the header where it is much: commits do not repeat it, and it comes back by
 * every way. */
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
#include "engine/state/checkpoint.h"
#include "tests/support/journal_life.h"
#include "tests/support/journal_world.h"
#include "tests/support/state_dump.h"

#define LONG_NAME 9000

/* A name so long that the rules take several parts, in place of a thousand of them. */
static struct slice long_name(char first)
{
    static char names[4][LONG_NAME];
    char *name = names[(first - 'a') % 4];
    memset(name, first, LONG_NAME);
    return slice_from(name, LONG_NAME);
}

static void name_rules(struct hand_rules *h)
{
    h->rules[0].name = long_name('a');
    h->rules[1].name = long_name('b');
}

static uint32_t parts_of(const struct world *w)
{
    struct header h;
    state_dump_header(w->dir, &h);
    uint32_t n = h.n_apart;
    assert_true(h.n_slots > 0 && h.n_topics == 2);
    header_release(&h);
    return n;
}

static void commits_do_not_repeat_the_rules(void **state)
{
    struct world *w = *state;
    world_begin_life(w);
    world_tick_to(w, 5);
    world_commit(w);
    world_tick_to(w, 6);
    world_commit(w);
    uint64_t plain = w->log.last_commit_bytes;
    world_end_life(w, false);
    assert_int_equal(parts_of(w), 0);
    name_rules(&w->rules);
    world_begin_life(w);
    world_tick_to(w, 7);
    world_commit(w);
    world_tick_to(w, 8);
    world_commit(w);
    print_message("%" PRIu64 " bytes a commit with 18,000 bytes of rules, %" PRIu64 " with few\n",
                  w->log.last_commit_bytes, plain);
    assert_true(w->log.last_commit_bytes < plain + 100);
    world_end_life(w, false);
    assert_int_equal(parts_of(w), 3);
    world_copy_is_what_the_changelog_says(w);
}

/* Fewer rules, then few: parts that are no more leave the database and the log. */
static void parts_that_are_no_more_leave(void **state)
{
    struct world *w = *state;
    struct rng rng = rng_seed(1);
    name_rules(&w->rules);
    world_begin_life(w);
    world_send_some(w, 0, 50);
    world_commit(w);
    world_end_life(w, true);
    w->rules.rules[1].name = SLICE_LIT("far");
    world_begin_life(w);
    world_commit(w);
    world_end_life(w, false);
    assert_int_equal(parts_of(w), 2);
    world_copy_is_what_the_changelog_says(w);
    w->rules.rules[0].name = SLICE_LIT("pair");
    world_begin_life(w);
    world_send_some(w, 50, 60);
    world_commit(w);
    world_end_life(w, true);
    world_begin_life(w);
    world_end_life(w, false);
    assert_int_equal(parts_of(w), 0);
    world_copy_is_what_the_changelog_says(w);
    w->log.now += 1;
    for (int i = 0; i < 60; i++) {
        sim_log_compact(&w->log, &rng, 0);
    }
    for (size_t i = 0; i < w->log.n_entries; i++) {
        assert_int_not_equal(w->log.entries[i].key[0], 2);
    }
}

static void drop_parts(struct world *w)
{
    const struct store_options so = {.dir = w->dir, .max_shards = 4};
    struct frozen f = {0};
    struct rules_apart stored;
    struct header h;
    struct store *s;
    struct store_txn *t;
    state_dump_header(w->dir, &h);
    stored = (struct rules_apart){h.n_apart, h.apart_hash};
    h.n_slots = 0; /* few rules: every part goes */
    rules_apart_freeze(&h, &stored, &f);
    assert_int_equal(f.n, 3);
    world_check(w, store_open(&so, &s, &w->err));
    world_check(w, store_open_shards(s, h.n_shards, &w->err));
    world_check(w, store_begin(s, &t, &w->err));
    world_check(w, store_del(t, h.n_shards, &f.ops[1].key, &w->err));
    world_check(w, store_commit(t, &w->err));
    store_close(s);
    header_release(&h);
    frozen_release(&f);
}

static void missing_parts_are_damage_or_restored(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT;
    name_rules(&w->rules);
    world_begin_life(w);
    world_send_some(w, 0, 50);
    world_commit(w);
    world_end_life(w, false);
    world_dump(w, &want);
    drop_parts(w);
    world_check(w, world_try_life(w));
    world_heard(w, "what its header tells of the rules is not what is stored");
    world_heard(w, "it is restored from the changelog");
    world_end_life(w, false);
    world_state_is(w, &want);
    buf_release(&want);
}

static void crashes_and_aborts_change_nothing(void **state)
{
    static const struct setting calm = {1, MUCH_MEMORY, 50, 5, 0, 0, 0};
    struct logs *l = xcalloc(1, sizeof(*l));
    struct rng rng = rng_seed(29);
    struct journal_outcome sum = {0};
    struct outcome want = {0};
    struct hand_rules rules;
    (void)state;
    hand_begin(&rules, 1);
    hand_pair(&rules, "pair", 40);
    hand_missing(&rules, "missing", 15);
    name_rules(&rules);
    logs_random(l, &rng, 1, 0);
    life_run(&rules.rs, l, &calm, 1, &want);
    journal_life_same_in_all(&rules.rs, l, 0, &want.alerts, &want.state, &sum);
    assert_true(sum.crashes > 10);
    outcome_release(&want);
    hand_end(&rules);
    free(l);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(commits_do_not_repeat_the_rules),
        T(parts_that_are_no_more_leave),
        T(missing_parts_are_damage_or_restored),
        cmocka_unit_test(crashes_and_aborts_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
