/* Unbounded sources under a clock of our own: idleness, what comes after it, commits, a partition
 * that holds everything up, back-pressure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/memory.h"
#include "engine/engine.h"
#include "nfa/payload.h"
#include "tests/support/hand_rules.h"

#define LOGINS 0
#define LOGOUTS 1
#define MAX_STEPS 32

/* One poll: the clock goes on, then one record comes or none. */
struct step {
    int64_t pass_ms;
    int32_t topic; /* -1: no record */
    const char *user;
    int64_t at_ms;
};

struct world {
    struct source source; /* first */
    struct hand_rules rules;
    struct engine_options options;
    struct memory_sink sink;
    struct engine *engine;
    struct error err;
    struct engine_summary summary;
    const struct step *steps;
    uint32_t n_steps, at;
    struct ptime now;
    volatile sig_atomic_t stop;
    struct source_partition partitions[2];
    struct partition_position ends[2];
    int64_t next[2];
    struct record record;
    char payload[128];
    uint64_t commits, pauses;
    struct partition_position committed[2];
    char log[2048];
    uint32_t refused_after_idle;
    char refused_value[128];
    bool append_time; /* records carry the broker's time */
    bool paused[2];
    bool skips_headers; /* what the source was told when it was read last */
};

static struct world *of(struct source *s)
{
    return (struct world *)(void *)s;
}

static enum err partitions(struct source *s, const struct source_partition **ret, uint32_t *n,
                           struct error *err)
{
    (void)err;
    *ret = of(s)->partitions;
    *n = 2;
    return ERR_OK;
}

static enum err start(struct source *s, const struct partition_position *from, uint32_t n,
                      struct error *err)
{
    (void)s;
    (void)from;
    (void)n;
    (void)err;
    return ERR_OK;
}

static enum err poll_step(struct source *s, uint32_t max, struct duration wait,
                          struct source_batch *ret, struct error *err)
{
    struct world *w = of(s);
    (void)max;
    (void)wait;
    (void)err;
    w->skips_headers = s->skips_headers;
    *ret = (struct source_batch){.at_end = w->ends, .n_at_end = 2};
    if (w->at == w->n_steps) {
        w->stop = 1;
        return ERR_OK;
    }
    const struct step *step = &w->steps[w->at++];
    w->now.ns += step->pass_ms * NS_PER_MS;
    if (step->topic < 0) {
        return ERR_OK;
    }
    snprintf(w->payload, sizeof(w->payload), "{\"user\":\"%s\",\"at\":%" PRId64 "}", step->user,
             step->at_ms);
    w->record = (struct record){
        .topic = (uint32_t)step->topic,
        .offset = w->next[step->topic]++,
        .has_value = true,
        .value = slice_of(w->payload),
        .has_timestamp = w->append_time,
        .log_append_time = w->append_time,
        .timestamp = {step->at_ms * NS_PER_MS},
    };
    ret->records = &w->record;
    ret->n = 1;
    return ERR_OK;
}

static enum err pause_partition(struct source *s, const struct partition_position *p, bool paused,
                                struct error *err)
{
    (void)err;
    of(s)->pauses++;
    of(s)->paused[p->topic] = paused;
    return ERR_OK;
}

static enum err commit(struct source *s, const struct partition_position *pos, uint32_t n,
                       const char *metadata, struct error *err)
{
    (void)metadata;
    (void)err;
    of(s)->commits++;
    memcpy(of(s)->committed, pos, n * sizeof(*pos));
    return ERR_OK;
}

static const struct source_ops ops = {
    .partitions = partitions,
    .start = start,
    .poll = poll_step,
    .pause = pause_partition,
    .commit = commit,
};

static struct ptime now(void *ctx)
{
    return ((struct world *)ctx)->now;
}

static void log_line(void *ctx, const char *line)
{
    struct world *w = ctx;
    strncat(w->log, line, sizeof(w->log) - strlen(w->log) - 2);
    strcat(w->log, "\n");
}

static enum err refused(void *ctx, enum refused_why why, const char *reason,
                        const struct record *r, struct error *err)
{
    struct world *w = ctx;
    (void)reason;
    (void)err;
    if (why == REFUSED_AFTER_IDLE) {
        w->refused_after_idle++;
        snprintf(w->refused_value, sizeof(w->refused_value), "%.*s", SLICE_ARG(r->value));
    }
    return ERR_OK;
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    w->source = (struct source){.ops = &ops};
    hand_begin(&w->rules, 0);
    engine_options_init(&w->options);
    w->options.clock = (struct engine_clock){.now = now, .ctx = w};
    w->options.log = log_line;
    w->options.log_ctx = w;
    w->options.refused = refused;
    w->options.refused_ctx = w;
    memory_sink_init(&w->sink);
    for (uint32_t t = 0; t < 2; t++) {
        w->partitions[t] = (struct source_partition){.topic = t};
        w->ends[t].topic = t;
    }
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    engine_free(w->engine);
    w->sink.sink.ops->close(&w->sink.sink);
    hand_end(&w->rules);
    free(w);
    return 0;
}

static void run(struct world *w, const struct step *steps, uint32_t n)
{
    w->steps = steps;
    w->n_steps = n;
    assert_int_equal(engine_new(&w->rules.rs, &w->options, &w->engine, &w->err), ERR_OK);
    if (engine_run(w->engine, &w->source, &w->sink.sink, &w->stop, &w->err) != ERR_OK) {
        fail_msg("%s", w->err.text);
    }
    engine_summary(w->engine, &w->summary);
}

#define RUN(w, ...)                                                                                \
    do {                                                                                           \
        static const struct step steps_[] = {__VA_ARGS__};                                         \
        run(w, steps_, FYKE_ARRAY_LEN(steps_));                                                    \
    } while (0)

static void set_idle(struct world *w, uint32_t topic, int64_t ms)
{
    w->rules.topics[topic].idle_after.ns = ms * NS_PER_MS;
}

static void check_alert(const struct world *w, size_t i, const char *want)
{
    struct slice v = memory_sink_value(&w->sink, i);
    if (memmem(v.ptr, v.len, want, strlen(want)) == NULL) {
        fail_msg("alert %zu: no %s in %.*s", i, want, SLICE_ARG(v));
    }
}

/* ---- tests -------------------------------------------------------------------------------- */

static void a_silent_partition_holds_the_clock(void **state)
{
    struct world *w = *state;
    hand_missing(&w->rules, "missing", 1000);
    RUN(w, {0, LOGINS, "bob", 1000}, {0, LOGINS, "eve", 9000}, {60000, -1, NULL, 0});
    assert_int_equal(w->sink.n_alerts, 0);
    assert_int_equal(w->summary.evaluated, 0);
    assert_int_equal(w->commits, 2); /* by time, and at the end */
    assert_int_equal(w->committed[LOGINS].offset, 0); /* nothing of it may be forgotten */
}

static void an_idle_partition_lets_go(void **state)
{
    struct world *w = *state;
    hand_missing(&w->rules, "missing", 1000);
    set_idle(w, LOGOUTS, 2000);
    RUN(w, {0, LOGINS, "bob", 1000}, {1999, LOGINS, "eve", 9000}, {0, -1, NULL, 0},
        {1, -1, NULL, 0});
    assert_int_equal(w->sink.n_alerts, 1);
    check_alert(w, 0, "\"user\":\"bob\"");
    assert_int_equal(w->summary.partitions[LOGOUTS].idle_advances, 1);
    assert_int_equal(w->committed[LOGINS].offset, 2);
}

/* After idleness: bob's key has passed 2000 by its deadline, eve's has passed nothing. */
static void what_comes_after_idleness_is_judged_by_its_key(void **state)
{
    struct world *w = *state;
    hand_missing(&w->rules, "missing", 1000);
    set_idle(w, LOGOUTS, 2000);
    RUN(w, {0, LOGINS, "eve", 1000}, {0, LOGINS, "eve", 8500}, {0, LOGINS, "bob", 9000},
        {2000, -1, NULL, 0}, {0, LOGOUTS, "eve", 8400}, {0, LOGOUTS, "pat", 8450},
        {0, LOGOUTS, "eve", 9200}, {0, LOGINS, "zoe", 20000}, {0, LOGOUTS, "zoe", 20000});
    assert_int_equal(w->summary.after_idle, 1);
    assert_int_equal(w->refused_after_idle, 1);
    assert_string_equal(w->refused_value, "{\"user\":\"eve\",\"at\":8400}"); /* the whole record */
    assert_int_equal(w->summary.late, 0);
    assert_int_equal(w->sink.n_alerts, 2); /* eve at 2000, bob at 10000; eve's 8500 was followed */
    check_alert(w, 0, "\"user\":\"eve\"");
    check_alert(w, 1, "\"user\":\"bob\"");
}

static void an_idle_source_may_follow_the_clock(void **state)
{
    struct world *w = *state;
    hand_missing(&w->rules, "missing", 1000);
    for (uint32_t t = 0; t < 2; t++) {
        set_idle(w, t, 500);
        w->rules.topics[t].follow_clock = true;
    }
    RUN(w, {0, LOGINS, "bob", 1000}, {0, LOGOUTS, "eve", 1000}, {500, -1, NULL, 0},
        {500, -1, NULL, 0});
    assert_int_equal(w->sink.n_alerts, 0);
    w->stop = 0;
    engine_free(w->engine);
    w->at = 0;
    RUN(w, {0, LOGINS, "bob", 1000}, {0, LOGOUTS, "eve", 1000}, {500, -1, NULL, 0},
        {501, -1, NULL, 0});
    assert_int_equal(w->sink.n_alerts, 1);
}

static void who_holds_the_clock_is_named(void **state)
{
    struct world *w = *state;
    hand_missing(&w->rules, "missing", 1000);
    RUN(w, {0, LOGINS, "bob", 1000}, {0, -1, NULL, 0}, {9000, -1, NULL, 0}, {1000, -1, NULL, 0},
        {1000, -1, NULL, 0}, {58000, -1, NULL, 0}, {1000, -1, NULL, 0});
    assert_string_equal(
        w->log,
        "topic \"logouts\" partition 0 has held the clock back for 10 s; 1 events wait for it\n"
        "topic \"logouts\" partition 0 has held the clock back for 70 s; 1 events wait for it\n");
    assert_int_equal(w->summary.clock_holds, 2);
}

static void times_of_the_broker_are_named(void **state)
{
    struct world *w = *state;
    hand_single(&w->rules, "any");
    w->append_time = true;
    w->rules.topics[LOGINS].at_most_ahead.ns = 60 * NS_PER_S;
    RUN(w, {0, LOGINS, "bob", 1000}, {0, LOGINS, "eve", 1001}, {0, LOGOUTS, "eve", 1002});
    assert_string_equal(w->log,
                        "topic \"logins\" partition 0: `at most … ahead` is judged by when the "
                        "broker wrote the record (LogAppendTime): what is sent late or again is "
                        "judged wrongly\n"); /* once; logouts are not judged */
    w->log[0] = '\0';
    w->stop = 0;
    w->at = 0;
    w->rules.decls[LOGOUTS].fields[HAND_AT].origin = ORIGIN_TIMESTAMP;
    engine_free(w->engine);
    RUN(w, {0, LOGOUTS, "eve", 1002});
    assert_string_equal(w->log,
                        "topic \"logouts\" partition 0: the event time of Logout is when the broker "
                        "wrote the record (LogAppendTime), not when something happened\n");
}

static void the_partition_ahead_is_paused(void **state)
{
    struct world *w = *state;
    hand_pair(&w->rules, "pair", 1000);
    w->options.buffer_bytes = 1;
    RUN(w, {0, LOGINS, "bob", 1000}, {0, LOGINS, "bob", 1001}, {0, LOGOUTS, "bob", 1002});
    assert_int_equal(w->pauses, 3);
    assert_true(w->paused[LOGOUTS]); /* now logouts are ahead */
    assert_false(w->paused[LOGINS]);
    assert_int_equal(w->sink.n_alerts, 0); /* logins may still send 1001 */
}

static void alerts_are_out_before_each_commit(void **state)
{
    struct world *w = *state;
    hand_single(&w->rules, "any");
    RUN(w, {0, LOGINS, "bob", 1000}, {1000, LOGINS, "eve", 1000}, {0, LOGINS, "pat", 1000});
    assert_int_equal(w->sink.n_alerts, 3);
    assert_int_equal(w->sink.n_flushed, 3);
    assert_int_equal(w->sink.flushes, 2);
}

/* Each user has a clock; eve's is behind, which is no lateness, and what bob did before is
 * evaluated first however records were cut into batches. */
static void watermark_per_value(void **state)
{
    struct world *w = *state;
    hand_single(&w->rules, "any");
    w->rules.topics[LOGINS].has_watermark_per = true;
    w->rules.topics[LOGINS].watermark_per_slot = HAND_USER;
    w->rules.topics[LOGINS].out_of_order.ns = 100 * NS_PER_MS;
    set_idle(w, LOGINS, 5000);
    RUN(w, {0, LOGINS, "bob", 10000}, {0, LOGINS, "eve", 6000}, {0, LOGINS, "bob", 10500},
        {0, LOGINS, "eve", 5900}, {0, LOGINS, "eve", 5899}, {0, LOGINS, "bob", 10000},
        {0, LOGINS, "bob", 20000});
    assert_int_equal(w->summary.late, 2); /* eve's 5899 by her clock, bob's 10000 by his */
    assert_int_equal(w->summary.partitions[0].watermark.ns, 19900 * NS_PER_MS);
    assert_int_equal(w->summary.after_idle, 0);
    assert_int_equal(w->summary.evaluated, 4);
}

/* ---- headers of records -------------------------------------------------------------------- */

static void headers_are_of_no_use_to_most(void **state)
{
    struct world *w = *state;
    hand_single(&w->rules, "any");
    w->options.refused = NULL;
    RUN(w, {0, LOGINS, "bob", 1000});
    assert_true(w->skips_headers);
    assert_false(w->source.skips_headers); /* behind the run nobody has said so */
}

static void records_that_are_refused_go_out_with_their_headers(void **state)
{
    struct world *w = *state;
    hand_single(&w->rules, "any");
    RUN(w, {0, LOGINS, "bob", 1000});
    assert_false(w->skips_headers);
}

static void a_field_comes_from_a_header(void **state)
{
    struct world *w = *state;
    hand_single(&w->rules, "any");
    w->options.refused = NULL;
    w->rules.decls[LOGOUTS].fields[HAND_KIND].origin = ORIGIN_HEADER;
    w->rules.decls[LOGOUTS].fields[HAND_KIND].header = SLICE_LIT("kind");
    RUN(w, {0, LOGINS, "bob", 1000});
    assert_false(w->skips_headers);
}

/* The identifier of a schema may stand in one. */
static void a_topic_is_not_json(void **state)
{
    struct world *w = *state;
    static const struct payload_type text = {.kind = PAYLOAD_STRING};
    const struct payload_schema avro = {.format = PAYLOAD_AVRO, .root = &text};
    hand_single(&w->rules, "any");
    w->options.refused = NULL;
    w->rules.topics[LOGOUTS].payload = &avro;
    RUN(w, {0, LOGINS, "bob", 1000});
    assert_false(w->skips_headers);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_silent_partition_holds_the_clock),
        T(an_idle_partition_lets_go),
        T(what_comes_after_idleness_is_judged_by_its_key),
        T(an_idle_source_may_follow_the_clock),
        T(who_holds_the_clock_is_named),
        T(times_of_the_broker_are_named),
        T(the_partition_ahead_is_paused),
        T(alerts_are_out_before_each_commit),
        T(watermark_per_value),
        T(headers_are_of_no_use_to_most),
        T(records_that_are_refused_go_out_with_their_headers),
        T(a_field_comes_from_a_header),
        T(a_topic_is_not_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
