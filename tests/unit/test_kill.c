/* Processes killed at every step of a commit, and at any time: what all of them say together, and the
 * state in the end, are those of one that was left alone. Rules on input events, and chains of rules. */
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
#include "base/xalloc.h"
#include "engine/engine.h"
#include "tests/support/compile_text.h"
#include "tests/support/hand_rules.h"
#include "tests/support/state_dump.h"

#define LOGINS 0
#define LOGOUTS 1
#define BOUND_MS 3

struct world {
    char dir[64];
    char alerts[80]; /* file */
    struct hand_rules rules;
    struct compilation *chain;
    const struct ruleset *rs; /* one of the two */
    struct engine_options options;
    struct engine *engine;
    struct error err;
};

/* Deadlines that derive, two levels, a rule with an alert beside its copy, another key. */
static const char chain_text[] =
    "language 1\n"
    "event Login from topic \"logins\" { user : string key  at : timestamp in ms event time\n"
    "  out of order by 3ms }\n"
    "event Logout from topic \"logouts\" { user : string key  at : timestamp in ms event time\n"
    "  out of order by 3ms }\n"
    "rule silent { for each user when Login as l then no Login for 9ms\n"
    "  emit alert { since = l.at } emit event Silent { since = l.at } }\n"
    "rule pair { for each user within 40ms when Login as a then Logout as b\n"
    "  on timeout emit event Alone { since = a.at } emit event Pair { took = b.at - a.at } }\n"
    "rule level { for each user within 80ms when any of (Pair as p, Alone as a) then Silent as s\n"
    "  emit alert { since = s.since } emit event Both { since = s.since } }\n"
    "rule crowd { within 60ms when 3 Both as b then Logout as l emit alert { n = count(b) } }\n";

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    state_dir_make(w->dir);
    snprintf(w->alerts, sizeof(w->alerts), "%s/alerts", w->dir);
    hand_begin(&w->rules, BOUND_MS);
    hand_pair(&w->rules, "pair", 40)->plan = 1;
    hand_missing(&w->rules, "missing", 15)->plan = 2;
    hand_single(&w->rules, "any_login")->plan = 3;
    w->rs = &w->rules.rs;
    engine_options_init(&w->options);
    w->options.state_dir = w->dir;
    w->options.state_map_bytes = (size_t)64 << 20;
    w->options.shards = 4;
    *state = w;
    return 0;
}

static int setup_chain(void **state)
{
    setup(state);
    struct world *w = *state;
    w->chain = compile_text(chain_text);
    w->rs = w->chain->ruleset;
    return w->rs == NULL;
}

static int teardown(void **state)
{
    struct world *w = *state;
    engine_free(w->engine);
    hand_end(&w->rules);
    compilation_free(w->chain);
    state_dir_remove(w->dir);
    free(w);
    return 0;
}

static const struct source_partition parts[] = {{.topic = LOGINS}, {.topic = LOGOUTS}};

static enum err push(struct world *w, uint32_t topic, int64_t offset, const char *user,
                     int64_t at_ms)
{
    char payload[128];
    snprintf(payload, sizeof(payload), "{\"user\":\"%s\",\"at\":%" PRId64 "}", user, at_ms);
    struct record r = {
        .topic = topic, .offset = offset, .has_value = true, .value = slice_of(payload)};
    return engine_push(w->engine, &r, &w->err);
}

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
    enum err rc = engine_new(w->rs, &w->options, &w->engine, &w->err);
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
        struct fault f = {.want = fault};
        w->options.fault = &f;
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

#ifdef FYKE_FAULT_POINTS
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
#endif

/* What one group has released and another waits for is read again: it must not count twice. */
static void a_second_run_over_the_end_changes_nothing(void **state)
{
    struct world *w = *state;
    struct outcome want = {0};
    undisturbed(w, &want);
    assert_true(run_in_child(w, NULL, 7, 0));
    check_same(w, &want, false);
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

#define T(f, s) cmocka_unit_test_setup_teardown(f, s, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef FYKE_FAULT_POINTS
        T(killed_at_every_step, setup),
#endif
        T(a_second_run_over_the_end_changes_nothing, setup),
        T(killed_at_any_time, setup),
#ifdef FYKE_FAULT_POINTS
        T(killed_at_every_step, setup_chain),
#endif
        T(a_second_run_over_the_end_changes_nothing, setup_chain),
        T(killed_at_any_time, setup_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
