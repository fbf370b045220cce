/* The same bytes for any number of threads, shards, any batch size and any interleaving of the
 * partitions' records, whether or not somebody looks at the events on their way in. */
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

#define N_PARTITIONS 3 /* two of logins, one of logouts */
#define N_RECORDS 400
#define BOUND_MS 5

struct line {
    uint32_t topic;
    int32_t partition;
    char payload[64];
};

/* Logs of all partitions; `order` below says how they are interleaved. */
struct logs {
    struct line lines[N_PARTITIONS][N_RECORDS];
};

static void logs_random(struct logs *l, struct rng *rng)
{
    for (uint32_t p = 0; p < N_PARTITIONS; p++) {
        int64_t now = rng_range(rng, 0, 20);
        for (uint32_t i = 0; i < N_RECORDS; i++) {
            struct line *line = &l->lines[p][i];
            now += rng_range(rng, 0, 3);
            line->topic = p < 2 ? 0 : 1;
            line->partition = p < 2 ? (int32_t)p : 0;
            snprintf(line->payload, sizeof(line->payload), "{\"user\":\"u%d\",\"at\":%" PRId64 "}",
                     (int)rng_below(rng, 12), now - rng_range(rng, 0, BOUND_MS + 1));
        }
    }
}

struct setting {
    uint32_t threads, shards, batch;
    uint64_t interleaving; /* seed */
    bool observed;
};

static void fill(struct memory_source *m, const struct logs *l, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    uint32_t at[N_PARTITIONS] = {0}, open = N_PARTITIONS;
    for (uint32_t p = 0; p < N_PARTITIONS; p++) {
        memory_source_add_partition(m, l->lines[p][0].topic, l->lines[p][0].partition);
    }
    while (open > 0) {
        uint32_t p = (uint32_t)rng_below(&rng, N_PARTITIONS);
        uint64_t run = 1 + rng_below(&rng, 30);
        for (; run > 0 && at[p] < N_RECORDS; run--) {
            const struct line *line = &l->lines[p][at[p]];
            memory_source_add(m, line->topic, line->partition, at[p], line->payload);
            open -= ++at[p] == N_RECORDS;
        }
    }
}

static void add_rules(struct hand_rules *h)
{
    hand_begin(h, BOUND_MS);
    hand_pair(h, "pair", 40);
    hand_missing(h, "missing", 15);
    hand_single(h, "any_login");
    hand_pair(h, "far_pair", 400)->policy = SKIP_TO_NEXT;
}

static void count_fate(void *ctx, enum event_fate fate, const struct event *e, const struct record *r)
{
    uint64_t *fates = ctx;
    (void)e;
    (void)r;
    fates[fate]++;
}

static void run(const struct logs *l, const struct setting *s, struct buf *out, uint64_t *late)
{
    struct hand_rules rules;
    struct engine_options o;
    struct memory_source source;
    struct memory_sink sink;
    struct engine *e;
    struct error err = ERROR_INIT;
    struct engine_summary summary;
    add_rules(&rules);
    engine_options_init(&o);
    o.threads = s->threads;
    o.shards = s->shards;
    uint64_t fates[FATE_LATE + 1] = {0};
    o.observe = s->observed ? count_fate : NULL;
    o.observe_ctx = fates;
    memory_source_init(&source, true);
    memory_sink_init(&sink);
    source.batch = s->batch;
    fill(&source, l, s->interleaving);
    assert_int_equal(engine_new(&rules.rs, &o, &e, &err), ERR_OK);
    if (engine_run(e, &source.source, &sink.sink, NULL, &err) != ERR_OK) {
        fail_msg("%s", err.text);
    }
    engine_summary(e, &summary);
    *late = summary.late;
    assert_int_equal(summary.evaluated + summary.late, N_PARTITIONS * N_RECORDS);
    assert_int_equal(summary.after_idle, 0);
    if (s->observed) {
        assert_int_equal(fates[FATE_EVALUATED], summary.evaluated);
        assert_int_equal(fates[FATE_LATE], summary.late);
    }
    buf_clear(out);
    buf_put_slice(out, buf_slice(&sink.text));
    engine_free(e);
    source.source.ops->close(&source.source);
    sink.sink.ops->close(&sink.sink);
    hand_end(&rules);
}

static void same_bytes_whatever_the_machine_does(void **state)
{
    static const struct setting settings[] = {
        {4, 16, 0, 1, false}, {2, 16, 0, 1, false}, {1, 16, 1, 1, false}, {1, 16, 7, 2, false},
        {4, 16, 64, 3, false}, {1, 1, 0, 4, false}, {3, 5, 33, 5, false}, {16, 16, 100, 6, false},
        {1, 16, 0, 1, true}, {2, 3, 50, 7, true},
    };
    struct buf want = BUF_INIT, got = BUF_INIT;
    struct logs *l = xcalloc(1, sizeof(*l));
    struct rng rng = rng_seed(4711);
    (void)state;
    for (int round = 0; round < 3; round++) {
        uint64_t want_late, late;
        logs_random(l, &rng);
        run(l, &(struct setting){1, 16, 0, 1, false}, &want, &want_late);
        assert_true(want.len > 10000);
        for (size_t i = 0; i < FYKE_ARRAY_LEN(settings); i++) {
            run(l, &settings[i], &got, &late);
            assert_int_equal(late, want_late);
            if (!slice_eq(buf_slice(&want), buf_slice(&got))) {
                fail_msg("round %d setting %zu: %zu bytes instead of %zu, or others", round, i,
                         got.len, want.len);
            }
        }
    }
    free(l);
    buf_release(&want);
    buf_release(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_whatever_the_machine_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
