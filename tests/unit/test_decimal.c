#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "base/rng.h"

#define NINES38 "99999999999999999999999999999999999999"
#define MINUS_NINES38 "-" NINES38
#define MINUS_ONE37 "-" ONE37
#define ONE37 "10000000000000000000000000000000000000"

static struct decimal dec(const char *text)
{
    struct decimal d;
    if (!decimal_parse(slice_of(text), &d)) {
        fail_msg("not a decimal: %s", text);
    }
    return d;
}

static void expect(struct decimal d, const char *text)
{
    char out[DECIMAL_TEXT_MAX];
    size_t n = decimal_format(d, out);
    assert_int_equal(n, strlen(out));
    assert_string_equal(out, text);
}

static void test_parse_and_format(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"0", "0"},
        {"-0", "0"},
        {"0.000", "0"},
        {"12.50", "12.5"},
        {"-0.0010", "-0.001"},
        {"1000", "1000"},
        {"1.5e3", "1500"},
        {"1E-3", "0.001"},
        {"120e-1", "12"},
        {"0e999999999999999999999", "0"},
        {"0.000e-999999999999999999999", "0"},
        {NINES38, NINES38},
        {MINUS_NINES38, MINUS_NINES38},
        {NINES38 ".000", NINES38},
        {"1e37", ONE37},
        {"1e-18", "0.000000000000000001"},
        {"0.999999999999999999", "0.999999999999999999"},
        {"99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"},
        {"100000000000000000000000000000000000000000e-5", "1000000000000000000000000000000000000"},
        {"0.00000000000000000000000000012e20", "0.000000012"},
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(cases); i++) {
        expect(dec(cases[i][0]), cases[i][1]);
    }
}

static void test_parse_refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "-",
        "+1",
        "01",
        "-01",
        "00",
        ".5",
        "5.",
        "1e",
        "1e+",
        "1.e5",
        "1 ",
        " 1",
        "1_000",
        "NaN",
        "inf",
        "0x10",
        "1.2.3",
        "--1",
        "1,5",
        "1e5.0",
        "٣",
        /* 39 digits, 19 decimals, exponents out of range */
        "1" ONE37 "0",
        "1e38",
        "-1e38",
        "1e-19",
        "0.0000000000000000001",
        ONE37 ".1",
        "99999999999999999999.9999999999999999991",
        "1e999999999999999999999",
        "1e-999999999999999999999",
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(cases); i++) {
        struct decimal d;
        if (decimal_parse(slice_of(cases[i]), &d)) {
            fail_msg("accepted: %s", cases[i]);
        }
    }
    struct decimal d;
    assert_false(decimal_parse(slice_from(NULL, 0), &d));
    assert_false(decimal_parse(slice_from("1\0", 2), &d));
}

/* The text is long, the value is not. */
static void test_parse_long_text(void **state)
{
    (void)state;
    enum { ZEROS = 5000 };
    char text[ZEROS + 16];
    text[0] = '1';
    memset(text + 1, '0', ZEROS);
    memcpy(text + 1 + ZEROS, "e-5000", 7);
    expect(dec(text), "1");
    memset(text, '0', ZEROS);
    text[1] = '.';
    memcpy(text + ZEROS, "25e4998", 8);
    expect(dec(text), "0.25");
}

static void test_canonical(void **state)
{
    (void)state;
    assert_true(decimal_eq(dec("12.50"), dec("1250e-2")));
    struct decimal d;
    assert_true(decimal_make(-120000, 4, &d));
    assert_true(d.coeff == -12 && d.scale == 0);
    assert_true(decimal_make((__int128)1 << 120, 18, &d));
    assert_true(decimal_make(100, 20, &d));
    assert_true(d.coeff == 1 && d.scale == 18);
    assert_false(decimal_make(10, 20, &d));
    /* The borders of 128 bits are beyond 38 digits. */
    __int128 max = (__int128)(((unsigned __int128)1 << 127) - 1);
    assert_false(decimal_make(max, 0, &d));
    assert_false(decimal_make(-max - 1, 0, &d));
    assert_true(decimal_make(0, 77, &d));
    assert_true(decimal_eq(d, DECIMAL_ZERO));
}

typedef bool binary_fn(struct decimal, struct decimal, struct decimal *);

/* `want` NULL: no value. */
static void check(binary_fn *fn, const char *a, const char *b, const char *want)
{
    struct decimal r;
    bool ok = fn(dec(a), dec(b), &r);
    if (ok != (want != NULL)) {
        fail_msg("%s, %s: %s", a, b, ok ? "has a value" : "has none");
    }
    if (ok) {
        expect(r, want);
    }
}

static void test_add_sub(void **state)
{
    (void)state;
    check(decimal_add, "0.1", "0.2", "0.3");
    check(decimal_add, "99.95", "0.05", "100");
    check(decimal_sub, "1", "1.000000000000000001", "-0.000000000000000001");
    check(decimal_add, NINES38, "1", NULL);
    check(decimal_sub, MINUS_NINES38, "1", NULL);
    check(decimal_add, NINES38, "-1", "99999999999999999999999999999999999998");
    check(decimal_add, NINES38, NINES38, NULL);
    check(decimal_sub, NINES38, NINES38, "0");
    /* The operands need more than 128 bits at a common scale; the difference does not. */
    check(decimal_sub, ONE37, "0.1", "9999999999999999999999999999999999999.9");
    check(decimal_sub, ONE37, "0.01", NULL);
    check(decimal_add, NINES38, "0.1", NULL);
    check(decimal_add, "99999999999999999999.5", "0.5", "100000000000000000000");
    check(decimal_sub, "0", "-5.5", "5.5");
}

static void test_mul(void **state)
{
    (void)state;
    check(decimal_mul, "1.5", "-2", "-3");
    check(decimal_mul, "0", "-2", "0");
    check(decimal_mul, "0.000000001", "0.000000001", "0.000000000000000001");
    check(decimal_mul, "0.0000000001", "0.000000001", NULL);
    /* 36 decimals before the zeros go, 18 after. */
    check(decimal_mul, "0.000000000000000008", "0.125", "0.000000000000000001");
    check(decimal_mul, "1e19", "1e18", ONE37);
    check(decimal_mul, "1e19", "1e19", NULL);
    check(decimal_mul, "9999999999999999999", "10000000000000000001",
          "99999999999999999999999999999999999999");
    check(decimal_mul, NINES38, NINES38, NULL);
    check(decimal_mul, NINES38, "-1", MINUS_NINES38);
    /* The product passes 128 bits and comes back. */
    check(decimal_mul, "12345678901234567890.123456789012345678", "1000000000000000000",
          "12345678901234567890123456789012345678");
    check(decimal_mul, "5e36", "0.000000000000000002", "10000000000000000000");
}

static void test_div(void **state)
{
    (void)state;
    check(decimal_div, "1", "3", "0.333333333333333333");
    check(decimal_div, "2", "3", "0.666666666666666667");
    check(decimal_div, "-2", "3", "-0.666666666666666667");
    check(decimal_div, "1", "0", NULL);
    check(decimal_div, "0", "0", NULL);
    check(decimal_div, "0", "-7", "0");
    check(decimal_div, "10", "4", "2.5");
    /* Ties go to the even neighbour. */
    check(decimal_div, "0.000000000000000001", "2", "0");
    check(decimal_div, "0.000000000000000003", "2", "0.000000000000000002");
    check(decimal_div, "-0.000000000000000003", "2", "-0.000000000000000002");
    check(decimal_div, "0.000000000000000005", "2", "0.000000000000000002");
    check(decimal_div, NINES38, "1", NINES38);
    check(decimal_div, NINES38, "0.1", NULL);
    check(decimal_div, NINES38, NINES38, "1");
    check(decimal_div, "1", NINES38, "0");
    check(decimal_div, "1e37", "0.000000000000000001", NULL);
    check(decimal_div, "0.000000000000000001", "0.000000000000000001", "1");
    /* A divisor above 64 bits. */
    check(decimal_div, "24691357802469135780246913578", "12345678901234567890123456789", "2");
}

static void test_rem(void **state)
{
    (void)state;
    check(decimal_rem, "7.5", "2", "1.5");
    check(decimal_rem, "-7.5", "2", "-1.5");
    check(decimal_rem, "7.5", "-2", "1.5");
    check(decimal_rem, "1", "0", NULL);
    check(decimal_rem, "0.000000000000000001", NINES38, "0.000000000000000001");
    check(decimal_rem, NINES38, "0.7", "0.3");
    check(decimal_rem, "6", "3", "0");
}

static void test_sqrt(void **state)
{
    (void)state;
    struct decimal r;
    static const char *const cases[][2] = {
        {"0", "0"},
        {"4", "2"},
        {"2", "1.414213562373095049"},
        {"0.000000000000000001", "0.000000001"},
        {"0.25", "0.5"},
        {"1e36", "1000000000000000000"},
        {NINES38, "10000000000000000000"},
        {"3", "1.732050807568877294"},
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(cases); i++) {
        assert_true(decimal_sqrt(dec(cases[i][0]), &r));
        expect(r, cases[i][1]);
    }
    assert_false(decimal_sqrt(dec("-0.1"), &r));
}

static void test_compare(void **state)
{
    (void)state;
    static const char *const rising[] = {
        MINUS_NINES38,
        MINUS_ONE37,
        "-9223372036854775809",
        "-9223372036854775808",
        "-9223372036854775807.9",
        "-9.223372036854775809",
        "-9.223372036854775808",
        "-1.5",
        "-1",
        "-0.000000000000000001",
        "0",
        "0.000000000000000001",
        "0.1",
        "1",
        "1.000000000000000001",
        "1.1",
        "9.223372036854775807",
        "9.223372036854775808",
        "10",
        "9223372036854775806.99",
        "9223372036854775807",
        "9223372036854775807.000000000000000001",
        "9223372036854775808",
        ONE37,
        NINES38,
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(rising); i++) {
        for (size_t k = 0; k < FYKE_ARRAY_LEN(rising); k++) {
            int want = i < k ? -1 : i > k;
            assert_int_equal(decimal_cmp(dec(rising[i]), dec(rising[k])), want);
            assert_int_equal(decimal_eq(dec(rising[i]), dec(rising[k])), want == 0);
        }
    }
}

static void test_round(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        unsigned places;
        const char *even, *up, *floor, *ceil;
    } cases[] = {
        {"2.5", 0, "2", "3", "2", "3"},
        {"3.5", 0, "4", "4", "3", "4"},
        {"-2.5", 0, "-2", "-3", "-3", "-2"},
        {"0.5", 0, "0", "1", "0", "1"},
        {"-0.5", 0, "0", "-1", "-1", "0"},
        {"1.005", 2, "1", "1.01", "1", "1.01"},
        {"1.0051", 2, "1.01", "1.01", "1", "1.01"},
        {"9.99", 1, "10", "10", "9.9", "10"},
        {"9999999999999999999999999999999999999.9", 0, ONE37, ONE37,
         "9999999999999999999999999999999999999", ONE37},
        {"7", 3, "7", "7", "7", "7"},
        {"0.000000000000000001", 17, "0", "0", "0", "0.00000000000000001"},
        {"1.25", 1000, "1.25", "1.25", "1.25", "1.25"},
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(cases); i++) {
        struct decimal d = dec(cases[i].value);
        expect(decimal_round(d, cases[i].places, DECIMAL_HALF_EVEN), cases[i].even);
        expect(decimal_round(d, cases[i].places, DECIMAL_HALF_UP), cases[i].up);
        expect(decimal_round(d, cases[i].places, DECIMAL_FLOOR), cases[i].floor);
        expect(decimal_round(d, cases[i].places, DECIMAL_CEIL), cases[i].ceil);
    }
    expect(decimal_floor(dec("-0.1")), "-1");
    expect(decimal_ceil(dec("-0.1")), "0");
    expect(decimal_abs(dec("-0.1")), "0.1");
    expect(decimal_neg(dec("0")), "0");
}

static void test_integers(void **state)
{
    (void)state;
    int64_t v;
    assert_true(decimal_to_int64(dec("3.0"), &v));
    assert_int_equal(v, 3);
    expect(decimal_from_int64(INT64_MIN), "-9223372036854775808");
    assert_true(decimal_to_int64(dec("-9223372036854775808"), &v));
    assert_true(v == INT64_MIN);
    assert_true(decimal_to_int64(dec("9223372036854775807"), &v));
    assert_false(decimal_to_int64(dec("9223372036854775808"), &v));
    assert_false(decimal_to_int64(dec("0.5"), &v));
}

/* glibc's strtod rounds correctly; the tests run in the C locale. */
static void check_double(struct decimal d)
{
    char text[DECIMAL_TEXT_MAX];
    decimal_format(d, text);
    double want = strtod(text, NULL);
    double got = decimal_to_double(d);
    if (memcmp(&want, &got, sizeof(want)) != 0) {
        fail_msg("%s: %.17g, not %.17g", text, got, want);
    }
}

static struct decimal random_decimal(struct rng *r)
{
    unsigned digits = 1 + (unsigned)rng_below(r, DECIMAL_MAX_DIGITS);
    __int128 coeff = 0;
    for (unsigned i = 0; i < digits; i++) {
        coeff = coeff * 10 + (__int128)rng_below(r, 10);
    }
    struct decimal d;
    assert_true(decimal_make(rng_below(r, 2) ? coeff : -coeff, (unsigned)rng_below(r, 19), &d));
    return d;
}

static void test_doubles(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "0",
        "0.1",
        "-0.3",
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993.000000000000000001",
        NINES38,
        "0.000000000000000001",
        "1e37",
        "123456789.987654321",
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(cases); i++) {
        check_double(dec(cases[i]));
    }
    struct rng r = rng_seed(7);
    for (int i = 0; i < 20000; i++) {
        check_double(random_decimal(&r));
    }
}

/* Laws that hold whenever every step has a value. */
static void test_laws(void **state)
{
    (void)state;
    struct rng r = rng_seed(11);
    unsigned sums = 0, products = 0;
    for (int i = 0; i < 20000; i++) {
        struct decimal a = random_decimal(&r), b = random_decimal(&r), x, y;
        char text[DECIMAL_TEXT_MAX];
        size_t n = decimal_format(a, text);
        assert_true(decimal_parse(slice_from(text, n), &x) && decimal_eq(a, x));
        assert_int_equal(decimal_cmp(a, b), -decimal_cmp(b, a));
        if (decimal_add(a, b, &x)) {
            sums++;
            assert_true(decimal_sub(x, b, &y) && decimal_eq(y, a));
            assert_int_equal(decimal_cmp(x, a), decimal_sign(b));
        }
        if (b.coeff != 0 && decimal_mul(a, b, &x)) {
            products++;
            assert_true(decimal_div(x, b, &y) && decimal_eq(y, a));
            assert_true(decimal_rem(x, b, &y));
            assert_true(decimal_cmp(decimal_abs(y), decimal_abs(b)) < 0);
        }
        struct decimal root;
        if (decimal_sqrt(decimal_abs(a), &root) && decimal_mul(root, root, &x) && root.scale == 0) {
            assert_true(decimal_eq(x, decimal_abs(a)));
        }
    }
    assert_true(sums > 1000 && products > 1000);
}

static void test_encoding(void **state)
{
    (void)state;
    static const char *const cases[] = {"0",     "-1",        "12.5",
                                        NINES38, MINUS_NINES38, "0.000000000000000001"};
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(cases); i++) {
        buf_clear(&b);
        decimal_encode(dec(cases[i]), &b);
        assert_int_equal(b.len, 18);
        struct reader r = reader_of(buf_slice(&b));
        assert_true(decimal_eq(decimal_decode(&r), dec(cases[i])));
        assert_false(r.failed);
        assert_int_equal(reader_left(&r), 0);
        for (size_t len = 0; len < b.len; len++) {
            r = reader_of(slice_from(b.ptr, len));
            (void)decimal_decode(&r);
            assert_true(r.failed);
        }
    }
}

/* Bytes that decimal_encode() never writes. */
static void test_decoding_refuses(void **state)
{
    (void)state;
    static const struct {
        uint8_t scale, negative, first, last;
    } cases[] = {
        {1, 0, 0, 10},   /* trailing zero */
        {1, 0, 0, 0},    /* zero with a scale */
        {0, 1, 0, 0},    /* minus zero */
        {0, 2, 0, 5},    /* no sign */
        {19, 0, 0, 1},   /* too fine */
        {0, 0, 0xff, 1}, /* too long */
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(cases); i++) {
        char bytes[18] = {(char)cases[i].scale, (char)cases[i].negative, (char)cases[i].first};
        bytes[17] = (char)cases[i].last;
        struct reader r = reader_of(slice_from(bytes, sizeof(bytes)));
        assert_true(decimal_eq(decimal_decode(&r), DECIMAL_ZERO));
        assert_true(r.failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_and_format),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_parse_long_text),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_add_sub),
        cmocka_unit_test(test_mul),
        cmocka_unit_test(test_div),
        cmocka_unit_test(test_rem),
        cmocka_unit_test(test_sqrt),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_laws),
        cmocka_unit_test(test_encoding),
        cmocka_unit_test(test_decoding_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
