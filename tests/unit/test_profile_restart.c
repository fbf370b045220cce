/* Profiles across crashes, evictions, threads and batches: the alerts of all lives together, and the
 * state in the end, are those of a run that never crashed. And nothing stays behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "tests/support/compile_text.h"
#include "tests/support/crash_life.h"
#include "tests/support/journal_life.h"

#define EVENT(name, topic, bound)                                                                  \
    "event " name " from topic \"" topic "\" { user : string key  at : timestamp in ms event time "  \
    " kind : string optional  out of order by " bound "ms }\n"

static const char rules[] =
    "language 1\n" EVENT("Login", "logins", "%d") EVENT("Logout", "logouts", "%d")
    "profile p for each user from Login {\n"
    "  n = count() over 30ms\n"
    "  s = sum(length(kind)) over 25ms every 5ms\n"
    "  m = average(max(length(kind))) over 40ms every 8ms warm 10ms\n"
    "  k = set(kind) over 20ms max 3\n"
    "  d = distinct(length(kind)) over 15ms\n"
    "  x = max(length(kind)) over 30ms\n"
    "  w = stddev(length(kind)) over 50ms\n"
    "  kinds = set(kind) over 60ms every 7ms\n"
    "  all = collect(kind) over 300ms\n"
    "  rate = sum(length(kind)) / count() over 30ms\n"
    "  share = coalesce(count(Login where length(kind) > 1) / max(count()), -1) over 45ms every 4ms warm 12ms\n"
    "}\n"
    "profile q for each user from Logout where kind is present {\n"
    "  n = count_distinct(kind) over 60ms\n"
    "  c = collect(length(kind)) over 10ms\n"
    "}\n"
    "rule seen { for each user when Login as l where kind not in p.k or p.n > 3 or p.rate > 2\n"
    "  emit alert { n = p.n  k = p.k  s = p.s  m = p.m  d = p.d  x = p.x  w = p.w\n"
    "               again = l.kind in p.all  kinds = p.kinds  rate = p.rate  share = p.share } }\n"
    "rule capture { for each user within 40ms\n"
    "  when Login as a\n"
    "  then first Login as b where length(kind) + p.n >= length(a.kind) + 2\n"
    "  then Logout as c\n"
    "  emit alert { q = q.n  c = q.c  n = p.n } }\n"
    "rule silent { for each user when Login as a then no Logout for 9ms\n"
    "  emit alert { n = p.n  s = p.s  q = q.n } }\n"
    "rule many { for each user when 1 or more Login as a until count(a) > p.n / 2 within 20ms\n"
    "  emit alert { n = count(a)  p = p.n } }\n"
    "rule busy { for each user when Login as l where p.n > 2 emit event Busy { n = p.n } }\n"
    "profile b for each user from Busy { most = max(n) over 50ms  n = count() over 50ms }\n"
    "rule busier { for each user when Busy as x where n >= b.most emit alert { most = b.most  n = b.n } }\n";

static struct compilation *compile_rules(int bound)
{
    char text[sizeof(rules) + 16];
    snprintf(text, sizeof(text), rules, bound, bound);
    struct compilation *c = compile_text(text);
    assert_string_equal(codes_of(c, true), "");
    return c;
}

static void crashes_change_nothing(void **state)
{
    static const struct setting wild[] = {
        {4, MUCH_MEMORY, 9, 2, 0, 0, 0}, {1, MUCH_MEMORY, 50, 5, 8, 0, 0}, {4, MUCH_MEMORY, 9, 2, 6, 0, 0},
        {1, 4096, 20, 3, 9, 0, 0}, {2, 1, 7, 2, 7, 0, 0}, {1, MUCH_MEMORY, 1, 1, 30, 0, 0},
    };
    struct logs *l = xcalloc(1, sizeof(*l));
    struct rng rng = rng_seed(23);
    struct journal_outcome sum = {0};
    unsigned crashes = 0;
    size_t largest = 0;
    (void)state;
    for (int round = 0; round < 4; round++) {
        struct outcome want = {0};
        struct compilation *c = compile_rules(round);
        logs_random(l, &rng, round, round % 3 == 2 ? 70 : 0);
        life_same_in_all(c->ruleset, l, wild, FYKE_ARRAY_LEN(wild), round, &crashes, &want);
        if (round % 2 == 0) { /* exactly once, too */
            journal_life_same_in_all(c->ruleset, l, round, &want.alerts, &want.state, &sum);
        }
        assert_true(want.alerts.len > 1000);
        largest = want.state.len > largest ? want.state.len : largest;
        outcome_release(&want);
        compilation_free(c);
    }
    assert_true(crashes > 30);
    assert_true(largest > 4 * SEGMENT_MAX_BYTES); /* records of several segments */
    free(l);
}

/* ---- nothing stays behind ------------------------------------------------------------------- */

#define N_KEYS 20000

static void push(struct engine *e, uint32_t user, int64_t at_ms)
{
    struct error err = ERROR_INIT;
    char payload[96];
    snprintf(payload, sizeof(payload), "{\"user\":\"u%u\",\"at\":%lld,\"kind\":\"a\"}", user,
             (long long)at_ms);
    struct record r = {.offset = user, .has_value = true, .value = slice_of(payload)};
    assert_int_equal(engine_push(e, &r, &err), ERR_OK);
}

/* Each key is seen once; 400 ms after the last one the watermark alone has emptied the state. */
static void keys_seen_once_leave_nothing(void **state)
{
    struct compilation *c = compile_rules(0);
    struct memory_sink sink;
    struct engine_options o;
    struct engine *e;
    struct engine_summary sum;
    struct error err = ERROR_INIT;
    struct source_partition parts[2] = {{.topic = 0}, {.topic = 1}};
    (void)state;
    memory_sink_init(&sink);
    engine_options_init(&o);
    assert_int_equal(engine_new(c->ruleset, &o, &e, &err), ERR_OK);
    assert_int_equal(engine_begin(e, parts, 2, &sink.sink, &err), ERR_OK);
    for (uint32_t i = 0; i < N_KEYS; i++) {
        push(e, i, 1000 + i / 1000);
    }
    assert_int_equal(engine_advance(e, (struct etime){1020 * NS_PER_MS}, &err), ERR_OK);
    engine_summary(e, &sum);
    assert_true(sum.live_keys >= N_KEYS);
    assert_int_equal(engine_advance(e, (struct etime){1400 * NS_PER_MS}, &err), ERR_OK);
    engine_summary(e, &sum);
    assert_int_equal(sum.live_keys, 0);
    engine_free(e);
    sink.sink.ops->close(&sink.sink);
    compilation_free(c);
}

/* An event that only a profile reads was left out without a word when it had no key. */
static void events_of_a_profile_without_its_key_are_counted(void **state)
{
    struct compilation *c = compile_text(
        "language 1\n"
        "event Login from topic \"logins\" { user : string  at : timestamp in ms event time }\n"
        "event Logout from topic \"logouts\" { user : string optional"
        "  at : timestamp in ms event time  kind : string }\n"
        "profile p for each user from Logout where kind = \"x\" { n = count() over 1s }\n"
        "rule one { for each user when Login as l emit alert { n = p.n } }\n"
        "rule two { for each user when Login as l where p.n > 3 emit alert { } }\n"
        "rule none { for each user when Login as l emit alert { } }\n");
    static const char *const payloads[] = {"{\"at\":1,\"kind\":\"x\"}", "{\"at\":2,\"kind\":\"y\"}",
                                           "{\"at\":3,\"kind\":\"x\",\"user\":\"u\"}"};
    struct memory_sink sink;
    struct engine_options o;
    struct engine *e;
    struct engine_summary sum;
    struct error err = ERROR_INIT;
    struct source_partition parts[2] = {{.topic = 0}, {.topic = 1}};
    (void)state;
    memory_sink_init(&sink);
    engine_options_init(&o);
    assert_int_equal(engine_new(c->ruleset, &o, &e, &err), ERR_OK);
    assert_int_equal(engine_begin(e, parts, 2, &sink.sink, &err), ERR_OK);
    for (uint32_t i = 0; i < FYKE_ARRAY_LEN(payloads); i++) {
        struct record r = {.topic = 1, .offset = i, .has_value = true,
                           .value = slice_of(payloads[i])};
        assert_int_equal(engine_push(e, &r, &err), ERR_OK);
    }
    assert_int_equal(engine_advance(e, (struct etime){10 * NS_PER_MS}, &err), ERR_OK);
    engine_summary(e, &sum);
    assert_int_equal(sum.missing_key, 2); /* once per rule that reads the profile */
    engine_free(e);
    sink.sink.ops->close(&sink.sink);
    compilation_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crashes_change_nothing),
        cmocka_unit_test(keys_seen_once_leave_nothing),
        cmocka_unit_test(events_of_a_profile_without_its_key_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
