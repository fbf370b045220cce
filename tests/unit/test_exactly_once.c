/* Exactly once, case by case: the ways in which a protocol of this kind goes wrong. At random:
 * test_journal.c; against a real broker: tests/integration/eos_matrix.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "engine/engine_parts.h"
#include "engine/store.h"
#include "tests/support/hand_rules.h"
#include "tests/support/journal_life.h"
#include "tests/support/state_dump.h"

#define LOGINS 0
#define LOGOUTS 1
#define HOUR_NS (3600 * NS_PER_S)

struct sent {
    uint32_t topic;
    int64_t offset, at_ms;
    char user[16];
};

struct world {
    char dir[64];
    struct hand_rules rules;
    struct sim_log log;
    struct engine_options options;
    struct journal *journal;
    struct engine *engine;
    struct sent *sent; /* what the topics hold */
    size_t n_sent, cap_sent, fed;
    int64_t offsets[2];
    int64_t now;
    struct buf said;
    volatile sig_atomic_t stop;
    const char *stop_at; /* a line that holds this stops the run */
    struct buf old_copy;
    struct error err;
};

static void hear(void *ctx, const char *line)
{
    struct world *w = ctx;
    buf_puts(&w->said, line);
    buf_puts(&w->said, "\n");
    if (w->stop_at != NULL && strstr(line, w->stop_at) != NULL) {
        w->stop = 1;
    }
}

static struct ptime now(void *ctx)
{
    const struct world *w = ctx;
    return (struct ptime){w->now};
}

static struct etime wall(void *ctx)
{
    const struct world *w = ctx;
    return (struct etime){w->now};
}

static void open_ended(struct rule *r, struct hand_rules *h)
{
    r->window = DURATION_INFINITE;
    rule_finish(r, &h->rs.arena);
}

/* `far` keeps what it saw for ever, without a timer; of its own key group. */
static void add_rules(struct hand_rules *h)
{
    hand_begin(h, 0);
    hand_pair(h, "pair", 40)->plan = 1;
    struct rule *far = hand_rule(h, "far", 2, 2);
    far->plan = 2;
    hand_test(far, 0, TEST_STEP, 0, 0, "a");
    hand_test(far, 1, TEST_STEP, 0, 1, "b");
    hand_sequence(h, far, 2, NO_TEST, 0);
    open_ended(far, h);
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    state_dir_make(w->dir);
    add_rules(&w->rules);
    sim_log_init(&w->log);
    engine_options_init(&w->options);
    w->options.state_dir = w->dir;
    w->options.state_map_bytes = (size_t)64 << 20;
    w->options.shards = 1;
    w->options.log = hear;
    w->options.log_ctx = w;
    w->options.clock = (struct engine_clock){.now = now, .wall = wall, .ctx = w};
    *state = w;
    return 0;
}

/* ---- lives -------------------------------------------------------------------------------- */

static void end_life(struct world *w, bool crash)
{
    if (w->engine != NULL) {
        (crash ? engine_abandon : engine_free)(w->engine);
        w->engine = NULL;
    }
    if (w->journal != NULL) {
        w->journal->ops->close(w->journal);
        w->journal = NULL;
    }
}

static int teardown(void **state)
{
    struct world *w = *state;
    end_life(w, true);
    hand_end(&w->rules);
    sim_log_release(&w->log);
    buf_release(&w->said);
    buf_release(&w->old_copy);
    free(w->sent);
    state_dir_remove(w->dir);
    free(w);
    return 0;
}

static void check(const struct world *w, enum err rc)
{
    if (rc != ERR_OK) {
        fail_msg("%s: %s", err_name(rc), w->err.text);
    }
}

static enum err try_life(struct world *w)
{
    buf_clear(&w->said);
    w->log.now = w->now;
    w->journal = sim_journal_new(&w->log);
    w->options.journal = w->journal;
    return engine_new(&w->rules.rs, &w->options, &w->engine, &w->err);
}

static int64_t position_of(struct world *w, uint32_t topic)
{
    const struct partition_position *pos;
    uint32_t n = engine_positions(w->engine, &pos);
    for (uint32_t i = 0; i < n; i++) {
        if (pos[i].topic == topic) {
            return pos[i].offset;
        }
    }
    return -1;
}

static void begin_reading(struct world *w, int64_t first_offset)
{
    struct source_partition parts[] = {{.topic = LOGINS, .first_offset = first_offset},
                                       {.topic = LOGOUTS, .first_offset = first_offset}};
    check(w, engine_begin(w->engine, parts, 2, sim_journal_sink(w->journal), &w->err));
}

/* With input and output open the state is taken over, and rules that are gone leave it. */
static enum err try_to_begin(struct world *w)
{
    struct source_partition parts[] = {{.topic = LOGINS}, {.topic = LOGOUTS}};
    FYKE_TRY(try_life(w));
    return engine_begin(w->engine, parts, 2, sim_journal_sink(w->journal), &w->err);
}

static enum err feed(struct world *w)
{
    for (; w->fed < w->n_sent; w->fed++) {
        const struct sent *s = &w->sent[w->fed];
        char payload[96];
        if (s->offset < position_of(w, s->topic)) {
            continue;
        }
        snprintf(payload, sizeof(payload), "{\"user\":\"%s\",\"at\":%" PRId64 "}", s->user,
                 s->at_ms);
        struct record r = {.topic = s->topic,
                           .offset = s->offset,
                           .has_value = true,
                           .value = slice_of(payload)};
        FYKE_TRY(engine_push(w->engine, &r, &w->err));
    }
    return ERR_OK;
}

/* Open, the start pinned, everything that was sent before read again. */
static void begin_life(struct world *w)
{
    check(w, try_life(w));
    begin_reading(w, 0);
    if (position_of(w, LOGINS) < 0) {
        check(w, engine_commit(w->engine, &w->err));
    }
    w->fed = 0;
    check(w, feed(w));
}

static void send(struct world *w, uint32_t topic, const char *user, int64_t at_ms)
{
    struct sent s = {.topic = topic, .offset = w->offsets[topic]++, .at_ms = at_ms};
    snprintf(s.user, sizeof(s.user), "%s", user);
    VEC_PUSH(w->sent, w->n_sent, w->cap_sent) = s;
    check(w, feed(w));
}

/* Both topics stand at this time: everything in front of it is decided. */
static void tick_to(struct world *w, int64_t at_ms)
{
    send(w, LOGINS, "clock", at_ms);
    send(w, LOGOUTS, "clock", at_ms);
}

static void commit(struct world *w)
{
    w->log.now = w->now;
    check(w, engine_commit(w->engine, &w->err));
}

static void wait_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static uint64_t checkpoints(struct world *w)
{
    struct engine_summary s;
    engine_summary(w->engine, &s);
    return s.checkpoints;
}

/* Everything committed is in the database. */
static void checkpoint(struct world *w)
{
    uint64_t before = checkpoints(w);
    w->now += w->options.checkpoint_every.ns;
    commit(w);
    while (checkpoints(w) == before) {
        wait_a_little();
        commit(w);
    }
}

static void dump(struct world *w, struct buf *out)
{
    state_dump(w->dir, out, NULL);
}

static void dump_from_changelog(struct world *w, struct buf *out)
{
    state_dir_remove(w->dir);
    assert_int_equal(mkdir(w->dir, 0700), 0);
    check(w, try_life(w));
    end_life(w, false);
    dump(w, out);
}

static void copy_is_what_the_changelog_says(struct world *w)
{
    struct buf copy = BUF_INIT, log = BUF_INIT;
    dump(w, &copy);
    dump_from_changelog(w, &log);
    assert_true(slice_eq(buf_slice(&copy), buf_slice(&log)));
    buf_release(&copy);
    buf_release(&log);
}

static void heard(const struct world *w, const char *words)
{
    struct buf said = w->said;
    if (said.len == 0 || strstr(buf_cstr(&said), words) == NULL) {
        fail_msg("no \"%s\" in: %.*s", words, (int)said.len, said.len ? said.ptr : "");
    }
}

static void refused(struct world *w, enum err want, const char *words)
{
    enum err rc = try_life(w);
    end_life(w, true);
    assert_int_equal(rc, want);
    if (strstr(w->err.text, words) == NULL) {
        fail_msg("no \"%s\" in: %s", words, w->err.text);
    }
}

/* ---- files -------------------------------------------------------------------------------- */

static int open_data(struct world *w, int flags)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/data.mdb", w->dir);
    return open(path, flags | O_CLOEXEC, 0600);
}

static void keep_copy(struct world *w)
{
    char chunk[65536];
    int fd = open_data(w, O_RDONLY);
    buf_clear(&w->old_copy);
    for (ssize_t n = read(fd, chunk, sizeof(chunk)); n > 0; n = read(fd, chunk, sizeof(chunk))) {
        buf_put(&w->old_copy, chunk, (size_t)n);
    }
    close(fd);
}

static void restore_copy(struct world *w)
{
    state_dir_remove(w->dir);
    assert_int_equal(mkdir(w->dir, 0700), 0);
    int fd = open_data(w, O_WRONLY | O_CREAT);
    assert_int_equal(write(fd, w->old_copy.ptr, w->old_copy.len), (ssize_t)w->old_copy.len);
    close(fd);
}

/* ---- reading through ---------------------------------------------------------------------- */

/* The database still has the record, the overlay knows that it is gone, memory knows nothing. */
static void deleted_then_an_event_before_the_checkpoint(void **state)
{
    struct world *w = *state;
    w->options.memory_bytes = 1;
    w->options.overlay_bytes = (size_t)64 << 20;
    begin_life(w);
    send(w, LOGOUTS, "kept", 1); /* in the database alone from then on: lookups must go there */
    send(w, LOGINS, "bob", 10);
    tick_to(w, 11);
    checkpoint(w);
    uint64_t before = checkpoints(w);
    send(w, LOGOUTS, "bob", 12); /* bob's pair is complete, his record gone */
    tick_to(w, 13);
    commit(w);
    send(w, LOGOUTS, "bob", 14);
    tick_to(w, 15);
    commit(w);
    assert_int_equal(checkpoints(w), before);
    size_t pairs = 0;
    for (size_t i = 0; i < w->log.n_alerts; i++) {
        pairs += strcmp(w->log.alerts[i].rule, "pair") == 0 &&
                 strstr(w->log.alerts[i].value, "\"bob\"") != NULL;
    }
    assert_int_equal(pairs, 1);
    end_life(w, false);
    copy_is_what_the_changelog_says(w);
}

/* ---- aborts ------------------------------------------------------------------------------- */

static void send_some(struct world *w, int from, int to)
{
    char user[16];
    for (int i = from; i < to; i++) {
        snprintf(user, sizeof(user), "u%d", i % 23);
        send(w, i % 3 == 0 ? LOGOUTS : LOGINS, user, i);
    }
}

static void after_an_abort_every_record_is_as_committed(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT, got = BUF_INIT;
    begin_life(w);
    send_some(w, 0, 200);
    commit(w);
    end_life(w, false);
    dump(w, &want);
    for (uint64_t call = 1; call < 40; call += 3) {
        begin_life(w);
        send_some(w, 200, 260);
        w->log.fault_in = call;
        w->log.fault = SIM_ABORT;
        assert_int_equal(engine_commit(w->engine, &w->err), ERR_ABORTED);
        end_life(w, false); /* writes what is committed, nothing of what is in memory */
        dump(w, &got);
        assert_true(slice_eq(buf_slice(&want), buf_slice(&got)));
        w->n_sent -= 60;
        w->offsets[LOGOUTS] -= 20;
        w->offsets[LOGINS] -= 40;
    }
    copy_is_what_the_changelog_says(w);
    buf_release(&want);
    buf_release(&got);
}

static void who_comes_later_shuts_out_who_was_there(void **state)
{
    struct world *w = *state;
    begin_life(w);
    send_some(w, 0, 50);
    struct journal *other = sim_journal_new(&w->log);
    check(w, other->ops->open(other, false, &w->err));
    uint64_t commits = w->log.commits;
    assert_int_equal(engine_commit(w->engine, &w->err), ERR_KAFKA);
    assert_true(w->err.fatal);
    assert_int_equal(w->log.commits, commits);
    end_life(w, false);
    other->ops->close(other);
}

/* ---- the first start ---------------------------------------------------------------------- */

/* `latest` is another place at every start: what the first one found holds. */
static void killed_before_the_first_commit(void **state)
{
    struct world *w = *state;
    for (uint64_t call = 1; call <= 4; call++) {
        check(w, try_life(w));
        begin_reading(w, (int64_t)call);
        w->log.fault_in = call;
        w->log.fault = SIM_CRASH;
        enum err rc = engine_commit(w->engine, &w->err);
        end_life(w, true);
        if (rc == ERR_OK) {
            break; /* a commit of nothing has fewer calls */
        }
        assert_int_equal(w->log.n_positions, 0);
    }
    w->log.fault_in = 0;
    w->log.n_positions = 0;
    sim_log_truncate(&w->log, 0);
    state_dir_remove(w->dir);
    assert_int_equal(mkdir(w->dir, 0700), 0);
    check(w, try_life(w));
    begin_reading(w, 5);
    w->log.fault_in = 3;
    w->log.fault = SIM_CRASH_AFTER;
    assert_int_equal(engine_commit(w->engine, &w->err), ERR_IO);
    end_life(w, true);
    check(w, try_life(w));
    begin_reading(w, 9);
    assert_int_equal(position_of(w, LOGINS), 5);
    assert_int_equal(position_of(w, LOGOUTS), 5);
}

/* ---- the copy ----------------------------------------------------------------------------- */

/* A deletion that the log has forgotten must not be missing in a copy. */
static void a_copy_two_days_old_is_not_used(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT, got = BUF_INIT;
    struct rng rng = rng_seed(1);
    begin_life(w);
    send(w, LOGINS, "bob", 10);
    tick_to(w, 11);
    commit(w);
    end_life(w, false);
    keep_copy(w);
    begin_life(w);
    send(w, LOGOUTS, "bob", 12);
    tick_to(w, 13);
    commit(w);
    end_life(w, false);
    w->now += 48 * HOUR_NS;
    w->log.now = w->now;
    for (int i = 0; i < 40; i++) {
        sim_log_compact(&w->log, &rng, 24 * HOUR_NS);
    }
    dump(w, &want);
    restore_copy(w);
    check(w, try_life(w));
    heard(w, "it is 2d old, and after 12h the changelog may have forgotten deletions");
    end_life(w, false);
    dump(w, &got);
    assert_true(slice_eq(buf_slice(&want), buf_slice(&got)));
    buf_release(&want);
    buf_release(&got);
}

static void a_copy_ahead_of_the_journal_is_refused(void **state)
{
    struct world *w = *state;
    begin_life(w);
    send_some(w, 0, 50);
    commit(w);
    size_t n = w->log.n_entries;
    uint64_t seq = w->log.positions[0].seq;
    send_some(w, 50, 90);
    commit(w);
    end_life(w, false);
    sim_log_truncate(&w->log, n);
    w->log.positions[0].seq = w->log.positions[1].seq = seq;
    refused(w, ERR_STATE, "holds commit 3, the journal's last is 2");
}

static void positions_without_their_header_are_refused(void **state)
{
    struct world *w = *state;
    begin_life(w);
    send_some(w, 0, 50);
    commit(w);
    end_life(w, false);
    w->log.positions[0].seq = w->log.positions[1].seq = 7;
    refused(w, ERR_STATE, "commit 7, but the changelog's last header is that of commit 2");
    sim_log_truncate(&w->log, 0);
    refused(w, ERR_STATE, "commit 7, but the changelog holds no header");
}

/* The positions are gone and the log is another, empty one: the copy alone knows that there was output. */
static void a_copy_of_another_log_is_no_first_start(void **state)
{
    struct world *w = *state;
    begin_life(w);
    send_some(w, 0, 50);
    commit(w);
    end_life(w, false);
    sim_log_expire_positions(&w->log);
    sim_log_truncate(&w->log, 0);
    w->log.identity = "another";
    refused(w, ERR_STATE, "holds commit 2, the journal has none");
    refused(w, ERR_STATE, "holds commit 2, the journal has none");
}

static void expired_positions_are_those_of_the_header(void **state)
{
    struct world *w = *state;
    begin_life(w);
    send_some(w, 0, 50);
    commit(w);
    int64_t at = position_of(w, LOGINS);
    (void)at;
    end_life(w, true);
    sim_log_expire_positions(&w->log);
    check(w, try_life(w));
    begin_reading(w, 0);
    assert_true(position_of(w, LOGINS) > 0);
}

static void a_damaged_copy_is_made_anew(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT, got = BUF_INIT;
    begin_life(w);
    send_some(w, 0, 200);
    commit(w);
    end_life(w, false);
    dump(w, &want);
    for (off_t at = 4096 * 2 + 100; at < 4096 * 14; at += 4096) {
        int fd = open_data(w, O_WRONLY);
        assert_int_equal(pwrite(fd, "damage damage damage damage", 27, at), 27);
        assert_int_equal(pwrite(fd, "damage damage damage damage", 27, at + 3900), 27);
        close(fd);
    }
    check(w, try_life(w));
    heard(w, "it is damaged; it is restored from the changelog");
    end_life(w, false);
    dump(w, &got);
    assert_true(slice_eq(buf_slice(&want), buf_slice(&got)));
    buf_release(&want);
    buf_release(&got);
}

static void a_directory_that_goes_away_costs_a_restore(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT, got = BUF_INIT;
    begin_life(w);
    send_some(w, 0, 100);
    checkpoint(w);
    state_dir_remove(w->dir);
    send_some(w, 100, 200);
    checkpoint(w);
    end_life(w, false);
    assert_int_equal(mkdir(w->dir, 0700), 0);
    check(w, try_life(w));
    end_life(w, false);
    dump(w, &got);
    dump_from_changelog(w, &want);
    assert_true(slice_eq(buf_slice(&want), buf_slice(&got)));
    buf_release(&want);
    buf_release(&got);
}

static void a_state_without_a_journal_is_never_deleted(void **state)
{
    struct world *w = *state;
    struct memory_sink sink;
    struct source_partition parts[] = {{.topic = LOGINS}, {.topic = LOGOUTS}};
    memory_sink_init(&sink);
    w->options.journal = NULL;
    check(w, engine_new(&w->rules.rs, &w->options, &w->engine, &w->err));
    check(w, engine_begin(w->engine, parts, 2, &sink.sink, &w->err));
    commit(w);
    end_life(w, false);
    refused(w, ERR_STATE, "was written without a changelog");
    sink.sink.ops->close(&sink.sink);
}

static void a_copy_without_its_journal_is_refused(void **state)
{
    struct world *w = *state;
    begin_life(w);
    end_life(w, false);
    w->options.journal = NULL;
    assert_int_equal(engine_new(&w->rules.rs, &w->options, &w->engine, &w->err), ERR_STATE);
    assert_non_null(strstr(w->err.text, "works exactly once, this one does not"));
}

static void a_reset_begins_a_new_log(void **state)
{
    struct world *w = *state;
    begin_life(w);
    send_some(w, 0, 100);
    commit(w);
    end_life(w, false);
    w->options.reset_state = true;
    w->n_sent = 0;
    w->offsets[0] = w->offsets[1] = 0;
    begin_life(w);
    send(w, LOGINS, "bob", 10);
    tick_to(w, 11);
    commit(w);
    end_life(w, false);
    w->options.reset_state = false;
    copy_is_what_the_changelog_says(w);
}

static void forget_copy(struct world *w)
{
    state_dir_remove(w->dir);
    assert_int_equal(mkdir(w->dir, 0700), 0);
}

static void mark_imported(struct world *w)
{
    const struct store_options o = {.dir = w->dir, .max_shards = 4};
    const struct store_origin imported = {.position = 0};
    struct store *s;
    struct store_txn *t;
    check(w, store_open(&o, &s, &w->err));
    check(w, store_begin(s, &t, &w->err));
    check(w, store_put_origin(t, &imported, &w->err));
    check(w, store_commit(t, &w->err));
    store_close(s);
}

static void an_imported_state_begins_the_log(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT, got = BUF_INIT;
    begin_life(w);
    send_some(w, 0, 60);
    commit(w);
    end_life(w, false);
    dump(w, &want);
    mark_imported(w);
    refused(w, ERR_STATE, "was imported, but application \"fyke\" stands at commit 2 already");
    sim_log_release(&w->log);
    sim_log_init(&w->log);
    w->log.fault_in = 20;
    w->log.fault = SIM_CRASH;
    assert_int_equal(try_to_begin(w), ERR_IO);
    end_life(w, true);
    check(w, try_to_begin(w));
    end_life(w, false);
    dump(w, &got);
    assert_true(slice_eq(buf_slice(&want), buf_slice(&got)));
    assert_int_equal(w->log.n_positions, 2);
    assert_int_equal(w->log.positions[0].seq, 3);
    copy_is_what_the_changelog_says(w);
    buf_release(&want);
    buf_release(&got);
}

/* What was restored before a crash is not restored again, and half a header is none. */
static void a_recovery_that_is_cut_short_goes_on(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT, got = BUF_INIT;
    begin_life(w);
    send_some(w, 0, 60);
    w->log.max_value_bytes = 160;
    end_life(w, true);
    begin_life(w);
    commit(w);
    end_life(w, false);
    dump(w, &want);
    w->options.recovery_batch_bytes = 1;
    size_t n = w->log.n_entries, parts = 0;
    uint64_t most = 0;
    while (w->log.entries[n - 1 - parts].key[0] == 0) {
        parts++; /* of the header */
    }
    assert_true(n > 20 && parts > 1);
    for (uint64_t read = n - 18; read <= n; read++) {
        forget_copy(w);
        w->log.fault_in = 1 + n + read; /* the header is looked for first */
        w->log.fault = SIM_CRASH;
        assert_int_equal(try_life(w), ERR_IO);
        end_life(w, true);
        check(w, try_life(w));
        char *told = strstr(buf_cstr(&w->said), ": ");
        assert_non_null(told);
        assert_null(strstr(buf_cstr(&w->said), "is not used"));
        uint64_t again = strtoull(told + 2, NULL, 10);
        most = again - (n - read) > most ? again - (n - read) : most;
        assert_true(again > n - read && again <= n - read + parts);
        heard(w, "entries restored from the changelog");
        end_life(w, false);
        dump(w, &got);
        assert_true(slice_eq(buf_slice(&want), buf_slice(&got)));
    }
    assert_int_equal(most, parts); /* all of it, when its last part was missing */
    buf_release(&want);
    buf_release(&got);
}

/* ---- rules that are gone -------------------------------------------------------------------- */

/* What leaves the state with a rule leaves the changelog with it, and a crash at any step of that is
 * one like any other. */
static void a_rule_that_is_gone_leaves_the_changelog(void **state)
{
    static const enum sim_fault kinds[] = {SIM_ABORT, SIM_CRASH, SIM_CRASH_AFTER};
    struct world *w = *state;
    struct buf want = BUF_INIT, got = BUF_INIT;
    uint64_t ended = 0;
    begin_life(w);
    send_some(w, 0, 60);
    commit(w);
    end_life(w, false);
    const size_t n = w->log.n_entries;
    const uint64_t seq = w->log.positions[0].seq;
    w->rules.rules[1].plan = 9; /* `far` is another rule now */
    check(w, try_to_begin(w));
    heard(w, "rule far has changed: its open partial matches are dropped");
    end_life(w, false);
    dump(w, &want);
    const uint64_t calls = w->log.n_entries - n + 2;
    assert_true(calls > 4);
    for (uint64_t call = 0; call < 3 * calls; call++) {
        sim_log_truncate(&w->log, n); /* as it was before */
        w->log.positions[0].seq = w->log.positions[1].seq = seq;
        forget_copy(w);
        w->log.fault = kinds[call % 3];
        w->log.fault_in = 1 + call / 3 + (w->log.fault == SIM_ABORT ? 0 : 2 * n + 1);
        enum err rc = try_to_begin(w);
        assert_true(rc == ERR_OK || rc == ERR_ABORTED || rc == ERR_IO);
        ended += rc != ERR_OK;
        end_life(w, rc == ERR_IO);
        w->log.fault_in = 0;
        check(w, try_to_begin(w));
        end_life(w, false);
        dump(w, &got);
        assert_true(slice_eq(buf_slice(&want), buf_slice(&got)));
    }
    assert_true(ended > calls);
    copy_is_what_the_changelog_says(w);
    buf_release(&want);
    buf_release(&got);
}

/* A topic that no rule names any more has no number: what is committed at the start leaves it out. */
static void a_topic_that_is_gone_has_no_position(void **state)
{
    struct world *w = *state;
    begin_life(w);
    send_some(w, 0, 60);
    commit(w);
    end_life(w, false);
    hand_end(&w->rules);
    hand_begin(&w->rules, 0);
    hand_single(&w->rules, "any_login");
    w->rules.rs.n_topics = w->rules.rs.n_decls = 1;
    const uint64_t commits = w->log.commits;
    const struct source_partition logins = {.topic = LOGINS};
    check(w, try_life(w));
    check(w, engine_begin(w->engine, &logins, 1, sim_journal_sink(w->journal), &w->err));
    heard(w, "rule pair has been removed");
    assert_int_equal(w->log.commits, commits + 1);
    for (size_t i = 0; i < w->log.n_positions; i++) {
        assert_int_equal(w->log.positions[i].seq, w->log.positions[i].at.topic == LOGINS ? 3 : 2);
    }
}

/* ---- reading again -------------------------------------------------------------------------- */

static void end_reached(struct world *w, uint32_t topic, int64_t offset)
{
    const struct partition_position at = {topic, 0, offset, 0};
    idle_note_end(w->engine, &at);
}

/* A leader that has just taken over may show less than what was read before: what still waits for
 * its turn comes after that end. */
static void an_end_in_front_of_what_was_read_ends_nothing(void **state)
{
    struct world *w = *state;
    begin_life(w);
    send(w, LOGINS, "bob", 10); /* waits for the logouts */
    send(w, LOGINS, "eve", 11);
    commit(w);
    end_life(w, true);
    check(w, try_life(w));
    begin_reading(w, 0);
    assert_int_equal(position_of(w, LOGINS), 0);
    end_reached(w, LOGINS, 0);
    w->fed = 0;
    check(w, feed(w));
    end_reached(w, LOGINS, 2);
    send(w, LOGOUTS, "bob", 12);
    tick_to(w, 13);
    commit(w);
    assert_int_equal(w->log.n_alerts, 1);
    assert_string_equal(w->log.alerts[0].rule, "pair");
}

/* What a partition lets through by falling silent is committed like what a record brings. */
static void an_idle_partition_is_worth_a_commit(void **state)
{
    struct world *w = *state;
    w->rules.topics[LOGOUTS].idle_after.ns = 5 * NS_PER_MS;
    begin_life(w);
    send(w, LOGINS, "bob", 10);
    commit(w);
    assert_false(w->engine->dirty);
    end_reached(w, LOGOUTS, 0);
    w->now += 10 * NS_PER_MS;
    idle_check(w->engine);
    assert_true(w->engine->dirty);
}

/* ---- idleness ------------------------------------------------------------------------------- */

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
    case SEND: send(w, s->topic, s->user, s->at_ms); break;
    case FALL_SILENT:
        end_reached(w, s->topic, w->offsets[s->topic]);
        w->now += 10 * NS_PER_MS;
        idle_check(w->engine);
        break;
    case COMMIT: commit(w); break;
    }
}

/* The process dies behind step `crash`; what was not committed comes again, advances included. */
static void carry_out_all(struct world *w, const struct step *steps, size_t n, size_t crash)
{
    size_t committed = 0, n_sent = 0;
    int64_t offsets[2] = {0, 0};
    w->rules.topics[LOGOUTS].idle_after.ns = 5 * NS_PER_MS;
    begin_life(w);
    for (size_t i = 0; i < n; i++) {
        carry_out(w, &steps[i]);
        if (steps[i].kind == COMMIT) {
            committed = i + 1;
            n_sent = w->n_sent;
            memcpy(offsets, w->offsets, sizeof(offsets));
        }
        if (i == crash) {
            end_life(w, true);
            w->n_sent = n_sent;
            memcpy(w->offsets, offsets, sizeof(offsets));
            begin_life(w);
            i = committed - 1; /* 0 - 1 + 1 is the first */
            crash = n;
        }
    }
    end_life(w, false);
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
    dump(w, &state);
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
        setup(&other);
        carry_out_all(other, silent_steps, n, crash);
        buf_clear(&got);
        take_outcome(other, &got);
        if (!slice_eq(buf_slice(&want), buf_slice(&got))) {
            fail_msg("a crash behind step %zu changes alerts or state", crash);
        }
        teardown(&other);
    }
    buf_release(&want);
    buf_release(&got);
}

/* ---- space -------------------------------------------------------------------------------- */

/* The output goes on while there is room in memory; nothing is lost when there is space again. */
static void a_full_database_stops_nothing_that_is_committed(void **state)
{
    struct world *w = *state;
    char user[16];
    w->options.state_map_bytes = (size_t)256 << 10;
    w->options.checkpoint_every.ns = 0;
    begin_life(w);
    for (int i = 0; i < 4000; i++) {
        snprintf(user, sizeof(user), "u%d", i);
        send(w, LOGOUTS, user, i);
        if (i % 100 == 0) {
            send(w, LOGINS, "clock", i);
            commit(w);
            wait_a_little();
        }
    }
    heard(w, "has reached its limit of 0 MiB");
    commit(w);
    end_life(w, false);
    w->options.state_map_bytes = (size_t)64 << 20;
    check(w, try_life(w));
    heard(w, "entries restored from the changelog");
    end_life(w, false);
    copy_is_what_the_changelog_says(w);
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
    check(w, try_life(w));
    check(w, engine_run(w->engine, &source.source, sim_journal_sink(w->journal), &w->stop,
                        &w->err));
    assert_true(w->stop == 1);
    assert_true(source.at < source.n_records);
    end_life(w, false);
    source.source.ops->close(&source.source);
    w->options.state_map_bytes = (size_t)64 << 20;
    check(w, try_life(w));
    end_life(w, false);
    copy_is_what_the_changelog_says(w);
}

/* ---- sizes -------------------------------------------------------------------------------- */

/* `n` open candidates of one key: what a commit writes follows what came, not what is kept. */
static uint64_t largest_late_commit(struct world *w, int n)
{
    uint64_t largest = 0;
    w->options.nfa.max_runs = 10000000;
    w->log.max_value_bytes = 64 << 10;
    begin_life(w);
    for (int i = 0; i < n; i++) {
        send(w, LOGINS, "bob", i / 100);
        if (i % 1000 == 999) {
            send(w, LOGOUTS, "clock", i / 100);
            commit(w);
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

/* ---- what stays --------------------------------------------------------------------------- */

static void keys_seen_once_leave_nothing_in_the_log(void **state)
{
    struct world *w = *state;
    struct rng rng = rng_seed(3);
    char user[16];
    begin_life(w);
    for (int i = 0; i < 20000; i++) {
        snprintf(user, sizeof(user), "u%d", i);
        send(w, LOGINS, user, i / 10);
        if (i % 1000 == 0) {
            commit(w);
        }
    }
    send(w, LOGINS, "clock", 10000);
    send(w, LOGOUTS, "nobody", 10000);
    for (int i = 0; i < 20; i++) { /* deadlines fire in slices */
        commit(w);
    }
    end_life(w, false);
    copy_is_what_the_changelog_says(w);
    w->log.now += 1;
    for (int i = 0; i < 60; i++) {
        sim_log_compact(&w->log, &rng, 0);
    }
    print_message("%zu entries left\n", w->log.n_entries);
    assert_true(w->log.n_entries < 8);
    copy_is_what_the_changelog_says(w);
}

static void what_a_flush_brings_is_refused(void **state)
{
    struct world *w = *state;
    w->options.watermark_end = END_FLUSH;
    refused(w, ERR_USAGE, "cannot be exactly once");
}

/* ---- every step --------------------------------------------------------------------------- */

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

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(deleted_then_an_event_before_the_checkpoint),
        T(after_an_abort_every_record_is_as_committed),
        T(who_comes_later_shuts_out_who_was_there),
        T(killed_before_the_first_commit),
        T(a_copy_two_days_old_is_not_used),
        T(a_copy_ahead_of_the_journal_is_refused),
        T(positions_without_their_header_are_refused),
        T(a_copy_of_another_log_is_no_first_start),
        T(expired_positions_are_those_of_the_header),
        T(a_damaged_copy_is_made_anew),
        T(a_directory_that_goes_away_costs_a_restore),
        T(a_state_without_a_journal_is_never_deleted),
        T(a_copy_without_its_journal_is_refused),
        T(a_reset_begins_a_new_log),
        T(an_imported_state_begins_the_log),
        T(a_recovery_that_is_cut_short_goes_on),
        T(a_rule_that_is_gone_leaves_the_changelog),
        T(a_topic_that_is_gone_has_no_position),
        T(an_end_in_front_of_what_was_read_ends_nothing),
        T(an_idle_partition_is_worth_a_commit),
        T(idle_decisions_and_older_events_across_crashes),
        T(a_full_database_stops_nothing_that_is_committed),
        T(a_full_overlay_waits_and_can_be_stopped),
        T(one_key_with_100000_candidates_writes_what_changed),
        T(keys_seen_once_leave_nothing_in_the_log),
        T(what_a_flush_brings_is_refused),
        cmocka_unit_test(a_budget_of_ten_records_and_an_end_at_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
