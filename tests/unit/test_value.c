#include "tests/support/expr_world.h"

#include "base/hash.h"
#include "nfa/value_index.h"

static void expect_bytes(struct value v, const char *hex)
{
    struct buf b = BUF_INIT;
    struct buf got = BUF_INIT;
    value_encode(v, &b);
    for (size_t i = 0; i < b.len; i++) {
        buf_printf(&got, "%02x", (unsigned char)b.ptr[i]);
    }
    assert_string_equal(buf_cstr(&got), hex);
    struct reader r = reader_of(buf_slice(&b));
    struct arena a = ARENA_INIT;
    struct value back = value_decode(&r, &a);
    assert_false(r.failed);
    assert_true(reader_left(&r) == 0);
    assert_true(value_equal(v, back));
    assert_true(value_hash(v) == value_hash(back));
    arena_release(&a);
    buf_release(&b);
    buf_release(&got);
}

/* These stand in docs/formats.md; they may never change. */
static void test_canonical_bytes(void **state)
{
    struct world *w = *state;
    expect_bytes(VALUE_MISSING, "00");
    expect_bytes(value_bool(false), "01");
    expect_bytes(value_bool(true), "02");
    expect_bytes(value_int(0), "0300");
    expect_bytes(value_int(-1), "0301");
    expect_bytes(value_int(300), "03d804");
    expect_bytes(dec("12.50"), "0401000000000000000000000000000000007d");
    expect_bytes(dec("-3"), "04000100000000000000000000000000000003");
    expect_bytes(value_float(1.5), "053ff8000000000000");
    expect_bytes(value_float(-0.0), "050000000000000000");
    expect_bytes(text("bob"), "0603626f62");
    expect_bytes(text(""), "0600");
    expect_bytes(at_time("1970-01-01T00:00:00.000000001Z"), "0702");
    expect_bytes(secs(1), "0880a8d6b907");
    expect_bytes(of_text(VAL_IP, "10.0.0.1"), "090a000001");
    expect_bytes(of_text(VAL_IP, "2001:db8::1"), "0a20010db8000000000000000000000001");
    expect_bytes(of_text(VAL_CIDR, "10.0.0.0/8"), "0b080a000000");
    expect_bytes(of_text(VAL_CIDR, "fe80::/10"), "0c0afe800000000000000000000000000000");
    expect_bytes(value_geo((struct geo){52.5, -4}), "0d404a400000000000c010000000000000");
    const struct value items[] = {value_int(1), text("a")};
    expect_bytes(list_of(w, 2, items), "0e0203020601" "61");
}

static void test_order_and_equality(void **state)
{
    struct world *w = *state;
    const struct value ab[] = {text("a"), text("b")};
    const struct value b[] = {text("b")};
    const struct value rising[] = {
        VALUE_MISSING, value_bool(false), value_bool(true), value_int(-5), value_int(7),
        dec("-1.5"), dec("2"), dec("10"), value_float(-1), value_float(0.5), text("B"), text("a"),
        text("aa"), at_time("2000-01-01"), at_time("2001-01-01"), secs(1), secs(2),
        of_text(VAL_IP, "9.0.0.1"), of_text(VAL_IP, "10.0.0.1"), of_text(VAL_IP, "::1"),
        of_text(VAL_CIDR, "10.0.0.0/8"), of_text(VAL_CIDR, "10.0.0.0/16"),
        value_geo((struct geo){1, 2}), value_geo((struct geo){1, 3}), list_of(w, 0, NULL),
        list_of(w, 2, ab), list_of(w, 1, b),
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(rising); i++) {
        for (size_t j = 0; j < FYKE_ARRAY_LEN(rising); j++) {
            int c = value_compare(rising[i], rising[j]);
            assert_int_equal(c < 0 ? -1 : c > 0, i < j ? -1 : i > j);
            assert_int_equal(value_equal(rising[i], rising[j]), i == j);
        }
    }
    assert_true(value_equal(dec("1.50"), dec("1.5")));
    assert_true(value_equal(value_float(0.0), value_float(-0.0)));
    assert_true(value_hash(value_float(0.0)) == value_hash(value_float(-0.0)));
    assert_false(value_equal(value_int(3), dec("3")));
}

static void test_json_and_text(void **state)
{
    struct world *w = *state;
    const struct value items[] = {dec("1.10"), text("a\"b"), secs(300)};
    expect_shown(list_of(w, 3, items), "[1.1,\"a\\\"b\",\"5m\"]");
    expect_shown(at_time("2026-01-05T11:00:00+01:00"), "\"2026-01-05T10:00:00.000Z\"");
    expect_shown(value_geo((struct geo){52.25, 4.5}), "{\"lat\":52.25,\"lon\":4.5}");
    expect_shown(of_text(VAL_CIDR, "10.1.2.3/8"), "\"10.0.0.0/8\"");
    expect_shown(value_int(INT64_MIN), "-9223372036854775808");
    expect_shown(dec("99999999999999999999.000000000000000001"),
                 "99999999999999999999.000000000000000001");
    struct buf b = BUF_INIT;
    value_to_text(of_text(VAL_IP, "::1"), &b);
    buf_puts(&b, " ");
    value_to_text(text("a\"b"), &b);
    assert_string_equal(buf_cstr(&b), "::1 a\"b");
    buf_release(&b);
}

static void test_from_text(void **state)
{
    (void)state;
    static const struct {
        enum value_kind kind;
        const char *text;
    } bad[] = {
        {VAL_BOOL, "True"}, {VAL_BOOL, ""},      {VAL_INT, "3.5"},     {VAL_INT, "x"},
        {VAL_INT, "9223372036854775808"},        {VAL_DECIMAL, "1,5"}, {VAL_FLOAT, "inf"},
        {VAL_FLOAT, "0x10"}, {VAL_FLOAT, " 1"},  {VAL_FLOAT, "1e999"}, {VAL_FLOAT, ""},
        {VAL_DURATION, ""},  {VAL_DURATION, "5"}, {VAL_DURATION, "5x"}, {VAL_DURATION, "m5"},
        {VAL_DURATION, "1m1h"}, {VAL_DURATION, "1m1m"}, {VAL_DURATION, "-5m"},
        {VAL_DURATION, "99999999999w"}, {VAL_IP, "10.0.0"}, {VAL_CIDR, "10.0.0.0"},
        {VAL_TIMESTAMP, "2026-03-01T12:00:00"}, {VAL_GEO, "1,2"}, {VAL_LIST, "[]"},
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(bad); i++) {
        struct value v;
        if (value_from_text(bad[i].kind, slice_of(bad[i].text), &v)) {
            fail_msg("%s passes as %s", bad[i].text, value_kind_name(bad[i].kind));
        }
    }
    expect_shown(of_text(VAL_DURATION, "1h30m"), "\"1h30m\"");
    assert_true(of_text(VAL_DURATION, "1w2d3h4m5s6ms").u.i ==
                (((INT64_C(9) * 24 + 3) * 60 + 4) * 60 + 5) * NS_PER_S + 6 * NS_PER_MS);
    assert_true(of_text(VAL_DURATION, "500ms").u.i == 500 * NS_PER_MS);
    assert_true(of_text(VAL_DURATION, "0s").u.i == 0);
    expect_shown(of_text(VAL_INT, "3.0"), "3");
    expect_shown(of_text(VAL_FLOAT, "-1.5e3"), "-1500");
}

static void test_corrupt_bytes(void **state)
{
    struct world *w = *state;
    const struct value items[] = {value_int(70000), text("hello"), dec("1.5"),
                                  of_text(VAL_CIDR, "10.0.0.0/8"),
                                  value_geo((struct geo){1, 2})};
    struct buf b = BUF_INIT;
    value_encode(list_of(w, 5, items), &b);
    for (size_t n = 0; n < b.len; n++) {
        struct reader r = reader_of(slice_from(b.ptr, n));
        struct value v = value_decode(&r, &w->arena);
        assert_true(r.failed && value_is_missing(v));
    }
    for (size_t i = 0; i < b.len * 8; i++) { /* every single bit: no crash, and whole values only */
        b.ptr[i / 8] = (char)(b.ptr[i / 8] ^ (1 << (i % 8)));
        struct reader r = reader_of(buf_slice(&b));
        struct value v = value_decode(&r, &w->scratch);
        struct buf again = BUF_INIT;
        value_encode(v, &again);
        buf_release(&again);
        b.ptr[i / 8] = (char)(b.ptr[i / 8] ^ (1 << (i % 8)));
    }
    static const char *const bad[] = {"\x0b\x21\x0a\x00\x00\x00", "\x0b\x08\x0a\x01\x00\x00",
                                      "\x05\x7f\xf0\x00\x00\x00\x00\x00\x00", "\x0f"};
    static const size_t lens[] = {6, 6, 9, 1};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(bad); i++) {
        struct reader r = reader_of(slice_from(bad[i], lens[i]));
        value_decode(&r, &w->scratch);
        assert_true(r.failed);
    }
    buf_clear(&b);
    for (int i = 0; i < 100; i++) {
        buf_put(&b, "\x0e\x01", 2);
    }
    buf_put_byte(&b, 0);
    struct reader deep = reader_of(buf_slice(&b));
    value_decode(&deep, &w->scratch);
    assert_true(deep.failed);
    buf_release(&b);
}

static void count_entry(void *ctx, struct value key, struct value value)
{
    uint32_t *n = ctx;
    assert_int_equal(key.kind, VAL_STRING);
    expect_shown(value, slice_eq_str(value_as_slice(key), "a") ? "3" : "2");
    (*n)++;
}

static void test_index(void **state)
{
    struct world *w = *state;
    const struct value nets[] = {of_text(VAL_CIDR, "10.0.0.0/8"), of_text(VAL_CIDR, "10.1.0.0/16"),
                                 of_text(VAL_CIDR, "2001:db8::/32"), of_text(VAL_IP, "1.2.3.4")};
    const struct value_index *index = value_index_new(list_of(w, 4, nets), &w->arena);
    assert_true(value_index_has(index, of_text(VAL_IP, "10.200.0.1")));
    assert_true(value_index_has(index, of_text(VAL_IP, "2001:db8::5")));
    assert_true(value_index_has(index, of_text(VAL_IP, "1.2.3.4")));
    assert_false(value_index_has(index, of_text(VAL_IP, "11.0.0.1")));
    assert_false(value_index_has(index, of_text(VAL_IP, "2001:db9::5")));
    assert_true(value_index_has(index, of_text(VAL_CIDR, "10.1.0.0/16")));
    assert_false(value_index_has(index, of_text(VAL_CIDR, "10.2.0.0/16")));
    const struct value keys[] = {text("a"), text("b"), text("a")};
    const struct value values[] = {value_int(1), value_int(2), value_int(3)};
    const struct value_index *map = value_index_map(keys, values, 3, &w->arena);
    expect_shown(value_index_get(map, text("a")), "3");
    expect_shown(value_index_get(map, text("b")), "2");
    expect_shown(value_index_get(map, text("c")), NULL);
    expect_shown(value_index_get(map, VALUE_MISSING), NULL);
    uint32_t n = 0;
    value_index_each(map, count_entry, &n);
    assert_int_equal(n, 2);
}

static void test_copy(void **state)
{
    struct world *w = *state;
    char bytes[] = "abc";
    const struct value items[] = {value_string(slice_from(bytes, 3)), value_int(1)};
    struct value copy = value_copy(list_of(w, 2, items), &w->arena);
    bytes[0] = 'x';
    expect_shown(copy, "[\"abc\",1]");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_canonical_bytes), TEST(test_order_and_equality), TEST(test_json_and_text),
        TEST(test_from_text),       TEST(test_corrupt_bytes),      TEST(test_index),
        TEST(test_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
