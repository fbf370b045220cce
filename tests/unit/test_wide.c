#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/wide.h"

static wide_half random_half(struct rng *r)
{
    wide_half v = (wide_half)rng_next(r) << 64 | rng_next(r);
    return v >> rng_below(r, 128);
}

static void test_random(void **state)
{
    (void)state;
    struct rng r = rng_seed(3);
    for (int i = 0; i < 20000; i++) {
        wide_half a = random_half(&r), b = random_half(&r) | 1, c = random_half(&r) % b, rem, q;
        struct wide n = wide_add(wide_mul(a, b), wide_from(c));
        assert_true(wide_to_half(wide_div(n, b, &rem), &q));
        assert_true(q == a && rem == c);
        wide_half root = wide_sqrt(n);
        assert_true(wide_cmp(wide_mul(root, root), n) <= 0);
        if (root + 1 != 0) {
            assert_true(wide_cmp(wide_mul(root + 1, root + 1), n) > 0);
        }
    }
    wide_half all = ~(wide_half)0;
    struct wide top = wide_mul(all, all);
    assert_true(wide_sqrt(top) == all);
    assert_true(top.limb[3] == UINT64_MAX && top.limb[0] == 1);
}

static void test_order(void **state)
{
    (void)state;
    struct wide zero = wide_from(0), one = wide_from(1);
    struct wide big = wide_mul((wide_half)1 << 127, 2);
    assert_true(wide_cmp(zero, one) < 0 && wide_cmp(big, one) > 0 && wide_cmp(big, big) == 0);
    assert_true(wide_cmp(wide_sub(wide_add(big, one), one), big) == 0);
    assert_true(wide_cmp(wide_sub(big, big), zero) == 0);
    wide_half half;
    assert_false(wide_to_half(big, &half));
    assert_true(wide_to_half(wide_sub(big, one), &half));
    assert_true(half == ~(wide_half)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
