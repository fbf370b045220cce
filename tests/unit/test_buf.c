#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/xalloc.h"

static void test_text(void **state)
{
    (void)state;
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    assert_string_equal(buf_cstr(&b), "");
    buf_puts(&b, "a");
    buf_printf(&b, "%d-%s", 42, "x");
    buf_put_byte(&b, '!');
    buf_put(&b, NULL, 0);
    assert_string_equal(buf_cstr(&b), "a42-x!");
    assert_int_equal(b.len, 6);
    for (int i = 0; i < 1000; i++) {
        buf_printf(&b, "%04d", i);
    }
    assert_int_equal(b.len, 4006);
    assert_memory_equal(b.ptr + 4002, "0999", 4);
    buf_clear(&b);
    assert_string_equal(buf_cstr(&b), "");
}

static const uint64_t edges[] = {
    0,
    1,
    0x7f,
    0x80,
    0x3fff,
    0x4000,
    UINT32_MAX,
    (uint64_t)UINT32_MAX + 1,
    INT64_MAX,
    (uint64_t)INT64_MAX + 1,
    UINT64_MAX - 1,
    UINT64_MAX,
};

static void test_encoding(void **state)
{
    (void)state;
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(edges); i++) {
        buf_put_varint(&b, edges[i]);
        buf_put_zigzag(&b, (int64_t)edges[i]);
        buf_put_u64be(&b, edges[i]);
        buf_put_u32be(&b, (uint32_t)edges[i]);
        buf_put_blob(&b, slice_from("payload", i % 7));
    }
    struct reader r = reader_of(buf_slice(&b));
    for (size_t i = 0; i < FYKE_ARRAY_LEN(edges); i++) {
        assert_true(read_varint(&r) == edges[i]);
        assert_true(read_zigzag(&r) == (int64_t)edges[i]);
        assert_true(read_u64be(&r) == edges[i]);
        assert_true(read_u32be(&r) == (uint32_t)edges[i]);
        assert_true(slice_eq(read_blob(&r), slice_from("payload", i % 7)));
    }
    assert_false(r.failed);
    assert_int_equal(reader_left(&r), 0);
    (void)read_byte(&r);
    assert_true(r.failed);
}

static void test_truncation(void **state)
{
    (void)state;
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    buf_put_varint(&b, UINT64_MAX);
    buf_put_u64be(&b, 7);
    buf_put_blob(&b, SLICE_LIT("hello"));
    for (size_t n = 0; n < b.len; n++) {
        struct reader r = reader_of(slice_from(b.ptr, n));
        (void)read_varint(&r);
        (void)read_u64be(&r);
        (void)read_blob(&r);
        assert_true(r.failed);
        assert_int_equal(read_byte(&r), 0);
        assert_int_equal(read_u32be(&r), 0);
        assert_int_equal(read_bytes(&r, 0).len, 0);
    }
}

static void test_bad_varints(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", /* 65 bits */
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        "\x80",
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(bad); i++) {
        struct reader r = reader_of(slice_of(bad[i]));
        assert_true(read_varint(&r) == 0);
        assert_true(r.failed);
    }
    struct reader r =
        reader_of(SLICE_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01 blob too long"));
    assert_int_equal(read_blob(&r).len, 0);
    assert_true(r.failed);
}

static void test_slices(void **state)
{
    (void)state;
    struct slice none = slice_from(NULL, 0);
    assert_true(slice_eq(none, SLICE_LIT("")));
    assert_true(slice_cmp(none, SLICE_LIT("a")) < 0);
    assert_true(slice_cmp(SLICE_LIT("a"), SLICE_LIT("ab")) < 0);
    assert_true(slice_cmp(SLICE_LIT("\xff"), SLICE_LIT("a")) > 0);
    assert_true(slice_starts_with(SLICE_LIT("abc"), none));
    assert_true(slice_starts_with(SLICE_LIT("abc"), SLICE_LIT("ab")));
    assert_false(slice_starts_with(SLICE_LIT("a"), SLICE_LIT("ab")));
}

static void test_errors(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_int_equal(error_set(&err, ERR_IO, "cannot read %s", "x"), ERR_IO);
    assert_int_equal(error_context(&err, "list %d", 3), ERR_IO);
    assert_string_equal(err.text, "list 3: cannot read x");
    for (int i = 0; i < 100; i++) {
        (void)error_context(&err, "level %d of a long story about what went wrong", i);
    }
    assert_true(strlen(err.text) < sizeof(err.text));
    assert_string_equal(err_name(ERR_CORRUPT), "corrupt");
}

/* Reference values of XXH3 (xxHash 0.8): the empty input and the ASCII text "abc". */
static void test_hash_values(void **state)
{
    (void)state;
    char hex[HASH128_HEX_MAX];
    assert_true(hash64(slice_from(NULL, 0)) == UINT64_C(0x2d06800538d394c2));
    hash128_hex(hash128(slice_from(NULL, 0)), hex);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
    hash128_hex(hash128(SLICE_LIT("abc")), hex);
    assert_string_equal(hex, "06b05ab6733a618578af5f94892f3950");
    hash64_hex(hash64(SLICE_LIT("abc")), hex);
    assert_string_equal(hex, "78af5f94892f3950");
    struct hash128 h;
    assert_true(hash128_parse(SLICE_LIT("06B05AB6733A618578af5f94892f3950"), &h));
    assert_true(hash128_eq(h, hash128(SLICE_LIT("abc"))));
    assert_int_equal(hash128_cmp(h, h), 0);
    assert_false(hash128_parse(SLICE_LIT("06b05ab6733a618578af5f94892f395"), &h));
    assert_false(hash128_parse(SLICE_LIT("06b05ab6733a618578af5f94892f395g"), &h));
    assert_false(hash128_parse(SLICE_LIT("06b05ab6733a618578af5f94892f395@"), &h));
    assert_true(hash64_seed(SLICE_LIT("abc"), 1) != hash64(SLICE_LIT("abc")));
}

static void test_hash_parts(void **state)
{
    (void)state;
    struct rng rng = rng_seed(9);
    FYKE_CLEANUP(buf_release) struct buf all = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf blobs = BUF_INIT;
    struct hasher plain, parts;
    hasher_init(&plain);
    hasher_init(&parts);
    for (int i = 0; i < 40; i++) {
        char bytes[300];
        size_t n = (size_t)rng_below(&rng, sizeof(bytes) + 1);
        for (size_t k = 0; k < n; k++) {
            bytes[k] = (char)rng_next(&rng);
        }
        hasher_put(&plain, slice_from(bytes, n));
        hasher_put_part(&parts, slice_from(bytes, n));
        buf_put(&all, bytes, n);
        buf_put_blob(&blobs, slice_from(bytes, n));
        assert_true(hash128_eq(hasher_hash128(&plain), hash128(buf_slice(&all))));
        assert_true(hasher_hash64(&plain) == hash64(buf_slice(&all)));
        assert_true(hash128_eq(hasher_hash128(&parts), hash128(buf_slice(&blobs))));
    }
}

static void test_rng(void **state)
{
    (void)state;
    /* The reference generator's first values for seed 0. */
    struct rng r = rng_seed(0);
    assert_true(rng_next(&r) == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(rng_next(&r) == UINT64_C(0x6e789e6aa1b965f4));
    for (int i = 0; i < 1000; i++) {
        assert_true(rng_below(&r, 7) < 7);
        int64_t v = rng_range(&r, -3, 3);
        assert_true(v >= -3 && v <= 3);
        (void)rng_range(&r, INT64_MIN, INT64_MAX);
        double d = rng_double(&r);
        assert_true(d >= 0 && d < 1);
    }
}

static void test_digits(void **state)
{
    static const int64_t ints[] = {0, 9, 10, -1, 4711, INT64_MAX, INT64_MIN};
    struct rng r = rng_seed(5);
    char want[64], hex[HASH128_HEX_MAX];
    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        int64_t v = i < FYKE_ARRAY_LEN(ints) ? ints[i] : (int64_t)(rng_next(&r) >> rng_below(&r, 64));
        FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
        buf_put_int(&b, v);
        buf_put_byte(&b, ' ');
        buf_put_uint(&b, (uint64_t)v);
        snprintf(want, sizeof(want), "%" PRId64 " %" PRIu64, v, (uint64_t)v);
        assert_string_equal(buf_cstr(&b), want);
        struct hash128 h = {(uint64_t)v, rng_next(&r)};
        snprintf(want, sizeof(want), "%016" PRIx64 "%016" PRIx64, h.hi, h.lo);
        hash128_hex(h, hex);
        assert_string_equal(hex, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),        cmocka_unit_test(test_encoding),
        cmocka_unit_test(test_truncation),  cmocka_unit_test(test_bad_varints),
        cmocka_unit_test(test_slices),      cmocka_unit_test(test_errors),
        cmocka_unit_test(test_hash_values), cmocka_unit_test(test_hash_parts),
        cmocka_unit_test(test_rng),         cmocka_unit_test(test_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
