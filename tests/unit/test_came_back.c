/* `watermark per`: an event of a value that had fallen silent and comes back behind its partition's
 * frontier. Whether it is evaluated is a fact of the logs: the same bytes whichever partition was read
 * first, however often the process died, whatever waited on disk. */
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
#include "base/xalloc.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "engine/engine_parts.h"
#include "tests/support/compile_text.h"
#include "tests/support/crash_life.h"
#include "tests/support/state_dump.h"

static struct compilation *compile(const char *text)
{
    struct compilation *c = compile_text(text);
    if (c->ruleset == NULL) {
        fail_msg("%s: %s", codes_of(c, true), c->diags.first->message);
    }
    return c;
}

/* ---- the least case, every interleaving --------------------------------------------------- */

static const char two_rules[] =
    "language 1\n"
    "event E from topic \"e\" { user : string key  at : timestamp in ms event time  host : string\n"
    "  watermark per host  idle after 150ms }\n"
    "event F from topic \"f\" { user : string key  at : timestamp in ms event time }\n"
    "rule pair { for each user within 1s when any of (E as a, F as b) then F as c emit alert }\n";

struct told {
    int64_t at_ms;
    const char *user, *host;
};
static const struct told of_e[] = {{49, "z", "b"}, {200, "z", "a"}, {60, "k", "b"}, {400, "z", "a"}};
static const struct told of_f[] = {{100, "k", ""}, {300, "k", ""}, {400, "z", ""}};
#define N_E FYKE_ARRAY_LEN(of_e)
#define N_F FYKE_ARRAY_LEN(of_f)

struct answer {
    struct buf alerts; /* in the order in which they left */
    uint64_t after_idle, evaluated;
    struct buf refused;
};

static enum err keep_refused(void *ctx, enum refused_why why, const char *reason,
                             const struct record *r, struct error *err)
{
    struct answer *a = ctx;
    (void)reason;
    (void)err;
    assert_int_equal(why, REFUSED_AFTER_IDLE);
    buf_printf(&a->refused, "%u/%d/%" PRId64 " %.*s\n", r->topic, (int)r->partition, r->offset,
               SLICE_ARG(r->value));
    return ERR_OK;
}

static void push(struct engine *e, uint32_t topic, int64_t offset, const struct told *t)
{
    struct error err;
    char text[128];
    snprintf(text, sizeof(text), "{\"user\":\"%s\",\"at\":%" PRId64 ",\"host\":\"%s\"}", t->user,
             t->at_ms, t->host);
    struct record r = {.topic = topic, .offset = offset, .has_value = true, .value = slice_of(text)};
    assert_int_equal(engine_push(e, &r, &err), ERR_OK);
}

static void take_alerts(const struct memory_sink *sink, struct buf *out)
{
    for (size_t i = 0; i < sink->n_alerts; i++) {
        buf_put_slice(out, memory_sink_value(sink, i));
        buf_put_byte(out, '\n');
    }
}

/* Bit i of `order`: the i-th record is of e; bit i of `looks`: the clocks move after it. */
static void run_in_order(const struct ruleset *rs, unsigned order, unsigned looks, size_t buffer,
                         struct answer *ret)
{
    struct source_partition parts[2] = {{.topic = 0}, {.topic = 1}};
    struct engine_options o;
    struct memory_sink sink;
    struct engine *e;
    struct error err;
    struct engine_summary sum;
    size_t ne = 0, nf = 0;
    engine_options_init(&o);
    o.refused = keep_refused;
    o.refused_ctx = ret;
    o.buffer_bytes = buffer;
    memory_sink_init(&sink);
    assert_int_equal(engine_new(rs, &o, &e, &err), ERR_OK);
    e->hold_back = true;
    assert_int_equal(engine_begin(e, parts, 2, &sink.sink, &err), ERR_OK);
    for (unsigned i = 0; i < N_E + N_F; i++) {
        if ((order >> i & 1) != 0) {
            push(e, 0, (int64_t)ne, &of_e[ne]);
            ne++;
        } else {
            push(e, 1, (int64_t)nf, &of_f[nf]);
            nf++;
        }
        if ((looks >> i & 1) != 0) {
            assert_int_equal(engine_process(e, &err), ERR_OK);
        }
    }
    assert_int_equal(engine_finish(e, &err), ERR_OK);
    take_alerts(&sink, &ret->alerts);
    engine_summary(e, &sum);
    ret->after_idle = sum.after_idle;
    ret->evaluated = sum.evaluated;
    engine_free(e);
    memory_sink_release(&sink);
}

static void answer_release(struct answer *a)
{
    buf_release(&a->alerts);
    buf_release(&a->refused);
}

/* b@60 stands behind f@100 in the order of release: its partition had come to 200 when it was read.
 * So the key k has passed it, also where e was read to its end first. */
static void other_partitions_have_no_say(void **state)
{
    struct compilation *c = compile(two_rules);
    struct answer want = {0};
    unsigned orders = 0;
    (void)state;
    run_in_order(c->ruleset, (1u << N_E) - 1, 0, MUCH_MEMORY, &want);
    assert_int_equal(want.after_idle, 1);
    assert_string_equal(buf_cstr(&want.refused),
                        "0/0/2 {\"user\":\"k\",\"at\":60,\"host\":\"b\"}\n");
    for (unsigned order = 0; order < 1u << (N_E + N_F); order++) {
        if ((unsigned)__builtin_popcount(order) != N_E) {
            continue;
        }
        orders++;
        for (unsigned looks = 0; looks < 1u << (N_E + N_F); looks += 7) {
            struct answer got = {0};
            run_in_order(c->ruleset, order, looks, looks % 2 ? MUCH_MEMORY : 1, &got);
            assert_string_equal(buf_cstr(&got.alerts), buf_cstr(&want.alerts));
            assert_string_equal(buf_cstr(&got.refused), buf_cstr(&want.refused));
            assert_int_equal(got.evaluated, want.evaluated);
            answer_release(&got);
        }
    }
    assert_int_equal(orders, 35);
    answer_release(&want);
    compilation_free(c);
}

/* ---- random logs -------------------------------------------------------------------------- */

/* Levels, deadlines, quiet time over keys and a profile, so that every kind of state is asked. */
static const char all_rules[] =
    "language 1\n"
    "event Login from topic \"logins\" { user : string key  at : timestamp in ms event time\n"
    "  kind : string  watermark per kind  idle after %dms  out of order by %dms }\n"
    "event Logout from topic \"logouts\" { user : string key  at : timestamp in ms event time\n"
    "  kind : string  %s }\n"
    "rule pair { for each user within 40ms when Login as a then Logout as b\n"
    "  on timeout emit alert { at = a.at } emit alert { kind = a.kind } }\n"
    "rule twice { for each user within 30ms when 2 Login as l emit alert emit event Twice { } }\n"
    "rule silent { for each user when Login as a then no Login for 9ms\n"
    "  emit alert emit event Silent { since = a.at } }\n"
    "rule unheard { for each user when Login as a then no Logout for 12ms emit alert }\n"
    "rule again { for each user within 60ms when Twice as t then Login as l emit alert }\n"
    "rule crowd { within 30ms when 3 Silent as s emit alert { users = collect(s.user) } }\n";

/* Every kind has a pace of its own and stands still now and then. */
static void logs_of_kinds(struct logs *l, struct rng *rng, int64_t bound)
{
    l->n_partitions = 2 + (uint32_t)rng_below(rng, 2);
    for (uint32_t p = 0; p < l->n_partitions; p++) {
        int64_t now = rng_range(rng, 0, 20), lag[3] = {0, 0, 0};
        for (uint32_t i = 0; i < CRASH_RECORDS; i++) {
            struct line *line = &l->lines[p][i];
            uint32_t kind = rng_below(rng, 4) == 0 ? 1 + (uint32_t)rng_below(rng, 2) : 0;
            now += rng_range(rng, 0, 3);
            lag[kind] = kind > 0 && rng_below(rng, 5) == 0 ? rng_range(rng, 0, 60) : lag[kind];
            *line = (struct line){.topic = p == 1, .partition = p == 2, .offset = i};
            snprintf(line->payload, sizeof(line->payload),
                     "{\"user\":\"u%d\",\"at\":%" PRId64 ",\"kind\":\"%c\"}",
                     (int)rng_below(rng, 5), now - lag[kind] - rng_range(rng, 0, bound + 1),
                     "abc"[kind]);
        }
    }
}

static void random_logs_in_random_pieces(void **state)
{
    static const struct setting wild[] = {
        {1, MUCH_MEMORY, 50, 5, 8, 0, 0},   {3, MUCH_MEMORY, 9, 2, 6, 0, 1},
        {1, 4096, 20, 3, 9, 600, 2},        {2, MUCH_MEMORY, 1, 1, 30, 200, 0},
        {1, MUCH_MEMORY, 450, 3, 0, 0, 0},  {3, MUCH_MEMORY, 3, 4, 5, 2000, 3},
        {1, MUCH_MEMORY, 2, 9, 0, 0, 0},
    };
    static const char *const others[] = {"", "watermark per kind  idle after 12ms"};
    struct logs *l = xcalloc(1, sizeof(*l));
    struct rng rng = rng_seed(77);
    unsigned crashes = 0;
    (void)state;
    for (int round = 0; round < 10; round++) {
        char text[sizeof(all_rules) + 64];
        struct outcome want = {0};
        int bound = round % 4;
        snprintf(text, sizeof(text), all_rules, 10 + round, bound, others[round % 2]);
        struct compilation *c = compile(text);
        logs_of_kinds(l, &rng, bound);
        life_same_in_all(c->ruleset, l, wild, FYKE_ARRAY_LEN(wild), round, &crashes, &want);
        assert_true(want.alerts.len > 1000);
        outcome_release(&want);
        compilation_free(c);
    }
    assert_true(crashes > 100);
    free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_partitions_have_no_say),
        cmocka_unit_test(random_logs_in_random_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
