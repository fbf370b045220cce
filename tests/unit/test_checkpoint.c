/* Checkpoints of the engine: processes killed at every step, states that do not fit, budgets. */
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
#include "engine/store.h"
#include "tests/support/hand_rules.h"
#include "tests/support/state_dump.h"

#define LOGINS 0
#define LOGOUTS 1
#define BOUND_MS 3

struct world {
    char dir[64];
    char alerts[80]; /* file */
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
    snprintf(w->alerts, sizeof(w->alerts), "%s/alerts", w->dir);
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

/* ---- processes that are killed ------------------------------------------------------------ */

#define N_RECORDS 400

/* Record i of a log that every process sees alike; even ones are logins. */
static void record_at(int64_t i, char user[16], int64_t *at_ms)
{
    struct rng rng = rng_seed((uint64_t)i + 1);
    snprintf(user, 16, "u%d", (int)rng_below(&rng, 15));
    *at_ms = i - rng_range(&rng, 0, BOUND_MS + 1);
}

/* A sink that appends to a file: what it wrote before a kill has got out. */
struct file_sink {
    struct sink sink;
    int fd;
};

static enum err file_write(struct sink *s, const struct out_record *r, struct error *err)
{
    struct file_sink *f = (struct file_sink *)(void *)s;
    char line[2048];
    int n = snprintf(line, sizeof(line), "%.*s\n", SLICE_ARG(r->value));
    return write(f->fd, line, (size_t)n) == n ? ERR_OK : error_set(err, ERR_IO, "write");
}

static enum err file_flush(struct sink *s, struct error *err)
{
    (void)s;
    (void)err;
    return ERR_OK;
}

static const struct sink_ops file_ops = {file_write, file_flush, NULL};

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

static enum err push_record(struct world *w, int64_t i)
{
    char user[16];
    int64_t at_ms;
    record_at(i, user, &at_ms);
    return push(w, i % 2 == 0 ? LOGINS : LOGOUTS, i / 2, user, at_ms);
}

/* A kill can cut a write at the end of a page: what is left of the line is no alert. */
static int open_alerts(const struct world *w)
{
    int fd = open(w->alerts, O_RDWR | O_CREAT | O_APPEND, 0600);
    off_t end = lseek(fd, 0, SEEK_END);
    char last = '\n';
    if (end > 0) {
        assert_int_equal(pread(fd, &last, 1, end - 1), 1);
    }
    if (last != '\n') {
        assert_int_equal(write(fd, "\n", 1), 1);
    }
    return fd;
}

/* Reads both partitions in turns from where the state says; commits every so many records. */
static enum err whole_run(struct world *w, int64_t commit_every)
{
    struct file_sink out = {{&file_ops}, open_alerts(w)};
    enum err rc = engine_new(&w->rules.rs, &w->options, &w->engine, &w->err);
    if (rc != ERR_OK || (rc = engine_begin(w->engine, parts, 2, &out.sink, &w->err)) != ERR_OK) {
        return rc;
    }
    int64_t at[2] = {position(w, LOGINS), position(w, LOGOUTS)};
    for (int64_t n = 1; rc == ERR_OK && (at[0] < N_RECORDS || at[1] < N_RECORDS); n++) {
        int64_t p = at[0] <= at[1] ? 0 : 1;
        rc = push_record(w, 2 * at[p]++ + p);
        if (rc == ERR_OK && n % 5 == 0) {
            rc = engine_process(w->engine, &w->err);
        }
        if (rc == ERR_OK && n % commit_every == 0) {
            rc = engine_commit(w->engine, &w->err);
        }
    }
    if (rc == ERR_OK && (rc = engine_finish(w->engine, &w->err)) == ERR_OK) {
        rc = engine_commit(w->engine, &w->err);
    }
    return rc;
}

/* True: it came to its end. `after_us` > 0: killed after that time. */
static bool run_in_child(struct world *w, const char *fault, int64_t commit_every, long after_us)
{
    pid_t child = fork();
    if (child == 0) {
        w->options.fault = fault;
        enum err rc = whole_run(w, commit_every);
        if (rc != ERR_OK) {
            fprintf(stderr, "%s\n", w->err.text);
        }
        _exit(rc == ERR_OK ? 0 : 1);
    }
    int status;
    if (after_us > 0) {
        nanosleep(&(struct timespec){.tv_nsec = after_us * 1000}, NULL);
        kill(child, SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return false;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The different lines of the alert file, sorted; how often one stood there again. */
static size_t alert_set(const struct world *w, struct buf *out)
{
    char **lines = NULL, *line = NULL;
    size_t n = 0, cap = 0, bytes = 0, repeated = 0;
    FILE *f = fopen(w->alerts, "r");
    assert_non_null(f);
    for (ssize_t len = getline(&line, &bytes, f); len > 0; len = getline(&line, &bytes, f)) {
        if (len > 2 && line[len - 2] == '}' && strstr(line, "\"ruleset\"") != NULL) {
            VEC_PUSH(lines, n, cap) = xstrdup(line);
        }
    }
    fclose(f);
    free(line);
    qsort(lines, n, sizeof(*lines), by_text);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && strcmp(lines[i], lines[i - 1]) == 0) {
            repeated++;
        } else {
            buf_puts(out, lines[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        free(lines[i]);
    }
    free(lines);
    return repeated;
}

struct outcome {
    struct buf alerts, state;
};

static void outcome_of(struct world *w, struct outcome *ret, size_t *repeated)
{
    *repeated = alert_set(w, &ret->alerts);
    state_dump(w->dir, &ret->state, NULL);
}

static void outcome_release(struct outcome *o)
{
    buf_release(&o->alerts);
    buf_release(&o->state);
}

static void begin_anew(struct world *w)
{
    unlink(w->alerts);
    state_dir_remove(w->dir);
    assert_int_equal(mkdir(w->dir, 0700), 0);
}

static void undisturbed(struct world *w, struct outcome *want)
{
    size_t repeated;
    assert_true(run_in_child(w, NULL, 40, 0));
    outcome_of(w, want, &repeated);
    assert_int_equal(repeated, 0);
    assert_true(want->alerts.len > 10000);
}

static void check_same(struct world *w, const struct outcome *want, bool may_repeat)
{
    struct outcome got = {0};
    size_t repeated;
    outcome_of(w, &got, &repeated);
    assert_true(slice_eq(buf_slice(&want->alerts), buf_slice(&got.alerts)));
    assert_true(slice_eq(buf_slice(&want->state), buf_slice(&got.state)));
    if (!may_repeat) {
        assert_int_equal(repeated, 0);
    }
    outcome_release(&got);
}

static void killed_at_every_step(void **state)
{
    static const struct {
        const char *fault;
        bool may_repeat;
    } points[] = {
        {"before-sink-flush:2", true}, {"after-sink-flush:2", true}, {"mid-checkpoint:2", true},
        {"mid-checkpoint:1", true},    {"after-checkpoint:2", false}, {"after-commit:1", false},
        {"after-checkpoint:1", false},
    };
    struct world *w = *state;
    struct outcome want = {0};
    undisturbed(w, &want);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(points); i++) {
        unsigned kills = 0;
        begin_anew(w);
        while (kills < 6 && !run_in_child(w, points[i].fault, 30, 0)) {
            kills++;
        }
        assert_true(kills > 0);
        if (kills == 6) {
            assert_true(run_in_child(w, NULL, 30, 0));
        }
        check_same(w, &want, points[i].may_repeat);
    }
    outcome_release(&want);
}

static void killed_at_any_time(void **state)
{
    struct world *w = *state;
    struct outcome want = {0};
    struct rng rng = rng_seed(99);
    undisturbed(w, &want);
    for (int round = 0; round < 4; round++) {
        begin_anew(w);
        for (int i = 0; i < 12; i++) {
            run_in_child(w, NULL, 7, rng_range(&rng, 100, 40000));
        }
        assert_true(run_in_child(w, NULL, 7, 0));
        check_same(w, &want, true);
    }
    outcome_release(&want);
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

static void check_refused(struct world *w, const char *want)
{
    assert_int_equal(engine_new(&w->rules.rs, &w->options, &w->engine, &w->err), ERR_STATE);
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
    check_refused(w, "by application \"fyke\", this is \"other\"");
    w->options.app = "fyke";
    w->options.shards = 8;
    check_refused(w, "4 shards, this run was asked for 8");
    w->options.shards = 0; /* as it was */
    w->rules.topics[1].name = SLICE_LIT("signouts");
    check_refused(w, "topic 2 is \"logouts\", in these rules it is \"signouts\"");
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
    check_refused(w, "in use by process");
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
    assert_int_equal(engine_new(&w->rules.rs, &w->options, &w->engine, &w->err), ERR_CORRUPT);
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
        check(w, push(w, LOGINS, i, user, 1000 + i / 250));
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
        T(killed_at_every_step),
        T(killed_at_any_time),
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
