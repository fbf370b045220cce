#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/map.h"

static int values[5000];

static void test_empty(void **state)
{
    (void)state;
    FYKE_CLEANUP(map_release) struct map m;
    map_init(&m, MAP_COPY_KEYS);
    assert_null(map_get(&m, SLICE_LIT("x")));
    assert_null(map_find(&m, slice_from(NULL, 0)));
    size_t seen = 0;
    for (MAP_EACH(e, &m)) {
        assert_non_null(e);
        seen++;
    }
    assert_int_equal(seen, 0);
}

static void test_set(void **state)
{
    (void)state;
    FYKE_CLEANUP(map_release) struct map m;
    map_init(&m, MAP_COPY_KEYS);
    assert_true(map_add(&m, SLICE_LIT("a"), &values[1]));
    assert_false(map_add(&m, SLICE_LIT("a"), &values[2]));
    assert_ptr_equal(map_get(&m, SLICE_LIT("a")), &values[1]);
    assert_ptr_equal(map_set(&m, SLICE_LIT("a"), &values[3]), &values[1]);
    assert_null(map_set(&m, SLICE_LIT("b"), &values[4]));
    assert_true(map_add(&m, slice_from(NULL, 0), &values[5]));
    assert_true(map_add(&m, SLICE_LIT("a\0"), &values[6]));
    assert_ptr_equal(map_get(&m, SLICE_LIT("a")), &values[3]);
    assert_ptr_equal(map_get(&m, SLICE_LIT("")), &values[5]);
    assert_ptr_equal(map_get(&m, SLICE_LIT("a\0")), &values[6]);
    assert_true(map_add(&m, SLICE_LIT("null"), NULL));
    assert_non_null(map_find(&m, SLICE_LIT("null")));
    assert_int_equal(m.n, 5);
}

/* The map's copy outlives the caller's text; the order is the order of insertion. */
static void test_many(void **state)
{
    (void)state;
    FYKE_CLEANUP(map_release) struct map m;
    map_init(&m, MAP_COPY_KEYS);
    char key[32];
    for (size_t i = 0; i < FYKE_ARRAY_LEN(values); i++) {
        int n = snprintf(key, sizeof(key), "key-%zu", i * 7919 % 5000);
        assert_true(map_add(&m, slice_from(key, (size_t)n), &values[i]));
    }
    size_t i = 0;
    for (MAP_EACH(e, &m)) {
        int n = snprintf(key, sizeof(key), "key-%zu", i * 7919 % 5000);
        assert_true(slice_eq(e->key, slice_from(key, (size_t)n)));
        assert_ptr_equal(e->value, &values[i]);
        assert_ptr_equal(map_get(&m, slice_from(key, (size_t)n)), &values[i]);
        i++;
    }
    assert_int_equal(i, FYKE_ARRAY_LEN(values));
    assert_null(map_get(&m, SLICE_LIT("key-5000")));
}

static void test_borrow(void **state)
{
    (void)state;
    FYKE_CLEANUP(map_release) struct map m;
    map_init(&m, MAP_BORROW_KEYS);
    static const char key[] = "borrowed";
    assert_true(map_add(&m, slice_of(key), &values[0]));
    assert_ptr_equal(map_find(&m, SLICE_LIT("borrowed"))->key.ptr, key);
    map_release(&m);
    assert_null(map_get(&m, slice_of(key)));
    assert_true(map_add(&m, slice_of(key), &values[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_borrow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
