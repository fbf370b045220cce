/* The engine from records to alerts: order, keys, deadlines, counters, the order of the output. */
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
#include "tests/support/hand_rules.h"

#define LOGINS 0
#define LOGOUTS 1

struct world {
    struct hand_rules rules;
    struct engine_options options;
    struct memory_source source;
    struct memory_sink sink;
    struct engine *engine;
    struct error err;
    struct engine_summary summary;
};

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    hand_begin(&w->rules, 0);
    engine_options_init(&w->options);
    memory_source_init(&w->source, true);
    memory_sink_init(&w->sink);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    engine_free(w->engine);
    w->source.source.ops->close(&w->source.source);
    w->sink.sink.ops->close(&w->sink.sink);
    hand_end(&w->rules);
    free(w);
    return 0;
}

static void add(struct world *w, uint32_t topic, int32_t partition, int64_t offset,
                const char *user, int64_t at_ms)
{
    char payload[128];
    snprintf(payload, sizeof(payload), "{\"user\":\"%s\",\"at\":%" PRId64 "}", user, at_ms);
    memory_source_add(&w->source, topic, partition, offset, payload);
}

static void run(struct world *w)
{
    enum err rc = engine_new(&w->rules.rs, &w->options, &w->engine, &w->err);
    assert_int_equal(rc, ERR_OK);
    rc = engine_run(w->engine, &w->source.source, &w->sink.sink, NULL, &w->err);
    if (rc != ERR_OK) {
        fail_msg("%s: %s", err_name(rc), w->err.text);
    }
    engine_summary(w->engine, &w->summary);
}

/* Alert i contains this text. */
static void check_alert(const struct world *w, size_t i, const char *want)
{
    struct slice v = memory_sink_value(&w->sink, i);
    if (memmem(v.ptr, v.len, want, strlen(want)) == NULL) {
        fail_msg("alert %zu: no %s in %.*s", i, want, SLICE_ARG(v));
    }
}

static void one_event_one_alert(void **state)
{
    struct world *w = *state;
    hand_single(&w->rules, "any_login");
    add(w, LOGINS, 0, 7, "bob", 1000);
    run(w);
    assert_int_equal(w->sink.n_alerts, 1);
    assert_int_equal(w->sink.n_flushed, 1);
    check_alert(w, 0, "{\"rule\":\"any_login\",\"plan\":\"9f31c2d4a5b60718\",\"kind\":\"match\"");
    check_alert(w, 0, "\"key\":{\"user\":\"bob\"},\"first\":\"1970-01-01T00:00:01.000Z\","
                      "\"last\":\"1970-01-01T00:00:01.000Z\","
                      "\"detected\":\"1970-01-01T00:00:01.000Z\",\"by\":\"event\","
                      "\"evidence\":[{\"step\":\"a\",\"type\":\"Login\",\"topic\":\"logins\","
                      "\"partition\":0,\"offset\":7,\"time\":\"1970-01-01T00:00:01.000Z\"}],"
                      "\"ruleset\":\"0123456789abcdeffedcba9876543210\"}");
    assert_true(slice_eq_str(memory_sink_key(&w->sink, 0), "bob"));
    assert_int_equal(w->summary.alerts[0], 1);
    assert_int_equal(w->summary.live_keys, 0);
}

static void pairs_are_ordered_across_topics(void **state)
{
    struct world *w = *state;
    hand_pair(&w->rules, "pair", 10000);
    /* All of one topic first: order is by event time, not by arrival. */
    add(w, LOGOUTS, 0, 0, "bob", 3000);
    add(w, LOGOUTS, 0, 1, "eve", 4000);
    add(w, LOGINS, 0, 0, "bob", 1000);
    add(w, LOGINS, 0, 1, "eve", 5000);
    run(w);
    assert_int_equal(w->sink.n_alerts, 1);
    check_alert(w, 0, "\"key\":{\"user\":\"bob\"}");
    assert_int_equal(w->summary.evaluated, 4);
}

static void deadlines_wait_for_the_watermark(void **state)
{
    struct world *w = *state;
    hand_missing(&w->rules, "missing", 1000);
    add(w, LOGINS, 0, 0, "bob", 1000);
    add(w, LOGINS, 0, 1, "eve", 1500);
    add(w, LOGOUTS, 0, 0, "eve", 2000);
    add(w, LOGINS, 0, 2, "pat", 2400);
    add(w, LOGOUTS, 0, 1, "zoe", 2100);
    run(w);
    assert_int_equal(w->sink.n_alerts, 1); /* least of 2400 and 2100 lies behind bob's 2000 */
    check_alert(w, 0, "\"key\":{\"user\":\"bob\"}");
    check_alert(w, 0, "\"detected\":\"1970-01-01T00:00:02.000Z\",\"by\":\"deadline\"");
    check_alert(w, 0, "\"absent\":[{\"step\":\"no Logout\",\"from\":\"1970-01-01T00:00:01.000Z\","
                      "\"to\":\"1970-01-01T00:00:02.000Z\"}]");
    assert_int_equal(w->summary.pending_deadlines, 1);
}

static void flush_fires_everything(void **state)
{
    struct world *w = *state;
    hand_missing(&w->rules, "missing", 1000);
    w->options.watermark_end = END_FLUSH;
    add(w, LOGINS, 0, 0, "bob", 1000);
    run(w);
    assert_int_equal(w->sink.n_alerts, 1);
    assert_int_equal(w->summary.live_keys, 0);
    assert_int_equal(w->summary.pending_deadlines, 0);
}

static void watermark_end_is_exclusive(void **state)
{
    struct world *w = *state;
    hand_missing(&w->rules, "missing", 1000);
    w->options.watermark_end = END_AT;
    w->options.pending = true;
    w->options.watermark_end_at = (struct etime){2000 * NS_PER_MS};
    add(w, LOGINS, 0, 0, "bob", 1000);
    add(w, LOGINS, 0, 1, "abe", 999);
    run(w);
    assert_int_equal(w->summary.late, 1);
    assert_int_equal(w->sink.n_alerts, 1);
    check_alert(w, 0, "\"kind\":\"pending\"");
    assert_int_equal(w->summary.alerts_total, 0);
}

static void counters_tell_what_was_left_out(void **state)
{
    struct world *w = *state;
    hand_single(&w->rules, "any_login");
    memory_source_add(&w->source, LOGINS, 0, 0, "{\"at\":5}");
    memory_source_add(&w->source, LOGINS, 0, 1, "{\"user\":\"bob\"}");
    memory_source_add(&w->source, LOGINS, 0, 2, "nonsense");
    memory_source_add(&w->source, LOGINS, 0, 3, NULL);
    add(w, LOGINS, 0, 9, "bob", 10);
    add(w, LOGINS, 0, 9, "bob", 10);
    add(w, LOGINS, 0, 8, "bob", 11);
    add(w, LOGINS, 0, 10, "bob", 9);
    run(w);
    assert_int_equal(w->summary.records, 8);
    assert_int_equal(w->summary.missing_key, 1);
    assert_int_equal(w->summary.invalid[INVALID_NO_TIME], 1);
    assert_int_equal(w->summary.invalid[INVALID_NOT_JSON], 1);
    assert_int_equal(w->summary.tombstones, 1);
    assert_int_equal(w->summary.repeated, 2);
    assert_int_equal(w->summary.late, 1);
    assert_int_equal(w->summary.events, 3);
    assert_int_equal(w->summary.evaluated, 2);
    assert_int_equal(w->sink.n_alerts, 1);
    assert_int_equal(w->summary.n_partitions, 1);
    assert_int_equal(w->summary.partitions[0].next_offset, 11);
}

static void strict_stops_at_the_first_invalid_record(void **state)
{
    struct world *w = *state;
    hand_single(&w->rules, "any_login");
    w->options.strict = true;
    memory_source_add(&w->source, LOGINS, 0, 0, "{");
    assert_int_equal(engine_new(&w->rules.rs, &w->options, &w->engine, &w->err), ERR_OK);
    assert_int_equal(
        engine_run(w->engine, &w->source.source, &w->sink.sink, NULL, &w->err), ERR_INPUT);
    assert_non_null(strstr(w->err.text, "logins [0] offset 0"));
}

/* By (detected, key, rule name), though rule "b" was declared first and keys lie in any shard. */
static void output_is_in_one_order(void **state)
{
    struct world *w = *state;
    static const char *const users[] = {"carl", "abe", "dora", "bob"};
    hand_single(&w->rules, "b_rule");
    hand_single(&w->rules, "a_rule");
    for (int i = 0; i < 4; i++) {
        add(w, LOGINS, 0, i, users[i], 1000);
    }
    run(w);
    assert_int_equal(w->sink.n_alerts, 8);
    static const char *const want[] = {"abe", "bob", "carl", "dora"};
    for (size_t i = 0; i < 8; i++) {
        check_alert(w, i, i % 2 == 0 ? "{\"rule\":\"a_rule\"" : "{\"rule\":\"b_rule\"");
        check_alert(w, i, want[i / 2]);
    }
}

/* ---- stepwise ----------------------------------------------------------------------------- */

static void push(struct world *w, int64_t offset, const char *user, int64_t at_ms)
{
    char payload[128];
    snprintf(payload, sizeof(payload), "{\"user\":\"%s\",\"at\":%" PRId64 "}", user, at_ms);
    struct record r = {
        .topic = LOGINS, .offset = offset, .has_value = true, .value = slice_of(payload)};
    assert_int_equal(engine_push(w->engine, &r, &w->err), ERR_OK);
}

static void stepwise_use_moves_the_clock(void **state)
{
    struct world *w = *state;
    hand_missing(&w->rules, "missing", 1000);
    assert_int_equal(engine_new(&w->rules.rs, &w->options, &w->engine, &w->err), ERR_OK);
    assert_int_equal(engine_begin(w->engine, NULL, 0, &w->sink.sink, &w->err), ERR_OK);
    push(w, 0, "bob", 1000);
    assert_int_equal(engine_advance(w->engine, (struct etime){2000 * NS_PER_MS}, &w->err), ERR_OK);
    assert_int_equal(w->sink.n_alerts, 0);
    assert_int_equal(engine_advance(w->engine, (struct etime){2000 * NS_PER_MS + 1}, &w->err),
                     ERR_OK);
    assert_int_equal(w->sink.n_alerts, 1);
    push(w, 1, "eve", 1500); /* behind what the clock was told */
    assert_int_equal(engine_process(w->engine, &w->err), ERR_OK);
    engine_summary(w->engine, &w->summary);
    assert_int_equal(w->summary.late, 1);
    assert_int_equal(engine_commit(w->engine, &w->err), ERR_OK);
    assert_int_equal(w->sink.flushes, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* A search that is given up, or that has no room to remember failures, shows in the figures of the run. */
static void searches_that_are_given_up_are_counted(void **state)
{
    struct world *w = *state;
    hand_pair(&w->rules, "pair", 10000);
    w->options.nfa.general = true;
    w->options.nfa.max_steps = 1;
    for (int i = 0; i < 8; i++) {
        add(w, LOGINS, 0, i, "bob", 1000 + i);
    }
    add(w, LOGOUTS, 0, 0, "bob", 3000);
    run(w);
    assert_true(w->summary.nfa.exhausted > 0);
}

static void counters_are_summed_all_of_them(void **state)
{
    uint64_t one[sizeof(struct nfa_counters) / sizeof(uint64_t)];
    struct nfa_counters sum = {0}, add;
    (void)state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(one); i++) {
        one[i] = i + 1;
    }
    memcpy(&add, one, sizeof(one));
    nfa_counters_add(&sum, &add);
    nfa_counters_add(&sum, &add);
    memcpy(one, &sum, sizeof(one));
    for (size_t i = 0; i < FYKE_ARRAY_LEN(one); i++) {
        assert_int_equal(one[i], 2 * (i + 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_event_one_alert),
        T(pairs_are_ordered_across_topics),
        T(deadlines_wait_for_the_watermark),
        T(flush_fires_everything),
        T(watermark_end_is_exclusive),
        T(counters_tell_what_was_left_out),
        T(strict_stops_at_the_first_invalid_record),
        T(output_is_in_one_order),
        T(stepwise_use_moves_the_clock),
        T(searches_that_are_given_up_are_counted),
        cmocka_unit_test(counters_are_summed_all_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
