/* Short texts are packed and come back; bytes that are no such text are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/rng.h"
#include "base/short_lz.h"

#define MAX_TEXT 5000
#define SEED 7

static size_t packed_and_back(const struct short_lz_dict *d, struct slice text)
{
    struct buf packed = BUF_INIT, back = BUF_INIT;
    buf_puts(&back, "in front");
    short_lz_pack(d, text, &packed);
    assert_true(short_lz_unpack(d, buf_slice(&packed), text.len, &back));
    assert_true(slice_eq(slice_from(back.ptr + 8, back.len - 8), text));
    if (text.len > 0) {
        buf_clear(&back);
        assert_false(short_lz_unpack(d, buf_slice(&packed), text.len - 1, &back));
    }
    size_t len = packed.len;
    buf_release(&packed);
    buf_release(&back);
    return len;
}

static void fill(struct rng *rng, char *text, size_t len, uint64_t letters)
{
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)rng_below(rng, letters);
    }
}

static void every_text_comes_back(void **state)
{
    (void)state;
    struct rng rng = rng_seed(SEED);
    char text[MAX_TEXT];
    for (int round = 0; round < 2000; round++) {
        struct short_lz_dict d = {0};
        size_t len = round % 20 == 0 ? rng_below(&rng, MAX_TEXT) : rng_below(&rng, 200);
        uint64_t letters = 1 + rng_below(&rng, round % 2 == 0 ? 4 : 256);
        for (uint64_t learns = rng_below(&rng, 4); learns > 0; learns--) {
            fill(&rng, text, len, letters);
            short_lz_learn(&d, slice_from(text, len));
        }
        fill(&rng, text, len, letters);
        packed_and_back(&d, slice_from(text, len));
    }
}

static void what_is_alike_becomes_short(void **state)
{
    (void)state;
    struct short_lz_dict d = {0};
    struct slice first = SLICE_LIT("user=anna;country=NL;device=phone;kind=login;ok=false");
    struct slice second = SLICE_LIT("user=bert;country=NL;device=phone;kind=login;ok=false");
    size_t alone = packed_and_back(&d, second);
    assert_true(alone <= second.len + 1);
    short_lz_learn(&d, first);
    assert_true(packed_and_back(&d, second) <= 12);
    assert_true(packed_and_back(&d, SLICE_LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")) <= 4);
}

/* A dictionary that has grown still unpacks what was packed before. */
static void a_dictionary_only_grows(void **state)
{
    (void)state;
    struct short_lz_dict d = {0};
    struct buf packed = BUF_INIT, back = BUF_INIT;
    struct slice text = SLICE_LIT("0123456789abcdef");
    short_lz_learn(&d, text);
    short_lz_pack(&d, text, &packed);
    for (int i = 0; i < 40; i++) {
        short_lz_learn(&d, SLICE_LIT("0123456789 and more"));
    }
    assert_int_equal(d.n, SHORT_LZ_DICT_BYTES);
    assert_true(short_lz_unpack(&d, buf_slice(&packed), text.len, &back));
    assert_true(slice_eq(buf_slice(&back), text));
    buf_release(&packed);
    buf_release(&back);
}

static void other_bytes_are_refused_or_bounded(void **state)
{
    (void)state;
    struct rng rng = rng_seed(SEED);
    char bytes[64];
    struct short_lz_dict d = {0};
    short_lz_learn(&d, SLICE_LIT("some bytes to refer to"));
    for (int round = 0; round < 20000; round++) {
        struct buf out = BUF_INIT;
        size_t len = rng_below(&rng, sizeof(bytes));
        fill(&rng, bytes, len, 256);
        if (short_lz_unpack(&d, slice_from(bytes, len), 300, &out)) {
            assert_true(out.len <= 300);
        }
        buf_release(&out);
    }
    struct buf out = BUF_INIT;
    assert_false(short_lz_unpack(&d, SLICE_LIT("\x05" "abc"), 300, &out));  /* literals are missing */
    assert_false(short_lz_unpack(&d, SLICE_LIT("\x80\x00"), 300, &out));    /* nothing stands in front */
    assert_false(short_lz_unpack(&d, SLICE_LIT("\xc0\x7f"), 300, &out));    /* beyond the dictionary */
    assert_false(short_lz_unpack(&d, SLICE_LIT("\xc0"), 300, &out));
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_comes_back),
        cmocka_unit_test(what_is_alike_becomes_short),
        cmocka_unit_test(a_dictionary_only_grows),
        cmocka_unit_test(other_bytes_are_refused_or_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
