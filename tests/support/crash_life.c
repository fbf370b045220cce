#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "tests/support/crash_life.h"
#include "tests/support/state_dump.h"

#define MAX_PARTITIONS CRASH_MAX_PARTITIONS
#define N_RECORDS CRASH_RECORDS

void logs_random(struct logs *l, struct rng *rng, int64_t bound, int fill)
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
            int letters = (int)rng_below(rng, 5);
            snprintf(line->payload, sizeof(line->payload),
                     "{\"user\":\"u%d\",\"at\":%" PRId64 ",\"kind\":\"%.*s%.*s%.*s%.*s%.*s%.*s\"}",
                     (int)rng_below(rng, fill > 0 ? 2 : 9), now - rng_range(rng, 0, bound + 2), fill,
                     x, fill, x, fill, x, fill, x, n, x, letters, "abcd");
        }
    }
}

/* ---- one life ----------------------------------------------------------------------------- */

struct life {
    const struct logs *logs;
    const struct setting *setting;
    const char *dir;
    struct rng rng;
    const struct ruleset *rs;
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
    o.buffer_bytes = w->setting->buffer_bytes > 0 ? w->setting->buffer_bytes : o.buffer_bytes;
    o.slice = w->setting->slice;
    check(w, engine_new(w->rs, &o, &w->engine, &w->err));
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

/* Of events on disk the first offset is known roughly, so the header says another B; once more, with
 * room for all that waits, and it is exact. */
static void live_on_with_room(struct life *w)
{
    struct setting roomy = *w->setting;
    roomy.buffer_bytes = 0;
    w->setting = &roomy;
    open_engine(w);
    while (push_some(w)) {
    }
    check(w, engine_finish(w->engine, &w->err));
    check(w, engine_commit(w->engine, &w->err));
    engine_free(w->engine);
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
    if (w->setting->buffer_bytes > 0) {
        live_on_with_room(w);
    }
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

void life_run(const struct ruleset *rs, const struct logs *l, const struct setting *s, uint64_t seed,
              struct outcome *ret)
{
    char dir[64];
    struct life w = {.logs = l, .setting = s, .rng = rng_seed(seed), .dir = dir, .rs = rs};
    state_dir_make(dir);
    memory_sink_init(&w.sink);
    live(&w);
    alert_set(&w.sink, &ret->alerts);
    state_dump(dir, &ret->state, &ret->records);
    ret->crashes = w.crashes;
    w.sink.sink.ops->close(&w.sink.sink);
    state_dir_remove(dir);
}

void outcome_release(struct outcome *o)
{
    buf_release(&o->alerts);
    buf_release(&o->state);
}

static void same(const char *what, const struct buf *want, const struct buf *got, int round,
                 size_t setting)
{
    if (!slice_eq(buf_slice(want), buf_slice(got))) {
        fail_msg("round %d setting %zu: %s: %zu bytes instead of %zu, or others", round, setting,
                 what, got->len, want->len);
    }
}

void life_same_in_all(const struct ruleset *rs, const struct logs *l, const struct setting *settings,
                      size_t n, int round, unsigned *crashes, struct outcome *ret)
{
    static const struct setting calm = {1, MUCH_MEMORY, 50, 5, 0, 0, 0};
    struct outcome got = {0};
    life_run(rs, l, &calm, 1, ret);
    for (size_t i = 0; i < n; i++) {
        life_run(rs, l, &settings[i], (uint64_t)round * 100 + i, &got);
        same("alerts", &ret->alerts, &got.alerts, round, i);
        same("state", &ret->state, &got.state, round, i);
        *crashes += got.crashes;
    }
    outcome_release(&got);
}
