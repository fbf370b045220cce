/* Which texts are JSON, and where the values looked for stand in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "engine/decode/json_scan.h"
#include "engine/decode/json_walk.h"

#define MAX_FOUND 16

struct fixture {
    struct json_scan scan;
    struct json_paths paths;
    struct json_span found[MAX_FOUND];
    char *text; /* exactly as long as promised, so that the sanitizer sees every byte too many */
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    json_scan_init(&f->scan, 64);
    json_paths_init(&f->paths);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    json_scan_release(&f->scan);
    json_paths_release(&f->paths);
    free(f->text);
    free(f);
    return 0;
}

static enum json_error scan(struct fixture *f, const char *text, size_t len)
{
    free(f->text);
    f->text = xcalloc(1, len + JSON_PAD_BYTES);
    if (len > 0) {
        memcpy(f->text, text, len);
    }
    bool ok = json_scan_run(&f->scan, f->text, len, &f->paths, f->found);
    assert_int_equal(ok, f->scan.error == JSON_OK);
    assert_true(f->scan.position <= len);
    return f->scan.error;
}

struct text_case {
    const char *text;
    size_t len;
    enum json_error error;
};

#define T(s, e)                                                                                    \
    {                                                                                              \
        s, sizeof(s) - 1, e                                                                        \
    }

/* clang-format off */
static const struct text_case cases[] = {
    /* structure */
    T("{}", JSON_OK), T("[]", JSON_OK), T(" \t\r\n{ \"a\" :\n1 , \"b\":[ ] }\n", JSON_OK),
    T("[[],{},[{}]]", JSON_OK), T("[1,2,3]", JSON_OK), T("{\"\":0}", JSON_OK),
    T("{\"a\":1,\"a\":2}", JSON_OK), T("1", JSON_OK), T("\"x\"", JSON_OK), T("null", JSON_OK),
    T("true", JSON_OK), T("false", JSON_OK),
    T("", JSON_BAD_SYNTAX), T(" ", JSON_BAD_SYNTAX), T("{", JSON_BAD_SYNTAX),
    T("[", JSON_BAD_SYNTAX), T("}", JSON_BAD_SYNTAX), T("]", JSON_BAD_SYNTAX),
    T("{]", JSON_BAD_SYNTAX), T("[}", JSON_BAD_SYNTAX), T("[1}", JSON_BAD_SYNTAX),
    T("{\"a\":1]", JSON_BAD_SYNTAX), T("[1,]", JSON_BAD_SYNTAX), T("[,1]", JSON_BAD_SYNTAX),
    T("[,]", JSON_BAD_SYNTAX), T("[1,,2]", JSON_BAD_SYNTAX), T("[1 2]", JSON_BAD_SYNTAX),
    T("[1:2]", JSON_BAD_SYNTAX), T("{,}", JSON_BAD_SYNTAX), T("{\"a\"}", JSON_BAD_SYNTAX),
    T("{\"a\":}", JSON_BAD_SYNTAX), T("{\"a\",1}", JSON_BAD_SYNTAX),
    T("{\"a\" 1}", JSON_BAD_SYNTAX), T("{:1}", JSON_BAD_SYNTAX), T("{\"a\":1,}", JSON_BAD_SYNTAX),
    T("{\"a\":1 \"b\":2}", JSON_BAD_SYNTAX), T("{1:1}", JSON_BAD_SYNTAX),
    T("{a:1}", JSON_BAD_SYNTAX), T("{'a':1}", JSON_BAD_SYNTAX), T("{null:1}", JSON_BAD_SYNTAX),
    T("{[]:1}", JSON_BAD_SYNTAX), T("{\"a\"::1}", JSON_BAD_SYNTAX), T("{}{}", JSON_BAD_SYNTAX),
    T("{} x", JSON_BAD_SYNTAX), T("{}]", JSON_BAD_SYNTAX), T("{},", JSON_BAD_SYNTAX),
    T("1 2", JSON_BAD_SYNTAX), T(",", JSON_BAD_SYNTAX), T(":", JSON_BAD_SYNTAX),
    T("{}#", JSON_BAD_SYNTAX), T("[1/*c*/]", JSON_BAD_SYNTAX), T("//c\n1", JSON_BAD_SYNTAX),
    T("\xEF\xBB\xBF{}", JSON_BAD_SYNTAX), T("\xEF\xBB{}", JSON_BAD_SYNTAX),
    T("\xFF", JSON_BAD_SYNTAX), T("[\xC3\xA9]", JSON_BAD_SYNTAX),
    T("\xC2\xA0{}", JSON_BAD_SYNTAX), T("\x0C{}", JSON_BAD_SYNTAX), T("\x0B{}", JSON_BAD_SYNTAX),
    /* words */
    T("True", JSON_BAD_SYNTAX), T("nul", JSON_BAD_SYNTAX), T("nulll", JSON_BAD_SYNTAX),
    T("tru", JSON_BAD_SYNTAX), T("truefalse", JSON_BAD_SYNTAX), T("[fals]", JSON_BAD_SYNTAX),
    T("NaN", JSON_BAD_SYNTAX), T("Infinity", JSON_BAD_SYNTAX), T("-Infinity", JSON_BAD_SYNTAX),
    T("undefined", JSON_BAD_SYNTAX),
    /* numbers */
    T("0", JSON_OK), T("-0", JSON_OK), T("-1", JSON_OK), T("10", JSON_OK), T("1.5", JSON_OK),
    T("0.5", JSON_OK), T("-0.0", JSON_OK), T("1e5", JSON_OK), T("1E+5", JSON_OK),
    T("1e-5", JSON_OK), T("1.25e00", JSON_OK), T("0e0", JSON_OK), T("1e999999", JSON_OK),
    T("123456789012345678901234567890", JSON_OK), T("00", JSON_BAD_SYNTAX),
    T("01", JSON_BAD_SYNTAX), T("-01", JSON_BAD_SYNTAX), T("-", JSON_BAD_SYNTAX),
    T("+1", JSON_BAD_SYNTAX), T("--1", JSON_BAD_SYNTAX), T(".5", JSON_BAD_SYNTAX),
    T("-.5", JSON_BAD_SYNTAX), T("1.", JSON_BAD_SYNTAX), T("1.e5", JSON_BAD_SYNTAX),
    T("1e", JSON_BAD_SYNTAX), T("1e+", JSON_BAD_SYNTAX), T("1.5e", JSON_BAD_SYNTAX),
    T("1ee5", JSON_BAD_SYNTAX), T("1.2.3", JSON_BAD_SYNTAX), T("1e5.5", JSON_BAD_SYNTAX),
    T("0x1F", JSON_BAD_SYNTAX), T("1_000", JSON_BAD_SYNTAX), T("1,000", JSON_BAD_SYNTAX),
    T("- 1", JSON_BAD_SYNTAX), T("1 .5", JSON_BAD_SYNTAX), T("1a", JSON_BAD_SYNTAX),
    T("\xEF\xBC\x91", JSON_BAD_SYNTAX),
    /* strings */
    T("\"\"", JSON_OK), T("\"abcdefgh\"", JSON_OK), T("\"abcdefghijklmno\"", JSON_OK),
    T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", JSON_OK), T("\"\\u0000\"", JSON_OK),
    T("\"\\u00e9\\u20AC\\uFFFF\"", JSON_OK), T("\"\\ud83d\\ude00\"", JSON_OK),
    T("\"\\uDBFF\\uDFFF\"", JSON_OK), T("\"\x7F\"", JSON_OK), T("\"'/\"", JSON_OK),
    T("\"", JSON_BAD_SYNTAX), T("\"a", JSON_BAD_SYNTAX), T("\"abcdefgh", JSON_BAD_SYNTAX),
    T("\"a\\\"", JSON_BAD_SYNTAX), T("\"\\", JSON_BAD_SYNTAX), T("\"\\x\"", JSON_BAD_SYNTAX),
    T("\"\\a\"", JSON_BAD_SYNTAX), T("\"\\'\"", JSON_BAD_SYNTAX), T("\"\\0\"", JSON_BAD_SYNTAX),
    T("\"\\U0041\"", JSON_BAD_SYNTAX), T("\"\\u\"", JSON_BAD_SYNTAX),
    T("\"\\u12\"", JSON_BAD_SYNTAX), T("\"\\u123\"", JSON_BAD_SYNTAX),
    T("\"\\u12G4\"", JSON_BAD_SYNTAX), T("\"\\u 123\"", JSON_BAD_SYNTAX),
    T("\"\n\"", JSON_BAD_SYNTAX), T("\"\t\"", JSON_BAD_SYNTAX), T("\"\x1F\"", JSON_BAD_SYNTAX),
    T("\"abcdefg\x01\"", JSON_BAD_SYNTAX), T("'a'", JSON_BAD_SYNTAX), T("\"a\"b", JSON_BAD_SYNTAX),
    T("\"\\\n\"", JSON_BAD_SYNTAX), T("\"\\\xC3\xA9\"", JSON_BAD_SYNTAX),
    /* surrogates */
    T("\"\\ud800\"", JSON_BAD_TEXT), T("\"\\uDBFF\"", JSON_BAD_TEXT),
    T("\"\\udc00\"", JSON_BAD_TEXT), T("\"\\uDFFF\"", JSON_BAD_TEXT),
    T("\"\\ud800x\"", JSON_BAD_TEXT), T("\"\\ud800\\n\"", JSON_BAD_TEXT),
    T("\"\\ud800\\u0041\"", JSON_BAD_TEXT), T("\"\\ud800\\ud800\"", JSON_BAD_TEXT),
    T("\"\\udc00\\ud800\"", JSON_BAD_TEXT), T("\"\\ud83d\\ude0\"", JSON_BAD_TEXT),
    T("\"\\ud83d\\ude00\\ude00\"", JSON_BAD_TEXT), T("\"\\ud83\"", JSON_BAD_SYNTAX),
    T("{\"\\ud800\":1}", JSON_BAD_TEXT),
    /* UTF-8, one case or more of each class of RFC 3629 */
    T("\"\xC2\x80\"", JSON_OK), T("\"\xDF\xBF\"", JSON_OK), T("\"\xE0\xA0\x80\"", JSON_OK),
    T("\"\xE1\x80\x80\"", JSON_OK), T("\"\xEC\xBF\xBF\"", JSON_OK), T("\"\xED\x9F\xBF\"", JSON_OK),
    T("\"\xEE\x80\x80\"", JSON_OK), T("\"\xEF\xBF\xBF\"", JSON_OK),
    T("\"\xF0\x90\x80\x80\"", JSON_OK), T("\"\xF3\xBF\xBF\xBF\"", JSON_OK),
    T("\"\xF4\x8F\xBF\xBF\"", JSON_OK), T("\"\xEF\xBB\xBF\"", JSON_OK),
    T("\"\x80\"", JSON_BAD_TEXT), T("\"\xBF\"", JSON_BAD_TEXT), T("\"\xC0\x80\"", JSON_BAD_TEXT),
    T("\"\xC1\xBF\"", JSON_BAD_TEXT), T("\"\xC2\"", JSON_BAD_TEXT), T("\"\xC2x\"", JSON_BAD_TEXT),
    T("\"\xC2\xC2\x80\"", JSON_BAD_TEXT), T("\"\xE0\x9F\xBF\"", JSON_BAD_TEXT),
    T("\"\xE0\x80\x80\"", JSON_BAD_TEXT), T("\"\xE1\x80\"", JSON_BAD_TEXT),
    T("\"\xE1\"", JSON_BAD_TEXT), T("\"\xE1\x80\xC0\"", JSON_BAD_TEXT),
    T("\"\xED\xA0\x80\"", JSON_BAD_TEXT), T("\"\xED\xBF\xBF\"", JSON_BAD_TEXT),
    T("\"\xF0\x8F\xBF\xBF\"", JSON_BAD_TEXT), T("\"\xF0\x90\x80\"", JSON_BAD_TEXT),
    T("\"\xF1\x80\x80\"", JSON_BAD_TEXT), T("\"\xF1\x80\"", JSON_BAD_TEXT),
    T("\"\xF4\x90\x80\x80\"", JSON_BAD_TEXT), T("\"\xF5\x80\x80\x80\"", JSON_BAD_TEXT),
    T("\"\xFE\"", JSON_BAD_TEXT), T("\"\xFF\"", JSON_BAD_TEXT), T("\"\xC3", JSON_BAD_TEXT),
    T("{\"\xFF\":1}", JSON_BAD_TEXT), T("{\"a\":[\"\xFF\"]}", JSON_BAD_TEXT),
    /* NUL bytes */
    T("\0", JSON_BAD_SYNTAX), T("{}\0", JSON_BAD_SYNTAX), T("\0{}", JSON_BAD_SYNTAX),
    T("{\"a\0b\":1}", JSON_BAD_SYNTAX), T("{\"a\":\"x\0y\"}", JSON_BAD_SYNTAX),
    T("{\"a\":1\0}", JSON_BAD_SYNTAX), T("{\"a\":tr\0ue}", JSON_BAD_SYNTAX),
    T("\"\\u00\0\x30\"", JSON_BAD_SYNTAX), T("\"\xE1\x80\0\"", JSON_BAD_TEXT),
};
/* clang-format on */

static void texts(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(cases); i++) {
        enum json_error e = scan(f, cases[i].text, cases[i].len);
        if (e != cases[i].error) {
            fail_msg("case %zu: %s: %d instead of %d", i, cases[i].text, e, cases[i].error);
        }
    }
}

/* The same texts inside an object, at every alignment of the scanner's words. */
static void texts_inside(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(cases); i++) {
        for (int pad = 0; pad < 9; pad++) {
            FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
            buf_printf(&b, "{\"%.*s\":[", pad, "aaaaaaaaa");
            buf_put(&b, cases[i].text, cases[i].len);
            buf_puts(&b, "]}");
            enum json_error e = scan(f, b.ptr, b.len);
            /* what is wrong outside may be right inside an array, never the other way round */
            if (cases[i].error == JSON_OK || cases[i].error == JSON_BAD_TEXT) {
                assert_int_equal(e, cases[i].error);
            }
        }
    }
}

static const char document[] =
    "{\"a\":\"x\\u0041\\ud83d\\ude00\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\",\"b\":[1,-2.5e3,"
    "true,false,null,{\"c\":{}}],\"\\u0064\":\"0123456789abcdef\"}";

/* No prefix of a document is a document, wherever it is cut. */
static void cut_anywhere(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i + 1 < sizeof(document) - 1; i++) {
        assert_int_not_equal(scan(f, document, i), JSON_OK);
    }
    assert_int_equal(scan(f, document, sizeof(document) - 1), JSON_OK);
}

/* Every byte at every place: no crash, and an error lies at or before the change's token end. */
static void change_anywhere(void **state)
{
    struct fixture *f = *state;
    char text[sizeof(document)];
    for (size_t i = 0; i < sizeof(document) - 1; i++) {
        for (unsigned c = 0; c < 256; c++) {
            memcpy(text, document, sizeof(document));
            text[i] = (char)c;
            enum json_error e = scan(f, text, sizeof(document) - 1);
            assert_true(e != JSON_TOO_DEEP);
            assert_true(c != 0 || e != JSON_OK);
        }
    }
}

static void depth(void **state)
{
    struct fixture *f = *state;
    size_t n = 100000;
    char *text = xmalloc(2 * n);
    memset(text, '[', n);
    memset(text + n, ']', n);
    assert_int_equal(scan(f, text, n), JSON_TOO_DEEP);
    assert_int_equal(f->scan.position, 64);
    assert_int_equal(scan(f, text, 2 * n), JSON_TOO_DEEP);
    assert_int_equal(scan(f, text + n - 64, 128), JSON_OK);
    assert_int_equal(scan(f, text + n - 64, 127), JSON_BAD_SYNTAX);
    assert_int_equal(scan(f, text + n - 65, 130), JSON_TOO_DEEP);
    json_scan_release(&f->scan);
    json_scan_init(&f->scan, 100000);
    assert_int_equal(scan(f, text, 2 * n), JSON_OK);
    free(text);
}

static void long_line(void **state)
{
    struct fixture *f = *state;
    uint32_t node = json_paths_add(&f->paths, 0, SLICE_LIT("end"));
    json_paths_seal(&f->paths);
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    buf_puts(&b, "{\"text\":\"");
    while (b.len < 5000000) {
        buf_puts(&b, "abcdefg \xC3\xA9 ");
    }
    buf_puts(&b, "\",\"list\":[");
    while (b.len < 10000000) {
        buf_puts(&b, "{\"end\":[0.5,null]}, ");
    }
    buf_puts(&b, "7],\"end\":42}");
    assert_int_equal(scan(f, b.ptr, b.len), JSON_OK);
    assert_int_equal(f->found[node].kind, JSON_INT);
    assert_int_equal(f->found[node].len, 2);
    assert_int_equal(f->found[node].ptr - f->text, b.len - 3);
}

static void found_is(struct fixture *f, uint32_t node, enum json_kind kind, const char *text)
{
    assert_int_equal(f->found[node].kind, kind);
    if (kind != JSON_NONE) {
        assert_int_equal(f->found[node].len, strlen(text));
        assert_memory_equal(f->found[node].ptr, text, strlen(text));
    }
}

#define SCAN_OK(f, s) assert_int_equal(scan(f, s, strlen(s)), JSON_OK)

static void paths(void **state)
{
    struct fixture *f = *state;
    struct json_paths *p = &f->paths;
    uint32_t a = json_paths_add(p, 0, SLICE_LIT("a"));
    uint32_t ab = json_paths_add(p, a, SLICE_LIT("b"));
    uint32_t abc = json_paths_add(p, ab, SLICE_LIT("c"));
    uint32_t ad = json_paths_add(p, a, SLICE_LIT("d"));
    uint32_t dotted = json_paths_add(p, 0, SLICE_LIT("a.b"));
    uint32_t name = json_paths_add(p, 0, SLICE_LIT("a_rather_long_name"));
    uint32_t empty = json_paths_add(p, 0, SLICE_LIT(""));
    assert_int_equal(json_paths_add(p, a, SLICE_LIT("b")), ab);
    json_paths_seal(p);

    SCAN_OK(f, "{ \"a\" : { \"b\" : { \"c\" : \"x\" } , \"d\":[1, 2] } , \"a.b\" : 1.0 }");
    found_is(f, 0, JSON_OBJECT,
             "{ \"a\" : { \"b\" : { \"c\" : \"x\" } , \"d\":[1, 2] } , \"a.b\" : 1.0 }");
    found_is(f, ab, JSON_OBJECT, "{ \"c\" : \"x\" }");
    found_is(f, abc, JSON_STRING, "x");
    found_is(f, ad, JSON_ARRAY, "[1, 2]");
    found_is(f, dotted, JSON_REAL, "1.0");
    found_is(f, name, JSON_NONE, "");

    /* names that only begin alike, names in words that nobody asks for */
    SCAN_OK(f, "{\"a_rather_long_nam\":1,\"a_rather_long_namf\":2,\"a_ratherXlong_name\":3,"
               "\"z\":{\"a\":4},\"y\":[{\"a\":5}],\"\":6}");
    found_is(f, name, JSON_NONE, "");
    found_is(f, a, JSON_NONE, "");
    found_is(f, empty, JSON_INT, "6");
    SCAN_OK(f, "{\"a_rather_long_name\":null,\"a\":[{\"b\":1}]}");
    found_is(f, name, JSON_NULL, "null");
    found_is(f, a, JSON_ARRAY, "[{\"b\":1}]");
    found_is(f, ab, JSON_NONE, "");

    /* escaped keys are the same keys */
    SCAN_OK(f, "{\"\\u0061\":{\"\\u0062\":true},\"a_rather\\u005Flong_name\":false,"
               "\"\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061"
               "\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\":1}");
    found_is(f, ab, JSON_TRUE, "true");
    found_is(f, name, JSON_FALSE, "false");
}

static void duplicates(void **state)
{
    struct fixture *f = *state;
    struct json_paths *p = &f->paths;
    uint32_t a = json_paths_add(p, 0, SLICE_LIT("a"));
    uint32_t ab = json_paths_add(p, a, SLICE_LIT("b"));
    uint32_t abc = json_paths_add(p, ab, SLICE_LIT("c"));
    uint32_t ad = json_paths_add(p, a, SLICE_LIT("d"));
    uint32_t e = json_paths_add(p, 0, SLICE_LIT("e"));
    json_paths_seal(p);
    SCAN_OK(f, "{\"e\":1,\"e\":\"two\"}");
    found_is(f, e, JSON_STRING, "two");
    SCAN_OK(f, "{\"e\":1,\"\\u0065\":null}");
    found_is(f, e, JSON_NULL, "null");
    SCAN_OK(f, "{\"a\":{\"b\":{\"c\":1},\"d\":2},\"e\":3,\"a\":{\"d\":4}}");
    found_is(f, ab, JSON_NONE, "");
    found_is(f, abc, JSON_NONE, "");
    found_is(f, ad, JSON_INT, "4");
    found_is(f, e, JSON_INT, "3");
    SCAN_OK(f, "{\"a\":{\"b\":{\"c\":1},\"b\":{}}}");
    found_is(f, ab, JSON_OBJECT, "{}");
    found_is(f, abc, JSON_NONE, "");
    SCAN_OK(f, "{\"a\":{\"b\":{\"c\":1}},\"a\":5}");
    found_is(f, a, JSON_INT, "5");
    found_is(f, abc, JSON_NONE, "");
    SCAN_OK(f, "{\"a\":5,\"a\":{\"b\":{\"c\":1}}}");
    found_is(f, abc, JSON_INT, "1");
}

static struct json_span span_of(struct fixture *f, const char *text)
{
    SCAN_OK(f, text);
    return f->found[0];
}

static void walking(void **state)
{
    struct fixture *f = *state;
    struct json_span span =
        span_of(f, " [ 1 , \"]\\\"[\", {\"a\":[\"}\"]} ,[[ ]],true,false,null, -1.5e2 ] ");
    static const struct {
        enum json_kind kind;
        const char *text;
    } want[] = {{JSON_INT, "1"},       {JSON_STRING, "]\\\"["}, {JSON_OBJECT, "{\"a\":[\"}\"]}"},
                {JSON_ARRAY, "[[ ]]"}, {JSON_TRUE, "true"},     {JSON_FALSE, "false"},
                {JSON_NULL, "null"},   {JSON_REAL, "-1.5e2"}};
    struct json_walk w = json_walk_into(span);
    struct json_span item, key;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(want); i++) {
        assert_true(json_walk_item(&w, &item));
        assert_int_equal(item.kind, want[i].kind);
        assert_int_equal(item.len, strlen(want[i].text));
        assert_memory_equal(item.ptr, want[i].text, item.len);
        assert_int_equal(item.escaped, i == 1);
    }
    assert_false(json_walk_item(&w, &item));
    assert_false(json_walk_item(&w, &item));

    span = span_of(f, "{ \"a\" : 1 , \"b\\u0063\":{ } }");
    w = json_walk_into(span);
    assert_true(json_walk_member(&w, &key, &item));
    assert_true(json_string_equals(key, SLICE_LIT("a")));
    assert_int_equal(item.kind, JSON_INT);
    assert_true(json_walk_member(&w, &key, &item));
    assert_true(json_string_equals(key, SLICE_LIT("bc")));
    assert_false(json_string_equals(key, SLICE_LIT("b")));
    assert_false(json_string_equals(key, SLICE_LIT("bcd")));
    assert_int_equal(item.kind, JSON_OBJECT);
    assert_false(json_walk_member(&w, &key, &item));

    span = span_of(f, "{\"a\":1,\"b\":2,\"a\":\"x\"}");
    assert_int_equal(json_walk_find(span, SLICE_LIT("a")).kind, JSON_STRING);
    assert_int_equal(json_walk_find(span, SLICE_LIT("c")).kind, JSON_NONE);
}

static void unescaping(void **state)
{
    struct fixture *f = *state;
    static const char want[] = "\"\\/\b\f\n\r\t|A|\xC3\xA9|\xE2\x82\xAC|\xF0\x9F\x98\x80|\0|"
                               "\xF4\x8F\xBF\xBF|\xC3\xA9";
    struct json_span s = span_of(f, "\"\\\"\\\\\\/\\b\\f\\n\\r\\t|\\u0041|\\u00e9|\\u20AC|"
                                    "\\uD83D\\ude00|\\u0000|\\uDBFF\\uDFFF|\xC3\xA9\"");
    char out[128];
    assert_true(s.escaped);
    assert_int_equal(json_unescape(s, out), sizeof(want) - 1);
    assert_memory_equal(out, want, sizeof(want) - 1);
    assert_true(json_string_equals(s, slice_from(want, sizeof(want) - 1)));
    assert_false(json_string_equals(s, slice_from(want, sizeof(want) - 2)));
    s = span_of(f, "\"plain \xC3\xA9\"");
    assert_false(s.escaped);
    assert_int_equal(json_unescape(s, out), 8);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(texts),   TEST(texts_inside), TEST(cut_anywhere), TEST(change_anywhere),
        TEST(depth),   TEST(long_line),    TEST(paths),        TEST(duplicates),
        TEST(walking), TEST(unescaping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
