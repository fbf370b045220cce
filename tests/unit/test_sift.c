/* Events that no kept event lets into a match are not kept (nfa/sift.c): the same answers as of rules that say the same
 * in words that nobody sifts by, and the same is kept whatever is loaded again in between. */
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

static void open_world(struct instance_world *w, const char *pattern)
{
    char rule[512];
    snprintf(rule, sizeof(rule), "rule r { for each k within 200ms when %s }", pattern);
    world_open(w, rule, false, MANY);
}

/* One text for each value: as short as can be, up to beyond what is compared without a call; some differ in their first
 * letter alone, some in the last. */
static struct slice text_of(int64_t v, char out[64])
{
    size_t n = (size_t)v * 7 % 23;
    memset(out, 'x', n);
    n += (size_t)snprintf(out + n, 32, "%lld", (long long)v);
    if (v % 3 == 0) {
        memset(out + n, 'y', 9);
        n += 9;
    }
    return slice_from(out, n);
}

static void push(struct instance_world *w, bool texts, char type, int64_t ms, int64_t v)
{
    char text[64];
    if (texts) {
        world_push_text(w, type, ms, text_of(v, text));
    } else {
        world_push(w, type, ms, v);
    }
}

/* ---- the same answers ------------------------------------------------------------------------------ */

/* With a comparison of numbers, of texts, and of numbers in words that no equality is seen in. */
#define FORMS(before, behind)                                                                                        \
    {before "v = a.v" behind, before "s = a.s" behind, before "not (v != a.v)" behind}
#define FORMS_2(before, between, behind)                                                                             \
    {before "v = a.v" between "v = a.v" behind, before "s = a.s" between "s = a.s" behind,                           \
     before "not (v != a.v)" between "not (v != a.v)" behind}
static const char *const patterns[][3] = {
    FORMS("A as a then B as b where ", " then C as c emit alert"),
    FORMS_2("A as a then B as b where ", " then C as c where ", " emit alert"),
    FORMS_2("A as a then B as b where ", " then C as c where ", " then D as d emit alert"),
    FORMS_2("A as a then any of (B as b where ", ", C as c where ", ") then D as d emit alert"),
    FORMS("A as a then optional B as b where ", " then C as c emit alert"),
    FORMS("A as a then A as b where ", " then B as c emit alert"),
    FORMS("A as a then B as b where ", " then within 20ms C as c emit alert"),
    FORMS("A as a then first B as b where ", " then C as c emit alert"),
    FORMS("A as a then next B as b where ", " then C as c emit alert"),
    FORMS("A as a then B as b where ", " then next C as c emit alert"),
    FORMS("A as a then B as b where ", " then no M then C as c emit alert"),
    FORMS("A as a then no B where ", " then C as c emit alert"),
    FORMS("A as a then no B where ", " for 10ms then C as c emit alert"),
    FORMS("A as a then B as b where ", " then no C for 10ms emit alert"),
    FORMS("A as a then 1 or more B as b where ", " then C as c emit alert"),
    FORMS("A as a then all of (B as b where ", ", C as c) then D as d emit alert"),
    FORMS("A as a then B as b where ", " then C as c without M emit alert"),
    FORMS("A as a then B as b where ", " then C as c after match no skip emit alert"),
    FORMS("A as a then B as b where ", " then C as c on timeout emit alert emit alert"),
};
enum { NUMBERS, TEXTS, PLAIN, N_FORMS };

static void play(struct instance_world *w, bool texts, uint64_t seed, bool reloads)
{
    struct rng rng = rng_seed(seed);
    uint64_t values = UINT64_C(1) << (1 + seed % 8);
    for (int64_t ms = 0; ms < 1500; ms += 1 + (int64_t)rng_below(&rng, 3)) {
        char type = "AAABBBBCCDM"[rng_below(&rng, 11)];
        push(w, texts, type, ms, (int64_t)rng_below(&rng, values));
        world_advance(w, ms - 1);
        if (reloads) {
            world_reload(w);
        }
    }
    world_advance(w, 10000);
}

static void answers_are_those_without(void **state)
{
    (void)state;
    for (size_t p = 0; p < sizeof(patterns) / sizeof(*patterns); p++) {
        for (uint64_t seed = 1; seed <= 16; seed++) {
            struct instance_world w[N_FORMS];
            for (int form = 0; form < N_FORMS; form++) {
                open_world(&w[form], patterns[p][form]);
                play(&w[form], form == TEXTS, seed, false);
            }
            assert_string_equal(buf_cstr(&w[NUMBERS].log), buf_cstr(&w[PLAIN].log));
            assert_string_equal(buf_cstr(&w[TEXTS].log), buf_cstr(&w[PLAIN].log));
            for (int form = 0; form < N_FORMS; form++) {
                world_close(&w[form]);
            }
        }
    }
}

/* ---- what is kept ----------------------------------------------------------------------------------- */

/* "a1 b2": an A of value 1, then a B of value 2; each 1 ms behind the one before, '|': 300 ms. */
static uint64_t kept_of(const char *pattern, bool texts, const char *events)
{
    struct instance_world w;
    int64_t ms = 0;
    open_world(&w, pattern);
    for (const char *e = events; *e; e++) {
        if (*e == '|') {
            ms += 300;
        } else if (*e != ' ') {
            push(&w, texts, (char)(e[0] - 'a' + 'A'), ms++, e[1] - '0');
            e++;
        }
    }
    uint64_t kept = instance_retained(w.in);
    world_close(&w);
    return kept;
}

static void what_nothing_asks_for_is_not_kept(void **state)
{
    static const struct {
        const char *events;
        uint64_t sifted, plain;
    } cases[] = {
        {"b1 b1", 0, 0},
        {"a1 b2 b2 b2", 1, 4},
        {"a1 b1 b2", 2, 3},
        {"a1 b2 a2 b2 b3", 3, 5},
        {"a1 | a2 b1", 1, 2}, /* what it would have gone with is too old */
        {"a1 b1 d1 a2 b1", 1, 2}, /* is used up */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(kept_of("A as a then B as b where v = a.v then D as d emit alert", false, cases[i].events),
                         cases[i].sifted);
        assert_int_equal(kept_of("A as a then B as b where s = a.s then D as d emit alert", true, cases[i].events),
                         cases[i].sifted);
        assert_int_equal(kept_of("A as a then B as b where not (v != a.v) then D as d emit alert", false,
                                 cases[i].events), cases[i].plain);
    }
}

static void the_same_is_kept_when_it_is_loaded_again(void **state)
{
    (void)state;
    for (size_t p = 0; p < sizeof(patterns) / sizeof(*patterns); p++) {
        for (int form = 0; form < PLAIN; form++) {
            struct instance_world w[2];
            struct buf stored[2] = {BUF_INIT, BUF_INIT};
            for (int reloads = 0; reloads < 2; reloads++) {
                open_world(&w[reloads], patterns[p][form]);
                play(&w[reloads], form == TEXTS, p + 3, reloads);
                world_stored(&w[reloads], &stored[reloads]);
            }
            assert_string_equal(buf_cstr(&w[0].log), buf_cstr(&w[1].log));
            assert_true(slice_eq(buf_slice(&stored[0]), buf_slice(&stored[1])));
            for (int reloads = 0; reloads < 2; reloads++) {
                buf_release(&stored[reloads]);
                world_close(&w[reloads]);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_without),
        cmocka_unit_test(what_nothing_asks_for_is_not_kept),
        cmocka_unit_test(the_same_is_kept_when_it_is_loaded_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
