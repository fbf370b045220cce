#include "tests/support/expr_world.h"

#include "base/xalloc.h"

static struct event *sample(struct world *w)
{
    const struct value tags[] = {text("one"), text(""), text("three")};
    const struct value values[] = {text("bob"), VALUE_MISSING, value_int(-42), dec("12.345"),
                                   list_of(w, 3, tags), text(""), of_text(VAL_IP, "10.0.0.1")};
    struct event *e = event_at(w, 1000, FYKE_ARRAY_LEN(values), values);
    e->at = (struct coord){3, 7, INT64_C(123456789012)};
    e->decl = 5;
    return e;
}

static void expect_same(const struct event *a, const struct event *b)
{
    assert_int_equal(event_compare(a, b), 0);
    assert_int_equal(a->n_values, b->n_values);
    for (uint32_t i = 0; i < a->n_values; i++) {
        assert_true(value_equal(a->values[i], b->values[i]));
    }
}

static void test_total_order(void **state)
{
    struct world *w = *state;
    struct event *a = sample(w);
    struct event *b = sample(w);
    assert_int_equal(event_compare(a, b), 0);
    b->decl = 6;
    assert_true(event_compare(a, b) < 0);
    a->at.offset++; /* before the declaration */
    assert_true(event_compare(a, b) > 0);
    b->at.partition = 8; /* before the offset */
    assert_true(event_compare(a, b) < 0);
    a->at.topic = 4; /* before the partition */
    assert_true(event_compare(a, b) > 0);
    b->time.ns++; /* before everything */
    assert_true(event_compare(a, b) < 0 && event_compare(b, a) > 0);
    a->at.topic = EVENT_DERIVED;
    b->time.ns--;
    assert_true(event_compare(a, b) > 0);
}

/* The copy lies in exactly the bytes asked for (the sanitizer watches) and in nothing else. */
static void test_clone(void **state)
{
    struct world *w = *state;
    struct event *e = sample(w);
    uint32_t bytes = event_clone_bytes(e);
    void *mem = xmalloc(bytes);
    struct event *copy = event_clone_into(e, mem);
    assert_int_equal(copy->bytes, bytes);
    memset(e->values, 0xff, sizeof(struct value)); /* the original may go */
    expect_shown(copy->values[0], "\"bob\"");
    expect_shown(copy->values[4], "[\"one\",\"\",\"three\"]");
    void *again = xmalloc(event_clone_bytes(copy));
    expect_same(copy, event_clone_into(copy, again));
    free(mem);
    free(again);
}

/* A copy of a copy goes another way unless it has lists; and text that stands in another order, or elsewhere
 * with nothing of it, is still its own. */
static void test_clone_without_lists(void **state)
{
    struct world *w = *state;
    const struct value values[] = {text("bob"), VALUE_MISSING, text(""), value_int(-42), text("ann")};
    struct event *e = event_at(w, 1000, FYKE_ARRAY_LEN(values), values);
    void *blocks[3];
    for (uint32_t round = 0; round < FYKE_ARRAY_LEN(blocks); round++) {
        uint32_t bytes = event_clone_bytes(e);
        blocks[round] = xmalloc(bytes);
        struct event *copy = event_clone_into(e, blocks[round]);
        assert_int_equal(copy->bytes, bytes);
        assert_int_equal(bytes, sizeof(*e) + sizeof(values) + strlen("bobann"));
        expect_same(e, copy);
        memset(e->values, 0xff, sizeof(struct value)); /* the original may go */
        expect_shown(copy->values[0], "\"bob\"");
        expect_shown(copy->values[4], "\"ann\"");
        e = copy;
    }
    struct value ann = e->values[4];
    e->values[4] = e->values[0]; /* now its text stands behind the other's */
    e->values[0] = ann;
    void *last = xmalloc(event_clone_bytes(e));
    expect_same(e, event_clone_into(e, last));
    expect_shown(((struct event *)last)->values[0], "\"ann\"");
    free(last);
    for (uint32_t i = 0; i < FYKE_ARRAY_LEN(blocks); i++) {
        free(blocks[i]);
    }
}

static void test_codec(void **state)
{
    struct world *w = *state;
    static const int64_t bases[] = {0, 999 * NS_PER_S, INT64_MAX, INT64_MIN};
    struct event *e = sample(w);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(bases); i++) {
        struct buf b = BUF_INIT;
        event_encode(e, (struct etime){bases[i]}, &b);
        char *heap = xmalloc(b.len);
        memcpy(heap, b.ptr, b.len);
        struct reader r = reader_of(slice_from(heap, b.len));
        struct event *back = event_decode(&r, (struct etime){bases[i]}, &w->arena);
        free(heap); /* nothing may point into the input */
        assert_non_null(back);
        assert_true(!r.failed && reader_left(&r) == 0);
        expect_same(e, back);
        buf_release(&b);
    }
}

static void test_every_truncation(void **state)
{
    struct world *w = *state;
    struct buf b = BUF_INIT;
    event_encode(sample(w), (struct etime){0}, &b);
    for (size_t n = 0; n < b.len; n++) {
        char *heap = xmalloc(n ? n : 1);
        memcpy(heap, b.ptr, n);
        struct reader r = reader_of(slice_from(heap, n));
        assert_null(event_decode(&r, (struct etime){0}, &w->scratch));
        assert_true(r.failed);
        free(heap);
    }
    buf_release(&b);
}

static void test_every_flipped_byte(void **state)
{
    struct world *w = *state;
    struct buf b = BUF_INIT;
    event_encode(sample(w), (struct etime){0}, &b);
    for (size_t i = 0; i < b.len * 255; i++) {
        char kept = b.ptr[i / 255];
        b.ptr[i / 255] = (char)(kept ^ (char)(i % 255 + 1));
        struct reader r = reader_of(buf_slice(&b));
        struct event *e = event_decode(&r, (struct etime){0}, &w->scratch);
        assert_int_equal(e == NULL, r.failed);
        if (e) { /* whatever it is, it is whole */
            assert_int_equal(event_clone_bytes(e), e->bytes);
        }
        b.ptr[i / 255] = kept;
        arena_reset(&w->scratch);
    }
    buf_release(&b);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_total_order),      TEST(test_clone), TEST(test_clone_without_lists),
        TEST(test_codec),            TEST(test_every_truncation),
        TEST(test_every_flipped_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
