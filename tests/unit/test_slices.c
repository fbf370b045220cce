/* Many deadlines at once fire in slices: the same bytes for any size of a slice, whether commits,
 * restarts and events come in between or not, and no more alerts in memory than a slice makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "engine/engine_parts.h"
#include "tests/support/compile_text.h"
#include "tests/support/state_dump.h"

#define EVENTS "language 1\n"                                                                       \
    "event Login from topic \"logins\" { user : string key  kind : string\n"                      \
    "  at : timestamp in ms event time }\n"
/* Two key groups, several deadlines of a key, a quiet time; nothing derives. */
static const char flat_rules[] = EVENTS
    "rule silent { for each user when Login as a then no Login for 10s emit alert }\n"
    "rule a_later { for each user when Login as a then no Login for 12s emit alert }\n"
    "rule of_kind { for each kind, user when Login as a then no Login for 10s\n"
    "  quiet for 5s emit alert }\n";
/* Deadlines that derive, and who reads that, over keys. */
static const char chain_rules[] = EVENTS
    "rule silent { for each user when Login as a then no Login for 10s\n"
    "  emit alert emit event Silent { kind = a.kind } }\n"
    "rule crowd { for each kind within 3s when 5 Silent as s emit alert { users = collect(s.user) } }\n"
    "rule flat { for each user when Login as a then no Login for 11s emit alert }\n";

#define N_KEYS 700
#define AT_ONCE_MS 1000

struct world {
    char dir[64];
    struct compilation *c;
    struct engine_options options;
    struct memory_sink sink;
    struct engine *engine;
    struct error err;
    int64_t next;
    struct line { int64_t key, at_ms; } log[4 * N_KEYS]; /* by offset */
    size_t most_held; /* alerts that waited */
};

static int setup_rules(void **state, const char *text)
{
    struct world *w = xcalloc(1, sizeof(*w));
    state_dir_make(w->dir);
    w->c = compile_text(text);
    if (w->c->ruleset == NULL) {
        fail_msg("%s: %s", codes_of(w->c, true), w->c->diags.first->message);
    }
    engine_options_init(&w->options);
    w->options.shards = 4;
    memory_sink_init(&w->sink);
    *state = w;
    return 0;
}

static int setup_flat(void **state)
{
    return setup_rules(state, flat_rules);
}

static int setup_chain(void **state)
{
    return setup_rules(state, chain_rules);
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

static void must(struct world *w, enum err rc)
{
    if (rc != ERR_OK) {
        fail_msg("%s", w->err.text);
    }
}

static void start(struct world *w)
{
    static const struct source_partition part = {.topic = 0};
    must(w, engine_new(w->c->ruleset, &w->options, &w->engine, &w->err));
    must(w, engine_begin(w->engine, &part, 1, &w->sink.sink, &w->err));
}

static void stop(struct world *w)
{
    engine_free(w->engine);
    w->engine = NULL;
}

static void push_offset(struct world *w, int64_t offset)
{
    char payload[128];
    int64_t key = w->log[offset].key, at_ms = w->log[offset].at_ms;
    snprintf(payload, sizeof(payload),
             "{\"user\":\"u%03" PRId64 "\",\"kind\":\"k%" PRId64 "\",\"at\":%" PRId64 "}", key * 11 % N_KEYS,
             key % 3, at_ms);
    struct record r = {.offset = offset, .has_value = true, .value = slice_of(payload)};
    must(w, engine_push(w->engine, &r, &w->err));
}

static void push(struct world *w, int64_t key, int64_t at_ms)
{
    w->log[w->next] = (struct line){key, at_ms};
    push_offset(w, w->next++);
}

/* Most keys at one time, the others around it, some twice; then one far behind them. */
static void push_keys(struct world *w)
{
    struct rng rng = rng_seed(7);
    int64_t at[N_KEYS];
    for (int64_t i = 0; i < N_KEYS; i++) {
        at[i] = rng_below(&rng, 4) > 0 ? AT_ONCE_MS : rng_range(&rng, 0, 2 * AT_ONCE_MS);
    }
    for (int64_t t = 0; t <= 2 * AT_ONCE_MS; t++) {
        for (int64_t i = 0; i < N_KEYS; i++) {
            if (at[i] == t) {
                push(w, i, t);
            }
        }
    }
    for (int64_t i = 0; i < 40; i++) {
        push(w, i * 9 % N_KEYS, 5000 + i * 100);
    }
    must(w, engine_process(w->engine, &w->err));
}

static void note_held(struct world *w)
{
    w->most_held = w->engine->out.n > w->most_held ? w->engine->out.n : w->most_held;
}

/* Slice by slice, as engine_run() does it. */
static void run_slices(struct world *w)
{
    do {
        must(w, engine_release(w->engine, &w->err));
        note_held(w);
        must(w, engine_write_alerts(w->engine, false, &w->err));
    } while (w->engine->more);
}

static void plain_life(struct world *w)
{
    start(w);
    push_keys(w);
    push(w, 0, 12000);
    push(w, 1, 60000); /* events among the deadlines, and behind them */
    run_slices(w);
    push(w, 1, 120000);
    run_slices(w);
    stop(w);
}

static struct buf take_output(struct world *w)
{
    struct buf text = w->sink.text;
    w->sink.text = (struct buf)BUF_INIT;
    memory_sink_release(&w->sink);
    memory_sink_init(&w->sink);
    w->next = 0;
    return text;
}

static const uint32_t sizes[] = {1, 2, 13, 100, 350, 699, 701};

static void any_size_gives_the_same_bytes(void **state)
{
    struct world *w = *state;
    plain_life(w);
    assert_true(w->sink.n_alerts > N_KEYS);
    struct buf want = take_output(w);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(sizes); i++) {
        w->options.slice = sizes[i];
        w->options.threads = 1 + (uint32_t)i % 3;
        plain_life(w);
        struct buf got = take_output(w);
        assert_string_equal(buf_cstr(&got), buf_cstr(&want));
        buf_release(&got);
    }
    buf_release(&want);
}

/* Rules without levels: what waits in memory is what a slice and the keys of one value made. */
static void few_alerts_wait(void **state)
{
    struct world *w = *state;
    w->options.slice = 10;
    plain_life(w);
    assert_true(w->engine == NULL && w->most_held < 100);
    w->most_held = 0;
    w->options.slice = 0;
    struct buf one = take_output(w);
    plain_life(w);
    assert_true(w->most_held > N_KEYS);
    buf_release(&one);
}

/* What a restart reads again. */
static void read_again(struct world *w)
{
    const struct partition_position *from;
    assert_int_equal(engine_positions(w->engine, &from), 1);
    for (int64_t at = from->offset; at < w->next; at++) {
        push_offset(w, at);
    }
}

/* A crash after each commit; with little memory most records lie in the store. Returns how many
 * commits stood between deadlines that were due. */
static unsigned commit_and_crash(struct world *w)
{
    unsigned between = 0;
    for (int calm = 0; calm < 2;) {
        must(w, engine_commit(w->engine, &w->err)); /* one slice */
        bool more = w->engine->more;
        between += more;
        calm = more ? 0 : calm + 1;
        stop(w);
        start(w);
        if (!more) {
            read_again(w);
        }
    }
    return between;
}

static unsigned crashing_life(struct world *w)
{
    start(w);
    push_keys(w);
    must(w, engine_commit(w->engine, &w->err));
    push(w, 0, 12000);
    push(w, 1, 60000);
    unsigned between = commit_and_crash(w);
    push(w, 1, 120000);
    between += commit_and_crash(w);
    stop(w);
    return between;
}

static void commits_and_crashes_between_slices_change_nothing(void **state)
{
    struct world *w = *state;
    plain_life(w);
    struct buf want = take_output(w);
    for (size_t i = 2; i < FYKE_ARRAY_LEN(sizes); i++) {
        w->options.slice = sizes[i];
        w->options.state_dir = w->dir;
        w->options.memory_bytes = 16 << 10;
        w->options.reset_state = false;
        unsigned between = crashing_life(w);
        assert_true(sizes[i] >= N_KEYS || between >= N_KEYS / sizes[i]);
        struct buf got = take_output(w);
        assert_string_equal(buf_cstr(&got), buf_cstr(&want));
        buf_release(&got);
        state_dir_remove(w->dir);
        state_dir_make(w->dir);
    }
    buf_release(&want);
}

/* A broker's topic: it never ends, and goes on at the position. */
struct life {
    struct source source; /* first */
    struct world *w;
    int64_t next, end;
    volatile sig_atomic_t stop;
    struct record records[1];
    char payload[128];
    uint64_t stop_after; /* flushes of the sink; 0: when everything is read */
};

static enum err life_partitions(struct source *s, const struct source_partition **ret,
                                uint32_t *ret_n, struct error *err)
{
    static const struct source_partition part = {.topic = 0};
    (void)s;
    (void)err;
    *ret = &part;
    *ret_n = 1;
    return ERR_OK;
}

static enum err life_start(struct source *s, const struct partition_position *from, uint32_t n,
                           struct error *err)
{
    (void)err;
    ((struct life *)s)->next = n > 0 ? from[0].offset : 0;
    return ERR_OK;
}

static enum err life_poll(struct source *s, uint32_t max, struct duration wait,
                          struct source_batch *ret, struct error *err)
{
    struct life *l = (struct life *)s;
    (void)max;
    (void)wait;
    (void)err;
    *ret = (struct source_batch){.records = l->records};
    if (l->next < l->end) {
        const struct line *line = &l->w->log[l->next];
        snprintf(l->payload, sizeof(l->payload),
                 "{\"user\":\"u%03" PRId64 "\",\"kind\":\"k\",\"at\":%" PRId64 "}", line->key,
                 line->at_ms);
        l->records[0] = (struct record){
            .offset = l->next++, .has_value = true, .value = slice_of(l->payload)};
        ret->n = 1;
    } else {
        l->stop = 1;
    }
    return ERR_OK;
}

static void life_close(struct source *s)
{
    (void)s;
}

/* Counts what one commit takes out. */
struct counting_sink {
    struct sink sink; /* first */
    struct life *life;
    uint64_t alerts, flushes, most_alerts, in_this;
};

static enum err count_write(struct sink *s, const struct out_record *r, struct error *err)
{
    struct counting_sink *c = (struct counting_sink *)s;
    (void)r;
    (void)err;
    c->alerts++;
    c->in_this++;
    return ERR_OK;
}

static enum err count_flush(struct sink *s, struct error *err)
{
    struct counting_sink *c = (struct counting_sink *)s;
    (void)err;
    c->flushes++;
    c->most_alerts = c->in_this > c->most_alerts ? c->in_this : c->most_alerts;
    c->in_this = 0;
    if (c->life->stop_after > 0 && c->flushes >= c->life->stop_after) {
        c->life->stop = 1;
    }
    return ERR_OK;
}

static void close_nothing(struct sink *s)
{
    (void)s;
}

static struct counting_sink live_on(struct world *w, int64_t end, uint64_t stop_after)
{
    static const struct source_ops source_ops = {
        .partitions = life_partitions, .start = life_start, .poll = life_poll, .close = life_close};
    static const struct sink_ops sink_ops = {count_write, count_flush, close_nothing};
    struct life l = {.source = {.ops = &source_ops, .remembers = true},
                     .w = w,
                     .end = end,
                     .stop_after = stop_after};
    struct counting_sink c = {.sink = {.ops = &sink_ops}, .life = &l};
    must(w, engine_new(w->c->ruleset, &w->options, &w->engine, &w->err));
    must(w, engine_run(w->engine, &l.source, &c.sink, &l.stop, &w->err));
    stop(w);
    return c;
}

/* A commit of all that is due after a restart may outlast the time that a transaction has. */
static void a_restart_commits_between_slices(void **state)
{
    struct world *w = *state;
    enum { SLICE = 20 };
    w->options.state_dir = w->dir;
    w->options.slice = SLICE;
    w->options.commit_every.ns = 0; /* whenever it may */
    for (int64_t i = 0; i < N_KEYS; i++) {
        w->log[i] = (struct line){i, AT_ONCE_MS};
    }
    w->log[N_KEYS] = (struct line){0, 60000}; /* all deadlines are due */
    w->log[N_KEYS + 1] = (struct line){1, 61000};
    uint64_t alerts = live_on(w, N_KEYS, 0).alerts;
    assert_int_equal(alerts, 0);
    struct counting_sink cut = live_on(w, N_KEYS + 1, 3); /* ends between slices */
    assert_in_range(cut.alerts, 1, N_KEYS);
    struct counting_sink rest = live_on(w, N_KEYS + 2, 0);
    assert_int_equal(cut.alerts + rest.alerts, 3 * N_KEYS);
    assert_in_range(rest.most_alerts, 1, 6 * SLICE);
}

/* Told to end on the way it ends there, and the next start goes on. */
static void a_restart_may_end_between_slices(void **state)
{
    struct world *w = *state;
    uint64_t alerts = 0;
    w->options.state_dir = w->dir;
    w->options.slice = 100;
    w->options.commit_every.ns = 0;
    for (int64_t i = 0; i < N_KEYS; i++) {
        w->log[i] = (struct line){i, AT_ONCE_MS};
    }
    w->log[N_KEYS] = (struct line){0, 60000};
    live_on(w, N_KEYS, 0);
    unsigned lives = 0;
    for (uint64_t fresh = 1; fresh > 0 && lives < 1000; lives++) {
        fresh = live_on(w, N_KEYS + 1, 3).alerts;
        alerts += fresh;
    }
    assert_int_equal(alerts, 3 * N_KEYS);
    assert_in_range(lives, 4, 999);
}

#define T(f, setup) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(any_size_gives_the_same_bytes, setup_flat),
        T(any_size_gives_the_same_bytes, setup_chain),
        T(few_alerts_wait, setup_flat),
        T(commits_and_crashes_between_slices_change_nothing, setup_flat),
        T(commits_and_crashes_between_slices_change_nothing, setup_chain),
        T(a_restart_commits_between_slices, setup_flat),
        T(a_restart_may_end_between_slices, setup_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
