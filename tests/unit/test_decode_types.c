/* What each field type accepts (formats.md, section 1), one table per type. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/xalloc.h"
#include "tests/support/decode_world.h"

struct value_case {
    const char *json; /* of the member "v" */
    const char *want; /* the value as JSON, or BAD, or ABSENT */
};

static void check_value(struct world *w, const struct value_case *c)
{
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    buf_printf(&b, "\"v\":%s", c->json);
    if (decode_members(w, buf_cstr(&b)) != DECODE_EVENTS) {
        fail_msg("%s: reason %s", c->json, invalid_reason_name(w->got.reason));
    }
    const struct event *e = w->got.events[0];
    bool missing = value_is_missing(e->values[1]);
    bool want_missing = strcmp(c->want, BAD) == 0 || strcmp(c->want, ABSENT) == 0;
    if (missing != want_missing || w->got.bad_values != (strcmp(c->want, BAD) == 0) ||
        (!missing && strcmp(value_text(w, 0, 1), c->want) != 0)) {
        fail_msg("%s: got %s instead of %s", c->json, value_text(w, 0, 1), c->want);
    }
}

/* The three ways to declare one field agree about what is decodable. */
static void check_values(void **state, struct schema_field proto, const struct value_case *cases,
                         size_t n)
{
    struct world *w = *state;
    (void)add_decl(w, "E");
    struct schema_field *f = add_field(w, 0, "v", proto.type);
    f->is_list = proto.is_list;
    f->is_set = proto.is_set;
    f->unit = proto.unit;
    f->enum_values = proto.enum_values;
    f->n_enum_values = proto.n_enum_values;
    for (size_t i = 0; i < n; i++) {
        check_value(w, &cases[i]);
    }
    for (int keep = 0; keep < 2; keep++) { /* required, and whether a rule reads it or not */
        world_changed(w);
        f->optional = false;
        f->keep = keep;
        for (size_t i = 0; i < n; i++) {
            FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
            buf_printf(&b, "\"v\":%s", cases[i].json);
            (void)decode_members(w, buf_cstr(&b));
            enum invalid_reason want = strcmp(cases[i].want, BAD) == 0      ? INVALID_BAD_VALUE
                                       : strcmp(cases[i].want, ABSENT) == 0 ? INVALID_MISSING_FIELD
                                                                            : INVALID_NONE;
            assert_int_equal(w->got.reason, want);
            assert_int_equal(w->got.field, want ? 1 : UINT32_MAX);
            assert_int_equal(w->got.bad_values, 0);
        }
    }
}

#define CHECK(state, proto, cases) check_values(state, proto, cases, FYKE_ARRAY_LEN(cases))

static void bools(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"true", "true"}, {"false", "false"}, {"null", ABSENT}, {"0", BAD}, {"1", BAD},
        {"\"true\"", BAD}, {"\"\"", BAD}, {"[]", BAD}, {"{}", BAD}, {"[true]", BAD},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_BOOL}), cases);
}

static void ints(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"0", "0"}, {"-0", "0"}, {"3", "3"}, {"3.0", "3"}, {"1e3", "1000"}, {"1.5e1", "15"},
        {"-9223372036854775808", "-9223372036854775808"}, {"9223372036854775808", BAD},
        {"9223372036854775807.000", "9223372036854775807"}, {"1e400", BAD}, {"3.5", BAD},
        {"\"3\"", BAD}, {"true", BAD}, {"null", ABSENT}, {"[3]", BAD}, {"{}", BAD},
        {"100000000000000000000e-20", "1"}, {"0e400", "0"},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_INT}), cases);
}

static void decimals(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"0", "0"}, {"-0.00", "0"}, {"12.50", "12.5"}, {"\"12.50\"", "12.5"}, {"1.5e-3", "0.0015"},
        {"\"-1E+2\"", "-100"}, {"100.00", "100"},
        {"99999999999999999999999999999999999999", "99999999999999999999999999999999999999"},
        {"999999999999999999999999999999999999991", BAD}, {"1e38", BAD},
        {"1e37", "10000000000000000000000000000000000000"},
        {"0.000000000000000001", "0.000000000000000001"}, {"0.0000000000000000001", BAD},
        {"0.0000000000000000010", "0.000000000000000001"}, {"1e-19", BAD}, {"\"\"", BAD},
        {"\" 1\"", BAD}, {"\"1 \"", BAD}, {"\"+1\"", BAD}, {"\"01\"", BAD}, {"\"1,5\"", BAD},
        {"\"NaN\"", BAD}, {"\"0x10\"", BAD}, {"\"1\\u0032\"", "12"}, {"true", BAD}, {"[1]", BAD},
        {"null", ABSENT}, {"1e99999999999999999999", BAD}, {"0e99999999999999999999", "0"},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_DECIMAL}), cases);
}

static void floats(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"0", "0"}, {"1.5", "1.5"}, {"-2.25e2", "-225"}, {"0.1", "0.1"}, {"1e400", BAD},
        {"-1e400", BAD}, {"1e-400", "0"}, {"\"1.5\"", BAD}, {"\"NaN\"", BAD}, {"true", BAD},
        {"null", ABSENT}, {"[1]", BAD}, {"{}", BAD},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_FLOAT}), cases);
}

static void strings(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"\"\"", "\"\""}, {"\"bob\"", "\"bob\""}, {"\"a\\\"b\\\\\\u00e9\\ud83d\\ude00\"",
         "\"a\\\"b\\\\\xC3\xA9\xF0\x9F\x98\x80\""}, {"\"\\u0000\"", "\"\\u0000\""},
        {"\"null\"", "\"null\""}, {"3", BAD}, {"true", BAD}, {"null", ABSENT}, {"[]", BAD},
        {"{\"a\":\"b\"}", BAD},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_STRING}), cases);
}

static void enums(void **state)
{
    static struct slice names[] = {SLICE_LIT("success"), SLICE_LIT("failure"), SLICE_LIT("")};
    static const struct value_case cases[] = {
        /* clang-format off */
        {"\"success\"", "\"success\""}, {"\"failure\"", "\"failure\""}, {"\"\"", "\"\""},
        {"\"f\\u0061ilure\"", "\"failure\""}, {"\"Success\"", BAD}, {"\"succes\"", BAD},
        {"\"success \"", BAD}, {"0", BAD}, {"true", BAD}, {"null", ABSENT}, {"[\"success\"]", BAD},
        /* clang-format on */
    };
    CHECK(state,
          ((struct schema_field){.type = TYPE_ENUM, .enum_values = names, .n_enum_values = 3}),
          cases);
}

static void times(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"\"2026-01-05T10:00:00Z\"", "\"2026-01-05T10:00:00.000Z\""},
        {"\"2026-01-05T10:00:00.5+01:00\"", "\"2026-01-05T09:00:00.500Z\""},
        {"\"2026-01-05T10:00:00.123456789Z\"", "\"2026-01-05T10:00:00.123456789Z\""},
        {"\"2026-01-05T10:00:00\\u005A\"", "\"2026-01-05T10:00:00.000Z\""},
        {"\"1678-01-01T00:00:00Z\"", "\"1678-01-01T00:00:00.000Z\""},
        {"\"2262-04-11T00:00:00Z\"", "\"2262-04-11T00:00:00.000Z\""},
        {"\"1677-12-31T23:59:59Z\"", BAD}, {"\"2263-01-01T00:00:00Z\"", BAD},
        {"\"2026-01-05T10:00:00\"", BAD}, {"\"2026-01-05\"", BAD},
        {"\"2026-02-29T10:00:00Z\"", BAD},
        {"\"2026-01-05T24:00:00Z\"", BAD}, {"\"1767607200\"", BAD}, {"1767607200", BAD},
        {"1767607200000", BAD}, {"\"\"", BAD}, {"true", BAD}, {"null", ABSENT}, {"[]", BAD},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_TIMESTAMP, .unit = UNIT_TEXT}), cases);
}

static void times_in_seconds(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"1767607200", "\"2026-01-05T10:00:00.000Z\""}, {"0", "\"1970-01-01T00:00:00.000Z\""},
        {"1767607200.5", "\"2026-01-05T10:00:00.500Z\""}, {"-1", "\"1969-12-31T23:59:59.000Z\""},
        {"1767607200.123456789", "\"2026-01-05T10:00:00.123456789Z\""},
        {"1767607200.1234567890", "\"2026-01-05T10:00:00.123456789Z\""},
        {"1767607200.1234567891", BAD}, {"1.7676072e9", "\"2026-01-05T10:00:00.000Z\""},
        {"-9214560000", "\"1678-01-01T00:00:00.000Z\""}, {"-9214560001", BAD},
        {"9223372036", "\"2262-04-11T23:47:16.000Z\""}, {"9223372037", BAD}, {"1e30", BAD},
        {"\"1767607200\"", BAD}, {"\"2026-01-05T10:00:00Z\"", BAD}, {"null", ABSENT}, {"[1]", BAD},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_TIMESTAMP, .unit = UNIT_S}), cases);
}

static void times_in_ms(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"1767607200123", "\"2026-01-05T10:00:00.123Z\""},
        {"1767607200123.25", "\"2026-01-05T10:00:00.123250Z\""},
        {"1767607200123.4567891", BAD}, {"9223372036854", "\"2262-04-11T23:47:16.854Z\""},
        {"9223372036855", BAD}, {"true", BAD},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_TIMESTAMP, .unit = UNIT_MS}), cases);
}

static void times_in_us(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"1767607200123456", "\"2026-01-05T10:00:00.123456Z\""},
        {"1767607200123456.789", "\"2026-01-05T10:00:00.123456789Z\""},
        {"1767607200123456.7891", BAD},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_TIMESTAMP, .unit = UNIT_US}), cases);
}

static void times_in_ns(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"1767607200123456789", "\"2026-01-05T10:00:00.123456789Z\""},
        {"1767607200123456789.0", "\"2026-01-05T10:00:00.123456789Z\""},
        {"1767607200123456789.5", BAD}, {"9223372036854775807", BAD},
        {"9223372036854775808", BAD}, {"-9223372036854775808", BAD},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_TIMESTAMP, .unit = UNIT_NS}), cases);
}

static void durations(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"\"5m\"", "\"5m\""}, {"\"1h30m\"", "\"1h30m\""}, {"\"500ms\"", "\"500ms\""},
        {"\"1w\"", "\"7d\""}, {"\"90m\"", "\"1h30m\""}, {"\"0s\"", "\"0s\""}, {"\"\"", BAD},
        {"\"5\"", BAD}, {"\"m\"", BAD}, {"\"30m1h\"", BAD}, {"\"1h1h\"", BAD}, {"\"1.5h\"", BAD},
        {"\"-5m\"", BAD}, {"\"5 m\"", BAD}, {"\"5M\"", BAD}, {"\"5mo\"", BAD}, {"\"5m \"", BAD},
        {"\"99999999999999999999s\"", BAD}, {"\"999999999d\"", BAD}, {"300", BAD}, {"null", ABSENT},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_DURATION}), cases);
}

static void addresses(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"\"10.0.0.1\"", "\"10.0.0.1\""}, {"\"2001:DB8::1\"", "\"2001:db8::1\""},
        {"\"::ffff:10.0.0.1\"", "\"10.0.0.1\""}, {"\"10.0.0\"", BAD}, {"\"010.0.0.1\"", BAD},
        {"\"10.0.0.256\"", BAD}, {"\"10.0.0.1/8\"", BAD}, {"\" 10.0.0.1\"", BAD}, {"\"\"", BAD},
        {"\"fe80::1%eth0\"", BAD}, {"\"localhost\"", BAD}, {"167772161", BAD}, {"null", ABSENT},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_IP}), cases);
}

static void networks(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"\"10.0.0.0/8\"", "\"10.0.0.0/8\""}, {"\"fe80::/10\"", "\"fe80::/10\""},
        {"\"10.1.2.3/8\"", "\"10.0.0.0/8\""}, {"\"10.0.0.0\"", BAD}, {"\"10.0.0.0/33\"", BAD},
        {"\"10.0.0.0/\"", BAD}, {"8", BAD}, {"null", ABSENT},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_CIDR}), cases);
}

static void places(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"{\"lat\":52.5,\"lon\":4.75}", "{\"lat\":52.5,\"lon\":4.75}"},
        {"{ \"lon\" : 4.75 , \"x\":[1], \"lat\" : 52.5 }", "{\"lat\":52.5,\"lon\":4.75}"},
        {"[4.75,52.5]", "{\"lat\":52.5,\"lon\":4.75}"},
        {"[-180,-90]", "{\"lat\":-90,\"lon\":-180}"},
        {"{\"lat\":1,\"lat\":2,\"lon\":3}", "{\"lat\":2,\"lon\":3}"},
        {"{\"l\\u0061t\":1,\"lon\":3}", "{\"lat\":1,\"lon\":3}"},
        {"[180.5,0]", BAD}, {"[0,90.5]", BAD}, {"{\"lat\":91,\"lon\":0}", BAD}, {"[]", BAD},
        {"[1]", BAD}, {"[1,2,3]", BAD}, {"[\"1\",2]", BAD}, {"[null,2]", BAD}, {"{}", BAD},
        {"{\"lat\":1}", BAD},
        {"{\"lat\":1,\"lon\":null}", BAD}, {"{\"lat\":\"1\",\"lon\":2}", BAD},
        {"{\"latitude\":1,\"longitude\":2}", BAD}, {"\"52.5,4.75\"", BAD}, {"1", BAD},
        {"[1e400,0]", BAD}, {"null", ABSENT},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_GEO}), cases);
}

static void lists(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"[]", "[]"}, {"[1,2.0,3e0]", "[1,2,3]"}, {"[ 1 , 1 ]", "[1,1]"}, {"[1,null]", BAD},
        {"[1,\"2\"]", BAD}, {"[[1]]", BAD}, {"[1,1.5]", BAD}, {"1", BAD}, {"{}", BAD},
        {"\"[1]\"", BAD}, {"null", ABSENT},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_INT, .is_list = true}), cases);
}

static void lists_of_places(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"[[4,52],{\"lat\":1,\"lon\":2}]", "[{\"lat\":52,\"lon\":4},{\"lat\":1,\"lon\":2}]"},
        {"[4,52]", BAD},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_GEO, .is_list = true}), cases);
}

#define ITEMS_0_TO_16                                                                              \
    "\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\","               \
    "\"15\",\"16\","

static void sets(void **state)
{
    static const struct value_case cases[] = {
        /* clang-format off */
        {"[]", "[]"}, {"[\"b\",\"a\",\"b\",\"\\u0061\",\"c\"]", "[\"b\",\"a\",\"c\"]"},
        {"[\"a\",null]", BAD}, {"[\"a\",1]", BAD}, {"\"a\"", BAD}, {"null", ABSENT},
        {"["ITEMS_0_TO_16
         "\"3\",\"17\",\"0\",\"18\"]",
         "["ITEMS_0_TO_16
         "\"17\",\"18\"]"},
        /* clang-format on */
    };
    CHECK(state, ((struct schema_field){.type = TYPE_STRING, .is_set = true}), cases);
}

/* A set of many items must not take quadratic time. */
static void large_set(void **state)
{
    struct world *w = *state;
    w->limits.max_value_bytes = 16 << 20;
    (void)add_decl(w, "E");
    add_field(w, 0, "v", TYPE_INT)->is_set = true;
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    buf_puts(&b, "\"v\":[0");
    for (int i = 1; i < 300000; i++) {
        buf_printf(&b, ",%d", i % 200000);
    }
    buf_puts(&b, "]");
    assert_int_equal(decode_members(w, buf_cstr(&b)), DECODE_EVENTS);
    struct value v = w->got.events[0]->values[1];
    assert_int_equal(v.len, 200000);
    for (int i = 0; i < 200000; i++) {
        assert_int_equal(v.u.items[i].u.i, i);
    }
}

/* Decodes a set of `n` numbers, each twice; the processor time it took. */
static clock_t decode_set(struct world *w, const int64_t *numbers, int n)
{
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    buf_puts(&b, "\"v\":[0");
    for (int i = 0; i < 2 * n; i++) {
        buf_printf(&b, ",%" PRId64, numbers[i % n]);
    }
    buf_puts(&b, "]");
    clock_t begin = clock();
    assert_int_equal(decode_members(w, buf_cstr(&b)), DECODE_EVENTS);
    clock_t took = clock() - begin;
    struct value v = w->got.events[0]->values[1];
    assert_int_equal(v.len, n + 1);
    for (int i = 0; i < n; i++) {
        assert_int_equal(v.u.items[i + 1].u.i, numbers[i]);
    }
    return took;
}

/* Whoever sends the events can choose values that all fall into one corner of any table of hashes. */
static void a_large_set_of_like_hashes(void **state)
{
    enum { N = 50000, CORNER = 512, TABLE = 262144 };
    struct world *w = *state;
    w->limits.max_value_bytes = 16 << 20;
    (void)add_decl(w, "E");
    add_field(w, 0, "v", TYPE_INT)->is_set = true;
    int64_t *numbers = xcalloc(N, sizeof(*numbers));
    for (int i = 0; i < N; i++) {
        numbers[i] = N - i;
    }
    clock_t plain = decode_set(w, numbers, N);
    int64_t next = 1;
    for (int i = 0; i < N; next++) {
        if (value_hash(value_int(next)) % TABLE < CORNER) {
            numbers[i++] = next;
        }
    }
    clock_t alike = decode_set(w, numbers, N);
    print_message("%.0f ms, %.0f ms of like hashes\n", 1e3 * (double)plain / CLOCKS_PER_SEC,
                  1e3 * (double)alike / CLOCKS_PER_SEC);
    assert_true(alike < 15 * plain + CLOCKS_PER_SEC / 10);
    free(numbers);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(bools),           TEST(ints),        TEST(decimals),    TEST(floats),
        TEST(strings),         TEST(enums),       TEST(times),       TEST(times_in_seconds),
        TEST(times_in_ms),     TEST(times_in_us), TEST(times_in_ns), TEST(durations),
        TEST(addresses),       TEST(networks),    TEST(places),      TEST(lists),
        TEST(lists_of_places), TEST(sets),        TEST(large_set),
        TEST(a_large_set_of_like_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
