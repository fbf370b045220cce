/* Where few events are kept they are looked through for the value that the last step asks for (nfa/few.c): the same
 * answers as without, on both sides of each limit, and no cost that grows with what is asked in vain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "tests/support/instance_world.h"

#define MANY 100000

static void open_world(struct instance_world *w, const char *pattern, bool general)
{
    char rule[512];
    snprintf(rule, sizeof(rule), "rule r { for each k within 1h when %s emit alert }", pattern);
    world_open(w, rule, general, MANY);
}

/* ---- the same answers ------------------------------------------------------------------------------ */

static const char *const patterns[] = {
    "A as a then C as c where v = a.v",
    "A as a then B as b where v = a.v then C as c where v = a.v",
    "A as a then B as b then C as c where v = b.v and v = a.v",
    "A as a then B as b then C as c where a.v = v and s = a.s and v > 0",
    "A as a then A as b where v = a.v",
    "A as a then within 40ms C as c where v = a.v",
    "A as a then no M then C as c where v = a.v",
    "A as a then optional B as b then C as c where v = a.v",
};

/* Up to `values` values, so that the larger it is the more events wait before a match. */
static void play(struct instance_world *w, uint64_t seed, uint64_t values, struct buf *stored)
{
    struct rng rng = rng_seed(seed);
    for (int64_t ms = 0; ms < 1200; ms += 1 + (int64_t)rng_below(&rng, 2)) {
        char type = "AAAABBBCCM"[rng_below(&rng, 10)];
        world_push(w, type, ms, (int64_t)rng_below(&rng, values));
        if (rng_below(&rng, 400) == 0) {
            world_reload(w);
        }
    }
    world_stored(w, stored);
}

static void answers_are_those_of_the_search(void **state)
{
    (void)state;
    for (size_t p = 0; p < sizeof(patterns) / sizeof(*patterns); p++) {
        for (uint64_t seed = 1; seed <= 24; seed++) {
            struct instance_world w[2];
            struct buf stored[2] = {BUF_INIT, BUF_INIT};
            for (int general = 0; general < 2; general++) {
                open_world(&w[general], patterns[p], general);
                play(&w[general], seed, UINT64_C(1) << seed % 12, &stored[general]);
            }
            assert_string_equal(buf_cstr(&w[0].log), buf_cstr(&w[1].log));
            assert_true(slice_eq(buf_slice(&stored[0]), buf_slice(&stored[1])));
            for (int general = 0; general < 2; general++) {
                buf_release(&stored[general]);
                world_close(&w[general]);
            }
        }
    }
}

/* ---- what it costs ---------------------------------------------------------------------------------- */

/* A key that keeps `n` events of each of `types`, each with its place in `types` as its value; operations for each of
 * `times` further ones of `more`, of which those of type C have the value v and complete no match. */
static double cost(const char *pattern, const char *types, int64_t n, const char *more, int64_t v, int times)
{
    struct instance_world w;
    int64_t ms = 0;
    open_world(&w, pattern, false);
    for (int64_t i = 0; i < n; i++) {
        for (size_t t = 0; types[t]; t++) {
            world_push(&w, types[t], ms++, (int64_t)t + 1);
        }
    }
    uint64_t before = world_work(&w);
    for (int i = 0; i < times; i++) {
        for (size_t t = 0; more[t]; t++) {
            world_push(&w, more[t], ms++, more[t] == 'C' ? v : 1);
        }
    }
    double spent = (double)(world_work(&w) - before) / times;
    assert_int_equal(w.matches, 0);
    world_close(&w);
    return spent;
}

static void values_that_nobody_has_are_looked_for_some_times_only(void **state)
{
    (void)state;
    double few = cost("A as a then C as c where v = a.v", "A", 30, "C", 9, 200);
    double many = cost("A as a then C as c where v = a.v", "A", 120, "C", 9, 200);
    assert_true(few <= 35);
    assert_true(many <= 20);
}

/* What is searched for in vain is so once: of many, of very few, for an event that is kept itself. */
static void searches_in_vain_are_not_repeated(void **state)
{
    static const struct {
        const char *pattern, *types;
        int64_t n;
        const char *more;
        int times;
        double most;
    } cases[] = {
        {"A as a then B as b where v = a.v then C as c where v = a.v", "AB", 50, "AC", 20, 100},
        {"A as a then B as b where v < a.v then C as c where v = a.v", "AB", 14, "C", 200, 20},
        {"A as a then B as b where v < a.v then B as c where v = a.v", "A", 20, "AB", 40, 30},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_true(cost(cases[i].pattern, cases[i].types, cases[i].n, cases[i].more, 1, cases[i].times) <=
                    cases[i].most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_the_search),
        cmocka_unit_test(values_that_nobody_has_are_looked_for_some_times_only),
        cmocka_unit_test(searches_in_vain_are_not_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
