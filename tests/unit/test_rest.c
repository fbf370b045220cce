/* Records that rest are packed in memory and built anew when they are used: the answers, the figures and what is
 * stored are those of a run in which nothing ever rests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/rng.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "tests/support/compile_text.h"
#include "tests/support/state_dump.h"

#define EVENTS 9000
#define USERS 320
#define SHARDS 4

#define HEAD                                                                                       \
    "language 1\n"                                                                                 \
    "event Login from topic \"logins\" { user : string key  at : timestamp in ms event time "      \
    "ok : bool  country : string optional  amount : decimal }\n"

/* A record that is to rest has few slots, so each stands alone. */
static const char *const rule_sets[] = {
    HEAD "rule elsewhere { for each user within 20s when Login as f where not ok "
         "then Login as g where ok and g.country != f.country emit alert { c = g.country  a = f.amount } }\n",
    HEAD "rule silent { for each user when Login as f where not ok then no Login where ok for 5s emit alert }\n",
    HEAD "rule many { for each user when 3 Login as f where not ok within 15s "
         "quiet for 4s emit alert { a = sum(f.amount) } }\n",
    HEAD "rule pairs { for each user within 8s when Login as f where not ok then Login as g where amount > f.amount "
         "after match no skip on timeout emit alert { a = f.amount } emit alert { a = g.amount } }\n",
    HEAD "rule near1 { for each user within 10s when Login as f where not ok then Login as g where ok emit alert }\n"
         "rule near2 { for each user within 14s when Login as f where not ok then Login as g where ok emit alert }\n",
    HEAD "profile habits for each user from Login { n = count() over 12s  c = set(country) over 9s max 3 }\n"
         "rule odd { for each user when Login as f where habits.n > 2 and country not in habits.c "
         "emit alert { n = habits.n } }\n",
    HEAD "rule steps { for each user, country within 25s when Login as a where not ok then Login as b where amount > 50 "
         "then Login as c where ok and amount > b.amount emit alert { a = a.amount  b = b.amount } }\n",
};

struct outcome {
    struct memory_sink sink;
    struct engine_summary summary;
    struct buf state;
};

static void must(enum err rc, const struct error *err)
{
    if (rc != ERR_OK) {
        fail_msg("%s: %s", err_name(rc), err->text);
    }
}

static void push(struct engine *e, struct rng *rng, int64_t i)
{
    static const char *const countries[] = {"\"NL\"", "\"DE\"", "\"Österreich\"", "null"};
    char text[200];
    struct error err = ERROR_INIT;
    int n = snprintf(text, sizeof(text), "{\"user\":\"user %d\",\"at\":%lld,\"ok\":%s,\"country\":%s,\"amount\":%d.%02d}",
                     (int)rng_below(rng, USERS), 1750000000000LL + (long long)i * 2,
                     rng_below(rng, 3) == 0 ? "true" : "false", countries[rng_below(rng, 4)],
                     (int)rng_below(rng, 100), (int)rng_below(rng, 100));
    struct record r = {.offset = i, .has_value = true, .value = slice_from(text, (size_t)n)};
    must(engine_push(e, &r, &err), &err);
}

static void run(const char *rules, size_t memory_bytes, const char *dir, struct outcome *ret)
{
    static const struct source_partition part = {0};
    struct compilation *c = compile_text(rules);
    struct engine_options o;
    struct error err = ERROR_INIT;
    struct engine *e;
    struct rng rng = rng_seed(3);
    engine_options_init(&o);
    o.memory_bytes = memory_bytes;
    o.shards = SHARDS;
    o.state_dir = dir;
    assert_non_null(c->ruleset);
    memory_sink_init(&ret->sink);
    must(engine_new(c->ruleset, &o, &e, &err), &err);
    must(engine_begin(e, &part, 1, &ret->sink.sink, &err), &err);
    for (int64_t i = 0; i < EVENTS; i++) {
        push(e, &rng, i);
        if (i % 50 == 49) {
            must(dir != NULL && i % 300 == 299 ? engine_commit(e, &err) : engine_process(e, &err), &err);
        }
    }
    must(dir != NULL ? engine_commit(e, &err) : engine_process(e, &err), &err);
    engine_summary(e, &ret->summary);
    if (dir == NULL) {
        must(engine_finish(e, &err), &err);
    }
    engine_free(e);
    ret->state = (struct buf)BUF_INIT;
    if (dir != NULL) {
        state_dump(dir, &ret->state, NULL);
    }
    compilation_free(c);
}

static void release(struct outcome *o)
{
    memory_sink_release(&o->sink);
    buf_release(&o->state);
}

static void same(const struct outcome *a, const struct outcome *b)
{
    assert_true(a->sink.n_alerts > 0);
    assert_true(slice_eq(buf_slice(&a->sink.text), buf_slice(&b->sink.text)));
    assert_true(slice_eq(buf_slice(&a->state), buf_slice(&b->state)));
    assert_int_equal(a->summary.live_keys, b->summary.live_keys);
    assert_int_equal(a->summary.live_events, b->summary.live_events);
}

static void without_a_state_everything_may_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rule_sets) / sizeof(rule_sets[0]); i++) {
        struct outcome awake, resting;
        run(rule_sets[i], 0, NULL, &awake);
        run(rule_sets[i], 32 << 10, NULL, &resting);
        assert_int_equal(awake.summary.rested, 0);
        assert_true(resting.summary.woken > 1000);
        assert_true(resting.summary.live_bytes < awake.summary.live_bytes);
        same(&awake, &resting);
        release(&awake);
        release(&resting);
    }
}

/* What has changed since the last commit stays built; the rest is packed, and evicted beyond the budget. */
static void with_a_state_what_is_stored_rests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rule_sets) / sizeof(rule_sets[0]); i++) {
        struct outcome awake, resting;
        char dirs[2][64];
        state_dir_make(dirs[0]);
        state_dir_make(dirs[1]);
        run(rule_sets[i], 0, dirs[0], &awake);
        run(rule_sets[i], 32 << 10, dirs[1], &resting);
        assert_true(resting.summary.rested > 300 && resting.summary.woken > 100);
        same(&awake, &resting);
        state_dir_remove(dirs[0]);
        state_dir_remove(dirs[1]);
        release(&awake);
        release(&resting);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_state_everything_may_rest),
        cmocka_unit_test(with_a_state_what_is_stored_rests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
