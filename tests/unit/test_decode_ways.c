/* The short ways of decoding against the general one: random records of few shapes, as they are and
 * with random damage, and the vector loops against the portable ones, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/decimal.h"
#include "base/rng.h"
#include "base/xalloc.h"
#include "engine/decode/json_number.h"
#include "engine/decode/json_run.h"
#include "engine/decode/json_scan.h"
#include "engine/decode/json_stops.h"
#include "tests/support/decode_ways.h"

#define RECORDS 8000

/* ---- records ------------------------------------------------------------------------------ */

static const char *pick(struct rng *r, const char *const *from, size_t n)
{
    return from[rng_below(r, n)];
}
#define PICK(r, ...)                                                                               \
    pick(r, (const char *const[]){__VA_ARGS__},                                                    \
         FYKE_ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

static void put_number(struct rng *r, struct buf *b)
{
    buf_puts(b, rng_below(r, 4) ? "" : "-");
    buf_printf(b, "%llu", (unsigned long long)(rng_below(r, 1000) << rng_below(r, 60)));
    if (rng_below(r, 2)) {
        buf_puts(b, ".");
        for (uint64_t n = 1 + rng_below(r, 11); n > 0; n--) {
            buf_printf(b, "%u", (unsigned)(rng_below(r, 3) ? rng_below(r, 10) : 0));
        }
    }
    buf_puts(b, rng_below(r, 12) ? "" : PICK(r, "e1", "E-2", "e+10", "e400"));
}

static void put_text(struct rng *r, struct buf *b)
{
    buf_puts(b, "\"");
    for (uint64_t n = rng_below(r, 40); n > 0; n--) {
        if (rng_below(r, 60) == 0) {
            buf_puts(b, PICK(r, "\\n", "\\\"", "\\u00e9", "\xC3\xA9", "\\\\", "\xF0\x9F\x98\x80"));
        } else {
            buf_put_byte(b, (uint8_t)('a' + rng_below(r, 26)));
        }
    }
    buf_puts(b, "\"");
}

static void put_time(struct rng *r, struct buf *b)
{
    buf_printf(b, "\"2026-01-0%uT%02u:00:%02u", (unsigned)(4 + rng_below(r, 3)),
               (unsigned)rng_below(r, 25), (unsigned)rng_below(r, 61));
    buf_puts(b, PICK(r, "", ".1", ".123", ".123456", ".123456789", ".1234567890", "."));
    buf_puts(b, PICK(r, "Z", "Z", "Z", "z", "+01:00", "", "Z "));
    buf_puts(b, "\"");
}

static void put_value(struct rng *r, struct buf *b, unsigned depth);

static void put_container(struct rng *r, struct buf *b, unsigned depth)
{
    bool object = rng_below(r, 3) != 0;
    buf_puts(b, object ? "{" : "[");
    for (uint64_t i = 0, n = rng_below(r, 4); i < n; i++) {
        buf_puts(b, i ? "," : "");
        if (object) {
            buf_printf(b, "\"%s\":", PICK(r, "b", "b", "a", "lat", "lon", "z"));
        }
        put_value(r, b, depth + 1);
    }
    buf_puts(b, object ? "}" : "]");
}

static void put_value(struct rng *r, struct buf *b, unsigned depth)
{
    uint64_t what = rng_below(r, depth < 20 ? 10 : 7);
    if (what < 3) {
        put_number(r, b);
    } else if (what < 5) {
        put_text(r, b);
    } else if (what < 7) {
        buf_puts(b, PICK(r, "null", "true", "false", "\"\"", "\"10.0.0.1\"", "0"));
    } else {
        put_container(r, b, depth);
    }
}

/* What the declarations of decode_ways.c ask for, mostly right. */
static void put_member(struct rng *r, struct buf *b, const char *blank, unsigned which)
{
    static const char *const names[] = {"at", "type", "user", "status", "n", "a", "a.b", "amount",
                                        "flag", "when", "ip", "f", "a name longer", "not asked for",
                                        "a name longer than what is remembered of any"};
    if (which < FYKE_ARRAY_LEN(names)) {
        buf_printf(b, "\"%s\":%s", names[which], blank);
    }
    if (rng_below(r, 40) == 0) {
        put_value(r, b, 1);
        return;
    }
    switch (which) {
    case 0: put_time(r, b); break;
    case 1: buf_puts(b, PICK(r, "\"login\"", "\"payment by card\"", "\"logout\"")); break;
    case 3: buf_puts(b, PICK(r, "\"approved\"", "\"no\"", "\"declined for long\"", "null")); break;
    case 4:
    case 6:
    case 7:
    case 11: put_number(r, b); break;
    case 8: buf_puts(b, PICK(r, "true", "false")); break;
    case 9:
        buf_puts(b, PICK(r, "1767600000123", "1767600002000", "1e12", "-5", "99999999999999999"));
        break;
    case 10: buf_puts(b, PICK(r, "\"10.0.0.1\"", "\"::1\"", "\"x\"")); break;
    case 5: put_value(r, b, 1); break;
    default: put_text(r, b); break;
    }
}

static void put_record(struct rng *r, struct buf *b)
{
    static const unsigned shapes[][10] = {
        {0, 1, 2, 13, 3, 4, 12, 6, 5, 14}, {0, 1, 13, 7, 3, 8, 2, 14, 99, 99},
        {9, 10, 11, 5, 99, 99, 99, 99, 99, 99}, {1, 0, 9, 11, 7, 2, 3, 5, 99, 99}};
    const unsigned *shape = shapes[rng_below(r, FYKE_ARRAY_LEN(shapes))];
    const char *blank = PICK(r, "", "", "", " ", "\n\t");
    bool any = false;
    buf_puts(b, blank);
    buf_puts(b, "{");
    for (size_t i = 0; i < 10; i++) {
        unsigned which = rng_below(r, 30) ? shape[i] : (unsigned)rng_below(r, 15);
        if (which == 99 || rng_below(r, 40) == 0) {
            continue;
        }
        buf_puts(b, any ? "," : "");
        buf_puts(b, blank);
        put_member(r, b, blank, which);
        any = true;
    }
    buf_puts(b, blank);
    buf_puts(b, "}");
    buf_puts(b, rng_below(r, 10) ? "" : PICK(r, " ", "\r", "}", "x"));
}

static void damage(struct rng *r, struct buf *b)
{
    static const char bytes[] = "{}[]\",:\\/bnu0123456789.eE+- \n\x80\xC2\xE0\xED\xF4\xFF\x1F\x7F";
    for (uint64_t n = 1 + rng_below(r, 3); n > 0 && b->len > 0; n--) {
        size_t at = (size_t)rng_below(r, b->len);
        switch (rng_below(r, 3)) {
        case 0: b->ptr[at] = bytes[rng_below(r, sizeof(bytes))]; break;
        case 1: memmove(b->ptr + at, b->ptr + at + 1, b->len - at - 1); b->len--; break;
        default: b->len = rng_below(r, 8) ? b->len : at; break;
        }
    }
}

static void ways_agree(void **state)
{
    struct decode_ways *w = decode_ways_new();
    struct rng r = rng_seed(20261121);
    struct buf b = BUF_INIT;
    (void)state;
    for (int i = 0; i < RECORDS; i++) {
        buf_clear(&b);
        put_record(&r, &b);
        decode_ways_check(w, b.ptr, b.len);
        damage(&r, &b);
        decode_ways_check(w, b.ptr, b.len);
    }
    assert_true(decode_ways_events(w) > RECORDS / 10); /* the generator is worth its time */
    buf_release(&b);
    decode_ways_free(w);
}

/* More keys than are remembered, and nesting up to the limit. */
static void many_keys(void **state)
{
    struct decode_ways *w = decode_ways_new();
    struct buf b = BUF_INIT;
    (void)state;
    for (unsigned round = 0; round < 4; round++) {
        buf_clear(&b);
        buf_puts(&b, "{");
        for (unsigned i = 0; i < 2000; i++) {
            buf_printf(&b, "%s\"k%u\":%s", i ? "," : "", i * (round % 2 ? 7919 : 1) % 2000,
                       i % 3 ? "1" : "\"x\"");
        }
        buf_puts(&b, ",\"type\":\"login\"}");
        decode_ways_check(w, b.ptr, b.len);
    }
    for (unsigned depth = 1; depth < 20; depth++) {
        buf_clear(&b);
        for (unsigned i = 0; i < depth; i++) {
            buf_puts(&b, i % 2 ? "[" : "{\"a\":");
        }
        buf_puts(&b, "0");
        for (unsigned i = depth; i-- > 0;) {
            buf_puts(&b, i % 2 ? "]" : "}");
        }
        decode_ways_check(w, b.ptr, b.len);
    }
    buf_release(&b);
    decode_ways_free(w);
}

/* What an empty link is filled with, where a key is due: it once passed for a key. */
static void what_fills_an_empty_link_is_no_key(void **state)
{
    struct decode_ways *w = decode_ways_new();
    struct buf b = BUF_INIT;
    char filling[64];
    (void)state;
    memset(filling, 0xFF, sizeof(filling));
    for (unsigned i = 0; i < 3; i++) {
        buf_clear(&b);
        buf_puts(&b, i == 1 ? "{\"type\":\"login\"," : "{");
        buf_put(&b, filling, i == 2 ? 64 : 32);
        buf_puts(&b, "{\"type\":\"login\",\"user\":\"mallory\",\"at\":\"2026-01-05T10:00:02Z\"}}");
        decode_ways_check(w, b.ptr, b.len);
    }
    assert_int_equal(decode_ways_events(w), 0);
    buf_release(&b);
    decode_ways_free(w);
}

/* ---- loops -------------------------------------------------------------------------------- */

static void loops_agree(void **state)
{
    static const char bytes[] = "\"\\\x1F\x7F\x80\xFF\x20\x21\x23[]^\xA0\x9F";
    unsigned char text[96 + JSON_PAD_BYTES];
    struct rng r = rng_seed(7);
    (void)state;
    for (int round = 0; round < 4000; round++) {
        memset(text, 0, sizeof(text));
        for (size_t i = 0; i < 96; i++) {
            text[i] = rng_below(&r, 40) ? (unsigned char)('#' + rng_below(&r, 40))
                                        : (unsigned char)bytes[rng_below(&r, sizeof(bytes) - 1)];
        }
        for (size_t i = 0; i <= 96; i++) {
            size_t n = 0;
            while (json_is_plain(text[i + n])) {
                n++;
            }
            assert_int_equal(json_plain_run_portable(text + i), n);
            assert_int_equal(json_plain_run_sse2(text + i), n);
        }
    }
}

/* Every text lies in blocks of just its size, for the sanitizer. */
static void check_stops(json_stops_fn copy, const unsigned char *text, size_t len)
{
    char *from = xmalloc(len ? len : 1), *to = xmalloc(JSON_STOPS_TEXT(len));
    uint64_t *stops = xmalloc(JSON_STOPS_WORDS(len) * sizeof(*stops));
    memcpy(from, text, len);
    copy(to, from, len, stops);
    assert_memory_equal(to, from, len);
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(to[len + i], 0);
    }
    for (size_t at = 0; at <= len; at++) {
        size_t end = at;
        while (end < len && json_is_plain(text[end])) {
            end++;
        }
        assert_int_equal(json_stop_from(stops, at), end);
        for (size_t n = 0; n <= JSON_STOP_SEEN; n++) {
            assert_int_equal(json_stop_is(stops, at, n), at + n == end);
        }
    }
    free(from);
    free(to);
    free(stops);
}

static void stops_are_where_plain_text_ends(void **state)
{
    static const char bytes[] = "\"\\\x1F\x7F\x80\xFF\x20\x21\x23[]^\xA0\x9F\x02";
    const json_stops_fn ways[] = {json_stops_sse2(), json_stops_avx2()};
    unsigned char text[300];
    struct rng r = rng_seed(9);
    (void)state;
    for (size_t len = 0; len <= sizeof(text); len++) {
        uint64_t often = 1 + rng_below(&r, 150); /* runs that end in other words, too */
        for (size_t i = 0; i < len; i++) {
            text[i] = rng_below(&r, often) ? (unsigned char)('#' + rng_below(&r, 40))
                                           : (unsigned char)bytes[rng_below(&r, sizeof(bytes) - 1)];
        }
        for (size_t i = 0; i < FYKE_ARRAY_LEN(ways); i++) {
            if (ways[i] != NULL) {
                check_stops(ways[i], text, len);
            }
        }
    }
    for (unsigned c = 0; c < 256; c++) { /* every byte */
        memset(text, 'a', 100);
        text[c % 100] = (unsigned char)c;
        for (size_t i = 0; i < FYKE_ARRAY_LEN(ways); i++) {
            if (ways[i] != NULL) {
                check_stops(ways[i], text, 100);
            }
        }
    }
}

/* A string is thought to be as long as those before: not when it is not. */
static void lengths_that_were_alike(void **state)
{
    static const char *const texts[] = {
        "abcdefgh", "", "a", "abcdefg", "abcdefghi", "abc\",\"n", "abc\",\"a\":1,\"f\":\"", "ab\\\"cdefg",
        "abcd\\\"", "\xC3\xA4""bcdef", "abcd\x01""fgh", "abcdefgh\\", "abcdefgh\"", "\xC3""bcdefgh",
        "0123456789012345678901234567890123456789012345678901234", "01234567890123456789012345678901234567890123456789012345",
        "012345678901234567890123456789012345678901234567890123456", "01234567890123456789012345678901234567890123456789012345678901234567890123456789",
    };
    (void)state;
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(texts); i++) {
        struct decode_ways *w = decode_ways_new();
        for (size_t k = 0; k < FYKE_ARRAY_LEN(texts); k++) {
            for (int n = 0; n < 12; n++) { /* what is alike, then what is not, then the first again */
                buf_clear(&b);
                buf_puts(&b, "{\"at\":\"2026-01-05T10:00:00Z\",\"type\":\"login\",\"user\":\"");
                buf_puts(&b, texts[n == 10 ? k : i]);
                buf_puts(&b, "\",\"n\":7,\"a name longer\":\"x\"}");
                decode_ways_check(w, b.ptr, b.len);
            }
        }
        decode_ways_free(w);
    }
    buf_release(&b);
}

static void check_number(const unsigned char *text)
{
    bool real = false, real_sse2 = false;
    const unsigned char *end = json_number_end_portable(text, &real);
    assert_ptr_equal(json_number_end_sse2(text, &real_sse2), end);
    if (end == NULL) {
        return;
    }
    struct slice number = slice_from((const char *)text, (size_t)(end - text));
    struct decimal quick = DECIMAL_ZERO, slow = DECIMAL_ZERO;
    assert_true(json_number_valid(number));
    assert_int_equal(real, real_sse2);
    bool ok = decimal_parse(number, &slow);
    if (json_number_short_decimal(number.ptr, number.len, &quick)) {
        assert_true(ok && decimal_eq(quick, slow));
    }
    bool exponent = memchr(text, 'e', number.len) != NULL || memchr(text, 'E', number.len) != NULL;
    bool is_short = json_number_is_short(number.ptr, number.len);
    assert_true(is_short == (!exponent && number.len <= 16) || (number.len < 4 && !is_short));
    assert_true(ok || !is_short);
}

static void numbers_agree(void **state)
{
    static const char bytes[] = "0000123456789..-+eE,}";
    unsigned char text[40 + JSON_PAD_BYTES];
    struct rng r = rng_seed(8);
    (void)state;
    for (int round = 0; round < 100000; round++) {
        memset(text, 0, sizeof(text));
        for (size_t i = 0, n = 1 + (size_t)rng_below(&r, 39); i < n; i++) {
            uint64_t of = rng_below(&r, 4) ? 13 : sizeof(bytes) - 1;
            text[i] = (unsigned char)bytes[rng_below(&r, of)];
        }
        check_number(text);
    }
    struct buf b = BUF_INIT;
    for (int round = 0; round < 50000; round++) {
        buf_clear(&b);
        put_number(&r, &b);
        buf_reserve(&b, JSON_PAD_BYTES);
        memset(b.ptr + b.len, 0, JSON_PAD_BYTES);
        check_number((const unsigned char *)b.ptr);
    }
    buf_release(&b);
}

/* Few digits are what the short form is for. */
static void short_numbers(void **state)
{
    static const struct {
        const char *text;
        long long coeff;
        unsigned scale;
    } cases[] = {{"0", 0, 0}, {"-0", 0, 0}, {"0.0", 0, 0}, {"12.50", 125, 1}, {"100", 100, 0},
                 {"-100.00", -100, 0}, {"12345678.12345678", 1234567812345678, 8},
                 {"0.00000001", 1, 8}, {"99999999.00000000", 99999999, 0}, {"7.5", 75, 1}};
    (void)state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(cases); i++) {
        char text[32 + JSON_PAD_BYTES] = {0};
        struct decimal d = DECIMAL_ZERO;
        size_t len = strlen(cases[i].text);
        memcpy(text, cases[i].text, len);
        text[len] = i % 2 ? '}' : '.'; /* what follows is no part of it */
        assert_true(json_number_short_decimal(text, len, &d));
        assert_true(json_number_is_short(text, len) || len == 2 || len == 3 || len > 16);
        assert_int_equal((long long)d.coeff, cases[i].coeff);
        assert_int_equal(d.scale, cases[i].scale);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ways_agree), cmocka_unit_test(many_keys), cmocka_unit_test(loops_agree),
        cmocka_unit_test(what_fills_an_empty_link_is_no_key),
        cmocka_unit_test(stops_are_where_plain_text_ends),
        cmocka_unit_test(lengths_that_were_alike),
        cmocka_unit_test(numbers_agree), cmocka_unit_test(short_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
