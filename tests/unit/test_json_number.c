/* Numbers from JSON text: whole ones exactly, doubles to the nearest. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/decode/json_number.h"
#include "engine/decode/json_scan.h"

#define ZEROS_20 "00000000000000000000"
#define ZEROS_80 ZEROS_20 ZEROS_20 ZEROS_20 ZEROS_20

static void whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned shift;
        bool ok;
        int64_t value;
    } numbers[] = {
        /* clang-format off */
        {"0", 0, true, 0}, {"-0", 0, true, 0}, {"0.0", 0, true, 0},
        {"0e99999999999999999999", 0, true, 0}, {"-0.000e-99999999999999999999", 0, true, 0},
        {"7", 0, true, 7}, {"-7", 0, true, -7}, {"3.0", 0, true, 3}, {"3.000", 0, true, 3},
        {"1e3", 0, true, 1000}, {"1E+3", 0, true, 1000}, {"1.5e1", 0, true, 15},
        {"150e-1", 0, true, 15}, {"1.25e2", 0, true, 125},
        {"10000000000000000000000e-20", 0, true, 100},
        {"0.00000000000000000000000001e26", 0, true, 1},
        {"9223372036854775807", 0, true, INT64_MAX}, {"-9223372036854775808", 0, true, INT64_MIN},
        {"9223372036854775807.0", 0, true, INT64_MAX},
        {"9.223372036854775807e18", 0, true, INT64_MAX}, {"9223372036854775808", 0, false, 0},
        {"-9223372036854775809", 0, false, 0}, {"18446744073709551616", 0, false, 0},
        {"99999999999999999999", 0, false, 0}, {"9999999999999999999", 0, false, 0},
        {"1e19", 0, false, 0}, {"1e400", 0, false, 0}, {"1e-400", 0, false, 0},
        {"1e99999999999999999999", 0, false, 0}, {"0.5", 0, false, 0}, {"1.5", 0, false, 0},
        {"15e-1", 0, false, 0}, {"1.00000000000000000001", 0, false, 0},
        {"1e18", 0, true, 1000000000000000000}, {"1700000000", 9, true, 1700000000000000000},
        {"1700000000.123456789", 9, true, 1700000000123456789},
        {"1700000000.1234567890", 9, true, 1700000000123456789},
        {"1700000000.1234567891", 9, false, 0}, {"1.7000000005e12", 6, true, 1700000000500000000},
        {"0.5", 3, true, 500}, {"0.0005", 3, false, 0}, {"-1.5", 9, true, -1500000000},
        {"9223372036.854775807", 9, true, INT64_MAX}, {"9223372036.854775808", 9, false, 0},
        /* clang-format on */
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(numbers); i++) {
        int64_t v = -1;
        bool ok = json_number_scaled(slice_of(numbers[i].text), numbers[i].shift, &v);
        if (ok != numbers[i].ok || (ok && v != numbers[i].value)) {
            fail_msg("%s: %d %lld", numbers[i].text, ok, (long long)v);
        }
    }
}

static void doubles(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        double value;
    } numbers[] = {
        /* clang-format off */
        {"0", true, 0.0}, {"-1", true, -1.0}, {"0.1", true, 0.1}, {"123.456", true, 123.456},
        {"1e22", true, 1e22}, {"1e23", true, 1e23}, {"1e-22", true, 1e-22},
        {"5e-324", true, 5e-324},
        {"1e-400", true, 0.0}, {"1.7976931348623157e308", true, 1.7976931348623157e308},
        {"1e309", false, 0}, {"-1e400", false, 0}, {"9007199254740993", true, 9007199254740992.0},
        {"9007199254740992.5", true, 9007199254740992.0}, {"0e999999999999", true, 0.0},
        {"2.2250738585072011e-308", true, 2.2250738585072011e-308},
{"1.7976931348623159e308", false, 0},
        {"1" ZEROS_80 "e-80", true, 1.0},
        /* clang-format on */
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(numbers); i++) {
        double v = -1;
        bool ok = json_number_to_double(slice_of(numbers[i].text), &v);
        if (ok != numbers[i].ok || (ok && memcmp(&v, &numbers[i].value, sizeof(v)) != 0)) {
            fail_msg("%s: %d %.17g", numbers[i].text, ok, v);
        }
    }
    double zero;
    assert_true(json_number_to_double(SLICE_LIT("-0.0"), &zero));
    assert_true(zero == 0.0 && signbit(zero));
}

/* The short way to a decimal and the long one agree. */
static void check_decimal(struct slice text)
{
    struct decimal quick = DECIMAL_ZERO, slow = DECIMAL_ZERO;
    assert_int_equal(json_number_to_decimal(text, &quick), decimal_parse(text, &slow));
    assert_true(decimal_eq(quick, slow));
}

static void decimals(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0.00",
        "12.50",
        "-12.50",
        "100",
        "1e2",
        "150e-1",
        "0.000000000000000001",
        "0.0000000000000000001",
        "9999999999999999999",
        "-9999999999999999999",
        "99999999999999999999",
        "1234567890.123456789",
        "1.00000000000000000000",
        "0e-30",
        "5e-18",
        "5e-19",
        "50e-19",
        "1e37",
        "1e38",
        "0.1e-17",
        "9.999999999999999999",
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(texts); i++) {
        check_decimal(slice_of(texts[i]));
    }
}

/* The check for keys and headers and the scanner's rule are two spellings of one grammar. */
static void number_grammar(void **state)
{
    struct json_scan scan;
    struct json_paths paths;
    struct json_span found;
    static const char alphabet[] = "01-+.eE";
    char text[5 + JSON_PAD_BYTES];
    (void)state;
    json_scan_init(&scan, 1);
    json_paths_init(&paths);
    for (unsigned code = 0; code < 7 * 7 * 7 * 7 * 7; code++) {
        for (size_t len = 1; len <= 5; len++) {
            unsigned rest = code;
            for (size_t i = 0; i < len; i++, rest /= 7) {
                text[i] = alphabet[rest % 7];
            }
            if (rest == 0) { /* each text of this length once */
                memset(text + len, 0, JSON_PAD_BYTES);
                bool valid = json_number_valid(slice_from(text, len));
                assert_int_equal(json_scan_run(&scan, text, len, &paths, &found), valid);
                if (valid) {
                    check_decimal(slice_from(text, len));
                }
            }
        }
    }
    json_scan_release(&scan);
    json_paths_release(&paths);
    assert_false(json_number_valid(SLICE_LIT("")));
    assert_false(json_number_valid(SLICE_LIT(" 1")));
    assert_false(json_number_valid(SLICE_LIT("1 ")));
    assert_true(json_number_valid(SLICE_LIT("-12.50e+07")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(doubles),
        cmocka_unit_test(decimals),
        cmocka_unit_test(number_grammar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
