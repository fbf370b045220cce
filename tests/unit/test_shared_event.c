/* One copy of an event for all rules of a key that keep it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nfa/shared_event.h"

struct fixture {
    struct pool pool;
    struct {
        struct event e;
        struct value values[2];
    } from;
    struct shared_event shared;
};

static void begin(struct fixture *f, uint32_t serial)
{
    memset(f, 0, sizeof(*f));
    pool_init(&f->pool);
    f->from.e.n_values = 2;
    f->from.values[0] = value_int(7);
    f->from.values[1] = value_string(SLICE_LIT("card"));
    f->shared = (struct shared_event){.from = &f->from.e, .serial = serial};
}

static void test_rules_hold_one_copy(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 3);
    struct event *a = shared_event_keep(&f.shared, &f.pool, &f.from.e, 0);
    struct event *b = shared_event_keep(&f.shared, &f.pool, &f.from.e, 2);
    assert_ptr_equal(a, b);
    assert_int_equal(a->serial, 3);
    assert_memory_equal(a->values[1].u.str, "card", 4);
    shared_event_drop(&f.pool, a);
    shared_event_end(&f.shared, &f.pool);
    assert_true(f.pool.live_bytes > 0);
    assert_int_equal(b->values[0].u.i, 7);
    shared_event_drop(&f.pool, b);
    assert_int_equal(f.pool.live_bytes, 0);
    pool_release(&f.pool);
}

/* A rule that drops it at once takes nothing from those behind it. */
static void test_a_copy_lives_as_long_as_its_delivery(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 1);
    struct event *a = shared_event_keep(&f.shared, &f.pool, &f.from.e, 0);
    shared_event_drop(&f.pool, a);
    struct event *b = shared_event_keep(&f.shared, &f.pool, &f.from.e, 0);
    assert_ptr_equal(a, b);
    shared_event_drop(&f.pool, b);
    shared_event_end(&f.shared, &f.pool);
    assert_int_equal(f.pool.live_bytes, 0);
    pool_release(&f.pool);
}

/* Its number would not stand behind what the rule keeps: it gets a copy with a number that does. */
static void test_what_a_rule_keeps_stays_in_order(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 3);
    struct event *a = shared_event_keep(&f.shared, &f.pool, &f.from.e, 0);
    struct event *b = shared_event_keep(&f.shared, &f.pool, &f.from.e, 3);
    assert_ptr_not_equal(a, b);
    assert_int_equal(b->serial, 4);
    struct event *last = shared_event_keep(NULL, &f.pool, &f.from.e, UINT32_MAX);
    assert_int_equal(last->serial, 1); /* 0 means: not kept */
    assert_true(event_is_later(b, a));
    shared_event_drop(&f.pool, last);
    shared_event_drop(&f.pool, b);
    shared_event_drop(&f.pool, a);
    shared_event_end(&f.shared, &f.pool);
    assert_int_equal(f.pool.live_bytes, 0);
    pool_release(&f.pool);
}

/* What was captured for one rule is no event of the others. */
static void test_another_event_is_not_shared(void **state)
{
    (void)state;
    struct fixture f, other;
    begin(&f, 1);
    begin(&other, 1);
    struct event *a = shared_event_keep(&f.shared, &f.pool, &f.from.e, 0);
    struct event *b = shared_event_keep(&f.shared, &f.pool, &other.from.e, 0);
    assert_ptr_not_equal(a, b);
    shared_event_drop(&f.pool, a);
    shared_event_drop(&f.pool, b);
    shared_event_end(&f.shared, &f.pool);
    assert_int_equal(f.pool.live_bytes, 0);
    pool_release(&f.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_hold_one_copy),
        cmocka_unit_test(test_a_copy_lives_as_long_as_its_delivery),
        cmocka_unit_test(test_what_a_rule_keeps_stays_in_order),
        cmocka_unit_test(test_another_event_is_not_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
