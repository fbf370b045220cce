#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <locale.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "base/rng.h"

static void test_structure(void **state)
{
    (void)state;
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    struct json_out j = json_out_to(&b);
    json_object_begin(&j);
    json_member_string(&j, "rule", SLICE_LIT("x"));
    json_member_int(&j, "n", -5);
    json_member_bool(&j, "ok", true);
    json_key(&j, SLICE_LIT("list"));
    json_array_begin(&j);
    json_array_begin(&j);
    json_array_end(&j);
    json_object_begin(&j);
    json_object_end(&j);
    json_nil(&j);
    json_raw(&j, SLICE_LIT("{\"a\":1}"));
    json_bool(&j, false);
    json_array_end(&j);
    json_key(&j, SLICE_LIT("o"));
    json_object_begin(&j);
    json_key(&j, SLICE_LIT("k\""));
    json_uint(&j, UINT64_MAX);
    json_object_end(&j);
    json_object_end(&j);
    json_line_end(&j);
    json_text(&j, SLICE_LIT("next"));
    json_line_end(&j);
    assert_string_equal(buf_cstr(&b), "{\"rule\":\"x\",\"n\":-5,\"ok\":true,\"list\":[[],{},null,"
                                      "{\"a\":1},false],\"o\":{\"k\\\"\":18446744073709551615}}\n"
                                      "\"next\"\n");
}

static void test_deep(void **state)
{
    (void)state;
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    struct json_out j = json_out_to(&b);
    for (int i = 0; i < 1000; i++) {
        json_array_begin(&j);
        json_int(&j, 1);
    }
    for (int i = 0; i < 1000; i++) {
        json_array_end(&j);
    }
    json_line_end(&j);
    assert_int_equal(b.len, 1000 + 1000 + 999 + 1000 + 1);
    assert_memory_equal(b.ptr, "[1,[1,[1", 8);
}

static void expect_text(struct slice s, const char *want)
{
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    json_put_string(&b, s);
    assert_string_equal(buf_cstr(&b), want);
}

static void test_strings(void **state)
{
    (void)state;
    expect_text(slice_from(NULL, 0), "\"\"");
    expect_text(SLICE_LIT("a\"b\\c/"), "\"a\\\"b\\\\c/\"");
    expect_text(SLICE_LIT("\b\f\n\r\t\0\x01\x1f\x7f"),
                "\"\\b\\f\\n\\r\\t\\u0000\\u0001\\u001f\x7f\"");
    expect_text(SLICE_LIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
                "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    /* One replacement for each bad byte: alone, cut off, surrogate, overlong. */
    expect_text(SLICE_LIT("a\xff"
                          "b"),
                "\"a\xef\xbf\xbd"
                "b\"");
    expect_text(SLICE_LIT("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    expect_text(SLICE_LIT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    expect_text(SLICE_LIT("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    expect_text(SLICE_LIT("\xe2\x82\""), "\"\xef\xbf\xbd\xef\xbf\xbd\\\"\"");
}

static void test_known_keys(void **state)
{
    (void)state;
    static const struct slice texts[] = {
        SLICE_LIT(""), SLICE_LIT("plain"), SLICE_LIT("a \"b\""), SLICE_LIT("\xff"), SLICE_LIT("longer than eight"),
    };
    FYKE_CLEANUP(buf_release) struct buf known = BUF_INIT, any = BUF_INIT;
    struct json_out j = json_out_to(&known), k = json_out_to(&any);
    json_object_begin(&j);
    json_object_begin(&k);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(texts); i++) {
        json_known_member(&j, JSON_KEY("name"), texts[i]);
        json_member_string(&k, "name", texts[i]);
        json_known_key(&j, JSON_KEY("n"));
        buf_put_int(json_value_place(&j), -7);
        json_member_int(&k, "n", -7);
    }
    json_object_end(&j);
    json_object_end(&k);
    assert_string_equal(buf_cstr(&known), buf_cstr(&any));
}

static void test_numbers(void **state)
{
    (void)state;
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    struct json_out j = json_out_to(&b);
    struct decimal d;
    assert_true(decimal_parse(SLICE_LIT("-1250e-2"), &d));
    json_array_begin(&j);
    json_int(&j, 0);
    json_int(&j, INT64_MIN);
    json_int(&j, INT64_MAX);
    json_decimal(&j, d);
    json_decimal(&j, DECIMAL_ZERO);
    json_double(&j, 0.1);
    json_array_end(&j);
    assert_string_equal(buf_cstr(&b), "[0,-9223372036854775808,9223372036854775807,-12.5,0,0.1]");
}

static void expect_double(double v, const char *want)
{
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    json_put_double(&b, v);
    assert_string_equal(buf_cstr(&b), want);
}

static void test_doubles(void **state)
{
    (void)state;
    expect_double(0, "0");
    expect_double(1, "1");
    expect_double(-2.5, "-2.5");
    expect_double(0.1 + 0.2, "0.30000000000000004");
    expect_double(1e20, "1e+20");
    expect_double(1.0 / 3, "0.3333333333333333");
    expect_double(DBL_MAX, "1.7976931348623157e+308");
    expect_double(5e-324, "4.94065645841247e-324");
    struct rng r = rng_seed(1);
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rng_next(&r);
        double v;
        memcpy(&v, &bits, sizeof(v));
        if (!__builtin_isfinite(v)) {
            continue;
        }
        buf_clear(&b);
        json_put_double(&b, v);
        assert_true(strtod(buf_cstr(&b), NULL) == v);
    }
}

/* The decimal point stays a point whatever locale a host program has set. */
static void test_locale(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "nl_NL.UTF-8")) {
        skip();
    }
    expect_double(-2.5, "-2.5");
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure), cmocka_unit_test(test_deep),
        cmocka_unit_test(test_strings),   cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_known_keys),
        cmocka_unit_test(test_doubles),   cmocka_unit_test(test_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
