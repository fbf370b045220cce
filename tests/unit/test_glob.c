#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/glob.h"
#include "base/rng.h"

static void expect(const char *pattern, const char *text, bool exact, bool folded)
{
    if (glob_match(slice_of(pattern), slice_of(text), false) != exact ||
        glob_match(slice_of(pattern), slice_of(text), true) != folded) {
        fail_msg("%s on %s", pattern, text);
    }
}

static void test_match(void **state)
{
    (void)state;
    expect("", "", true, true);
    expect("", "a", false, false);
    expect("*", "", true, true);
    expect("**", "a/b", true, true);
    expect("?", "", false, false);
    expect("?", "a", true, true);
    expect("??", "a", false, false);
    expect("abc", "abc", true, true);
    expect("abc", "ABC", false, true);
    expect("a*c", "abbbc", true, true);
    expect("a*c", "abbbcd", false, false);
    expect("*.exe", "C:\\x\\Evil.EXE", false, true);
    expect("*ab*ab*", "xabyab", true, true);
    expect("*ab*ab*", "xaby", false, false);
    expect("a?c*", "abcdef", true, true);
    expect("*a", "aaaaab", false, false);
    expect("*?", "", false, false);
    expect("*?*?*", "ab", true, true);
    expect("*?*?*", "a", false, false);
    expect("?*x", "x", false, false);
    /* Nothing else is special. */
    expect("[ab]", "a", false, false);
    expect("[ab]", "[ab]", true, true);
    expect("\\*", "\\anything", true, true);
    expect("\\*", "*", false, false);
    expect("a.c", "abc", false, false);
}

static void test_unicode(void **state)
{
    (void)state;
    expect("?", "é", true, true);
    expect("??", "é", false, false);
    expect("?", "😀", true, true);
    expect("*é?", "caféx", true, true);
    expect("CAFÉ*", "café au lait", false, true);
    expect("МОСКВА", "москва", false, true);
    expect("ΣΊΣΥΦΟΣ", "σίσυφος", false, true);
    expect("straße", "STRASSE", false, false);
    /* Bad bytes: one character each, equal to themselves only. */
    expect("a?b",
           "a\xff"
           "b",
           true, true);
    expect("\xff", "\xff", true, true);
    expect("\xff", "\xfe", false, false);
    expect("*\xa9", "é", false, false);
    expect("*\xc3*", "é", false, false);
}

static void test_literal(void **state)
{
    (void)state;
    assert_true(glob_is_literal(SLICE_LIT("a.b[c]\\")));
    assert_true(glob_is_literal(slice_from(NULL, 0)));
    assert_false(glob_is_literal(SLICE_LIT("a?")));
    assert_false(glob_is_literal(SLICE_LIT("*a")));
}

/* The definition, word for word; exponential, for short inputs. */
static bool reference(struct slice p, struct slice t)
{
    if (p.len == 0) {
        return t.len == 0;
    }
    struct slice p1 = slice_from(p.ptr + 1, p.len - 1);
    struct slice t1 = t.len ? slice_from(t.ptr + 1, t.len - 1) : t;
    if (p.ptr[0] == '*') {
        return reference(p1, t) || (t.len > 0 && reference(p, t1));
    }
    return t.len > 0 && (p.ptr[0] == '?' || p.ptr[0] == t.ptr[0]) && reference(p1, t1);
}

static void test_against_reference(void **state)
{
    (void)state;
    struct rng r = rng_seed(6);
    unsigned matches = 0;
    for (int i = 0; i < 100000; i++) {
        char p[8], t[10];
        struct slice pattern = {p, (size_t)rng_below(&r, sizeof(p) + 1)};
        struct slice text = {t, (size_t)rng_below(&r, sizeof(t) + 1)};
        for (size_t k = 0; k < sizeof(p); k++) {
            p[k] = "ab*?"[rng_below(&r, 4)];
        }
        for (size_t k = 0; k < sizeof(t); k++) {
            t[k] = "ab"[rng_below(&r, 2)];
        }
        bool want = reference(pattern, text);
        assert_int_equal(glob_match(pattern, text, false), want);
        assert_int_equal(glob_match(pattern, text, true), want);
        matches += want;
    }
    assert_true(matches > 1000);
}

/* Exponential backtracking would not come back from this. */
static void test_hard_case(void **state)
{
    (void)state;
    char text[20001], pattern[201];
    memset(text, 'a', 20000);
    text[20000] = '\0';
    for (size_t i = 0; i < 200; i += 2) {
        memcpy(pattern + i, "*a", 2);
    }
    pattern[199] = 'b';
    pattern[200] = '\0';
    expect(pattern, text, false, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),     cmocka_unit_test(test_unicode),
        cmocka_unit_test(test_literal),   cmocka_unit_test(test_against_reference),
        cmocka_unit_test(test_hard_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
