/* Checkpoints of the engine: states that do not fit, damage, budgets. Processes that are killed:
 * test_kill.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "engine/state/store.h"
#include "tests/support/hand_rules.h"
#include "tests/support/state_dump.h"

#define LOGINS 0
#define LOGOUTS 1
#define BOUND_MS 3

struct world {
    char dir[64];
    struct hand_rules rules;
    struct engine_options options;
    struct memory_sink sink;
    struct engine *engine;
    struct engine_summary summary;
    struct buf log;
    struct error err;
};

static void add_log(void *ctx, const char *line)
{
    buf_puts(ctx, line);
    buf_puts(ctx, "\n");
}

static void rules_begin(struct world *w)
{
    hand_begin(&w->rules, BOUND_MS);
    hand_pair(&w->rules, "pair", 40)->plan = 1;
    hand_missing(&w->rules, "missing", 15)->plan = 2;
    hand_single(&w->rules, "any_login")->plan = 3;
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    state_dir_make(w->dir);
    rules_begin(w);
    memory_sink_init(&w->sink);
    engine_options_init(&w->options);
    w->options.state_dir = w->dir;
    w->options.state_map_bytes = (size_t)64 << 20;
    w->options.shards = 4;
    w->options.log = add_log;
    w->options.log_ctx = &w->log;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    engine_free(w->engine);
    w->sink.sink.ops->close(&w->sink.sink);
    hand_end(&w->rules);
    buf_release(&w->log);
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

static const struct source_partition parts[] = {{.topic = LOGINS}, {.topic = LOGOUTS}};

static void open_engine(struct world *w)
{
    buf_clear(&w->log);
    check(w, engine_new(&w->rules.rs, &w->options, &w->engine, &w->err));
    check(w, engine_begin(w->engine, parts, 2, &w->sink.sink, &w->err));
}

static void close_engine(struct world *w)
{
    engine_free(w->engine);
    w->engine = NULL;
}

static enum err push(struct world *w, uint32_t topic, int64_t offset, const char *user,
                     int64_t at_ms)
{
    char payload[128];
    snprintf(payload, sizeof(payload), "{\"user\":\"%s\",\"at\":%" PRId64 "}", user, at_ms);
    struct record r = {
        .topic = topic, .offset = offset, .has_value = true, .value = slice_of(payload)};
    return engine_push(w->engine, &r, &w->err);
}

static int64_t position(struct world *w, uint32_t topic)
{
    const struct partition_position *pos;
    uint32_t n = engine_positions(w->engine, &pos);
    for (uint32_t i = 0; i < n; i++) {
        if (pos[i].topic == topic) {
            return pos[i].offset;
        }
    }
    return 0;
}

/* ---- what does not fit -------------------------------------------------------------------- */

static void commit_something(struct world *w)
{
    open_engine(w);
    check(w, push(w, LOGINS, 0, "bob", 1000));
    check(w, push(w, LOGINS, 1, "kim", 1010)); /* waits behind bob: read again */
    check(w, push(w, LOGOUTS, 0, "eve", 1010));
    check(w, engine_commit(w->engine, &w->err));
    close_engine(w);
}

static void check_refused(struct world *w, enum err code, const char *want)
{
    assert_int_equal(engine_new(&w->rules.rs, &w->options, &w->engine, &w->err), code);
    assert_null(w->engine);
    if (strstr(w->err.text, want) == NULL) {
        fail_msg("no \"%s\" in: %s", want, w->err.text);
    }
}

static void states_that_do_not_fit_are_refused(void **state)
{
    struct world *w = *state;
    commit_something(w);
    w->options.app = "other";
    check_refused(w, ERR_STATE, "by application \"fyke\", this is \"other\"");
    w->options.app = "fyke";
    w->options.shards = 8;
    check_refused(w, ERR_STATE, "4 shards, this run was asked for 8");
    w->options.shards = 0; /* as it was */
    w->rules.topics[1].name = SLICE_LIT("signouts");
    check_refused(w, ERR_RULES, "topic 2 is \"logouts\", in these rules it is \"signouts\"");
    w->options.reset_state = true;
    open_engine(w);
}

static void a_second_process_is_refused(void **state)
{
    struct world *w = *state;
    struct engine *first;
    open_engine(w);
    first = w->engine;
    w->engine = NULL;
    check_refused(w, ERR_STATE, "in use by process");
    engine_free(first);
}

static void damaged_values_are_an_error(void **state)
{
    struct world *w = *state;
    struct store_options o = {.dir = w->dir, .max_shards = 4};
    struct store *s;
    struct store_txn *t;
    commit_something(w);
    check(w, store_open(&o, &s, &w->err));
    check(w, store_open_shards(s, 4, &w->err));
    check(w, store_begin(s, &t, &w->err));
    struct record_key key = record_head_key((struct hash128){1, 2});
    check(w, store_put(t, 1, &key, SLICE_LIT("nothing that was ever a record"), &w->err));
    check(w, store_commit(t, &w->err));
    store_close(s);
    check(w, engine_new(&w->rules.rs, &w->options, &w->engine, &w->err));
    assert_int_equal(engine_begin(w->engine, parts, 2, &w->sink.sink, &w->err), ERR_CORRUPT);
    assert_non_null(strstr(w->err.text, "--reset-state"));
}

static void a_state_that_is_full_stops_the_run(void **state)
{
    struct world *w = *state;
    enum err rc = ERR_OK;
    char user[32];
    w->options.state_map_bytes = (size_t)1 << 20;
    commit_something(w);
    open_engine(w);
    for (int64_t i = 1; i < 20000; i++) {
        snprintf(user, sizeof(user), "user%" PRId64, i);
        check(w, push(w, LOGINS, i, user, 1000 + i / 1000));
    }
    check(w, push(w, LOGOUTS, 1, "eve", 1022));
    rc = engine_commit(w->engine, &w->err);
    assert_int_equal(rc, ERR_STATE);
    assert_non_null(strstr(w->err.text, "the last checkpoint stays valid"));
    assert_int_equal(engine_commit(w->engine, &w->err), ERR_STATE);
    close_engine(w);
    open_engine(w);
    assert_int_equal(position(w, LOGINS), 1);
}

/* ---- rules that change -------------------------------------------------------------------- */

static uint64_t alerts_of(struct world *w, uint32_t rule)
{
    engine_summary(w->engine, &w->summary);
    return w->summary.alerts[rule];
}

static void changed_rules_lose_their_state_and_others_keep_it(void **state)
{
    struct world *w = *state;
    open_engine(w);
    check(w, push(w, LOGINS, 0, "bob", 1000));
    check(w, push(w, LOGINS, 1, "zoe", 1005));
    check(w, push(w, LOGOUTS, 0, "eve", 1005));
    check(w, engine_commit(w->engine, &w->err));
    close_engine(w);
    w->rules.rules[1].plan = 77;
    open_engine(w);
    assert_non_null(strstr(buf_cstr(&w->log), "rule missing has changed"));
    assert_null(strstr(buf_cstr(&w->log), "rule pair"));
    check(w, push(w, LOGOUTS, 1, "bob", 1012));
    check(w, push(w, LOGINS, 2, "eve", 1012));
    check(w, push(w, LOGINS, 3, "eve", 1100));
    check(w, push(w, LOGOUTS, 2, "eve", 1100));
    check(w, engine_process(w->engine, &w->err));
    assert_int_equal(alerts_of(w, 0), 1); /* bob's pair over the restart */
    assert_int_equal(alerts_of(w, 1), 1); /* only eve: what was open before is gone */
    check(w, engine_commit(w->engine, &w->err));
    close_engine(w);
    open_engine(w);
    assert_int_equal(w->log.len, 0);
}

static void a_removed_rule_leaves_nothing(void **state)
{
    struct world *w = *state;
    uint64_t records;
    struct buf bytes = BUF_INIT;
    commit_something(w);
    hand_end(&w->rules);
    hand_begin(&w->rules, BOUND_MS);
    hand_single(&w->rules, "any_login")->plan = 3;
    open_engine(w);
    assert_non_null(strstr(buf_cstr(&w->log), "rule pair has been removed"));
    close_engine(w);
    state_dump(w->dir, &bytes, &records);
    assert_int_equal(records, 0);
    buf_release(&bytes);
}

/* ---- budgets ------------------------------------------------------------------------------ */

static void fill_keys(struct world *w, int64_t n)
{
    char user[32];
    for (int64_t i = 0; i < n; i++) {
        snprintf(user, sizeof(user), "user%" PRId64, i);
        check(w, push(w, LOGINS, i, user, 1000 + i / 25));
        if (i % 50 == 49) {
            check(w, push(w, LOGOUTS, i / 50, "nobody", 1000 + i / 25));
            check(w, engine_process(w->engine, &w->err));
            if (w->options.state_dir != NULL) {
                check(w, engine_commit(w->engine, &w->err));
            }
        }
    }
}

static void evicted_keys_keep_their_deadlines(void **state)
{
    struct world *w = *state;
    w->options.memory_bytes = 4 * 2048;
    open_engine(w);
    fill_keys(w, 500);
    engine_summary(w->engine, &w->summary);
    assert_true(w->summary.evicted > 100);
    assert_true(w->summary.live_keys > 300);
    check(w, engine_advance(w->engine, (struct etime){2000 * NS_PER_MS}, &w->err));
    assert_int_equal(alerts_of(w, 1), 500);
    assert_true(w->summary.loaded > 100);
    assert_int_equal(w->summary.live_keys, 0);
    assert_int_equal(w->summary.live_events, 0);
    check(w, engine_commit(w->engine, &w->err));
    close_engine(w);
    uint64_t records;
    struct buf bytes = BUF_INIT;
    state_dump(w->dir, &bytes, &records);
    assert_int_equal(records, 0);
    buf_release(&bytes);
}

static void without_a_directory_the_budget_is_only_told(void **state)
{
    struct world *w = *state;
    w->options.state_dir = NULL;
    w->options.memory_bytes = 4 * 2048;
    struct memory_source source;
    memory_source_init(&source, true);
    for (int64_t i = 0; i < 500; i++) {
        char payload[64];
        snprintf(payload, sizeof(payload), "{\"user\":\"u%" PRId64 "\",\"at\":%" PRId64 "}", i,
                 1000 + i / 25);
        memory_source_add(&source, LOGINS, 0, i, payload);
    }
    w->options.watermark_end = END_FLUSH;
    check(w, engine_new(&w->rules.rs, &w->options, &w->engine, &w->err));
    check(w, engine_run(w->engine, &source.source, &w->sink.sink, NULL, &w->err));
    assert_int_equal(alerts_of(w, 1), 500);
    const char *said = strstr(buf_cstr(&w->log), "--memory");
    assert_non_null(said);
    assert_null(strstr(said + 1, "--memory"));
    source.source.ops->close(&source.source);
}

static void flush_leaves_the_state_as_it_was(void **state)
{
    struct world *w = *state;
    struct buf before = BUF_INIT, after = BUF_INIT;
    commit_something(w);
    state_dump(w->dir, &before, NULL);
    w->options.watermark_end = END_FLUSH;
    open_engine(w);
    check(w, engine_finish(w->engine, &w->err));
    check(w, engine_commit(w->engine, &w->err));
    assert_int_equal(alerts_of(w, 1), 1);
    close_engine(w);
    state_dump(w->dir, &after, NULL);
    assert_true(slice_eq(buf_slice(&before), buf_slice(&after)));
    buf_release(&before);
    buf_release(&after);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(states_that_do_not_fit_are_refused),
        T(a_second_process_is_refused),
        T(damaged_values_are_an_error),
        T(a_state_that_is_full_stops_the_run),
        T(changed_rules_lose_their_state_and_others_keep_it),
        T(a_removed_rule_leaves_nothing),
        T(evicted_keys_keep_their_deadlines),
        T(without_a_directory_the_budget_is_only_told),
        T(flush_leaves_the_state_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
