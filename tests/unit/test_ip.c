#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/geo.h"
#include "base/ip.h"

static struct ip ip(const char *text)
{
    struct ip v;
    if (!ip_parse(slice_of(text), &v)) {
        fail_msg("not an address: %s", text);
    }
    return v;
}

static struct cidr net(const char *text)
{
    struct cidr v;
    if (!cidr_parse(slice_of(text), &v)) {
        fail_msg("not a network: %s", text);
    }
    return v;
}

static void test_format(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"0:0:0:0:0:0:0:0", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8::0001", "2001:db8::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"0:1:2:3:4:5:6:0", "0:1:2:3:4:5:6:0"},
        {"0:0:1:2:3:4:0:0", "::1:2:3:4:0:0"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"1:0:0:4:5:6:0:0", "1::4:5:6:0:0"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"::ffff:10.1.2.3", "10.1.2.3"},
        {"::FFFF:0a01:0203", "10.1.2.3"},
        {"::10.1.2.3", "::a01:203"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[IP_TEXT_MAX];
        struct ip v = ip(cases[i][0]);
        size_t n = ip_format(&v, out);
        assert_string_equal(out, cases[i][1]);
        assert_int_equal(n, strlen(out));
        struct ip back = ip(out);
        assert_int_equal(ip_cmp(&v, &back), 0);
    }
}

static void test_parse_refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "256.0.0.1",
        "01.2.3.4",
        "1.2.3.04",
        "1.2.3.4 ",
        " 1.2.3.4",
        "0x1.2.3.4",
        "1..2.3",
        "1.2.3.",
        "-1.2.3.4",
        ":",
        ":::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1::2::3",
        "12345::",
        "g::",
        "fe80::1%eth0",
        "::1.2.3",
        "::1.2.3.400",
        "[::1]",
        "1.2.3.4/8",
        "1:2:3:4:5:6:7:1.2.3.4",
        "10.0.0.1:80",
        "0000000000000000000000000000000000000000000000000000000000000000",
    };
    struct ip v;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (ip_parse(slice_of(cases[i]), &v)) {
            fail_msg("accepted: %s", cases[i]);
        }
    }
    assert_false(ip_parse(SLICE_LIT("1.2.3.4\0"), &v));
    assert_false(ip_parse(slice_from(NULL, 0), &v));
}

static void test_cidr_parse(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"10.1.2.3/8", "10.0.0.0/8"},
        {"1.2.3.4/32", "1.2.3.4/32"},
        {"255.255.255.255/0", "0.0.0.0/0"},
        {"192.168.255.1/23", "192.168.254.0/23"},
        {"2001:db8:ffff::1/33", "2001:db8:8000::/33"},
        {"::1/128", "::1/128"},
        {"ffff::/0", "::/0"},
        {"::ffff:10.0.0.1/104", "10.0.0.0/8"},
        {"::ffff:0:0/96", "0.0.0.0/0"},
        {"::ffff:10.0.0.1/95", "::fffe:0:0/95"},
        {"::ffff:10.0.0.1/128", "10.0.0.1/32"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[CIDR_TEXT_MAX];
        struct cidr v = net(cases[i][0]);
        assert_int_equal(cidr_format(&v, out), strlen(cases[i][1]));
        assert_string_equal(out, cases[i][1]);
    }
    static const char *const bad[] = {
        "10.0.0.0", "10.0.0.0/", "10.0.0.0/33",  "::/129",      "10.0.0.0/08", "10.0.0.0/+8",
        "/8",       "",          "10.0.0.0/8/8", "10.0.0.0/ 8", "10.0.0.0/8 ", "10.0.0.0/255.0.0.0",
        "10/8",     "::/1000",
    };
    struct cidr v;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (cidr_parse(slice_of(bad[i]), &v)) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

static bool contains(const char *network, const char *address)
{
    struct cidr n = net(network);
    struct ip a = ip(address);
    return cidr_contains(&n, &a);
}

static void test_contains(void **state)
{
    (void)state;
    assert_true(contains("10.0.0.0/8", "10.255.255.255"));
    assert_false(contains("10.0.0.0/8", "11.0.0.0"));
    assert_true(contains("0.0.0.0/0", "255.255.255.255"));
    assert_true(contains("1.2.3.4/32", "1.2.3.4"));
    assert_false(contains("1.2.3.4/32", "1.2.3.5"));
    assert_true(contains("192.168.254.0/23", "192.168.255.7"));
    assert_false(contains("192.168.254.0/23", "192.168.253.7"));
    assert_true(contains("2001:db8::/32", "2001:db8:ffff::1"));
    assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(contains("::1/128", "::1"));
    /* One address, two spellings. */
    assert_true(contains("10.0.0.0/8", "::ffff:10.0.0.1"));
    assert_true(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
    /* Families never mix. */
    assert_false(contains("::/0", "::ffff:10.0.0.1"));
    assert_false(contains("0.0.0.0/0", "::"));
    assert_false(contains("::/0", "0.0.0.0"));
}

static void test_subnet_and_order(void **state)
{
    (void)state;
    struct ip a = ip("10.1.2.3"), b = ip("10.1.2.4"), c = ip("::");
    struct cidr n, m;
    assert_true(ip_subnet(&a, 24, &n));
    m = net("10.1.2.0/24");
    assert_int_equal(cidr_cmp(&n, &m), 0);
    assert_false(ip_subnet(&a, 33, &n));
    assert_true(ip_subnet(&c, 128, &n));
    assert_false(ip_subnet(&c, 129, &n));
    assert_true(ip_cmp(&a, &b) < 0 && ip_cmp(&b, &a) > 0 && ip_cmp(&b, &c) < 0);
    n = net("10.0.0.0/8");
    m = net("10.0.0.0/9");
    assert_true(cidr_cmp(&n, &m) < 0 && cidr_cmp(&m, &n) > 0);
}

static void test_geo(void **state)
{
    (void)state;
    struct geo amsterdam = {52.3702, 4.8952}, tokyo = {35.6762, 139.6503};
    struct geo north = {90, 0}, south = {-90, 0};
    assert_true(geo_distance_km(amsterdam, amsterdam) == 0);
    assert_float_equal(geo_distance_km(amsterdam, tokyo), 9291.0, 20.0);
    assert_true(geo_distance_km(amsterdam, tokyo) == geo_distance_km(tokyo, amsterdam));
    double half = 3.14159265358979 * GEO_EARTH_RADIUS_KM;
    assert_float_equal(geo_distance_km(north, south), half, 1e-3);
    assert_float_equal(geo_distance_km((struct geo){0, 179}, (struct geo){0, -179}), half / 90,
                       1e-6);
    assert_float_equal(geo_distance_km((struct geo){0, 0}, (struct geo){0, 180}), half, 1e-3);
    assert_true(geo_valid((struct geo){-90, 180}) && geo_valid((struct geo){90, -180}));
    assert_false(geo_valid((struct geo){90.1, 0}));
    assert_false(geo_valid((struct geo){0, -180.1}));
    assert_false(geo_valid((struct geo){__builtin_nan(""), 0}));
    assert_false(geo_valid((struct geo){0, __builtin_inf()}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),           cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_cidr_parse),       cmocka_unit_test(test_contains),
        cmocka_unit_test(test_subnet_and_order), cmocka_unit_test(test_geo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
