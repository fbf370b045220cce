/* How long what a replay found had taken: sorted, and the least that so many in a hundred do not exceed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/attr.h"
#include "base/rng.h"
#include "base/xalloc.h"
#include "lib/replay.h"

#define MANY 3000

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void check(const int64_t *given, size_t n)
{
    struct replay_lengths l = {xcalloc(n + 1, sizeof(int64_t)), n, n + 1};
    int64_t *expected = xcalloc(n + 1, sizeof(*expected));
    for (size_t i = 0; i < n; i++) {
        l.ns[i] = expected[i] = given[i];
    }
    replay_lengths_sort(&l);
    qsort(expected, n, sizeof(*expected), compare);
    assert_memory_equal(l.ns, expected, (n + 1) * sizeof(*expected));
    assert_int_equal(l.n, n);
    assert_int_equal(replay_percentile(&l, 100), n > 0 ? expected[n - 1] : 0);
    assert_int_equal(replay_percentile(&l, 0), n > 0 ? expected[0] : 0);
    free(l.ns);
    free(expected);
}

static void negative_ones_and_the_ends_of_the_range(void **state)
{
    static const int64_t some[] = {5, -1, INT64_MAX, 0, INT64_MIN, 256, 255, -256, 5, 1000000007};
    (void)state;
    for (size_t n = 0; n <= FYKE_ARRAY_LEN(some); n++) {
        check(some, n);
    }
}

/* Of every width, so that any number of digits is the same in all of them. */
static void many_of_every_width(void **state)
{
    struct rng rng = rng_seed(7);
    int64_t given[MANY];
    (void)state;
    for (unsigned bits = 1; bits <= 64; bits++) {
        for (size_t i = 0; i < MANY; i++) {
            given[i] = (int64_t)(rng_next(&rng) >> (64 - bits));
        }
        check(given, bits % 2 != 0 ? MANY : 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(negative_ones_and_the_ends_of_the_range),
        cmocka_unit_test(many_of_every_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
