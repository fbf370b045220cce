/* Records of one partition one behind the other are taken over as a run (engine/intake_run.h): the same answers and
 * the same counters as when each comes by itself, and of events that are decoded beforehand, in their block or
 * borrowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "tests/support/compile_text.h"

#define N_RECORDS 6000
#define BATCH 200
#define N_TOPICS 2
#define N_PARTITIONS 2

#define FIELDS "user : string key optional  at : timestamp in ms event time  n : int  w : int optional  "

static const char *const sets[] = {
    /* one clock for both topics; records that no declaration takes, and those that two take */
    "language 1\n"
    "event A from topic \"a\" where n != 7 { " FIELDS "out of order by 15ms }\n"
    "event B from topic \"b\" { " FIELDS "}\n"
    "event Low from topic \"b\" where n < 2 { " FIELDS "}\n"
    "rule low { for each user within 50ms when Low as a then A as b where n = 3 emit alert }\n"
    "rule pair { for each user within 200ms when A as a where n = 1 then B as b where n = 2 emit alert }\n"
    "rule still { for each user when B as b where n = 3 then no A where n > 4 for 30ms emit alert }\n",
    /* one topic has two clocks, the other one */
    "language 1\n"
    "event A from topic \"a\" { " FIELDS "out of order by 15ms }\n"
    "event B from topic \"b\" { " FIELDS "out of order by 2ms }\n"
    "rule pair { for each user within 200ms when A as a where n = 1 then B as b where n = 2 emit alert }\n"
    "rule alone { for each user within 100ms when A as a where n = 5 then A as b where n = 6 emit alert }\n",
    /* a clock for each value, events far ahead, a topic that nobody reads */
    "language 1\n"
    "event A from topic \"a\" { " FIELDS "watermark per n  idle after 30ms  out of order by 15ms }\n"
    "event B from topic \"b\" { " FIELDS "out of order by 2ms  at most 40ms ahead }\n"
    "rule alone { for each user within 100ms when A as a where n = 5 then A as b where n = 6 emit alert }\n",
};

static int64_t record_text(struct rng *rng, int64_t now, char *out, size_t cap)
{
    char user[32] = "";
    now += rng_range(rng, 0, 4);
    if (rng_below(rng, 20) > 0) {
        snprintf(user, sizeof(user), "\"user\":\"u%d\",", (int)rng_below(rng, 6));
    }
    if (rng_below(rng, 40) == 0) {
        snprintf(out, cap, "{%s\"at\":\"never\"}", user);
    } else {
        int64_t behind = rng_below(rng, 3) == 0 ? rng_range(rng, 0, 25) : 0;
        const char *w = rng_below(rng, 20) == 0 ? "\"text\"" : "1"; /* no value of its type: missing */
        snprintf(out, cap, "{%s\"at\":%lld,\"n\":%d,\"w\":%s}", user, (long long)(now - behind),
                 (int)rng_below(rng, 8), w);
    }
    return now;
}

/* Partitions come in runs; now and then a record comes twice. */
static void fill(struct memory_source *m, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    int64_t now = 1000000, next[N_TOPICS][N_PARTITIONS] = {{0}};
    uint32_t topic = 0, partition = 0;
    char text[128];
    for (uint32_t t = 0; t < N_TOPICS; t++) {
        for (int32_t p = 0; p < N_PARTITIONS; p++) {
            memory_source_add_partition(m, t, p);
        }
    }
    for (int i = 0; i < N_RECORDS; i++) {
        if (rng_below(&rng, 12) == 0 && i < N_RECORDS - 2 * BATCH) { /* the last run is long */
            topic = (uint32_t)rng_below(&rng, N_TOPICS);
            partition = (uint32_t)rng_below(&rng, N_PARTITIONS);
        }
        int64_t *offset = &next[topic][partition];
        *offset -= *offset > 0 && rng_below(&rng, 50) == 0;
        now = record_text(&rng, now, text, sizeof(text));
        struct record *r = memory_source_add(m, topic, (int32_t)partition, (*offset)++, text);
        r->broken = rng_below(&rng, 60) == 0 ? "no envelope" : NULL;
        r->has_value = rng_below(&rng, 60) > 0;
        r->has_timestamp = true;
        r->timestamp = (struct etime){now * 1000000};
        r->log_append_time = rng_below(&rng, 60) == 0;
    }
}

enum way { ONE_BY_ONE, AS_BATCH, BY_THREADS, BORROWED, HELD, BOUNDED_ONE_BY_ONE, BOUNDED_AS_BATCH };

struct answers {
    struct memory_sink sink;
    struct engine_summary s;
    int64_t newest_ns; /* of all partitions, together */
};

static void must(enum err rc, const struct error *err)
{
    if (rc != ERR_OK) {
        fail_msg("%s", err->text);
    }
}

struct decoded_ahead {
    struct decoder *decoder;
    struct event_blocks blocks;
    struct event_block *block;
    int64_t next[N_TOPICS][N_PARTITIONS];
};

static void ahead_init(struct decoded_ahead *a, const struct ruleset *rs)
{
    struct engine_options o;
    engine_options_init(&o);
    *a = (struct decoded_ahead){.decoder = decoder_new(rs, o.decode)};
    event_blocks_init(&a->blocks);
    a->block = event_blocks_open(&a->blocks);
    event_block_hold(a->block);
}

static void ahead_release(struct decoded_ahead *a)
{
    assert_int_equal(a->block->holders, 1); /* the engine holds none any more */
    event_blocks_release(&a->blocks);
    decoder_free(a->decoder);
}

/* A record that comes twice would be another event of the same record. */
static uint32_t ahead_decode(struct decoded_ahead *a, const struct record *records, struct event **ret)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < BATCH; i++) {
        const struct record *r = &records[i];
        int64_t *next = &a->next[r->topic][r->partition];
        struct decoded got = {0};
        if (r->offset >= *next && r->broken == NULL) {
            decoder_decode(a->decoder, r, &a->block->arena, &got);
        }
        *next = r->offset >= *next ? r->offset + 1 : *next;
        for (uint32_t k = 0; k < got.n_events; k++) {
            ret[n++] = got.events[k];
        }
    }
    return n;
}

static void push(struct engine *e, const struct record *records, enum way way, struct decoded_ahead *ahead)
{
    struct error err = ERROR_INIT;
    struct event *events[2 * BATCH]; /* two declarations may take one record */
    uint32_t n = way == BORROWED || way == HELD ? ahead_decode(ahead, records, events) : BATCH;
    if (way == AS_BATCH || way == BY_THREADS) {
        must(engine_push_batch(e, records, n, &err), &err);
    } else if (way == HELD) {
        must(engine_push_held(e, events, n, ahead->block, &err), &err);
    } else {
        for (uint32_t i = 0; i < n; i++) {
            must(way == BORROWED ? engine_push_event(e, events[i], &err) : engine_push(e, &records[i], &err), &err);
        }
    }
}

static void go(struct engine *e, const struct ruleset *rs, struct memory_source *m, enum way way,
               struct memory_sink *sink)
{
    struct error err = ERROR_INIT;
    struct decoded_ahead ahead;
    if (way >= BOUNDED_ONE_BY_ONE) {
        m->batch = way == BOUNDED_ONE_BY_ONE ? 1 : BATCH;
        must(engine_run(e, &m->source, &sink->sink, NULL, &err), &err);
        return;
    }
    ahead_init(&ahead, rs);
    must(engine_begin(e, m->partitions, (uint32_t)m->n_partitions, &sink->sink, &err), &err);
    for (size_t i = 0; i < m->n_records; i += BATCH) {
        push(e, &m->records[i], way, &ahead);
        must(engine_process(e, &err), &err);
    }
    must(engine_finish(e, &err), &err);
    ahead_release(&ahead);
}

static void run(const struct ruleset *rs, uint64_t seed, enum way way, struct answers *ret)
{
    struct engine_options o;
    struct memory_source m;
    struct engine *e;
    struct error err = ERROR_INIT;
    engine_options_init(&o);
    o.threads = way == BY_THREADS ? 2 : 1;
    memory_source_init(&m, true);
    fill(&m, seed);
    memory_sink_init(&ret->sink);
    must(engine_new(rs, &o, &e, &err), &err);
    go(e, rs, &m, way, &ret->sink);
    engine_summary(e, &ret->s);
    ret->newest_ns = 0;
    for (size_t i = 0; i < ret->s.n_partitions; i++) {
        ret->newest_ns += ret->s.partitions[i].max_time.ns / N_RECORDS;
    }
    engine_free(e);
    memory_source_release(&m);
}

static void same(const struct answers *want, const struct answers *got, enum way way)
{
    assert_true(slice_eq(buf_slice(&want->sink.text), buf_slice(&got->sink.text)));
    assert_int_equal(want->s.events, got->s.events);
    assert_int_equal(want->s.evaluated, got->s.evaluated);
    assert_int_equal(want->s.late, got->s.late);
    assert_int_equal(want->newest_ns, got->newest_ns);
    assert_int_equal(want->s.missing_key, got->s.missing_key);
    assert_int_equal(want->s.undecided, got->s.undecided);
    if (way != BORROWED && way != HELD) {
        assert_int_equal(want->s.records, got->s.records);
        assert_memory_equal(want->s.invalid, got->s.invalid, sizeof(want->s.invalid));
        assert_int_equal(want->s.bad_values, got->s.bad_values);
        assert_int_equal(want->s.unclaimed, got->s.unclaimed);
        assert_int_equal(want->s.tombstones, got->s.tombstones);
        assert_int_equal(want->s.repeated, got->s.repeated);
    }
}

/* From `first`, which takes each record by itself, to `last`. */
static void compare(const struct ruleset *rs, uint64_t seed, enum way first, enum way last)
{
    struct answers want, got;
    run(rs, seed, first, &want);
    assert_true(want.s.alerts_total > 10 && want.s.late > 10 && want.s.repeated > 10 && want.s.bad_values > 10);
    for (enum way way = first + 1; way <= last; way++) {
        run(rs, seed, way, &got);
        same(&want, &got, way);
        memory_sink_release(&got.sink);
    }
    memory_sink_release(&want.sink);
}

static void each_way_says_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(sets); i++) {
        struct compilation *c = compile_text(sets[i]);
        if (c->ruleset == NULL) {
            fail_msg("%zu: %s", i, codes_of(c, true));
        }
        for (uint64_t seed = 1; seed <= 4; seed++) {
            compare(c->ruleset, seed, ONE_BY_ONE, HELD);
            compare(c->ruleset, seed, BOUNDED_ONE_BY_ONE, BOUNDED_AS_BATCH);
        }
        compilation_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
