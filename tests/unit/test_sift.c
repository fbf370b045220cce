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

/* In a pattern [v] stands for a comparison with the first event's v, [v b] with that of b. */
enum form {
    NUMBERS, /* v = a.v */
    TEXTS,   /* of texts in place of numbers */
    PLAIN,   /* in words that no equality is seen in: not (v != a.v) */
    N_FORMS
};

static void write_comparison(const char *token, enum form form, struct buf *out)
{
    char field = form == TEXTS ? 's' : token[1], name = token[2] == ']' ? 'a' : token[3];
    if (form == PLAIN) {
        buf_printf(out, "not (%c != %c.%c)", field, name, field);
    } else {
        buf_printf(out, "%c = %c.%c", field, name, field);
    }
}

static void open_world(struct instance_world *w, const char *pattern, enum form form)
{
    struct buf rule = BUF_INIT;
    buf_puts(&rule, "rule r { for each k within 200ms when ");
    for (const char *p = pattern; *p; p++) {
        if (*p == '[') {
            write_comparison(p, form, &rule);
            p = strchr(p, ']');
        } else {
            buf_put_byte(&rule, (uint8_t)*p);
        }
    }
    buf_puts(&rule, strstr(pattern, "emit") != NULL ? " }" : " emit alert }");
    world_open(w, buf_cstr(&rule), false, MANY);
    buf_release(&rule);
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

static void push(struct instance_world *w, enum form form, char type, int64_t ms, int64_t v)
{
    char text[64];
    if (form == TEXTS) {
        world_push_text(w, type, ms, text_of(v, text));
    } else {
        world_push(w, type, ms, v);
    }
}

/* ---- the same answers ------------------------------------------------------------------------------ */

static const char *const patterns[] = {
    "A as a then B as b where [v] then C as c",
    "A as a then B as b where [v] then C as c where [v]",
    "A as a then B as b where [v] then C as c where [v] then D as d",
    "A as a then any of (B as b where [v], C as c where [v]) then D as d",
    "A as a then optional B as b where [v] then C as c",
    "A as a then optional B as b where [v] then C as c where [v]",
    "A as a then A as b where [v] then B as c",
    "A as a then A as b then B as c where [v b] then D as d",
    "A as a then B as b where [v] then within 20ms C as c",
    "A as a then first B as b where [v] then C as c",
    "A as a then next B as b where [v] then C as c",
    "A as a then B as b where [v] then next C as c",
    "A as a then B as b where [v] then no M then C as c",
    "A as a then no B where [v] then C as c",
    "A as a then no B where [v] for 10ms then C as c",
    "A as a then B as b where [v] then no C for 10ms",
    "A as a then 1 or more B as b where [v] then C as c",
    "A as a then all of (B as b where [v], C as c) then D as d",
    "A as a then B as b where [v] then C as c without M",
    "A as a then B as b where [v] then C as c after match no skip",
    "A as a then B as b where [v] then C as c on timeout emit alert emit alert",
};

static void play(struct instance_world *w, enum form form, uint64_t seed, bool reloads)
{
    struct rng rng = rng_seed(seed);
    uint64_t values = UINT64_C(1) << (1 + seed % 8);
    for (int64_t ms = 0; ms < 1500; ms += 1 + (int64_t)rng_below(&rng, 3)) {
        char type = "AAABBBBCCDM"[rng_below(&rng, 11)];
        push(w, form, type, ms, (int64_t)rng_below(&rng, values));
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
                open_world(&w[form], patterns[p], (enum form)form);
                play(&w[form], (enum form)form, seed, false);
            }
            assert_string_equal(buf_cstr(&w[NUMBERS].log), buf_cstr(&w[PLAIN].log));
            assert_string_equal(buf_cstr(&w[TEXTS].log), buf_cstr(&w[PLAIN].log));
            for (int form = 0; form < N_FORMS; form++) {
                world_close(&w[form]);
            }
        }
    }
}

/* Two fields, each of which an event may lack. */
static const char *const mixed[] = {
    "A as a then B as b where [s] then C as c where [v]",
    "A as a then B as b where [v] then C as c where [s]",
    "A as a then B as b where [s] and [v] then C as c where [s]",
    "A as a then B as b where [s] then C as c where [s] and [v]",
    "A as a then B as b where [v] and [s] then C as c where [s] and [v]",
    "A as a then optional B as b where [s] then C as c where [s]",
    "A as a then B as b where [s] then C as c where [s b]",
    "A as a then B as b where [v] then C as c where [v b] then D as d where [s]",
    "A as a where v = 1 then A as b where v = 2 then B as c where [s b] then D as d",
    "A as a where v = 1 then A as b where [s] then A as c where [v]",
    "A as a then B as b where [s] or [v] then C as c where [s]",
};

static void push_mixed(struct instance_world *w, int64_t ms, struct rng *rng, uint64_t values)
{
    char type = "AAABBBBCCDM"[rng_below(rng, 11)], text[64];
    struct value v = value_int((int64_t)rng_below(rng, values));
    struct value s = value_string(text_of((int64_t)rng_below(rng, values), text));
    uint64_t lacks = rng_below(rng, 10);
    world_push_both(w, type, ms, lacks == 0 ? VALUE_MISSING : v, lacks == 1 ? VALUE_MISSING : s);
    world_advance(w, ms - 1);
}

static void two_fields_of_which_one_is_marked(void **state)
{
    (void)state;
    for (size_t p = 0; p < sizeof(mixed) / sizeof(*mixed); p++) {
        for (uint64_t seed = 1; seed <= 16; seed++) {
            struct instance_world w[N_FORMS];
            for (int form = NUMBERS; form < N_FORMS; form += PLAIN) {
                struct rng rng = rng_seed(seed);
                open_world(&w[form], mixed[p], (enum form)form);
                for (int64_t ms = 0; ms < 1500; ms += (int64_t)rng_below(&rng, 4)) {
                    push_mixed(&w[form], ms, &rng, 2 + seed % 5);
                }
                world_advance(&w[form], 10000);
            }
            assert_string_equal(buf_cstr(&w[NUMBERS].log), buf_cstr(&w[PLAIN].log));
            world_close(&w[NUMBERS]);
            world_close(&w[PLAIN]);
        }
    }
}

/* ---- what is kept ----------------------------------------------------------------------------------- */

/* "a1 b2": an A of value 1, then a B of value 2; each 1 ms behind the one before, '|': 300 ms. */
static uint64_t kept_of(enum form form, const char *events)
{
    struct instance_world w;
    int64_t ms = 0;
    open_world(&w, "A as a then B as b where [v] then D as d", form);
    for (const char *e = events; *e; e++) {
        if (*e == '|') {
            ms += 300;
        } else if (*e != ' ') {
            push(&w, form, (char)(e[0] - 'a' + 'A'), ms++, e[1] - '0');
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
        assert_int_equal(kept_of(NUMBERS, cases[i].events), cases[i].sifted);
        assert_int_equal(kept_of(TEXTS, cases[i].events), cases[i].sifted);
        assert_int_equal(kept_of(PLAIN, cases[i].events), cases[i].plain);
    }
}

/* Fewer starts are allowed than before: an event that is not kept itself says so, too. */
static void more_starts_than_are_allowed(void **state)
{
    (void)state;
    struct instance_world w[2];
    for (int i = 0; i < 2; i++) {
        enum form form = i == 0 ? NUMBERS : PLAIN;
        open_world(&w[i], "A as a then B as b where [v] then C as c", form);
        for (int64_t ms = 1; ms <= 4; ms++) {
            push(&w[i], form, 'A', ms, ms);
        }
        world_allow(&w[i], 2);
        push(&w[i], form, 'B', 5, 9);
        push(&w[i], form, 'B', 6, 1);
        push(&w[i], form, 'C', 7, 0);
    }
    assert_string_equal(buf_cstr(&w[0].log), buf_cstr(&w[1].log));
    assert_true(strncmp(buf_cstr(&w[0].log), "!5", 2) == 0);
    world_close(&w[0]);
    world_close(&w[1]);
}

static void the_same_is_kept_when_it_is_loaded_again(void **state)
{
    (void)state;
    for (size_t p = 0; p < sizeof(patterns) / sizeof(*patterns); p++) {
        for (int form = NUMBERS; form < PLAIN; form++) {
            struct instance_world w[2];
            struct buf stored[2] = {BUF_INIT, BUF_INIT};
            for (int reloads = 0; reloads < 2; reloads++) {
                open_world(&w[reloads], patterns[p], (enum form)form);
                play(&w[reloads], (enum form)form, p + 3, reloads);
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
        cmocka_unit_test(two_fields_of_which_one_is_marked),
        cmocka_unit_test(more_starts_than_are_allowed),
        cmocka_unit_test(what_nothing_asks_for_is_not_kept),
        cmocka_unit_test(the_same_is_kept_when_it_is_loaded_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
