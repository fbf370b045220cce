#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/rng.h"

static int64_t at(const char *text)
{
    struct etime t;
    if (!etime_parse(slice_of(text), true, &t)) {
        fail_msg("not a time: %s", text);
    }
    return t.ns;
}

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01", 0},
        {"1970-01-01t00:00:01z", NS_PER_S},
        {"1970-01-01 00:00:01Z", NS_PER_S},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1970-01-01T23:59:00+23:59", 0},
        {"1970-01-01T00:00:00.5Z", NS_PER_S / 2},
        {"1970-01-01T00:00:00.000000001Z", 1},
        {"1969-12-31T23:59:59.999999999Z", -1},
        {"2026-01-05T10:00:00.000Z", INT64_C(1767607200) * NS_PER_S},
        {"2000-02-29T00:00:00Z", INT64_C(951782400) * NS_PER_S},
        {"2024-02-29", INT64_C(1709164800) * NS_PER_S},
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(cases); i++) {
        assert_true(at(cases[i].text) == cases[i].ns);
    }
}

static void test_parse_refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "1970",
        "1970-01-01T00:00:00",
        "1970-01-01T00:00Z",
        "1970-01-01T00:00:60Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-00-01T00:00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-01-00T00:00:00Z",
        "1970-01-32T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2100-02-29",
        "2026-04-31",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.0000000000Z",
        "1970-01-01T00:00:00,5Z",
        "1970-01-01T00:00:00+0100",
        "1970-01-01T00:00:00+01",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+00:60",
        "1970-01-01T00:00:00ZZ",
        "1970-01-01T00:00:00Z ",
        " 1970-01-01T00:00:00Z",
        "1970-1-1T00:00:00Z",
        "70-01-01",
        "+1970-01-01",
        "1970/01/01",
        "1970-01-01T00:00:00.5",
        "1970-01-01T",
        "1970-01-01Z",
        "19700101T000000Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "1970-01-01X00:00:00Z",
    };
    struct etime t;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(cases); i++) {
        if (etime_parse(slice_of(cases[i]), true, &t)) {
            fail_msg("accepted: %s", cases[i]);
        }
    }
    assert_false(etime_parse(SLICE_LIT("1970-01-01"), false, &t));
    assert_false(etime_parse(SLICE_LIT("1970-01-01\0"), true, &t));
    assert_false(etime_parse(SLICE_LIT("1970-01-01\00000:00:00Z"), true, &t));
    assert_false(etime_parse(slice_from(NULL, 0), true, &t));
    /* Every proper prefix of a time with a zone is something else. */
    static const char whole[] = "1970-01-01T00:00:00.123+01:00";
    for (size_t n = 0; n < sizeof(whole) - 1; n++) {
        assert_false(etime_parse(slice_from(whole, n), false, &t));
    }
}

static void test_borders(void **state)
{
    (void)state;
    assert_true(at("2262-04-11T23:47:16.854775806Z") == INT64_MAX - 1);
    assert_true(at("1677-09-21T00:12:43.145224193Z") == INT64_MIN + 1);
    assert_true(at("2262-04-12T00:47:16.854775806+01:00") == INT64_MAX - 1);
    static const char *const outside[] = {
        "2262-04-11T23:47:16.854775807Z", /* stands for "after everything" */
        "1677-09-21T00:12:43.145224192Z",
        "2262-04-11T23:47:16.854775808Z",
        "1677-09-21T00:12:43.145224191Z",
        "2262-04-12",
        "1677-09-21",
        "1677-01-01T00:00:00Z",
        "2262-04-11T23:47:16-00:01",
    };
    struct etime t;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(outside); i++) {
        assert_false(etime_parse(slice_of(outside[i]), true, &t));
    }
}

static void expect_format(int64_t ns, const char *want)
{
    char out[ETIME_TEXT_MAX];
    size_t n = etime_format((struct etime){ns}, out);
    assert_string_equal(out, want);
    assert_int_equal(n, strlen(want));
}

static void test_format(void **state)
{
    (void)state;
    expect_format(0, "1970-01-01T00:00:00.000Z");
    expect_format(-1, "1969-12-31T23:59:59.999999999Z");
    expect_format(-NS_PER_MS, "1969-12-31T23:59:59.999Z");
    expect_format(1000, "1970-01-01T00:00:00.000001Z");
    expect_format(1, "1970-01-01T00:00:00.000000001Z");
    expect_format(120 * NS_PER_MS, "1970-01-01T00:00:00.120Z");
    expect_format(at("2026-01-05T11:00:00.25+01:00"), "2026-01-05T10:00:00.250Z");
    expect_format(INT64_MAX, "2262-04-11T23:47:16.854775807Z");
    expect_format(INT64_MIN, "1677-09-21T00:12:43.145224192Z");
}

static void test_round_trip(void **state)
{
    (void)state;
    struct rng r = rng_seed(5);
    for (int i = 0; i < 20000; i++) {
        struct etime t = {rng_range(&r, INT64_MIN + 1, INT64_MAX - 1)}, back;
        if (i % 3 == 0) {
            t.ns -= t.ns % NS_PER_MS;
        }
        char out[ETIME_TEXT_MAX];
        size_t n = etime_format(t, out);
        assert_true(etime_parse(slice_from(out, n), false, &back));
        assert_true(back.ns == t.ns);
    }
}

static void test_civil(void **state)
{
    (void)state;
    assert_true(days_from_civil(1970, 1, 1) == 0);
    assert_true(days_from_civil(2000, 3, 1) == 11017);
    assert_true(days_from_civil(0, 3, 1) == -719468);
    int64_t expect_days = days_from_civil(1600, 1, 1);
    /* 800 years, two whole cycles, day by day. */
    for (int64_t d = expect_days; d < expect_days + 2 * 146097; d++) {
        int64_t y;
        unsigned m, day;
        civil_from_days(d, &y, &m, &day);
        assert_true(m >= 1 && m <= 12 && day >= 1 && day <= 31);
        assert_true(days_from_civil(y, m, day) == d);
    }
}

static void expect_duration(int64_t ns, const char *want)
{
    char out[DURATION_TEXT_MAX];
    size_t n = duration_format((struct duration){ns}, out);
    assert_string_equal(out, want);
    assert_int_equal(n, strlen(want));
}

static void test_duration_format(void **state)
{
    (void)state;
    expect_duration(0, "0s");
    expect_duration(90 * NS_PER_S, "1m30s");
    expect_duration(26 * 3600 * NS_PER_S, "1d2h");
    expect_duration(14 * 86400 * NS_PER_S, "14d");
    expect_duration(300 * NS_PER_S, "5m");
    expect_duration(1500 * NS_PER_MS, "1s500ms");
    expect_duration(1, "1ns");
    expect_duration(-NS_PER_S, "-1s");
    expect_duration(INT64_MAX, "106751d23h47m16s854ms775us807ns");
    expect_duration(INT64_MIN, "-106751d23h47m16s854ms775us808ns");
}

static void test_saturation(void **state)
{
    (void)state;
    struct duration day = {86400 * NS_PER_S};
    assert_true(etime_add(ETIME_MAX, (struct duration){-5}).ns == INT64_MAX);
    assert_true(etime_add(ETIME_MIN, day).ns == INT64_MIN);
    assert_true(etime_add((struct etime){INT64_MAX - 1}, day).ns == INT64_MAX);
    assert_true(etime_add((struct etime){0}, DURATION_INFINITE).ns == INT64_MAX);
    assert_true(etime_sub((struct etime){INT64_MIN + 1}, day).ns == INT64_MIN);
    assert_true(etime_sub((struct etime){5}, (struct duration){3}).ns == 2);
    assert_true(duration_is_infinite(etime_diff(ETIME_MAX, ETIME_MIN)));
    assert_true(etime_diff(ETIME_MIN, ETIME_MAX).ns == INT64_MIN);
    assert_int_equal(etime_cmp((struct etime){1}, (struct etime){2}), -1);
    assert_true(etime_lt((struct etime){1}, (struct etime){2}));
}

/* Times of few days, damaged now and then: the day that is remembered never shows. */
static void test_parse_near(void **state)
{
    static const char *const dates[] = {"2026-01-05", "2026-01-06", "2026-02-29", "2024-02-29",
                                        "1677-09-21", "1677-09-22", "2262-04-11", "2262-04-12",
                                        "0001-01-01", "2026-1-05T"};
    static const char *const ends[] = {"Z", "Z", ".5Z", ".123Z", ".999999999Z", ".854775807Z",
                                       ".854775806Z", ".1234567890Z", ".Z", "z", "+00:00", "-01:00",
                                       "", "ZZ", ".1 Z"};
    struct rng r = rng_seed(11);
    struct etime_day day = {0};
    unsigned good = 0;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        char text[64];
        int n = snprintf(text, sizeof(text), "%sT%02u:%02u:%02u%s",
                         dates[rng_below(&r, FYKE_ARRAY_LEN(dates))], (unsigned)rng_below(&r, 26),
                         (unsigned)rng_below(&r, 61), (unsigned)rng_below(&r, 61),
                         ends[rng_below(&r, FYKE_ARRAY_LEN(ends))]);
        if (rng_below(&r, 8) == 0) {
            text[rng_below(&r, (uint64_t)n)] = (char)rng_below(&r, 256);
        }
        struct slice s = slice_from(text, rng_below(&r, 16) ? (size_t)n : rng_below(&r, 30) % 29);
        struct etime a = {0}, b = {0};
        s.len = s.len > (size_t)n ? (size_t)n : s.len;
        bool ok = etime_parse(s, false, &a);
        assert_int_equal(etime_parse_near(s, &day, &b), ok);
        assert_true(!ok || a.ns == b.ns);
        good += ok;
    }
    assert_true(good > 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),           cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_borders),         cmocka_unit_test(test_format),
        cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_civil),
        cmocka_unit_test(test_duration_format), cmocka_unit_test(test_saturation),
        cmocka_unit_test(test_parse_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
