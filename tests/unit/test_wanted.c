/* Events that no rule wants, as far as they say themselves, are passed by: where nothing is read again before they are
 * put in order, with a state behind it. The answers and what is counted stay as they are when every rule is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "nfa/watch.h"
#include "tests/support/compile_text.h"
#include "tests/support/state_dump.h"

#define N_EVENTS 4000
#define MAX_RULES 4

#define DECLARATIONS \
    "language 1\n" \
    "event In from topic \"t\" where type = \"in\" { user : string key optional\n" \
    "  at : timestamp in ms event time  type : string  n : int  out of order by 20ms }\n" \
    "event Out from topic \"t\" where type = \"out\" { user : string key optional\n" \
    "  at : timestamp in ms event time  type : string  n : int  out of order by 20ms }\n"

static const char *const sets[] = {
    "rule one_kind { for each user within 300ms when In as a where n = 1 then In as b where n = 2 emit alert }\n",
    "rule both { for each user within 300ms when In as a where n = 1 then Out as b where n > 7 emit alert }\n",
    /* without a deadline only the store knows of a key that has left memory */
    "rule for_ever { for each user when In as a where n = 1 then In as b where n = 2 emit alert }\n",
    "rule goes_on { for each user when In as a where n = 1 then In as b where n = 3 emit alert }\n"
    "rule begins { for each user within 300ms when In as a where n = 3 then Out as b where n = 7 emit alert }\n",
    /* the history of an absence begins with an event that is not wanted */
    "rule leading { for each user when no Out where n = 3 for 50ms then In as b where n = 9 emit alert }\n",
    "rule trailing { for each user when In as a where n = 4 then no Out where n = 5 for 60ms emit alert }\n",
    /* what waits at the end is counted */
    "rule silent { for each user when In as a where n = 4 then no In where n = 4 for 40ms emit event Silent { n = 1 } }\n"
    "rule heard { within 500ms when 3 Silent as s then Out as o where n = 2 emit alert }\n",
    "rule counts { for each user within 300ms when In as a where n = 1 then next In as b where n = 2 emit alert }\n",
    "rule profile_reader { for each user when In as a where n = 6 and seen.times > 2 emit alert }\n"
    "profile seen for each user from Out { times = count() over 200ms }\n",
    "rule apart { for each user within 300ms when In as a where n = 1 emit alert }\n"
    "rule other { for each n within 300ms when Out as a where n = 8 then Out as b where n = 8 emit alert }\n",
};

static void fill(struct memory_source *m, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    char text[128], user[32];
    int64_t at = 1000000;
    memory_source_add_partition(m, 0, 0);
    for (int64_t i = 0; i < N_EVENTS; i++) {
        at += rng_range(&rng, 0, 6);
        snprintf(user, sizeof(user), "\"user\":\"u%d\",", (int)rng_below(&rng, 9));
        snprintf(text, sizeof(text), "{%s\"at\":%lld,\"type\":\"%s\",\"n\":%d}",
                 rng_below(&rng, 30) == 0 ? "" : user, (long long)(at - rng_range(&rng, 0, 30)),
                 rng_below(&rng, 2) ? "in" : "out", (int)rng_below(&rng, 10));
        memory_source_add(m, 0, 0, i, text);
    }
}

static void see(void *ctx, const struct rule *rule, uint32_t test, const struct event *e, struct eval *ev,
                bool bound)
{
    (void)ctx, (void)rule, (void)test, (void)e, (void)ev, (void)bound;
}

struct answers {
    struct buf text;
    uint64_t of_rules[MAX_RULES]; /* events handed to each */
    uint64_t events, evaluated, late, missing_key, undecided, alerts, detector_calls, loaded;
};

static void run(const struct ruleset *rs, uint64_t seed, const struct nfa_watch *watch, const char *state_dir,
                struct answers *ret)
{
    struct engine_options o;
    struct memory_source source;
    struct memory_sink sink;
    struct engine *e;
    struct error err = ERROR_INIT;
    struct engine_rule_figures figures[MAX_RULES];
    struct engine_summary s;
    bool whole;
    engine_options_init(&o);
    o.nfa.watch = watch;
    o.state_dir = state_dir;
    if (state_dir != NULL) {
        o.memory_bytes = 1; /* what is committed leaves memory */
        o.commit_every.ns = 1;
        o.shards = 3;
    }
    memory_source_init(&source, true);
    memory_sink_init(&sink);
    source.batch = 50; /* a clock begins with the first that is released */
    fill(&source, seed);
    assert_int_equal(engine_new(rs, &o, &e, &err), ERR_OK);
    assert_int_equal(engine_run(e, &source.source, &sink.sink, NULL, &err), ERR_OK);
    engine_rule_figures(e, figures, &whole);
    engine_summary(e, &s);
    *ret = (struct answers){.text = BUF_INIT, .events = s.events, .evaluated = s.evaluated, .late = s.late,
                            .missing_key = s.missing_key, .undecided = s.undecided, .alerts = s.alerts_total,
                            .detector_calls = s.nfa.detector_calls, .loaded = s.loaded};
    buf_put_slice(&ret->text, buf_slice(&sink.text));
    for (uint32_t r = 0; r < rs->n_rules; r++) {
        ret->of_rules[r] = figures[r].events;
    }
    engine_free(e);
    source.source.ops->close(&source.source);
    sink.sink.ops->close(&sink.sink);
}

static void same(const char *rules, const struct answers *want, const struct answers *got, uint32_t n_rules)
{
    if (!slice_eq(buf_slice(&want->text), buf_slice(&got->text))) {
        fail_msg("other alerts: %s", rules);
    }
    for (uint32_t r = 0; r < n_rules; r++) {
        assert_int_equal(want->of_rules[r], got->of_rules[r]);
    }
    assert_int_equal(want->events, got->events);
    assert_int_equal(want->evaluated, got->evaluated);
    assert_int_equal(want->late, got->late);
    assert_int_equal(want->missing_key, got->missing_key);
    assert_int_equal(want->undecided, got->undecided);
    assert_int_equal(want->detector_calls, got->detector_calls);
}

static struct compilation *compile_set(const char *set)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s%s", DECLARATIONS, set);
    struct compilation *c = compile_text(buf_cstr(&text));
    if (c->ruleset == NULL) {
        fail_msg("%s: %s", set, codes_of(c, true));
    }
    buf_release(&text);
    return c;
}

static void the_same_answers_as_when_every_rule_is_asked(void **state)
{
    const struct nfa_watch watch = {.asked = see};
    (void)state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(sets); i++) {
        struct compilation *c = compile_set(sets[i]);
        uint64_t alerts = 0, loaded = 0;
        for (uint64_t seed = 1; seed <= 3; seed++) {
            char dir[64];
            struct answers want, got, stored;
            state_dir_make(dir);
            run(c->ruleset, seed, &watch, NULL, &want);
            run(c->ruleset, seed, NULL, NULL, &got);
            run(c->ruleset, seed, NULL, dir, &stored);
            same(sets[i], &want, &got, c->ruleset->n_rules);
            same(sets[i], &want, &stored, c->ruleset->n_rules);
            alerts += want.alerts;
            loaded += stored.loaded;
            buf_release(&want.text);
            buf_release(&got.text);
            buf_release(&stored.text);
            state_dir_remove(dir);
        }
        if (alerts < 3 || loaded < 3) {
            fail_msg("%llu alerts, %llu keys came back: %s", (unsigned long long)alerts, (unsigned long long)loaded, sets[i]);
        }
        compilation_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_answers_as_when_every_rule_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
