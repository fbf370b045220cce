#include "tests/support/expr_world.h"

#include "base/xalloc.h"

static struct event *sample(struct world *w)
{
    const struct value tags[] = {text("one"), text(""), text("three")};
    const struct value values[] = {text("bob"), VALUE_MISSING, value_int(-42), dec("12.345"),
                                   list_of(w, 3, tags), text(""), of_text(VAL_IP, "10.0.0.1"),
                                   value_timestamp((struct etime){999 * NS_PER_S})};
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
    struct event *e = sample(w);
    const struct event_near nears[] = {
        NEAR_NOTHING,
        {{999 * NS_PER_S}, e->at, SLICE_LIT("\6\3bob")},
        {{INT64_MAX}, {e->at.topic, e->at.partition, INT64_MIN}, SLICE_LIT("\3\2\6\3bob\x9\xa\0\0\1")},
        {{INT64_MIN}, {e->at.topic, e->at.partition + 1, INT64_MAX}, SLICE_LIT("\6\4bobo")},
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(nears); i++) {
        struct event_near near = nears[i];
        struct buf b = BUF_INIT;
        event_encode(e, &near, &b);
        char *heap = xmalloc(b.len);
        memcpy(heap, b.ptr, b.len);
        struct reader r = reader_of(slice_from(heap, b.len));
        struct event *back = event_decode(&r, &near, &w->arena);
        free(heap); /* nothing may point into the input */
        assert_non_null(back);
        assert_true(!r.failed && reader_left(&r) == 0);
        expect_same(e, back);
        buf_release(&b);
    }
}

/* Of what stands close by, and in the key, little is left. */
static void test_what_is_near_is_short(void **state)
{
    struct world *w = *state;
    struct event *e = sample(w);
    const struct event_near near = {e->time, e->at, SLICE_LIT("\6\3bob")};
    struct buf far_away = BUF_INIT, close_by = BUF_INIT;
    e->time.ns = INT64_C(1750000000123456789);
    e->values[7] = value_timestamp(e->time);
    event_encode(e, &NEAR_NOTHING, &far_away);
    event_encode(e, &near, &close_by);
    assert_int_equal(far_away.len - close_by.len, 5 + 3);
    const struct event_near nearer = {e->time, e->at, near.key};
    buf_clear(&close_by);
    event_encode(e, &nearer, &close_by);
    assert_int_equal(far_away.len - close_by.len, 8 + 5 + 3);
    buf_release(&far_away);
    buf_release(&close_by);
}

/* A place in the key that is none is damage. */
static void test_no_such_place_in_the_key(void **state)
{
    struct world *w = *state;
    const struct event_near near = {{0}, {0, 0, 0}, SLICE_LIT("\6\3bob")};
    const struct event_near other = event_near_key(SLICE_LIT("\6\3"));
    struct buf b = BUF_INIT;
    event_encode(sample(w), &near, &b);
    struct reader r = reader_of(buf_slice(&b));
    assert_null(event_decode(&r, &other, &w->scratch));
    assert_true(r.failed);
    r = reader_of(buf_slice(&b));
    assert_null(event_decode(&r, &NEAR_NOTHING, &w->scratch));
    assert_true(r.failed);
    buf_release(&b);
}

static void test_every_truncation(void **state)
{
    struct world *w = *state;
    struct buf b = BUF_INIT;
    event_encode(sample(w), &NEAR_NOTHING, &b);
    for (size_t n = 0; n < b.len; n++) {
        char *heap = xmalloc(n ? n : 1);
        memcpy(heap, b.ptr, n);
        struct reader r = reader_of(slice_from(heap, n));
        assert_null(event_decode(&r, &NEAR_NOTHING, &w->scratch));
        assert_true(r.failed);
        free(heap);
    }
    buf_release(&b);
}

static void test_every_flipped_byte(void **state)
{
    struct world *w = *state;
    struct buf b = BUF_INIT;
    event_encode(sample(w), &NEAR_NOTHING, &b);
    for (size_t i = 0; i < b.len * 255; i++) {
        char kept = b.ptr[i / 255];
        b.ptr[i / 255] = (char)(kept ^ (char)(i % 255 + 1));
        struct reader r = reader_of(buf_slice(&b));
        struct event *e = event_decode(&r, &NEAR_NOTHING, &w->scratch);
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
        TEST(test_codec),            TEST(test_what_is_near_is_short),
        TEST(test_no_such_place_in_the_key), TEST(test_every_truncation),
        TEST(test_every_flipped_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
