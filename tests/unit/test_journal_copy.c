/* The state directory as a copy of the changelog: old, ahead, foreign, damaged, lost, imported, cut short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/memory.h"
#include "engine/state/store.h"
#include "tests/support/journal_world.h"
#include "tests/support/state_dump.h"

/* ---- the copy ----------------------------------------------------------------------------------- */

/* A copy that has bob's first event; what comes later deletes him. */
static void leave_an_old_copy(struct world *w)
{
    world_begin_life(w);
    world_send(w, LOGINS, "bob", 10);
    world_tick_to(w, 11);
    world_commit(w);
    world_end_life(w, false);
    world_keep_copy(w);
    world_begin_life(w);
    world_send(w, LOGOUTS, "bob", 12);
    world_tick_to(w, 13);
    world_commit(w);
    world_end_life(w, false);
}

/* `later` by the log's clock, which is the broker's. */
static void clean_log(struct world *w, int64_t later, int64_t keeps)
{
    struct rng rng = rng_seed(1);
    w->log.now += later;
    for (int i = 0; i < 40; i++) {
        sim_log_compact(&w->log, &rng, keeps);
    }
}

/* A deletion that the log has forgotten must not be missing in a copy. */
static void a_copy_two_days_old_is_not_used(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT;
    leave_an_old_copy(w);
    clean_log(w, 48 * HOUR_NS, 24 * HOUR_NS);
    world_dump(w, &want);
    world_restore_copy(w);
    world_check(w, world_try_life(w));
    world_heard(w, "it is so old that the changelog may have forgotten deletions since");
    world_end_life(w, false);
    world_state_is(w, &want);
    buf_release(&want);
}

/* What the log holds decides, not what a clock says. */
static void a_copy_of_any_age_is_used_while_the_log_has_all_deletions(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT;
    leave_an_old_copy(w);
    w->now += 48 * HOUR_NS;
    world_dump(w, &want);
    world_restore_copy(w);
    world_check(w, world_try_life(w));
    assert_null(strstr(buf_cstr(&w->said), "is not used"));
    world_heard(w, "entries restored from the changelog");
    world_end_life(w, false);
    world_state_is(w, &want);
    buf_release(&want);
}

/* A clock that ran ahead made an old copy pass as young once: whatever the machine's says, the log has
 * forgotten the deletion, and with it the mark that the copy knows. */
static void a_clock_that_ran_ahead_makes_no_old_copy_young(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT;
    w->now = 36 * HOUR_NS;
    leave_an_old_copy(w);
    w->now = 38 * HOUR_NS;
    clean_log(w, 26 * HOUR_NS, 24 * HOUR_NS);
    world_dump(w, &want);
    world_restore_copy(w);
    world_check(w, world_try_life(w));
    world_heard(w, "may have forgotten deletions since");
    world_end_life(w, false);
    world_state_is(w, &want);
    buf_release(&want);
}

enum copy_kind { NEWEST_COPY, OLD_COPY, NO_COPY };

/* Two lives, the machine's clock at other days, then one more; all that is there in the end. */
static void lives_by_the_clock(int64_t day, int64_t next_day, enum copy_kind copy, struct buf *ret)
{
    void *state;
    FYKE_CLEANUP(buf_release) struct buf dump = BUF_INIT;
    world_setup(&state);
    struct world *w = state;
    w->now = (100 + day) * 24 * HOUR_NS;
    leave_an_old_copy(w);
    w->now = (100 + next_day) * 24 * HOUR_NS + HOUR_NS;
    if (copy == OLD_COPY) {
        world_restore_copy(w);
    } else if (copy == NO_COPY) {
        world_forget_copy(w);
    }
    world_begin_life(w);
    world_send_some(w, 100, 160);
    world_commit(w);
    world_end_life(w, false);
    sim_log_sequences(&w->log, ret);
    world_dump(w, &dump);
    buf_put_slice(ret, buf_slice(&dump));
    world_teardown(&state);
}

/* The same log, the machine's clock a day ahead, a day behind, and set in between. */
static void the_clock_of_the_machine_has_no_say(void **state)
{
    static const int64_t days[][2] = {{0, 0}, {1, 1}, {-1, -1}, {1, -1}, {-1, 1}, {1, 0}, {0, 1}};
    FYKE_CLEANUP(buf_release) struct buf want = BUF_INIT;
    (void)state;
    lives_by_the_clock(0, 0, NEWEST_COPY, &want);
    assert_true(want.len > 1000);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(days); i++) {
        for (enum copy_kind copy = NEWEST_COPY; copy <= NO_COPY; copy++) {
            FYKE_CLEANUP(buf_release) struct buf got = BUF_INIT;
            lives_by_the_clock(days[i][0], days[i][1], copy, &got);
            assert_true(slice_eq(buf_slice(&want), buf_slice(&got)));
        }
    }
}

/* The log is cleaned behind the mark's being seen, before the deletion is read. */
static void deletions_that_go_while_the_log_is_read(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf want = BUF_INIT;
    bool heard = false;
    leave_an_old_copy(*state);
    world_dump(*state, &want);
    size_t n = ((struct world *)*state)->log.n_entries;
    for (uint64_t at = 1; at <= 3 * n; at++) {
        void *other;
        world_setup(&other);
        struct world *w = other;
        leave_an_old_copy(w);
        world_restore_copy(w);
        w->now++;
        w->log.clean_in = at;
        world_check(w, world_try_life(w));
        heard |= strstr(buf_cstr(&w->said), "forgot deletions while it was read") != NULL;
        world_end_life(w, false);
        w->log.clean_in = 0;
        world_state_is(w, &want);
        world_teardown(&other);
    }
    assert_true(heard);
}

static void a_copy_ahead_of_the_journal_is_refused(void **state)
{
    struct world *w = *state;
    world_begin_life(w);
    world_send_some(w, 0, 50);
    world_commit(w);
    size_t n = w->log.n_entries;
    uint64_t seq = w->log.positions[0].seq;
    world_send_some(w, 50, 90);
    world_commit(w);
    world_end_life(w, false);
    sim_log_truncate(&w->log, n);
    w->log.positions[0].seq = w->log.positions[1].seq = seq;
    world_refused(w, ERR_STATE, "holds commit 3, the journal's last is 2");
}

static void positions_without_their_header_are_refused(void **state)
{
    struct world *w = *state;
    world_begin_life(w);
    world_send_some(w, 0, 50);
    world_commit(w);
    world_end_life(w, false);
    w->log.positions[0].seq = w->log.positions[1].seq = 7;
    world_refused(w, ERR_STATE, "commit 7, but the changelog's last header is that of commit 2");
    sim_log_truncate(&w->log, 0);
    world_refused(w, ERR_STATE, "commit 7, but the changelog holds no header");
}

/* The positions are gone and the log is another, empty one: the copy alone knows that there was output. */
static void a_copy_of_another_log_is_no_first_start(void **state)
{
    struct world *w = *state;
    world_begin_life(w);
    world_send_some(w, 0, 50);
    world_commit(w);
    world_end_life(w, false);
    sim_log_expire_positions(&w->log);
    sim_log_truncate(&w->log, 0);
    w->log.identity = "another";
    world_refused(w, ERR_STATE, "holds commit 2, the journal has none");
    world_refused(w, ERR_STATE, "holds commit 2, the journal has none");
}

static void expired_positions_are_those_of_the_header(void **state)
{
    struct world *w = *state;
    world_begin_life(w);
    world_send_some(w, 0, 50);
    world_commit(w);
    int64_t at = w->log.positions[0].at.offset;
    world_end_life(w, true);
    sim_log_expire_positions(&w->log);
    world_check(w, world_try_life(w));
    world_begin_reading(w, 0);
    assert_true(at > 0);
    assert_int_equal(world_position_of(w, LOGINS), at);
}

/* They were ours once, and what came after them is committed: going on from there would say it twice. */
static void positions_of_an_older_commit_are_refused(void **state)
{
    struct world *w = *state;
    world_begin_life(w);
    world_send_some(w, 0, 50);
    world_commit(w);
    struct sim_position older = w->log.positions[0];
    world_send_some(w, 50, 100);
    world_commit(w);
    world_end_life(w, true);
    assert_true(w->log.positions[0].seq > older.seq);
    for (size_t i = 0; i < w->log.n_positions; i++) {
        w->log.positions[i].seq = older.seq;
    }
    assert_int_equal(world_try_life(w), ERR_STATE);
    assert_non_null(strstr(w->err.text, "but the changelog's last header is that of commit"));
}

static void a_damaged_copy_is_made_anew(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT;
    world_begin_life(w);
    world_send_some(w, 0, 200);
    world_commit(w);
    world_end_life(w, false);
    world_dump(w, &want);
    for (off_t at = 4096 * 2 + 100; at < 4096 * 14; at += 4096) {
        int fd = world_open_data(w, O_WRONLY);
        assert_int_equal(pwrite(fd, "damage damage damage damage", 27, at), 27);
        assert_int_equal(pwrite(fd, "damage damage damage damage", 27, at + 3900), 27);
        close(fd);
    }
    world_check(w, world_try_life(w));
    world_heard(w, "it is damaged; it is restored from the changelog");
    world_end_life(w, false);
    world_state_is(w, &want);
    buf_release(&want);
}

static void a_directory_that_goes_away_costs_a_restore(void **state)
{
    struct world *w = *state;
    world_begin_life(w);
    world_send_some(w, 0, 100);
    world_checkpoint(w);
    state_dir_remove(w->dir);
    world_send_some(w, 100, 200);
    world_checkpoint(w);
    world_end_life(w, false);
    assert_int_equal(mkdir(w->dir, 0700), 0);
    world_check(w, world_try_life(w));
    world_end_life(w, false);
    world_copy_is_what_the_changelog_says(w);
}

static void a_state_without_a_journal_is_never_deleted(void **state)
{
    struct world *w = *state;
    struct memory_sink sink;
    struct source_partition parts[] = {{.topic = LOGINS}, {.topic = LOGOUTS}};
    memory_sink_init(&sink);
    w->options.journal = NULL;
    world_check(w, engine_new(&w->rules.rs, &w->options, &w->engine, &w->err));
    world_check(w, engine_begin(w->engine, parts, 2, &sink.sink, &w->err));
    world_commit(w);
    world_end_life(w, false);
    world_refused(w, ERR_STATE, "was written without a changelog");
    sink.sink.ops->close(&sink.sink);
}

static void a_copy_without_its_journal_is_refused(void **state)
{
    struct world *w = *state;
    world_begin_life(w);
    world_end_life(w, false);
    w->options.journal = NULL;
    assert_int_equal(engine_new(&w->rules.rs, &w->options, &w->engine, &w->err), ERR_STATE);
    assert_non_null(strstr(w->err.text, "works exactly once, this one does not"));
}

static void a_reset_begins_a_new_log(void **state)
{
    struct world *w = *state;
    world_begin_life(w);
    world_send_some(w, 0, 100);
    world_commit(w);
    world_end_life(w, false);
    w->options.reset_state = true;
    w->n_sent = 0;
    w->offsets[0] = w->offsets[1] = 0;
    world_begin_life(w);
    world_send(w, LOGINS, "bob", 10);
    world_tick_to(w, 11);
    world_commit(w);
    world_end_life(w, false);
    w->options.reset_state = false;
    world_copy_is_what_the_changelog_says(w);
}

static void mark_imported(struct world *w)
{
    const struct store_options o = {.dir = w->dir, .max_shards = 4};
    const struct store_origin imported = {.position = 0};
    struct store *s;
    struct store_txn *t;
    world_check(w, store_open(&o, &s, &w->err));
    world_check(w, store_begin(s, &t, &w->err));
    world_check(w, store_put_origin(t, &imported, &w->err));
    world_check(w, store_commit(t, &w->err));
    store_close(s);
}

/* As a restart with broken files asks for them. */
static void stored_texts_are(struct world *w, const char *want)
{
    struct buf got = BUF_INIT;
    struct hash128 fingerprint;
    bool found = false;
    struct engine_options o = w->options;
    o.journal = sim_journal_new(&w->log);
    world_check(w, engine_stored_rules(&o, &got, &fingerprint, &found, &w->err));
    o.journal->ops->close(o.journal);
    assert_true(found);
    assert_string_equal(buf_cstr(&got), want);
    buf_release(&got);
}

static void an_imported_state_begins_the_log(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT;
    w->options.rule_texts = SLICE_LIT("the rules");
    world_begin_life(w);
    world_send_some(w, 0, 60);
    world_commit(w);
    world_end_life(w, false);
    world_dump(w, &want);
    mark_imported(w);
    world_refused(w, ERR_STATE, "was imported, but application \"fyke\" stands at commit 2 already");
    sim_log_release(&w->log);
    sim_log_init(&w->log);
    w->log.fault_in = 20;
    w->log.fault = SIM_CRASH;
    assert_int_equal(world_try_to_begin(w), ERR_IO);
    world_end_life(w, true);
    world_check(w, world_try_to_begin(w));
    world_end_life(w, false);
    world_state_is(w, &want);
    assert_int_equal(w->log.n_positions, 2);
    assert_int_equal(w->log.positions[0].seq, 3);
    world_copy_is_what_the_changelog_says(w);
    world_forget_copy(w);
    stored_texts_are(w, "the rules");
    buf_release(&want);
}

/* What was restored before a crash is not restored again, and half a header is none. */
static void a_recovery_that_is_cut_short_goes_on(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT;
    world_begin_life(w);
    world_send_some(w, 0, 60);
    w->log.max_value_bytes = 160;
    world_end_life(w, true);
    world_begin_life(w);
    world_commit(w);
    world_end_life(w, false);
    world_dump(w, &want);
    w->options.recovery_batch_bytes = 1;
    size_t n = w->log.n_entries, parts = 0;
    uint64_t most = 0;
    while (memcmp(w->log.entries[n - 1 - parts].key, "\0H", 2) == 0) {
        parts++; /* of the header */
    }
    assert_true(n > 20 && parts > 1);
    for (uint64_t read = n - 18; read <= n; read++) {
        world_forget_copy(w);
        w->log.fault_in = 1 + n + read; /* the header is looked for first */
        w->log.fault = SIM_CRASH;
        assert_int_equal(world_try_life(w), ERR_IO);
        world_end_life(w, true);
        world_check(w, world_try_life(w));
        char *told = strstr(buf_cstr(&w->said), ": ");
        assert_non_null(told);
        assert_null(strstr(buf_cstr(&w->said), "is not used"));
        uint64_t again = strtoull(told + 2, NULL, 10);
        most = again - (n - read) > most ? again - (n - read) : most;
        assert_true(again > n - read && again <= n - read + parts);
        world_heard(w, "entries restored from the changelog");
        world_end_life(w, false);
        world_state_is(w, &want);
    }
    assert_int_equal(most, parts); /* all of it, when its last part was missing */
    buf_release(&want);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_copy_two_days_old_is_not_used),
        T(a_copy_of_any_age_is_used_while_the_log_has_all_deletions),
        T(a_clock_that_ran_ahead_makes_no_old_copy_young),
        cmocka_unit_test(the_clock_of_the_machine_has_no_say),
        T(deletions_that_go_while_the_log_is_read),
        T(a_copy_ahead_of_the_journal_is_refused),
        T(positions_without_their_header_are_refused),
        T(a_copy_of_another_log_is_no_first_start),
        T(expired_positions_are_those_of_the_header),
        T(positions_of_an_older_commit_are_refused),
        T(a_damaged_copy_is_made_anew),
        T(a_directory_that_goes_away_costs_a_restore),
        T(a_state_without_a_journal_is_never_deleted),
        T(a_copy_without_its_journal_is_refused),
        T(a_reset_begins_a_new_log),
        T(an_imported_state_begins_the_log),
        T(a_recovery_that_is_cut_short_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
