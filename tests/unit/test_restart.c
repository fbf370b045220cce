/* Crashes at any point: the alerts of all lives together, and the state in the end, are those of a
 * run that never crashed. Logs with ties, several partitions, bounds from 0 to 5 ms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "tests/support/hand_rules.h"
#include "tests/support/state_dump.h"

#define MAX_PARTITIONS 3
#define N_RECORDS 150

struct line {
    uint32_t topic;
    int32_t partition;
    int64_t offset;
    char payload[1024];
};

struct logs {
    uint32_t n_partitions;
    struct line lines[MAX_PARTITIONS][N_RECORDS];
};

/* `fill`: bytes of text in an event, so that a record takes several segments. */
static void logs_random(struct logs *l, struct rng *rng, int64_t bound, int fill)
{
    static const char x[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    l->n_partitions = 1 + (uint32_t)rng_below(rng, MAX_PARTITIONS);
    for (uint32_t p = 0; p < l->n_partitions; p++) {
        int64_t now = rng_range(rng, 0, 20), offset = rng_range(rng, 0, 3);
        for (uint32_t i = 0; i < N_RECORDS; i++) {
            struct line *line = &l->lines[p][i];
            now += rng_range(rng, 0, 2);
            line->topic = p == 1 ? 1 : 0;
            line->partition = p == 2 ? 1 : 0;
            line->offset = offset;
            offset += 1 + (rng_below(rng, 10) == 0); /* transaction markers leave gaps */
            int n = fill > 0 ? (int)rng_below(rng, sizeof(x)) : 0;
            snprintf(line->payload, sizeof(line->payload),
                     "{\"user\":\"u%d\",\"at\":%" PRId64 ",\"kind\":\"%.*s%.*s%.*s%.*s%.*s\"}",
                     (int)rng_below(rng, fill > 0 ? 2 : 9), now - rng_range(rng, 0, bound + 2), fill,
                     x, fill, x, fill, x, fill, x, n, x);
        }
    }
}

static void add_rules(struct hand_rules *h, int64_t bound)
{
    hand_begin(h, bound);
    hand_pair(h, "pair", 40);
    hand_missing(h, "missing", 15);
    hand_single(h, "any_login");
    hand_pair(h, "far_pair", 400)->policy = SKIP_TO_NEXT;
    hand_on_timeout(h, hand_pair(h, "half_a_pair", 9));
}

/* ---- one life ----------------------------------------------------------------------------- */

struct setting {
    uint32_t threads;
    size_t memory_bytes;
    unsigned step;      /* records between two looks at what to do */
    unsigned commit_in; /* every so-many-th look commits, by chance */
    unsigned crash_in;  /* likewise; 0: never */
};

struct life {
    const struct logs *logs;
    const struct setting *setting;
    const char *dir;
    struct rng rng;
    struct hand_rules rules;
    struct memory_sink sink;
    struct engine *engine;
    uint32_t at[MAX_PARTITIONS];
    struct error err;
    unsigned crashes;
};

static void check(struct life *w, enum err rc)
{
    if (rc != ERR_OK) {
        fail_msg("%s: %s", err_name(rc), w->err.text);
    }
}

static void go_to_positions(struct life *w)
{
    const struct partition_position *pos;
    uint32_t n = engine_positions(w->engine, &pos);
    memset(w->at, 0, sizeof(w->at));
    for (uint32_t p = 0; p < w->logs->n_partitions; p++) {
        const struct line *lines = w->logs->lines[p];
        for (uint32_t i = 0; i < n; i++) {
            while (pos[i].topic == lines->topic && pos[i].partition == lines->partition &&
                   w->at[p] < N_RECORDS && lines[w->at[p]].offset < pos[i].offset) {
                w->at[p]++;
            }
        }
    }
}

static void open_engine(struct life *w)
{
    struct engine_options o;
    struct source_partition parts[MAX_PARTITIONS];
    engine_options_init(&o);
    o.state_dir = w->dir;
    o.state_map_bytes = (size_t)64 << 20;
    o.threads = w->setting->threads;
    o.shards = 4;
    o.memory_bytes = w->setting->memory_bytes;
    check(w, engine_new(&w->rules.rs, &o, &w->engine, &w->err));
    for (uint32_t p = 0; p < w->logs->n_partitions; p++) {
        const struct line *first = w->logs->lines[p];
        parts[p] = (struct source_partition){
            .topic = first->topic, .partition = first->partition, .first_offset = first->offset};
    }
    check(w, engine_begin(w->engine, parts, w->logs->n_partitions, &w->sink.sink, &w->err));
    go_to_positions(w);
}

/* What was written and not flushed may have got out or not. */
static void crash(struct life *w)
{
    engine_free(w->engine);
    if (rng_below(&w->rng, 2) == 0) {
        w->sink.n_alerts = w->sink.n_flushed;
    }
    w->crashes++;
    open_engine(w);
}

static bool push_some(struct life *w)
{
    unsigned n = 1 + (unsigned)rng_below(&w->rng, w->setting->step);
    uint32_t p = (uint32_t)rng_below(&w->rng, w->logs->n_partitions);
    uint32_t tried = 0;
    while (tried++ < w->logs->n_partitions && w->at[p] == N_RECORDS) {
        p = (p + 1) % w->logs->n_partitions;
    }
    for (; n > 0 && w->at[p] < N_RECORDS; n--) {
        const struct line *line = &w->logs->lines[p][w->at[p]++];
        struct record r = {.topic = line->topic,
                           .partition = line->partition,
                           .offset = line->offset,
                           .has_value = true,
                           .value = slice_of(line->payload)};
        check(w, engine_push(w->engine, &r, &w->err));
    }
    for (p = 0; p < w->logs->n_partitions && w->at[p] == N_RECORDS; p++) {
    }
    return p < w->logs->n_partitions;
}

static bool by_chance(struct life *w, unsigned in)
{
    return in > 0 && rng_below(&w->rng, in) == 0;
}

/* Some crashes come right after a commit, some before the first. */
static void live(struct life *w)
{
    open_engine(w);
    bool more = true;
    while (more) {
        more = push_some(w);
        if (by_chance(w, 2)) {
            check(w, engine_process(w->engine, &w->err));
        }
        if (by_chance(w, w->setting->commit_in)) {
            check(w, engine_commit(w->engine, &w->err));
        }
        if (w->crashes < 12 && by_chance(w, w->setting->crash_in)) {
            crash(w);
            more = true;
        }
    }
    check(w, engine_finish(w->engine, &w->err));
    check(w, engine_commit(w->engine, &w->err));
    engine_free(w->engine);
}

/* ---- comparing ---------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* The different alerts, sorted: the same match must come with the same bytes. */
static void alert_set(const struct memory_sink *sink, struct buf *out)
{
    struct slice *all = xcalloc(sink->n_alerts + 1, sizeof(*all));
    for (size_t i = 0; i < sink->n_alerts; i++) {
        all[i] = memory_sink_value(sink, i);
    }
    qsort(all, sink->n_alerts, sizeof(*all), by_text);
    buf_clear(out);
    for (size_t i = 0; i < sink->n_alerts; i++) {
        if (i == 0 || !slice_eq(all[i], all[i - 1])) {
            buf_put_slice(out, all[i]);
            buf_put_byte(out, '\n');
        }
    }
    free(all);
}

struct outcome {
    struct buf alerts, state;
    uint64_t records;
    unsigned crashes;
};

static void run(const struct logs *l, int64_t bound, const struct setting *s, uint64_t seed,
                struct outcome *ret)
{
    char dir[64];
    struct life w = {.logs = l, .setting = s, .rng = rng_seed(seed), .dir = dir};
    state_dir_make(dir);
    add_rules(&w.rules, bound);
    memory_sink_init(&w.sink);
    live(&w);
    alert_set(&w.sink, &ret->alerts);
    state_dump(dir, &ret->state, &ret->records);
    ret->crashes = w.crashes;
    w.sink.sink.ops->close(&w.sink.sink);
    hand_end(&w.rules);
    state_dir_remove(dir);
}

static void same(const char *what, const struct buf *want, const struct buf *got, int round,
                 size_t setting)
{
    if (!slice_eq(buf_slice(want), buf_slice(got))) {
        fail_msg("round %d setting %zu: %s: %zu bytes instead of %zu, or others", round, setting,
                 what, got->len, want->len);
    }
}

static void outcome_release(struct outcome *o)
{
    buf_release(&o->alerts);
    buf_release(&o->state);
}

#define MUCH ((size_t)64 << 20)

static void crashes_change_nothing(void **state)
{
    static const struct setting calm = {1, MUCH, 50, 5, 0};
    static const struct setting wild[] = {
        {1, MUCH, 50, 5, 8}, {4, MUCH, 9, 2, 6}, {1, MUCH, 5, 9, 20},
        {1, 4096, 20, 3, 9}, {2, 1, 7, 2, 7},    {1, MUCH, 1, 1, 30},
    };
    struct logs *l = xcalloc(1, sizeof(*l));
    struct rng rng = rng_seed(17);
    unsigned crashes = 0;
    size_t largest = 0;
    (void)state;
    for (int round = 0; round < 12; round++) {
        struct outcome want = {0}, got = {0};
        int64_t bound = round % 6;
        logs_random(l, &rng, bound, round % 3 == 2 ? 70 : 0);
        run(l, bound, &calm, 1, &want);
        assert_true(want.alerts.len > 1000);
        largest = want.state.len > largest ? want.state.len : largest;
        for (size_t i = 0; i < FYKE_ARRAY_LEN(wild); i++) {
            run(l, bound, &wild[i], (uint64_t)round * 100 + i, &got);
            same("alerts", &want.alerts, &got.alerts, round, i);
            same("state", &want.state, &got.state, round, i);
            crashes += got.crashes;
        }
        outcome_release(&want);
        outcome_release(&got);
    }
    assert_true(crashes > 100);
    assert_true(largest > 4 * SEGMENT_MAX_BYTES); /* of two keys: records of several segments */
    free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crashes_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
