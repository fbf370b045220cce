#include "tests/support/expr_world.h"

#include <stdio.h>
#include <time.h>

#include "nfa/zone.h"

#define CHECK(json, name, n, ...) expect_json(w, call(w, name, n, __VA_ARGS__), json)
#define S(s) con(w, text(s))
#define I(i) con(w, value_int(i))
#define D(s) con(w, dec(s))
#define FL(f) con(w, value_float(f))
#define AT(s) con(w, at_time(s))

static struct expr *absent(struct world *w, enum value_kind kind)
{
    struct expr *e = con(w, VALUE_MISSING);
    e->kind = (uint8_t)kind;
    return e;
}

static void test_strings(void **state)
{
    struct world *w = *state;
    CHECK("\"abc-é\"", "lower", 1, S("ABC-É"));
    CHECK("\"abz@[`{\"", "lower", 1, S("ABZ@[`{"));
    CHECK("\"ABZ@[`{\"", "upper", 1, S("abz@[`{"));
    CHECK("\"ÀB\"", "upper", 1, S("àb"));
    CHECK("\"a b\"", "trim", 1, S(" \t a b\r\n"));
    CHECK("\"\"", "trim", 1, S("  "));
    CHECK("4", "length", 1, S("über"));
    CHECK("2", "length", 1, con(w, list_of(w, 2, (const struct value[]){text("a"), text("b")})));
    CHECK("\"be\"", "substring", 3, S("über"), I(2), I(2));
    CHECK("\"ü\"", "substring", 3, S("über"), I(1), I(1));
    CHECK("\"er\"", "substring", 2, S("über"), I(3));
    CHECK("\"\"", "substring", 2, S("über"), I(9));
    CHECK(NULL, "substring", 2, S("über"), I(0));
    CHECK(NULL, "substring", 3, S("über"), I(1), I(-1));
    CHECK("\"a-b\"", "concat", 3, S("a"), S("-"), S("b"));
    CHECK(NULL, "concat", 2, S("a"), absent(w, VAL_STRING));
    CHECK("\"ex.org\"", "split_part", 3, S("bob@ex.org"), S("@"), I(2));
    CHECK("\"org\"", "split_part", 3, S("a.ex.org"), S("."), I(-1));
    CHECK("\"a\"", "split_part", 3, S("a.ex.org"), S("."), I(-3));
    CHECK(NULL, "split_part", 3, S("a.ex.org"), S("."), I(-4));
    CHECK(NULL, "split_part", 3, S("a.ex.org"), S("."), I(4));
    CHECK(NULL, "split_part", 3, S("a.ex.org"), S("."), I(0));
    CHECK("\"\"", "split_part", 3, S("a."), S("."), I(2));
    CHECK("\"a\"", "split_part", 3, S("a"), S(""), I(1));
}

static void test_math(void **state)
{
    struct world *w = *state;
    CHECK("5", "abs", 1, I(-5));
    CHECK("1.5", "abs", 1, D("-1.5"));
    CHECK(NULL, "abs", 1, I(INT64_MIN));
    CHECK("3", "round", 1, D("2.5"));
    CHECK("-3", "round", 1, D("-2.5"));
    CHECK("2.35", "round", 2, D("2.345"), I(2));
    CHECK("2.4", "round", 2, FL(2.35), I(1));
    CHECK("-3", "floor", 1, D("-2.1"));
    CHECK("-2", "ceil", 1, FL(-2.9));
    CHECK("7", "floor", 1, I(7));
    CHECK("0", "log", 1, I(1));
    CHECK("1.414213562373095049", "sqrt", 1, I(2));
    CHECK("1.5", "sqrt", 1, D("2.25"));
    CHECK("1.5", "sqrt", 1, FL(2.25));
    assert_true(w->counters.not_a_number == 0);
    CHECK(NULL, "sqrt", 1, I(-1));
    CHECK(NULL, "sqrt", 1, FL(-1));
    CHECK(NULL, "log", 1, D("0"));
    assert_true(w->counters.not_a_number == 3);
}

static void test_utc_calendar(void **state)
{
    struct world *w = *state;
    struct expr *t = AT("2026-01-05T23:59:58.75Z"); /* a Monday */
    CHECK("23", "hour", 1, t);
    CHECK("59", "minute", 1, t);
    CHECK("1", "weekday", 1, t);
    CHECK("\"2026-01-05\"", "date", 1, t);
    CHECK("\"1969-12-31\"", "date", 1, AT("1969-12-31T23:59:59.5Z"));
    CHECK("7", "weekday", 1, AT("2026-01-04"));
    static const char *const parts[][2] = {
        {"year", "2026"}, {"quarter", "1"}, {"month", "1"}, {"week", "2"},    {"day", "5"},
        {"yearday", "5"}, {"weekday", "1"}, {"hour", "23"}, {"minute", "59"}, {"second", "58"}};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(parts); i++) {
        assert_true(function_word_known(PARAM_PART, slice_of(parts[i][0])));
        CHECK(parts[i][1], "date_part", 2, S(parts[i][0]), t);
    }
    CHECK("53", "date_part", 2, S("week"), AT("2021-01-03")); /* a Sunday of 2020's last week */
    CHECK("1", "date_part", 2, S("week"), AT("2025-12-29"));
    static const char *const units[][2] = {
        {"second", "\"2026-05-20T10:11:12.000Z\""}, {"minute", "\"2026-05-20T10:11:00.000Z\""},
        {"hour", "\"2026-05-20T10:00:00.000Z\""},   {"day", "\"2026-05-20T00:00:00.000Z\""},
        {"week", "\"2026-05-18T00:00:00.000Z\""},   {"month", "\"2026-05-01T00:00:00.000Z\""},
        {"quarter", "\"2026-04-01T00:00:00.000Z\""}, {"year", "\"2026-01-01T00:00:00.000Z\""}};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(units); i++) {
        CHECK(units[i][1], "truncate", 2, AT("2026-05-20T10:11:12.9Z"), S(units[i][0]));
    }
    CHECK("\"1969-12-31T23:00:00.000Z\"", "truncate", 2, AT("1969-12-31T23:59:59Z"), S("hour"));
}

/* ---- zones -------------------------------------------------------------------------------- */

static void put_header(struct buf *b, uint32_t n_time, uint32_t n_type)
{
    buf_puts(b, "TZif2");
    for (int i = 0; i < 15; i++) {
        buf_put_byte(b, 0);
    }
    const uint32_t counts[] = {0, 0, 0, n_time, n_type, 1};
    for (int i = 0; i < 6; i++) {
        buf_put_u32be(b, counts[i]);
    }
}

static void put_type(struct buf *b, int32_t offset)
{
    buf_put_u32be(b, (uint32_t)offset);
    buf_put(b, "\0\0", 2);
}

/* Two changes in 1940 and 1977, then the rule of the footer. */
static void make_tzif(struct buf *b, const char *footer)
{
    put_header(b, 0, 1);
    put_type(b, 0);
    buf_put_byte(b, 0);
    put_header(b, 2, 3);
    buf_put_u64be(b, (uint64_t)(INT64_C(-935020800)));
    buf_put_u64be(b, UINT64_C(228877200));
    buf_put(b, "\1\2", 2);
    put_type(b, 1172);
    put_type(b, 7200);
    put_type(b, 3600);
    buf_put_byte(b, 0);
    buf_printf(b, "\n%s\n", footer);
}

static const struct zone *zone_with(struct world *w, const char *footer)
{
    struct buf b = BUF_INIT;
    make_tzif(&b, footer);
    const struct zone *z = zone_parse(buf_slice(&b), SLICE_LIT("Test/Zone"), &w->arena);
    buf_release(&b);
    return z;
}

static int32_t offset_at(const struct zone *z, const char *t)
{
    int64_t ns = at_time(t).u.i;
    return zone_offset(z, ns / NS_PER_S - (ns % NS_PER_S < 0));
}

static void test_zone_rules(void **state)
{
    struct world *w = *state;
    const struct zone *z = zone_with(w, "CET-1CEST,M3.5.0,M10.5.0/3");
    assert_non_null(z);
    assert_int_equal(offset_at(z, "1900-01-01"), 1172);
    assert_int_equal(offset_at(z, "1950-01-01"), 7200);
    assert_int_equal(offset_at(z, "2026-03-29T00:59:59Z"), 3600);
    assert_int_equal(offset_at(z, "2026-03-29T01:00:00Z"), 7200);
    assert_int_equal(offset_at(z, "2026-10-25T00:59:59Z"), 7200);
    assert_int_equal(offset_at(z, "2026-10-25T01:00:00Z"), 3600);
    z = zone_with(w, "AEST-10AEDT,M10.1.0,M4.1.0/3"); /* summer over New Year */
    assert_int_equal(offset_at(z, "2026-01-01"), 39600);
    assert_int_equal(offset_at(z, "2026-07-01"), 36000);
    assert_int_equal(offset_at(z, "2026-04-04T15:59:59Z"), 39600);
    assert_int_equal(offset_at(z, "2026-04-04T16:00:00Z"), 36000);
    z = zone_with(w, "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1"); /* as Nuuk had it */
    assert_int_equal(offset_at(z, "2026-03-28T00:59:59Z"), -10800);
    assert_int_equal(offset_at(z, "2026-03-29T01:00:00Z"), -7200);
    z = zone_with(w, "XXX3YYY2,J60,300/4");
    assert_int_equal(offset_at(z, "2024-03-01T04:59:59Z"), -10800);
    assert_int_equal(offset_at(z, "2024-03-01T05:00:00Z"), -7200);
    assert_int_equal(offset_at(z, "2024-10-27T06:00:00Z"), -10800);
    z = zone_with(w, "<+0545>-5:45");
    assert_int_equal(offset_at(z, "2026-01-01"), 20700);
    static const char *const bad[] = {"X", "CET", "CET-1CEST", "CET-1CEST,M13.1.0,M1.1.0",
                                      "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0x", "CET-999"};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(bad); i++) {
        assert_null(zone_with(w, bad[i]));
    }
}

static struct expr *zoned(struct world *w, const struct zone *z)
{
    return con(w, zone_value(z));
}

static void test_summer_time_borders(void **state)
{
    struct world *w = *state;
    struct expr *ams = zoned(w, zone_with(w, "CET-1CEST,M3.5.0,M10.5.0/3"));
    CHECK("1", "hour", 2, AT("2026-03-29T00:59:59Z"), ams);
    CHECK("3", "hour", 2, AT("2026-03-29T01:00:00Z"), ams);
    CHECK("2", "hour", 2, AT("2026-10-25T00:30:00Z"), ams);
    CHECK("2", "hour", 2, AT("2026-10-25T01:30:00Z"), ams);
    CHECK("\"2026-03-30\"", "date", 2, AT("2026-03-29T22:00:00Z"), ams);
    CHECK("\"2026-03-29\"", "date", 2, AT("2026-03-29T21:59:59Z"), ams);
    CHECK("\"2026-03-28T23:00:00.000Z\"", "truncate", 3, AT("2026-03-29T12:00:00Z"), S("day"), ams);
    CHECK("\"2026-10-24T22:00:00.000Z\"", "truncate", 3, AT("2026-10-25T12:00:00Z"), S("day"), ams);
    CHECK("\"2026-10-25T00:00:00.000Z\"", "truncate", 3, AT("2026-10-25T00:30:00Z"), S("hour"),
          ams);
    CHECK("\"2026-10-25T01:00:00.000Z\"", "truncate", 3, AT("2026-10-25T01:30:00Z"), S("hour"),
          ams);
    CHECK("\"2026-10-18T22:00:00.000Z\"", "truncate", 3, AT("2026-10-25T12:00:00Z"), S("week"),
          ams);
    CHECK("\"2025-12-31T23:00:00.000Z\"", "truncate", 3, AT("2026-10-25T12:00:00Z"), S("year"),
          ams);
    CHECK("10", "date_part", 3, S("month"), AT("2026-09-30T22:00:00Z"), ams);
    /* midnight itself is skipped: the day begins at the change */
    struct expr *havana = zoned(w, zone_with(w, "CST5CDT,M3.2.0/0,M11.1.0/1"));
    CHECK("\"2026-03-08T05:00:00.000Z\"", "truncate", 3, AT("2026-03-08T12:00:00Z"), S("day"),
          havana);
    /* midnight comes twice: the first one */
    struct expr *twice = zoned(w, zone_with(w, "CST5CDT,M3.2.0/0,M11.1.0/1"));
    CHECK("\"2026-11-01T04:00:00.000Z\"", "truncate", 3, AT("2026-11-01T12:00:00Z"), S("day"),
          twice);
}

static void test_broken_zone_files(void **state)
{
    struct world *w = *state;
    struct buf b = BUF_INIT;
    make_tzif(&b, "CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t n = 0; n < b.len; n++) {
        assert_null(zone_parse(slice_from(b.ptr, n), SLICE_LIT("x"), &w->scratch));
    }
    for (size_t i = 0; i < b.len * 8; i++) {
        b.ptr[i / 8] = (char)(b.ptr[i / 8] ^ (1 << (i % 8)));
        const struct zone *z = zone_parse(buf_slice(&b), SLICE_LIT("x"), &w->scratch);
        if (z) {
            int64_t s = 1790000000;
            int64_t back = zone_to_utc(z, s + zone_offset(z, s));
            assert_true(back > s - 200000 && back < s + 200000);
        }
        b.ptr[i / 8] = (char)(b.ptr[i / 8] ^ (1 << (i % 8)));
    }
    assert_null(zone_parse(buf_slice(&b), SLICE_LIT(""), &w->scratch));
    buf_release(&b);
}

static bool read_file(const char *path, struct buf *b)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        return false;
    }
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        buf_put(b, chunk, n);
    }
    fclose(f);
    return true;
}

/* The C library reads the same files in its own way. */
static void test_zones_against_the_system(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"Europe/Amsterdam", "America/New_York", "Asia/Kathmandu",
                                        "Australia/Lord_Howe", "America/Sao_Paulo",
                                        "Africa/Casablanca", "Asia/Tehran"};
    unsigned compared = 0;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(names); i++) {
        struct buf b = BUF_INIT;
        char path[128];
        snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", names[i]);
        if (!read_file(path, &b)) {
            buf_release(&b);
            continue;
        }
        const struct zone *z = zone_parse(buf_slice(&b), slice_of(names[i]), &w->arena);
        buf_release(&b);
        assert_non_null(z);
        setenv("TZ", names[i], 1);
        tzset();
        for (int64_t s = -2000000000; s < 5000000000; s += 1234567) {
            time_t t = (time_t)s;
            struct tm tm;
            assert_non_null(localtime_r(&t, &tm));
            assert_int_equal(zone_offset(z, s), tm.tm_gmtoff);
            int64_t back = zone_to_utc(z, s + tm.tm_gmtoff);
            assert_true(back <= s && back >= s - 7200);
        }
        compared++;
    }
    if (compared == 0) {
        skip();
    }
}

static void test_zone_constant(void **state)
{
    struct world *w = *state;
    struct value v = zone_value(&zone_utc);
    expect_shown(v, "\"UTC\"");
    assert_ptr_equal(zone_of_value(v), &zone_utc);
    assert_null(zone_of_value(text("UTC")));
    assert_null(zone_of_value(value_copy(v, &w->arena))); /* a copy is mere text */
}

/* ---- the rest ----------------------------------------------------------------------------- */

static void test_places(void **state)
{
    struct world *w = *state;
    struct expr *ams = con(w, value_geo((struct geo){52.37, 4.9}));
    struct expr *nyc = con(w, value_geo((struct geo){40.71, -74.01}));
    struct value km = expr_eval(call(w, "distance_km", 2, ams, nyc), &w->ev);
    assert_true(km.u.f > 5850 && km.u.f < 5880);
    struct expr *t0 = AT("2026-01-05T10:00:00Z");
    struct expr *t2 = AT("2026-01-05T12:00:00Z");
    struct value v = expr_eval(call(w, "speed_kmh", 4, ams, t0, nyc, t2), &w->ev);
    assert_true(v.u.f > km.u.f / 2 - 0.001 && v.u.f < km.u.f / 2 + 0.001);
    assert_true(expr_eval(call(w, "speed_kmh", 4, ams, t2, nyc, t0), &w->ev).u.f == v.u.f);
    CHECK("0", "speed_kmh", 4, ams, t0, ams, t0);
    CHECK(NULL, "speed_kmh", 4, ams, t0, nyc, t0);
    assert_true(w->counters.division_by_zero == 1);
    CHECK("{\"lat\":1.5,\"lon\":2}", "geo", 2, D("1.5"), I(2));
    CHECK(NULL, "geo", 2, FL(91), FL(0));
    struct expr *ip = con(w, of_text(VAL_IP, "10.1.2.3"));
    CHECK("\"10.1.2.0/24\"", "subnet", 2, ip, I(24));
    CHECK(NULL, "subnet", 2, ip, I(33));
    CHECK(NULL, "subnet", 2, ip, I(-1));
}

static void test_casts(void **state)
{
    struct world *w = *state;
    CHECK("-2", "int", 1, D("-2.9"));
    CHECK("2", "int", 1, FL(2.9));
    CHECK("17", "int", 1, S("17"));
    CHECK(NULL, "int", 1, S("17.5"));
    CHECK("1", "int", 1, con(w, value_bool(true)));
    CHECK(NULL, "int", 1, FL(1e19));
    CHECK(NULL, "int", 1, D("9223372036854775808"));
    CHECK("0.1", "decimal", 1, FL(0.1));
    CHECK("3", "decimal", 1, I(3));
    CHECK("1500", "decimal", 1, S("1.5e3"));
    CHECK(NULL, "decimal", 1, FL(1e300));
    CHECK("0.5", "float", 1, D("0.5"));
    CHECK("\"10.50\"", "string", 1, S("10.50"));
    CHECK("\"10.5\"", "string", 1, D("10.50"));
    CHECK("\"1m30s\"", "string", 1, con(w, secs(90)));
    CHECK("true", "bool", 1, S("true"));
    CHECK(NULL, "bool", 1, S("yes"));
    CHECK("\"10.0.0.1\"", "ip", 1, S("10.0.0.1"));
    CHECK(NULL, "ip", 1, S("10.0.0"));
    CHECK("\"10.0.0.0/8\"", "cidr", 1, S("10.0.0.0/8"));
    CHECK("\"2m\"", "duration", 1, S("120s"));
    CHECK("\"2026-01-05T00:00:00.000Z\"", "timestamp", 1, S("2026-01-05"));
    CHECK(NULL, "timestamp", 1, S("yesterday"));
}

static void test_coalesce_and_hash(void **state)
{
    struct world *w = *state;
    CHECK("\"b\"", "coalesce", 3, absent(w, VAL_STRING), S("b"), S("c"));
    CHECK(NULL, "coalesce", 2, absent(w, VAL_STRING), absent(w, VAL_STRING));
    CHECK("0", "coalesce", 2, absent(w, VAL_DECIMAL), I(0)); /* the int widens */
    assert_int_equal(call(w, "coalesce", 2, absent(w, VAL_DECIMAL), I(0))->kind, VAL_DECIMAL);
    struct value one = expr_eval(call(w, "hash", 1, S("ab")), &w->ev);
    struct value two = expr_eval(call(w, "hash", 2, S("a"), S("b")), &w->ev);
    assert_int_equal(one.len, 16);
    assert_false(value_equal(one, two));
    CHECK(NULL, "hash", 2, S("a"), absent(w, VAL_STRING));
}

static void test_resolution(void **state)
{
    (void)state;
    struct function_match m;
    const struct function *round = functions_find(SLICE_LIT("round"));
    assert_null(functions_find(SLICE_LIT("rund")));
    assert_false(function_resolve(round, (const enum value_kind[]){VAL_STRING}, 1, &m));
    assert_false(function_resolve(round, NULL, 0, &m));
    const enum value_kind too_many[] = {VAL_INT, VAL_INT, VAL_INT};
    assert_false(function_resolve(round, too_many, 3, &m));
    const struct function *mix = functions_find(SLICE_LIT("coalesce"));
    assert_false(function_resolve(mix, (const enum value_kind[]){VAL_DECIMAL, VAL_FLOAT}, 2, &m));
    const struct function *hour = functions_find(SLICE_LIT("hour"));
    const enum value_kind zoned_time[] = {VAL_TIMESTAMP, VAL_STRING};
    assert_true(function_resolve(hour, zoned_time, 2, &m));
    assert_int_equal(function_param_role(&m, 0), PARAM_PLAIN);
    assert_int_equal(function_param_role(&m, 1), PARAM_ZONE);
    struct buf b = BUF_INIT;
    function_signature(hour, 0, &b);
    buf_puts(&b, " | ");
    function_signature(mix, 0, &b);
    buf_puts(&b, " | ");
    function_signature(functions_find(SLICE_LIT("date_part")), 0, &b);
    assert_string_equal(buf_cstr(&b), "hour(timestamp[, zone]) -> int | coalesce(T, ...) -> T | "
                                      "date_part(part, timestamp[, zone]) -> int");
    buf_release(&b);
}

/* Every row is complete, and no name stands twice or is an aggregate's too. */
static void test_table(void **state)
{
    (void)state;
    uint32_t n, n_agg;
    const struct function *all = functions_all(&n);
    for (uint32_t i = 0; i < n; i++) {
        assert_ptr_equal(functions_find(slice_of(all[i].name)), &all[i]);
        assert_null(aggregates_find(slice_of(all[i].name)));
        assert_true(all[i].n_overloads > 0 && all[i].doc[0] && all[i].example[0]);
        for (uint32_t k = 0; k < all[i].n_overloads; k++) {
            assert_non_null((const void *)(uintptr_t)all[i].overloads[k].impl);
        }
    }
    const struct aggregate *aggs = aggregates_all(&n_agg);
    assert_int_equal(n_agg, AGG_OP_COUNT + 1); /* `set` is `distinct` as profiles have it */
    for (uint32_t i = 0; i < n_agg; i++) {
        assert_ptr_equal(aggregates_find(slice_of(aggs[i].name)), &aggs[i]);
    }
    enum value_kind result, item;
    const struct aggregate *mean = aggregates_find(SLICE_LIT("average"));
    assert_true(aggregate_resolve(mean, VAL_INT, &result, &item) && result == VAL_DECIMAL);
    assert_false(aggregate_resolve(mean, VAL_STRING, &result, &item));
    assert_false(aggregate_resolve(mean, VAL_MISSING, &result, &item));
    const struct aggregate *distinct = aggregates_find(SLICE_LIT("distinct"));
    assert_true(aggregate_resolve(distinct, VAL_IP, &result, &item));
    assert_true(result == VAL_LIST && item == VAL_IP);
    const struct aggregate *percentile = aggregates_find(SLICE_LIT("percentile"));
    assert_true(aggregate_second_fits(percentile, dec("99.9")));
    assert_false(aggregate_second_fits(percentile, value_int(101)));
    assert_false(aggregate_second_fits(aggregates_find(SLICE_LIT("nth")), value_int(0)));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_strings),
        TEST(test_math),
        TEST(test_utc_calendar),
        TEST(test_zone_rules),
        TEST(test_summer_time_borders),
        TEST(test_broken_zone_files),
        TEST(test_zones_against_the_system),
        TEST(test_zone_constant),
        TEST(test_places),
        TEST(test_casts),
        TEST(test_coalesce_and_hash),
        TEST(test_resolution),
        TEST(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
