#include "tests/support/expr_world.h"

#include <math.h>

#include "base/rng.h"

static void add(struct world *w, int64_t at_s, struct value v)
{
    bind_event(w, 0, event_at(w, at_s, 1, &v));
}

static void check(struct world *w, enum agg_op op, enum value_kind kind, const char *json)
{
    expect_json(w, agg(w, op, kind, field(w, EX_FIELD, 0, -1), NULL, NULL), json);
}

static void test_over_nothing(void **state)
{
    struct world *w = *state;
    expect_json(w, agg(w, AGG_COUNT, VAL_INT, NULL, NULL, NULL), "0");
    check(w, AGG_SUM, VAL_INT, "0");
    check(w, AGG_SUM, VAL_DECIMAL, "0");
    check(w, AGG_SUM, VAL_FLOAT, "0");
    check(w, AGG_SUM, VAL_DURATION, "\"0s\"");
    static const enum agg_op missing[] = {AGG_MIN, AGG_MAX, AGG_AVERAGE, AGG_STDDEV, AGG_FIRST,
                                          AGG_LAST, AGG_COUNT_DISTINCT, AGG_DISTINCT, AGG_COLLECT,
                                          AGG_GAP_AVERAGE, AGG_GAP_STDDEV};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(missing); i++) {
        check(w, missing[i], VAL_INT, NULL);
    }
    struct expr *p = con(w, value_int(50));
    expect_json(w, agg(w, AGG_PERCENTILE, VAL_INT, field(w, EX_FIELD, 0, -1), NULL, p), NULL);
    expect_json(w, agg(w, AGG_NTH, VAL_INT, field(w, EX_FIELD, 0, -1), NULL, p), NULL);
}

static void test_ints(void **state)
{
    struct world *w = *state;
    add(w, 1, VALUE_MISSING);
    add(w, 2, value_int(5));
    add(w, 3, value_int(2));
    add(w, 4, VALUE_MISSING);
    add(w, 5, value_int(9));
    add(w, 6, value_int(2));
    add(w, 7, VALUE_MISSING);
    expect_json(w, agg(w, AGG_COUNT, VAL_INT, NULL, NULL, NULL), "7");
    check(w, AGG_COUNT, VAL_INT, "4");
    check(w, AGG_SUM, VAL_INT, "18");
    check(w, AGG_MIN, VAL_INT, "2");
    check(w, AGG_MAX, VAL_INT, "9");
    check(w, AGG_AVERAGE, VAL_DECIMAL, "4.5");
    check(w, AGG_STDDEV, VAL_DECIMAL, "3.316624790355399849"); /* sqrt(11) */
    check(w, AGG_FIRST, VAL_INT, "5");
    check(w, AGG_LAST, VAL_INT, "2");
    check(w, AGG_COUNT_DISTINCT, VAL_INT, "3");
    check(w, AGG_DISTINCT, VAL_LIST, "[5,2,9]");
    check(w, AGG_COLLECT, VAL_LIST, "[5,2,9,2]");
    struct expr *v = field(w, EX_FIELD, 0, -1);
    expect_json(w, agg(w, AGG_NTH, VAL_INT, v, NULL, con(w, value_int(3))), "9");
    expect_json(w, agg(w, AGG_NTH, VAL_INT, v, NULL, con(w, value_int(5))), NULL);
    static const char *const ranks[][2] = {{"0", "2"},  {"25", "2"}, {"50", "2"},  {"50.1", "5"},
                                           {"75", "5"}, {"76", "9"}, {"100", "9"}};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(ranks); i++) {
        struct expr *p = con(w, dec(ranks[i][0]));
        expect_json(w, agg(w, AGG_PERCENTILE, VAL_INT, v, NULL, p), ranks[i][1]);
    }
    struct expr *where = ex(w, EX_GT, VAL_BOOL, 2, v, con(w, value_int(4)));
    expect_json(w, agg(w, AGG_COUNT, VAL_INT, NULL, where, NULL), "2"); /* unknown is not true */
    expect_json(w, agg(w, AGG_SUM, VAL_INT, v, where, NULL), "14");
}

static void test_overflow(void **state)
{
    struct world *w = *state;
    add(w, 1, value_int(INT64_MAX));
    add(w, 2, value_int(1));
    check(w, AGG_SUM, VAL_INT, NULL);
    assert_true(w->counters.overflow == 1);
    check(w, AGG_AVERAGE, VAL_DECIMAL, "4611686018427387904");
    check(w, AGG_STDDEV, VAL_DECIMAL, "6521908912666391104.760572340753159136");
    add(w, 3, value_int(-1)); /* the sum fits again, whatever it was on the way */
    check(w, AGG_SUM, VAL_INT, "9223372036854775807");
}

static void test_decimals(void **state)
{
    struct world *w = *state;
    add(w, 1, dec("0.10"));
    check(w, AGG_STDDEV, VAL_DECIMAL, NULL);
    add(w, 2, dec("0.20"));
    add(w, 3, dec("0.000000000000000003"));
    check(w, AGG_SUM, VAL_DECIMAL, "0.300000000000000003");
    check(w, AGG_AVERAGE, VAL_DECIMAL, "0.100000000000000001");
    unbind(w, 0, 0);
    add(w, 1, dec("99999999999999999999999999999999999999"));
    check(w, AGG_SUM, VAL_DECIMAL, "99999999999999999999999999999999999999");
    add(w, 2, dec("99999999999999999999999999999999999999"));
    check(w, AGG_SUM, VAL_DECIMAL, NULL);
    check(w, AGG_AVERAGE, VAL_DECIMAL, "99999999999999999999999999999999999999");
    check(w, AGG_STDDEV, VAL_DECIMAL, "0");
    unbind(w, 0, 0);
    add(w, 1, dec("-0.000000000000000001"));
    add(w, 2, dec("0"));
    check(w, AGG_AVERAGE, VAL_DECIMAL, "0"); /* a half, to even */
    add(w, 3, dec("-0.000000000000000001"));
    check(w, AGG_AVERAGE, VAL_DECIMAL, "-0.000000000000000001");
    unbind(w, 0, 0);
    add(w, 1, dec("1e-18"));
    add(w, 2, dec("12345678901234567890"));
    check(w, AGG_STDDEV, VAL_DECIMAL, "8729713269414648062.69690705700606831");
}

static void test_floats(void **state)
{
    struct world *w = *state;
    add(w, 1, value_float(1.5));
    add(w, 2, value_float(2.5));
    add(w, 3, value_float(5));
    check(w, AGG_SUM, VAL_FLOAT, "9");
    check(w, AGG_AVERAGE, VAL_FLOAT, "3");
    struct expr *e = agg(w, AGG_STDDEV, VAL_FLOAT, field(w, EX_FIELD, 0, -1), NULL, NULL);
    assert_true(fabs(expr_eval(e, &w->ev).u.f - sqrt(3.25)) < 1e-15);
    add(w, 4, value_float(1.7e308));
    add(w, 5, value_float(1.7e308));
    check(w, AGG_SUM, VAL_FLOAT, NULL);
    assert_true(w->counters.overflow == 1);
}

static void test_gaps_and_lengths(void **state)
{
    struct world *w = *state;
    struct expr *mean = agg(w, AGG_GAP_AVERAGE, VAL_DURATION, NULL, NULL, NULL);
    struct expr *spread = agg(w, AGG_GAP_STDDEV, VAL_DURATION, NULL, NULL, NULL);
    add(w, 100, secs(10));
    expect_json(w, mean, NULL);
    add(w, 110, secs(20));
    expect_json(w, mean, "\"10s\"");
    expect_json(w, spread, NULL);
    add(w, 130, secs(60));
    expect_json(w, mean, "\"15s\"");
    assert_true(expr_eval(spread, &w->ev).u.i == INT64_C(7071067812)); /* √50 s */
    check(w, AGG_SUM, VAL_DURATION, "\"1m30s\"");
    check(w, AGG_AVERAGE, VAL_DURATION, "\"30s\"");
    check(w, AGG_MAX, VAL_DURATION, "\"1m\"");
}

static void test_cuts_and_scopes(void **state)
{
    struct world *w = *state;
    struct expr *sum = agg(w, AGG_SUM, VAL_INT, field(w, EX_FIELD, 0, -1), NULL, NULL);
    struct expr *inner = agg(w, AGG_DISTINCT, VAL_LIST, field(w, EX_FIELD, 0, -1), NULL, NULL);
    uint32_t starts[WORLD_SLOTS] = {0};
    uint32_t *const groups[] = {starts};
    sum->cache = 0;
    inner->cache = 1;
    inner->scope = 0;
    w->ev.iter_start = groups;
    for (int i = 1; i <= 4; i++) {
        add(w, i, value_int(i));
    }
    expect_json(w, sum, "10");
    expect_json(w, inner, "[1,2,3,4]");
    starts[0] = 2;
    expect_json(w, inner, "[3,4]");
    expect_json(w, sum, "10");
    unbind(w, 0, 3); /* one off, another on: the length is the same again */
    add(w, 9, value_int(40));
    expect_json(w, sum, "46");
    expect_json(w, inner, "[3,40]");
    add(w, 10, value_int(3));
    expect_json(w, inner, "[3,40]");
    expect_json(w, sum, "49");
    w->ev.visible_until = w->slots[0].events[1];
    expect_json(w, sum, "3");
    expect_json(w, inner, NULL);
    w->ev.visible_until = NULL;
    expect_json(w, sum, "49");
}

/* Text that an expression makes lies in the scratch arena: it may not be kept between calls. */
static void test_computed_text_is_not_cached(void **state)
{
    struct world *w = *state;
    struct expr *name = field(w, EX_FIELD, 0, -1);
    name->kind = VAL_STRING;
    struct expr *e = agg(w, AGG_DISTINCT, VAL_LIST, call(w, "lower", 1, name), NULL, NULL);
    e->cache = 0;
    add(w, 1, text("AB"));
    expect_json(w, e, "[\"ab\"]");
    arena_release(&w->scratch);
    add(w, 2, text("ab"));
    add(w, 3, text("C"));
    expect_json(w, e, "[\"ab\",\"c\"]");
}

/* Kept accumulators and fresh ones agree, whatever is taken off and put on. */
static void test_cache_equals_recomputation(void **state)
{
    struct world *w = *state;
    struct rng rng = rng_seed(7);
    struct expr *kept[AGG_OP_COUNT];
    struct expr *fresh[AGG_OP_COUNT];
    for (uint32_t op = 0; op < AGG_OP_COUNT; op++) {
        struct expr *second = con(w, value_int(2));
        struct expr *v = field(w, EX_FIELD, 0, -1);
        kept[op] = agg(w, (enum agg_op)op, VAL_DECIMAL, v, NULL, second);
        kept[op]->cache = op;
        fresh[op] = agg(w, (enum agg_op)op, VAL_DECIMAL, v, NULL, second);
        if (op == AGG_GAP_AVERAGE || op == AGG_GAP_STDDEV) {
            kept[op]->kids[0] = fresh[op]->kids[0] = NULL;
        }
    }
    for (int round = 0; round < 300; round++) {
        uint32_t n = w->slots[0].n;
        if (n && rng_below(&rng, 4) == 0) {
            unbind(w, 0, (uint32_t)rng_below(&rng, n));
        }
        struct value v = VALUE_MISSING;
        if (rng_below(&rng, 5)) {
            struct decimal d = DECIMAL_ZERO;
            assert_true(decimal_make(rng_range(&rng, -500, 500), 2, &d));
            v = value_decimal(d);
        }
        add(w, round, v);
        for (uint32_t op = 0; op < AGG_OP_COUNT; op++) {
            struct value a = expr_eval(kept[op], &w->ev);
            assert_true(value_equal(a, expr_eval(fresh[op], &w->ev)));
        }
        arena_reset(&w->scratch);
    }
}

static void test_emit_shows_a_hundred(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 150; i++) {
        add(w, i, value_int(i));
    }
    struct expr *e = agg(w, AGG_DISTINCT, VAL_LIST, field(w, EX_FIELD, 0, -1), NULL, NULL);
    assert_int_equal(expr_eval(e, &w->ev).len, 150);
    assert_int_equal(expr_emit(e, &w->ev).len, 100);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_over_nothing),
        TEST(test_ints),
        TEST(test_overflow),
        TEST(test_decimals),
        TEST(test_floats),
        TEST(test_gaps_and_lengths),
        TEST(test_cuts_and_scopes),
        TEST(test_computed_text_is_not_cached),
        TEST(test_cache_equals_recomputation),
        TEST(test_emit_shows_a_hundred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
