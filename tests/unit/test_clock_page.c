/* Pages of clocks of values as bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/state/clock_page.h"

static const struct hash128 OWNER = {7, 8};
static const struct duration LONG = {1000000};
#define NEWEST ((struct etime){1000})

static struct slice stored(const struct frozen *f, size_t i)
{
    return slice_from(f->bytes.ptr + f->ops[i].at, f->ops[i].len);
}

/* What `from` holds now, read back; its parts in order of key. */
static void read_back(const struct value_clocks *from, const struct frozen *f, size_t n)
{
    struct value_clocks to;
    const char *why;
    value_clocks_init(&to, LONG);
    for (size_t i = 0; i < n; i++) {
        assert_false(f->ops[i].del);
        assert_true(clock_page_take(&to, &f->ops[i].key, stored(f, i), NEWEST, &why));
    }
    assert_int_equal(to.n, from->n);
    assert_int_equal(to.sum, from->sum);
    assert_int_equal(value_clocks_least(&to).ns, value_clocks_least(from).ns);
    struct frozen again = {0};
    clock_pages_freeze(&to, OWNER, &again);
    assert_int_equal(again.n, 0); /* as it is stored */
    value_clocks_release(&to);
}

static void note(struct value_clocks *c, const char *value, int64_t t)
{
    value_clocks_note(c, slice_of(value), (struct etime){t}, NEWEST);
}

static void what_moved_is_written(void **state)
{
    struct value_clocks c;
    struct frozen f = {0}, more = {0};
    char value[16];
    (void)state;
    value_clocks_init(&c, LONG);
    for (int i = 0; i < 5000; i++) {
        snprintf(value, sizeof(value), "v%d", i);
        note(&c, value, i % 7);
    }
    clock_pages_freeze(&c, OWNER, &f);
    read_back(&c, &f, f.n);
    for (size_t i = 1; i < f.n; i++) {
        assert_true(memcmp(f.ops[i - 1].key.bytes, f.ops[i].key.bytes, RECORD_KEY_BYTES) < 0);
    }
    note(&c, "v17", 17 % 7);
    clock_pages_freeze(&c, OWNER, &more);
    assert_int_equal(more.n, 0); /* it stands where it stood */
    note(&c, "v17", 900);
    note(&c, "v17", 901);
    clock_pages_freeze(&c, OWNER, &more);
    assert_int_equal(more.n, 1);
    frozen_release(&f);
    frozen_release(&more);
    value_clocks_release(&c);
}

/* Values that all lie in one page are cut into parts, and parts that are no more are deleted. */
static void a_full_page_has_parts(void **state)
{
    struct value_clocks c;
    struct frozen f = {0}, less = {0}, one = {0};
    char value[300];
    unsigned n = 0;
    (void)state;
    value_clocks_init(&c, LONG);
    for (unsigned i = 0; n < 200; i++) {
        snprintf(value, sizeof(value), "%0200u", i);
        if (value_clocks_page_of(slice_of(value)) == 5) {
            note(&c, value, 1);
            n++;
        }
    }
    clock_pages_freeze(&c, OWNER, &f);
    assert_in_range(f.n, 5, 7);
    for (size_t i = 0; i < f.n; i++) {
        assert_in_range(f.ops[i].len, 200, CLOCK_PART_BYTES + 250);
    }
    read_back(&c, &f, f.n);
    for (unsigned i = 0; c.forgotten < 150; i++) { /* those of page 5 are furthest behind */
        snprintf(value, sizeof(value), "w%u", i);
        note(&c, value, 2);
    }
    clock_pages_freeze(&c, OWNER, &less);
    size_t deleted = 0;
    for (size_t i = 0; i < less.n; i++) {
        deleted += less.ops[i].del;
    }
    assert_int_equal(deleted, f.n - c.pages[5].parts);
    assert_in_range(c.pages[5].parts, 1, 2);
    for (unsigned i = 0; one.n == 0; i++) { /* what goes is of page 5, what comes is not */
        snprintf(value, sizeof(value), "x%u", i);
        if (value_clocks_page_of(slice_of(value)) != 5) {
            note(&c, value, 3);
            clock_pages_freeze(&c, OWNER, &one);
        }
    }
    assert_int_equal(one.n, 1 + c.pages[5].parts);
    frozen_release(&one);
    frozen_release(&f);
    frozen_release(&less);
    value_clocks_release(&c);
}

static void long_values_are_known_by_their_hash(void **state)
{
    struct value_clocks c;
    struct frozen f = {0};
    char a[5000], b[5000];
    (void)state;
    memset(a, 'x', sizeof(a));
    memset(b, 'x', sizeof(b));
    a[sizeof(a) - 1] = b[sizeof(b) - 1] = '\0';
    b[4000] = 'y';
    value_clocks_init(&c, LONG);
    note(&c, a, 3);
    note(&c, b, 4);
    assert_int_equal(c.n, 2);
    assert_int_equal(value_clocks_get(&c, slice_of(a)).ns, 3);
    assert_int_equal(value_clocks_get(&c, slice_of(b)).ns, 4);
    clock_pages_freeze(&c, OWNER, &f);
    assert_true(f.bytes.len < 100);
    read_back(&c, &f, f.n);
    frozen_release(&f);
    value_clocks_release(&c);
}

/* What a message of the changelog must hold at least (connectors/kafka_changelog.h), without what stands
 * beside the value in it. */
static void no_part_is_larger_than_the_least_message(void **state)
{
    struct value_clocks c;
    struct frozen f = {0};
    char value[VALUE_CLOCK_LONGEST + 1];
    (void)state;
    value_clocks_init(&c, LONG);
    c.field = UINT64_MAX;
    for (int i = 0; i < 65536; i++) {
        int len = i % 3 == 0 ? VALUE_CLOCK_LONGEST : 3 + i % 200;
        snprintf(value, sizeof(value), "%0*d", len, i);
        value_clocks_note(&c, slice_of(value), (struct etime){INT64_MIN / 2 + i}, (struct etime){0});
    }
    clock_pages_freeze(&c, OWNER, &f);
    size_t most = 0;
    for (size_t i = 0; i < f.n; i++) {
        most = f.ops[i].len > most ? f.ops[i].len : most;
    }
    assert_true(most > CLOCK_PART_BYTES / 2 && most <= 16384 - 2 * 2048);
    frozen_release(&f);
    value_clocks_release(&c);
}

static bool takes(const struct record_key *key, struct slice bytes, struct etime newest)
{
    struct value_clocks c;
    const char *why;
    value_clocks_init(&c, LONG);
    bool ok = clock_page_take(&c, key, bytes, newest, &why);
    value_clocks_release(&c);
    return ok;
}

static void damage_is_seen(void **state)
{
    struct value_clocks c;
    struct frozen f = {0};
    (void)state;
    value_clocks_init(&c, LONG);
    note(&c, "one", 5);
    clock_pages_freeze(&c, OWNER, &f);
    struct slice whole = stored(&f, 0);
    assert_true(takes(&f.ops[0].key, whole, NEWEST));
    assert_false(takes(&f.ops[0].key, whole, (struct etime){4})); /* newer than its partition */
    for (size_t i = 0; i < whole.len; i++) {
        f.bytes.ptr[i] = (char)(f.bytes.ptr[i] ^ 0x10);
        assert_false(takes(&f.ops[0].key, whole, NEWEST));
        f.bytes.ptr[i] = (char)(f.bytes.ptr[i] ^ 0x10);
        assert_false(takes(&f.ops[0].key, slice_from(whole.ptr, i), NEWEST));
    }
    struct record_key other = f.ops[0].key;
    other.bytes[RECORD_KEY_BYTES - 1] = 1; /* the second part of a page without a first */
    assert_false(takes(&other, whole, NEWEST));
    frozen_release(&f);
    value_clocks_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_moved_is_written),
        cmocka_unit_test(a_full_page_has_parts),
        cmocka_unit_test(long_values_are_known_by_their_hash),
        cmocka_unit_test(no_part_is_larger_than_the_least_message),
        cmocka_unit_test(damage_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
