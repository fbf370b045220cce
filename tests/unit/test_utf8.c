#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/utf8.h"

static void test_valid(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "plain ascii that is longer than eight bytes",
        "é",
        "€",
        "😀",
        "\x7f",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "1234567é",
        "12345678é12345678",
    };
    static const char *const bad[] = {
        "\x80",         "\xbf",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff",         "\xc3",         "\xe2\x82",         "\xf0\x9f\x98",     "\xc3(",
        "\xe2(\xa1",    "\xe2\x82(",    "12345678\xff",     "1234567\xc3",
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(good); i++) {
        assert_true(utf8_valid(slice_of(good[i])));
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(bad); i++) {
        assert_false(utf8_valid(slice_of(bad[i])));
    }
    assert_true(utf8_valid(slice_from(NULL, 0)));
    assert_true(utf8_valid(SLICE_LIT("a\0b")));
}

/* Every code point there and back; the surrogates and what lies above have no encoding. */
static void test_all_code_points(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x110000; cp++) {
        char out[4];
        uint32_t back;
        size_t n = utf8_encode(cp, out);
        if (n == 0) {
            assert_true((cp >= 0xd800 && cp <= 0xdfff) || cp == 0x110000);
            continue;
        }
        if (utf8_decode(slice_from(out, n), 0, &back) != n || back != cp) {
            fail_msg("U+%04X", cp);
        }
    }
    char out[4];
    assert_int_equal(utf8_encode(UTF8_BAD, out), 0);
}

static void test_walk(void **state)
{
    (void)state;
    struct slice s = SLICE_LIT("a\xc3\xa9\xff\xe2\x82"
                               "b");
    static const uint32_t want[] = {'a', 0xe9, UTF8_BAD, UTF8_BAD, UTF8_BAD, 'b'};
    size_t at = 0;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(want); i++) {
        uint32_t cp;
        at += utf8_decode(s, at, &cp);
        assert_int_equal(cp, want[i]);
    }
    assert_int_equal(at, s.len);
    assert_int_equal(utf8_length(s), 6);
    assert_int_equal(utf8_length(slice_from(NULL, 0)), 0);
}

static void expect_slice(struct slice s, const char *want)
{
    assert_true(slice_eq(s, slice_of(want)));
}

static void test_substring(void **state)
{
    (void)state;
    struct slice s = SLICE_LIT("aé€😀z");
    expect_slice(utf8_substring(s, 0, 2), "aé");
    expect_slice(utf8_substring(s, 1, 3), "é€😀");
    expect_slice(utf8_substring(s, 3, SIZE_MAX), "😀z");
    expect_slice(utf8_substring(s, 5, 1), "");
    expect_slice(utf8_substring(s, SIZE_MAX, SIZE_MAX), "");
    expect_slice(utf8_substring(s, 2, 0), "");
    expect_slice(utf8_substring(slice_from(NULL, 0), 0, 1), "");
}

static void test_case(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"A", "a"}, {"Z", "z"}, {"À", "à"},   {"Ö", "ö"},   {"Ø", "ø"}, {"Þ", "þ"}, {"Ÿ", "ÿ"},
        {"Ā", "ā"}, {"Ĵ", "ĵ"}, {"Ĺ", "ĺ"},   {"Ň", "ň"},   {"Ŋ", "ŋ"}, {"Ŷ", "ŷ"}, {"Ź", "ź"},
        {"Ž", "ž"}, {"Α", "α"}, {"Ω", "ω"},   {"Ά", "ά"},   {"Έ", "έ"}, {"Ί", "ί"}, {"Ό", "ό"},
        {"Ύ", "ύ"}, {"Ώ", "ώ"}, {"Ϊ", "ϊ"},   {"Ϋ", "ϋ"},   {"Σ", "σ"}, {"А", "а"}, {"Я", "я"},
        {"Ё", "ё"}, {"Џ", "џ"}, {"Ѡ", "ѡ"},   {"Ґ", "ґ"},   {"Ӏ", "ӏ"}, {"Ӂ", "ӂ"}, {"Ӑ", "ӑ"},
        {"Ա", "ա"}, {"Ֆ", "ֆ"}, {"Ａ", "ａ"}, {"Ｚ", "ｚ"},
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(pairs); i++) {
        uint32_t upper, lower;
        utf8_decode(slice_of(pairs[i][0]), 0, &upper);
        utf8_decode(slice_of(pairs[i][1]), 0, &lower);
        assert_int_equal(utf8_lower(upper), lower);
        assert_int_equal(utf8_upper(lower), upper);
        assert_int_equal(utf8_lower(lower), lower);
        assert_int_equal(utf8_upper(upper), upper);
        assert_int_equal(utf8_fold(upper), lower);
    }
    static const uint32_t alone[] = {'@',   '[',   '`',   '{',    '0',     0xd7,
                                     0xf7,  0xdf,  0x130, 0x131,  0x138,   0x149,
                                     0x17f, 0x3a2, 0x482, 0x4e2d, 0x1f600, 0x10ffff};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(alone); i++) {
        assert_int_equal(utf8_lower(alone[i]), alone[i]);
        assert_int_equal(utf8_upper(alone[i]), alone[i]);
    }
    assert_int_equal(utf8_fold(0x3c2), 0x3c3);
    assert_int_equal(utf8_upper(0x3c2), 0x3a3);
}

/* Mapping twice changes nothing, and the two directions undo each other. */
static void test_case_laws(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp < 0x11000; cp++) {
        uint32_t lower = utf8_lower(cp), upper = utf8_upper(cp);
        assert_true(utf8_lower(lower) == lower && utf8_upper(upper) == upper);
        if (lower != cp) {
            assert_true(utf8_upper(lower) == cp);
        }
        if (upper != cp && cp != 0x3c2) {
            assert_true(utf8_lower(upper) == cp);
        }
        assert_true(utf8_fold(utf8_fold(cp)) == utf8_fold(cp));
        assert_true(utf8_fold(upper) == utf8_fold(cp));
    }
}

static void test_case_text(void **state)
{
    (void)state;
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    utf8_put_lower(&b, slice_of("ÀB\xff"
                                "Ж1"));
    assert_string_equal(buf_cstr(&b), "àb\xff"
                                      "ж1");
    buf_clear(&b);
    utf8_put_upper(&b, slice_of("àb\xff"
                                "ж1ß"));
    assert_string_equal(buf_cstr(&b), "ÀB\xff"
                                      "Ж1ß");
    buf_clear(&b);
    utf8_put_fold(&b, slice_of("ΣΑΣ σας"));
    assert_string_equal(buf_cstr(&b), "σασ σασ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),     cmocka_unit_test(test_all_code_points),
        cmocka_unit_test(test_walk),      cmocka_unit_test(test_substring),
        cmocka_unit_test(test_case),      cmocka_unit_test(test_case_laws),
        cmocka_unit_test(test_case_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
