/* Events that wait for their turn and do not fit into memory wait on disk: the same bytes as with room
 * for all of them, through crashes, beside partitions that are held back, and after a full disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "engine/engine_parts.h"
#include "tests/support/compile_text.h"
#include "tests/support/crash_life.h"
#include "tests/support/state_dump.h"

/* %d: the bound of both topics. */
#define PAIR                                                                                       \
    "language 1\n"                                                                                 \
    "event Login from topic \"logins\" { user : string key  at : timestamp in ms event time\n"     \
    "  kind : string optional  out of order by %dms }\n"                                           \
    "event Logout from topic \"logouts\" { user : string key  at : timestamp in ms event time\n"   \
    "  kind : string optional  out of order by %dms }\n"                                           \
    "rule pair { for each user within 40ms when Login as a then Logout as b\n"                     \
    "  on timeout emit alert { at = a.at } emit alert { kind = a.kind } }\n"
/* More clock groups, one that waits for deadlines. */
static const char all_rules[] = PAIR
    "rule silent { for each user when Login as a then no Login for 9ms\n"
    "  emit alert emit event Silent { since = a.at } }\n"
    "rule crowd { within 30ms when 3 Silent as s emit alert { users = collect(s.user) } }\n";

static struct compilation *compile(bool all, int bound)
{
    char full[sizeof(all_rules) + 32];
    if (all) {
        snprintf(full, sizeof(full), all_rules, bound, bound);
    } else {
        snprintf(full, sizeof(full), PAIR, bound, bound);
    }
    struct compilation *c = compile_text(full);
    if (c->ruleset == NULL) {
        fail_msg("%s: %s", codes_of(c, true), c->diags.first->message);
    }
    return c;
}

/* ---- crashes ------------------------------------------------------------------------------ */

static void crashes_with_events_on_disk_change_nothing(void **state)
{
    static const struct setting wild[] = {
        {1, MUCH_MEMORY, 50, 5, 8, 600, 0}, {4, MUCH_MEMORY, 9, 2, 6, 200, 1},
        {1, 4096, 20, 3, 9, 2000, 2},       {2, MUCH_MEMORY, 450, 3, 0, 600, 3},
    };
    struct logs *l = xcalloc(1, sizeof(*l));
    struct rng rng = rng_seed(31);
    unsigned crashes = 0;
    (void)state;
    for (int round = 0; round < 8; round++) {
        struct outcome want = {0};
        int bound = round * 6;
        struct compilation *c = compile(true, bound);
        logs_random(l, &rng, bound, 0);
        life_same_in_all(c->ruleset, l, wild, FYKE_ARRAY_LEN(wild), round, &crashes, &want);
        outcome_release(&want);
        compilation_free(c);
    }
    assert_true(crashes > 30);
    free(l);
}

/* ---- a source that can be paused ---------------------------------------------------------- */

#define N_RECORDS 4000
#define BOUND_MS 1500 /* half of the log waits at any time */

/* Logins come fast, logouts as slowly as one per poll: the logins are ahead. */
struct feeder {
    struct source source; /* first */
    struct source_partition partitions[2];
    int64_t at[2];
    bool paused[2];
    struct record records[64];
    char payloads[64][96];
    volatile sig_atomic_t stop;
    unsigned calm;
    int64_t full_at; /* login at which the disk is full; 0: never */
    int64_t logouts; /* so many of them come; 0: all */
    int64_t stop_at; /* the run is told to end when so many came; 0: never */
};

static struct feeder *of(struct source *s)
{
    return (struct feeder *)(void *)s;
}

static enum err partitions(struct source *s, const struct source_partition **ret, uint32_t *n,
                           struct error *err)
{
    (void)err;
    *ret = of(s)->partitions;
    *n = 2;
    return ERR_OK;
}

static enum err start_feeder(struct source *s, const struct partition_position *from, uint32_t n,
                             struct error *err)
{
    (void)err;
    for (uint32_t i = 0; i < n; i++) {
        of(s)->at[from[i].topic] = from[i].offset;
    }
    return ERR_OK;
}

/* The last ones stand far behind, so that everything is released. */
static void record_at(struct feeder *f, uint32_t topic, uint32_t slot)
{
    int64_t i = f->at[topic]++;
    struct rng rng = rng_seed((uint64_t)i * 2 + topic);
    int64_t at_ms = i < N_RECORDS - 1 ? i - rng_range(&rng, 0, BOUND_MS) : 10 * N_RECORDS;
    snprintf(f->payloads[slot], sizeof(f->payloads[slot]),
             "{\"user\":\"u%d\",\"at\":%" PRId64 ",\"kind\":\"k%" PRId64 "\"}",
             (int)rng_below(&rng, 60), at_ms < 0 ? 0 : at_ms, i % 5);
    f->records[slot] = (struct record){.topic = topic,
                                       .offset = i,
                                       .has_value = true,
                                       .value = slice_of(f->payloads[slot])};
}

static void limit_files(rlim_t bytes)
{
    struct rlimit r;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = bytes < r.rlim_max ? bytes : r.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static enum err poll_feeder(struct source *s, uint32_t max, struct duration wait,
                            struct source_batch *ret, struct error *err)
{
    static const uint32_t many[2] = {48, 1};
    struct feeder *f = of(s);
    uint32_t n = 0;
    (void)max;
    (void)wait;
    (void)err;
    const int64_t end[2] = {N_RECORDS, f->logouts > 0 ? f->logouts : N_RECORDS};
    for (uint32_t t = 0; t < 2; t++) {
        for (uint32_t i = 0; i < many[t] && !f->paused[t] && f->at[t] < end[t]; i++) {
            record_at(f, t, n++);
        }
    }
    if (f->full_at > 0 && f->at[0] >= f->full_at) {
        limit_files(1000);
    }
    *ret = (struct source_batch){.records = f->records, .n = n};
    f->calm = n == 0 ? f->calm + 1 : 0;
    f->stop = f->calm > 3; /* a deadlock ends here too, and then alerts are missing */
    f->stop |= f->stop_at > 0 && f->at[1] >= f->stop_at;
    return ERR_OK;
}

static enum err pause_feeder(struct source *s, const struct partition_position *p, bool paused,
                             struct error *err)
{
    (void)err;
    of(s)->paused[p->topic] = paused;
    return ERR_OK;
}

static const struct source_ops ops = {
    .partitions = partitions, .start = start_feeder, .poll = poll_feeder, .pause = pause_feeder};

struct world {
    char dir[64];
    struct compilation *c;
    struct engine_options options;
    struct feeder feeder;
    struct memory_sink sink;
    struct engine *engine;
    struct error err;
    struct engine_summary summary;
    char log[1024];
    size_t waiting; /* events, when the last run was over */
    int64_t full_at, logouts, stop_at;
};

static void log_line(void *ctx, const char *line)
{
    struct world *w = ctx;
    strncat(w->log, line, sizeof(w->log) - strlen(w->log) - 2);
    strcat(w->log, "\n");
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    state_dir_make(w->dir);
    w->c = compile(false, BOUND_MS);
    engine_options_init(&w->options);
    w->options.scratch_dir = w->dir;
    w->options.log = log_line;
    w->options.log_ctx = w;
    memory_sink_init(&w->sink);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    engine_free(w->engine);
    memory_sink_release(&w->sink);
    compilation_free(w->c);
    state_dir_remove(w->dir);
    free(w);
    return 0;
}

static enum err run(struct world *w)
{
    w->feeder = (struct feeder){.source = {.ops = &ops}, .full_at = w->full_at,
                                .logouts = w->logouts,
                                .stop_at = w->stop_at};
    w->feeder.partitions[1].topic = 1;
    engine_free(w->engine);
    w->engine = NULL;
    enum err rc = engine_new(w->c->ruleset, &w->options, &w->engine, &w->err);
    if (rc == ERR_OK) {
        rc = engine_run(w->engine, &w->feeder.source, &w->sink.sink, &w->feeder.stop, &w->err);
        engine_summary(w->engine, &w->summary);
        w->waiting = order_count(&w->engine->clocks[0].order);
    }
    return rc;
}

static int by_text(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* The different alerts, sorted; the sink is emptied. */
static struct buf alerts(struct world *w)
{
    struct buf out = BUF_INIT;
    size_t n = w->sink.n_alerts;
    struct slice *all = xcalloc(n + 1, sizeof(*all));
    for (size_t i = 0; i < n; i++) {
        all[i] = memory_sink_value(&w->sink, i);
    }
    qsort(all, n, sizeof(*all), by_text);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !slice_eq(all[i], all[i - 1])) {
            buf_put_slice(&out, all[i]);
            buf_put_byte(&out, '\n');
        }
    }
    free(all);
    memory_sink_release(&w->sink);
    memory_sink_init(&w->sink);
    return out;
}

static struct buf reference(struct world *w)
{
    assert_int_equal(run(w), ERR_OK);
    assert_int_equal(w->summary.spilled_events, 0);
    assert_int_equal(w->summary.records, 2 * N_RECORDS);
    assert_true(w->sink.n_alerts > 1000);
    return alerts(w);
}

/* Runs whose events have all been taken are closed: what is on disk yet are events that wait in any case. Whether
 * one of these does depends on where the last run begins. */
static void check_rest(const struct world *w, size_t waiting)
{
    const struct order *o = &w->engine->clocks[0].order;
    uint64_t left = 0;
    for (size_t i = 0; i < o->n_runs; i++) {
        assert_true(o->runs[i]->left > 0);
        left += o->runs[i]->left;
    }
    assert_int_equal(w->waiting, waiting);
    assert_int_equal(o->n_spilled, left);
    assert_true(left <= waiting);
    assert_int_equal(w->engine->spill.waiting_bytes == 0, left == 0);
}

static void bound_times_rate_beyond_the_budget(void **state)
{
    struct world *w = *state;
    struct buf want = reference(w);
    size_t waiting = w->waiting;
    w->options.buffer_bytes = 40 << 10;
    assert_int_equal(run(w), ERR_OK);
    struct buf got = alerts(w);
    assert_string_equal(buf_cstr(&got), buf_cstr(&want));
    assert_true(w->summary.spilled_events > N_RECORDS / 4);
    assert_true(w->summary.spill_runs > 3);
    assert_true(w->summary.pauses > 0);
    check_rest(w, waiting);
    assert_non_null(strstr(w->log, "wait on disk, in "));
    assert_ptr_equal(strstr(w->log, "wait on disk"), strstr(w->log, "wait on disk, in"));
    buf_release(&got);
    buf_release(&want);
}

/* So many runs that they are merged. */
static void many_runs_become_one(void **state)
{
    struct world *w = *state;
    struct buf want = reference(w);
    w->options.buffer_bytes = 3000;
    assert_int_equal(run(w), ERR_OK);
    struct buf got = alerts(w);
    assert_string_equal(buf_cstr(&got), buf_cstr(&want));
    assert_true(w->summary.spill_merges > 0);
    buf_release(&got);
    buf_release(&want);
}

/* ---- the disk is full --------------------------------------------------------------------- */

/* Refused by the system in the middle of a write; with a state the next run has it all. */
static void a_full_disk_loses_nothing(void **state)
{
    struct world *w = *state;
    char state_dir[64];
    struct buf want = reference(w);
    state_dir_make(state_dir);
    w->options.state_dir = state_dir;
    w->options.buffer_bytes = 20 << 10;
    signal(SIGXFSZ, SIG_IGN);
    w->options.commit_every.ns = INT64_MAX; /* the state's own file is not what is full here */
    w->full_at = 1000;
    enum err rc = run(w);
    limit_files(RLIM_INFINITY);
    assert_int_equal(rc, ERR_IO);
    w->full_at = 0;
    assert_non_null(strstr(w->err.text, "writing a scratch file in "));
    assert_non_null(strstr(w->err.text, "nothing is lost"));
    struct buf before = alerts(w);
    assert_int_equal(run(w), ERR_OK);
    struct buf after = alerts(w);
    assert_string_equal(buf_cstr(&after), buf_cstr(&want));
    buf_release(&before);
    buf_release(&after);
    buf_release(&want);
    engine_free(w->engine);
    w->engine = NULL;
    state_dir_remove(state_dir);
}

/* The logins are far ahead and over the budget when the run ends. The next one must have them all back
 * before any clock goes on, though the logouts stay behind them for good. */
static void what_is_read_again_is_not_held_back(void **state)
{
    struct world *w = *state;
    char state_dir[64];
    w->logouts = 2000;
    assert_int_equal(run(w), ERR_OK);
    const struct etime until = w->engine->clocks[0].watermark;
    struct buf want = alerts(w);
    state_dir_make(state_dir);
    w->options.state_dir = state_dir;
    w->options.buffer_bytes = 120 << 10;
    w->stop_at = 1800;
    assert_int_equal(run(w), ERR_OK);
    assert_true(w->summary.pauses > 0);
    assert_true(etime_lt(until, w->engine->partitions[0]->frontier));
    w->stop_at = 0;
    w->options.buffer_bytes = 20 << 10;
    assert_int_equal(run(w), ERR_OK);
    assert_int_equal(w->engine->clocks[0].watermark.ns, until.ns);
    struct buf got = alerts(w);
    assert_string_equal(buf_cstr(&got), buf_cstr(&want));
    buf_release(&got);
    buf_release(&want);
    engine_free(w->engine);
    w->engine = NULL;
    state_dir_remove(state_dir);
}

static void no_directory_for_it(void **state)
{
    struct world *w = *state;
    w->options.scratch_dir = "/nonexistent/dir";
    w->options.buffer_bytes = 20 << 10;
    assert_int_equal(run(w), ERR_IO);
    assert_non_null(strstr(w->err.text, "making a scratch file in /nonexistent/dir failed"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crashes_with_events_on_disk_change_nothing),
        T(bound_times_rate_beyond_the_budget),
        T(many_runs_become_one),
        T(a_full_disk_loses_nothing),
        T(what_is_read_again_is_not_held_back),
        T(no_directory_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
