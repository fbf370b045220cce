/* Quick tests say what expr_true() says of the same condition. */
#include "tests/support/expr_world.h"

#include "base/rng.h"
#include "base/xalloc.h"
#include "nfa/quick_set.h"
#include "nfa/quick_test.h"

enum { FIELDS = 4, CONDITIONS = 4000 };

static const enum value_kind kinds[FIELDS] = {VAL_STRING, VAL_INT, VAL_DECIMAL, VAL_BOOL};

static struct value some_value(struct rng *r, enum value_kind kind)
{
    static const char *const texts[] = {"", "a", "failure", "success", "failures",
                                        "a text of more letters than most", "a text of more letters than mast"};
    static const char *const decimals[] = {"0", "0.1", "0.10", "-5", "200.00", "200"};
    if (kind == VAL_STRING) {
        return text(texts[rng_below(r, FYKE_ARRAY_LEN(texts))]);
    }
    if (kind == VAL_DECIMAL) {
        return dec(decimals[rng_below(r, FYKE_ARRAY_LEN(decimals))]);
    }
    return kind == VAL_INT ? value_int((int64_t)rng_below(r, 3) - 1) : value_bool(rng_below(r, 2));
}

static const struct expr *some_comparison(struct world *w, struct rng *r)
{
    uint32_t slot = (uint32_t)rng_below(r, FIELDS);
    struct expr *left = field(w, EX_FIELD, slot, -1), *right = con(w, some_value(r, kinds[slot]));
    left->kind = (uint8_t)kinds[slot];
    bool turned = rng_below(r, 2);
    enum expr_op op = (enum expr_op)(EX_EQ + rng_below(r, EX_GE - EX_EQ + 1));
    return turned ? ex(w, op, VAL_BOOL, 2, right, left) : ex(w, op, VAL_BOOL, 2, left, right);
}

static const struct expr *some_condition(struct world *w, struct rng *r)
{
    if (rng_below(r, 2)) {
        return some_comparison(w, r);
    }
    return ex(w, EX_AND, VAL_BOOL, 2, some_comparison(w, r),
              rng_below(r, 2) ? some_comparison(w, r)
                              : ex(w, EX_AND, VAL_BOOL, 2, some_comparison(w, r),
                                   some_comparison(w, r)));
}

static void test_same_as_expressions(void **state)
{
    struct world *w = *state;
    struct rng r = rng_seed(5);
    uint32_t n_true = 0;
    for (uint32_t i = 0; i < CONDITIONS; i++) {
        const struct expr *e = some_condition(w, &r);
        const struct quick_test *q = quick_test_new(e, &w->arena);
        assert_non_null(q);
        for (uint32_t k = 0; k < 8; k++) {
            struct value values[FIELDS];
            for (uint32_t f = 0; f < FIELDS; f++) {
                values[f] = rng_below(&r, 5) ? some_value(&r, kinds[f]) : VALUE_MISSING;
            }
            struct event *event = event_at(w, 1, (uint32_t)rng_below(&r, FIELDS + 1), values);
            event->decl = rng_below(&r, 8) ? 0 : 1;
            w->ev.self = event;
            bool expected = expr_true(e, &w->ev);
            assert_int_equal(quick_test_true(q, event), expected);
            n_true += expected;
        }
    }
    assert_true(n_true > CONDITIONS / 2);
}

/* ---- several rules -------------------------------------------------------------------------- */

enum { RULES = 6, TESTS = 4, SETS = 400 };

static struct event *some_event(struct world *w, struct rng *r)
{
    struct value values[FIELDS];
    for (uint32_t f = 0; f < FIELDS; f++) {
        values[f] = rng_below(r, 5) ? some_value(r, kinds[f]) : VALUE_MISSING;
    }
    return event_at(w, 1, (uint32_t)rng_below(r, FIELDS + 1), values);
}

static uint64_t asked_alone(const struct rule *rule, uint64_t roles, const struct event *e)
{
    uint64_t tests = 0;
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        bool holds = (rule->tests[t].roles & roles) && quick_test_true(rule->tests[t].quick, e);
        tests |= (uint64_t)holds << t;
    }
    return tests;
}

static void some_rule(struct world *w, struct rng *r, struct rule *rule, struct rule_test *tests)
{
    *rule = (struct rule){.tests = tests, .n_tests = TESTS};
    for (uint32_t t = 0; t < TESTS; t++) {
        tests[t] = (struct rule_test){
            .roles = 1 + rng_below(r, 3),
            .quick = quick_test_new(rng_below(r, 9) ? some_condition(w, r) : NULL, &w->arena),
        };
    }
}

/* Taken at once they are what they are one by one. Returns whether they can be. */
static bool check_shift(const struct quick_need *needs, uint32_t n, uint64_t holds, uint64_t met)
{
    uint32_t shift = quick_needs_shift(needs, n);
    uint64_t tests = 0;
    for (uint32_t i = 0; i < n; i++) {
        tests |= needs[i].test;
    }
    if (shift != QUICK_NO_SHIFT) {
        assert_int_equal(quick_needs_shifted(tests, shift, holds), met);
    }
    return shift != QUICK_NO_SHIFT;
}

static void test_needs_at_one_distance(void **state)
{
    (void)state;
    const struct quick_need up[] = {{.test = 4, .comparisons = 1}, {.test = 8, .comparisons = 2}};
    const struct quick_need down[] = {{.test = 1, .comparisons = UINT64_C(1) << 63}, {.test = 2, .comparisons = 1}};
    const struct quick_need same[] = {{.test = 1, .comparisons = 1}, {.test = 2, .comparisons = 1}};
    const struct quick_need both[] = {{.test = 1, .comparisons = 3}};
    const struct quick_need none[] = {{.test = 1}};
    assert_int_equal(quick_needs_shift(up, 2), 2);
    assert_int_equal(quick_needs_shift(down, 2), 1);
    assert_int_equal(quick_needs_shift(same, 2), QUICK_NO_SHIFT);
    assert_int_equal(quick_needs_shift(both, 1), QUICK_NO_SHIFT);
    assert_int_equal(quick_needs_shift(none, 1), QUICK_NO_SHIFT);
    assert_int_equal(quick_needs_shift(none, 0), QUICK_NO_SHIFT);
    for (uint64_t holds = 0; holds < 8; holds++) {
        check_shift(up, 2, holds, quick_needs_met(up, 2, holds));
        check_shift(down, 2, holds << 62, quick_needs_met(down, 2, holds << 62));
        check_shift(down, 2, holds, quick_needs_met(down, 2, holds));
    }
}

/* Returns how many tests have passed. */
static uint32_t check_set(struct world *w, struct rng *r, uint32_t *ret_shifts)
{
    struct rule_test tests[RULES][TESTS];
    struct quick_need needs[RULES][TESTS];
    struct rule rules[RULES];
    uint32_t n[RULES], passed = 0;
    uint64_t roles[RULES];
    struct quick_set set = {.decl = 0};
    for (uint32_t i = 0; i < RULES; i++) {
        some_rule(w, r, &rules[i], tests[i]);
        roles[i] = 1 + rng_below(r, 3);
        n[i] = quick_set_add(&set, &rules[i], roles[i], needs[i]);
    }
    for (uint32_t k = 0; k < 8; k++) {
        const struct event *e = some_event(w, r);
        uint64_t holds = quick_set_ask(&set, e);
        for (uint32_t i = 0; i < RULES; i++) {
            if (n[i] != UINT32_MAX) {
                uint64_t met = quick_needs_met(needs[i], n[i], holds);
                assert_int_equal(met, asked_alone(&rules[i], roles[i], e));
                *ret_shifts += check_shift(needs[i], n[i], holds, met);
                passed += (uint32_t)__builtin_popcountll(met);
            }
        }
    }
    return passed;
}

static void test_rules_share_comparisons(void **state)
{
    struct world *w = *state;
    struct rng r = rng_seed(6);
    uint32_t passed = 0, shifts = 0;
    for (uint32_t i = 0; i < SETS; i++) {
        passed += check_set(w, &r, &shifts);
    }
    assert_true(passed > SETS && shifts > SETS);
}

static struct value numbered_text(struct world *w, int64_t i)
{
    return value_string(slice_of(arena_printf(&w->arena, "t%lld", (long long)i)));
}

/* A rule that finds no room asks by itself; those before it go on. */
static void test_full_set(void **state)
{
    struct world *w = *state;
    struct quick_set set = {.decl = 0};
    struct quick_need needs[QUICK_SET_MAX + 1];
    for (int64_t i = 0; i <= QUICK_SET_MAX; i++) {
        bool is_text = i % 2;
        struct expr *at = field(w, EX_FIELD, !is_text, -1);
        at->kind = is_text ? VAL_STRING : VAL_INT;
        struct value constant = is_text ? numbered_text(w, i) : value_int(i);
        struct rule_test test = {.roles = 1};
        test.quick = quick_test_new(ex(w, EX_EQ, VAL_BOOL, 2, at, con(w, constant)), &w->arena);
        struct rule rule = {.tests = &test, .n_tests = 1};
        assert_int_equal(quick_set_add(&set, &rule, 1, &needs[i]), i < QUICK_SET_MAX ? 1 : UINT32_MAX);
        assert_int_equal(quick_set_add(&set, &rule, 1, &needs[i]), i < QUICK_SET_MAX ? 1 : UINT32_MAX);
        assert_int_equal(quick_set_add(&set, &rule, 2, &needs[i]), 0); /* no test has the role */
    }
    assert_int_equal(quick_set_size(&set), QUICK_SET_MAX);
    struct value values[FIELDS] = {numbered_text(w, 63), value_int(62), VALUE_MISSING, VALUE_MISSING};
    assert_true(quick_set_ask(&set, event_at(w, 1, FIELDS, values)) == (needs[63].comparisons | needs[62].comparisons));
    assert_true(quick_set_ask(&set, event_at(w, 1, 1, values)) == needs[63].comparisons);
}

static void test_what_is_none(void **state)
{
    struct world *w = *state;
    struct event *e = event_at(w, 1, 0, NULL);
    const struct quick_test *always = quick_test_new(NULL, &w->arena);
    assert_non_null(always);
    assert_true(quick_test_true(always, e));
    struct expr *a = field(w, EX_FIELD, 0, -1), *b = field(w, EX_FIELD, 1, -1);
    a->kind = b->kind = VAL_INT;
    struct expr *one = con(w, value_int(1));
    assert_null(quick_test_new(ex(w, EX_EQ, VAL_BOOL, 2, a, b), &w->arena));
    assert_null(quick_test_new(ex(w, EX_EQ, VAL_BOOL, 2, one, one), &w->arena));
    assert_null(quick_test_new(ex(w, EX_OR, VAL_BOOL, 2, ex(w, EX_EQ, VAL_BOOL, 2, a, one),
                                  ex(w, EX_EQ, VAL_BOOL, 2, b, one)), &w->arena));
    assert_null(quick_test_new(ex(w, EX_NOT, VAL_BOOL, 1, ex(w, EX_EQ, VAL_BOOL, 2, a, one)),
                               &w->arena));
    struct expr *at = field(w, EX_FIELD, 0, -1);
    at->kind = VAL_TIMESTAMP;
    at->field = NULL; /* the event's time */
    assert_null(quick_test_new(ex(w, EX_EQ, VAL_BOOL, 2, at, con(w, at_time("2026-01-01T00:00:00Z"))),
                               &w->arena));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_same_as_expressions), TEST(test_rules_share_comparisons),
                                       TEST(test_needs_at_one_distance), TEST(test_full_set),
                                       TEST(test_what_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
