/* Rules that share what they keep of a key: alerts, what is counted and what is stored are those of rules that
 * share nothing, through restarts, with little memory, and with few starts allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "engine/engine_parts.h"
#include "engine/keys/key.h"
#include "tests/support/compile_text.h"
#include "tests/support/state_dump.h"

#define MAX_RULES 96
#define N_RULES 84
#define N_EVENTS 2000
#define COMMIT_EVERY 100
#define LIFE_EVERY 400

static const char head[] =
    "language 1\n"
    "event Login from topic \"t\" where type = \"l\" {\n user : string key\n at : timestamp in ms event time\n"
    " type : string\n result : string\n country : string\n n : int\n}\n"
    "event Pay from topic \"t\" where type = \"p\" {\n user : string key\n at : timestamp in ms event time\n"
    " type : string\n n : int\n}\n";

/* $: a span. In turn: kin with spans, kin without, and what shares with nobody. */
static const char *const patterns[] = {
    "within 40s when 3 Login as f where result = \"bad\" within $s then Login as ok where result = \"good\""
    " and country != first(f.country)",
    "within 30s when Login as a where result = \"bad\" then Pay as b where n > a.n",
    "within 25s when 2 Login as f where result = \"bad\" within $s then Pay as p",
    "within 50s when 2 Login as f where n > 2 within $s then Login as g where result = \"good\" and n < 5",
    "within 30s when Login as a where result = \"bad\" then no Pay for 3s",
    "within 60s when 3 Login as f where result = \"bad\" within $s then Pay as p where n >= 3\n"
    " without Login where result = \"good\"",
    "within 35s when Login as a where n = 3 then 2 Login as f where result = \"bad\" within $s then Pay as p",
};
static const char *const tails[] = {"", "", "\n quiet for 9s", "\n after match skip to next", ""};

static void rules_text(struct buf *out)
{
    buf_puts(out, head);
    for (uint32_t i = 0; i < N_RULES; i++) {
        uint32_t round = i / FYKE_ARRAY_LEN(patterns);
        buf_printf(out, "rule r%u {\n severity %s\n for each user ", i, i % 4 == 1 ? "high" : "low");
        for (const char *p = patterns[i % FYKE_ARRAY_LEN(patterns)]; *p != 0; p++) {
            if (*p == '$') {
                buf_printf(out, "%u", 1 + round * 7 % 12);
            } else {
                buf_put_byte(out, (uint8_t)*p);
            }
        }
        const char *tail = tails[round % FYKE_ARRAY_LEN(tails)];
        buf_printf(out, "%s\n emit alert { k = %u }\n}\n", tail, i % 3);
    }
}

struct run {
    struct engine_options options;
    char dir[64];
    struct engine *engine;
    struct memory_sink sink;
    struct error err;
};

static void must(struct run *r, enum err rc)
{
    if (rc != ERR_OK) {
        fail_msg("%s", r->err.text);
    }
}

static void start(struct run *r, const struct ruleset *rs)
{
    static const struct source_partition part = {.topic = 0};
    must(r, engine_new(rs, &r->options, &r->engine, &r->err));
    must(r, engine_begin(r->engine, &part, 1, &r->sink.sink, &r->err));
}

static void push(struct run *r, int64_t offset, const char *text)
{
    struct record record = {.offset = offset, .has_value = true, .value = slice_of(text)};
    must(r, engine_push(r->engine, &record, &r->err));
}

static void event_text(struct rng *rng, int64_t at, char *out, size_t cap)
{
    static const char *const countries[] = {"DK", "SE", "NO"};
    int n = (int)rng_below(rng, 7), user = (int)rng_below(rng, 5);
    if (rng_below(rng, 4) == 0) {
        snprintf(out, cap, "{\"user\":\"u%d\",\"at\":%lld,\"type\":\"p\",\"n\":%d}", user, (long long)at, n);
        return;
    }
    snprintf(out, cap, "{\"user\":\"u%d\",\"at\":%lld,\"type\":\"l\",\"result\":\"%s\",\"country\":\"%s\",\"n\":%d}",
             user, (long long)at, rng_below(rng, 3) == 0 ? "good" : "bad", countries[rng_below(rng, 3)], n);
}

/* What both say and hold at this point. */
static void compare(struct run *want, struct run *got, uint32_t n_rules, uint64_t *fired)
{
    struct engine_rule_figures f[2][MAX_RULES];
    struct engine_summary s[2];
    bool whole;
    assert_true(slice_eq(buf_slice(&want->sink.text), buf_slice(&got->sink.text)));
    engine_rule_figures(want->engine, f[0], &whole);
    engine_rule_figures(got->engine, f[1], &whole);
    engine_summary(want->engine, &s[0]);
    engine_summary(got->engine, &s[1]);
    for (uint32_t i = 0; i < n_rules; i++) {
        assert_int_equal(f[0][i].events, f[1][i].events);
        assert_int_equal(f[0][i].alerts, f[1][i].alerts);
        *fired += f[0][i].alerts;
        if (want->options.memory_bytes == 0) { /* else what lies in memory differs */
            assert_int_equal(f[0][i].keys, f[1][i].keys);
            assert_int_equal(f[0][i].kept, f[1][i].kept);
            assert_int_equal(f[0][i].open, f[1][i].open);
        }
    }
    assert_int_equal(s[0].live_keys, s[1].live_keys);
    assert_int_equal(s[0].live_events, s[1].live_events);
    assert_int_equal(s[0].nfa.detector_calls, s[1].nfa.detector_calls);
    assert_int_equal(s[0].nfa.matches, s[1].nfa.matches);
    assert_int_equal(s[0].nfa.suppressed, s[1].nfa.suppressed);
    assert_int_equal(s[0].nfa.capped, s[1].nfa.capped);
}

static void compare_stored(const struct run *want, const struct run *got)
{
    struct buf a = BUF_INIT, b = BUF_INIT;
    uint64_t records;
    state_dump(want->dir, &a, &records);
    state_dump(got->dir, &b, NULL);
    assert_true(records > 0);
    assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
    buf_release(&a);
    buf_release(&b);
}

static void close_run(struct run *r)
{
    engine_free(r->engine);
    r->engine = NULL;
}

static uint64_t live_through(const struct ruleset *rs, struct run runs[2], uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    uint64_t fired = 0;
    int64_t at = 1000;
    char text[200];
    for (int64_t i = 0; i < N_EVENTS; i++) {
        at += rng_below(&rng, 40) == 0 ? 20000 : rng_range(&rng, 0, 900);
        event_text(&rng, at, text, sizeof(text));
        for (int r = 0; r < 2; r++) {
            if (runs[r].engine == NULL) {
                start(&runs[r], rs);
            }
            push(&runs[r], i, text);
            if (i % COMMIT_EVERY == COMMIT_EVERY - 1) {
                must(&runs[r], engine_commit(runs[r].engine, &runs[r].err));
            }
        }
        if (i % COMMIT_EVERY == COMMIT_EVERY - 1) {
            compare(&runs[0], &runs[1], rs->n_rules, &fired);
        }
        if (i % LIFE_EVERY == LIFE_EVERY - 1) {
            close_run(&runs[0]);
            close_run(&runs[1]);
            compare_stored(&runs[0], &runs[1]);
        }
    }
    return fired;
}

static void the_same_as_apart(size_t memory, uint32_t max_runs, uint64_t seed)
{
    struct buf text = BUF_INIT;
    struct run runs[2] = {{.options = {0}}};
    rules_text(&text);
    struct compilation *c = compile_text(buf_cstr(&text));
    if (c->ruleset == NULL) {
        fail_msg("%s", c->diags.first->message);
    }
    for (int r = 0; r < 2; r++) {
        engine_options_init(&runs[r].options);
        state_dir_make(runs[r].dir);
        memory_sink_init(&runs[r].sink);
        runs[r].options.state_dir = runs[r].dir;
        runs[r].options.memory_bytes = memory;
        runs[r].options.nfa.max_runs = max_runs != 0 ? max_runs : runs[r].options.nfa.max_runs;
        runs[r].options.nfa.apart = r == 0;
    }
    assert_true(live_through(c->ruleset, runs, seed) > 1000);
    for (int r = 0; r < 2; r++) {
        memory_sink_release(&runs[r].sink);
        state_dir_remove(runs[r].dir);
    }
    compilation_free(c);
    buf_release(&text);
}

static void alerts_and_state_are_those_of_rules_apart(void **state)
{
    (void)state;
    the_same_as_apart(0, 0, 1);
}

static void with_little_memory_too(void **state)
{
    (void)state;
    the_same_as_apart(20000, 0, 3);
}

static void with_few_starts_too(void **state)
{
    (void)state;
    the_same_as_apart(0, 4, 4);
}

#define WORK_RULES "rule s%u { for each user within 15m\n when 3 Login as f where result = \"bad\" within %us\n" \
                   " then Login as ok where result = \"good\" and country != first(f.country)\n emit alert }\n"

/* 200 rules that differ in a span cost an event that completes nothing what one costs. */
static void an_event_costs_one_rule(void **state)
{
    (void)state;
    struct buf text = BUF_INIT;
    struct run r = {.options = {0}};
    struct keyspace_figures f;
    engine_options_init(&r.options);
    memory_sink_init(&r.sink);
    buf_puts(&text, head);
    for (unsigned i = 0; i < 200; i++) {
        buf_printf(&text, WORK_RULES, i, 100 + i);
    }
    struct compilation *c = compile_text(buf_cstr(&text));
    assert_non_null(c->ruleset);
    start(&r, c->ruleset);
    for (int i = 0; i < 50; i++) {
        char event[120];
        snprintf(event, sizeof(event), "{\"user\":\"u\",\"at\":%d,\"type\":\"l\",\"result\":\"%s\",\"country\":\"DK\",\"n\":1}",
                 1000 + i, i % 5 == 4 ? "good" : "bad");
        push(&r, i, event);
    }
    must(&r, engine_process(r.engine, &r.err));
    uint64_t steps = 0;
    for (uint32_t i = 0; i < c->ruleset->n_rules; i++) {
        steps += r.engine->shards[0].costs[i].work.steps;
        for (uint32_t s = 1; s < r.engine->n_shards; s++) {
            steps += r.engine->shards[s].costs[i].work.steps;
        }
    }
    assert_in_range(steps, 1, 50 * 20);
    uint64_t instances = 0;
    for (uint32_t s = 0; s < r.engine->n_shards; s++) {
        keyspace_figures(r.engine->shards[s].keyspace, &f);
        instances += f.instances;
    }
    assert_int_equal(instances, 200);
    close_run(&r);
    memory_sink_release(&r.sink);
    compilation_free(c);
    buf_release(&text);
}

/* The patterns above make kin of several rules. */
static void rules_that_differ_in_a_span_are_kin(void **state)
{
    struct buf text = BUF_INIT;
    struct key_table t;
    (void)state;
    rules_text(&text);
    struct compilation *c = compile_text(buf_cstr(&text));
    assert_non_null(c->ruleset);
    key_table_init_shared(&t, c->ruleset);
    uint32_t with_kin = 0;
    for (uint32_t i = 0; i < N_RULES; i++) {
        const struct kin *kin = t.kin.of_unit[i];
        bool could = i % FYKE_ARRAY_LEN(patterns) != 4; /* an absence at the end */
        assert_true(kin == NULL || could);
        assert_true(kin == NULL || kin->n == N_RULES / FYKE_ARRAY_LEN(patterns) || kin->n < 12);
        with_kin += kin != NULL;
    }
    assert_true(with_kin >= N_RULES / 2);
    key_table_release(&t);
    compilation_free(c);
    buf_release(&text);
}

/* A bystander of the same keys is not touched when kin give up what they shared. */
static const char with_bystander[] =
    "rule a { for each user within 40s when 3 Login as f where result = \"bad\" within 5s\n"
    " then Login as ok where result = \"good\" emit alert }\n"
    "rule b { for each user within 40s when 3 Login as f where result = \"bad\" within 10s\n"
    " then Login as ok where result = \"good\" emit alert }\n"
    "rule c { for each user within 50s when Login as x where n = 3 then Pay as p emit alert }\n";

static void what_kin_give_up_is_not_counted_as_kept(void **state)
{
    struct buf text = BUF_INIT;
    struct run runs[2] = {{.options = {0}}};
    struct rng rng = rng_seed(5);
    char event[200];
    (void)state;
    buf_printf(&text, "%s%s", head, with_bystander);
    struct compilation *c = compile_text(buf_cstr(&text));
    assert_non_null(c->ruleset);
    for (int r = 0; r < 2; r++) {
        engine_options_init(&runs[r].options);
        memory_sink_init(&runs[r].sink);
        runs[r].options.nfa.apart = r == 0;
        start(&runs[r], c->ruleset);
    }
    for (int64_t i = 0; i < N_EVENTS; i++) {
        struct engine_summary s[2];
        event_text(&rng, 1000 + i * 100, event, sizeof(event));
        for (int r = 0; r < 2; r++) {
            push(&runs[r], i, event);
            must(&runs[r], engine_process(runs[r].engine, &runs[r].err));
            engine_summary(runs[r].engine, &s[r]);
        }
        assert_int_equal(s[0].live_events, s[1].live_events);
    }
    for (int r = 0; r < 2; r++) {
        close_run(&runs[r]);
        memory_sink_release(&runs[r].sink);
    }
    compilation_free(c);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_that_differ_in_a_span_are_kin),
        cmocka_unit_test(alerts_and_state_are_those_of_rules_apart),
        cmocka_unit_test(with_little_memory_too),
        cmocka_unit_test(with_few_starts_too),
        cmocka_unit_test(an_event_costs_one_rule),
        cmocka_unit_test(what_kin_give_up_is_not_counted_as_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
