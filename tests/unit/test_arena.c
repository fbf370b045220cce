#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

static void assert_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(p[i], 0);
    }
}

static void test_alloc(void **state)
{
    (void)state;
    FYKE_CLEANUP(arena_release) struct arena a = ARENA_INIT;
    char *before = NULL;
    for (size_t n = 1; n < 3000; n += 7) {
        char *p = arena_alloc(&a, n);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_true(p != before);
        assert_zero(p, n);
        memset(p, 0xaa, n);
        before = p;
    }
    assert_non_null(arena_alloc(&a, 0));
    char *big = arena_alloc(&a, (size_t)3 << 20);
    assert_zero(big, (size_t)3 << 20);
    uint64_t *array = ARENA_ARRAY(&a, uint64_t, 10);
    array[9] = 1;
    assert_int_equal(array[8], 0);
}

static void test_text(void **state)
{
    (void)state;
    FYKE_CLEANUP(arena_release) struct arena a = ARENA_INIT;
    struct slice s = arena_copy(&a, SLICE_LIT("ab\0c"));
    assert_int_equal(s.len, 4);
    assert_memory_equal(s.ptr, "ab\0c", 5);
    assert_int_equal(arena_copy(&a, slice_from(NULL, 0)).len, 0);
    assert_string_equal(arena_strndup(&a, "hello", 4), "hell");
    assert_string_equal(arena_printf(&a, "%s-%05d", "n", 42), "n-00042");
}

static void test_reset(void **state)
{
    (void)state;
    FYKE_CLEANUP(arena_release) struct arena a = ARENA_INIT;
    arena_reset(&a);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 1000; i++) {
            char *p = arena_alloc(&a, 100);
            assert_zero(p, 100);
            memset(p, 0x55, 100);
        }
        assert_int_equal(a.used_bytes, 1000 * 112);
        arena_reset(&a);
        assert_int_equal(a.used_bytes, 0);
    }
    arena_release(&a);
    assert_null(a.head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
