/* Crashes at any point: the alerts of all lives together, and the state in the end, are those of a
 * run that never crashed. Logs with ties, several partitions, bounds from 0 to 5 ms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "nfa/state.h"
#include "tests/support/crash_life.h"
#include "tests/support/hand_rules.h"

static void add_rules(struct hand_rules *h, int64_t bound)
{
    hand_begin(h, bound);
    hand_pair(h, "pair", 40);
    hand_missing(h, "missing", 15);
    hand_single(h, "any_login");
    hand_pair(h, "far_pair", 400)->policy = SKIP_TO_NEXT;
    hand_on_timeout(h, hand_pair(h, "half_a_pair", 9));
}

static void crashes_change_nothing(void **state)
{
    static const struct setting wild[] = {
        {1, MUCH_MEMORY, 50, 5, 8, 0, 0}, {4, MUCH_MEMORY, 9, 2, 6, 0, 0}, {1, MUCH_MEMORY, 5, 9, 20, 0, 0},
        {1, 4096, 20, 3, 9, 0, 0}, {2, 1, 7, 2, 7, 0, 0}, {1, MUCH_MEMORY, 1, 1, 30, 0, 0},
    };
    struct logs *l = xcalloc(1, sizeof(*l));
    struct rng rng = rng_seed(17);
    unsigned crashes = 0;
    size_t largest = 0;
    (void)state;
    for (int round = 0; round < 12; round++) {
        struct outcome want = {0};
        int64_t bound = round % 6;
        struct hand_rules rules;
        add_rules(&rules, bound);
        logs_random(l, &rng, bound, round % 3 == 2 ? 70 : 0);
        life_same_in_all(&rules.rs, l, wild, FYKE_ARRAY_LEN(wild), round, &crashes, &want);
        assert_true(want.alerts.len > 1000);
        largest = want.state.len > largest ? want.state.len : largest;
        outcome_release(&want);
        hand_end(&rules);
    }
    assert_true(crashes > 100);
    assert_true(largest > 4 * SEGMENT_MAX_BYTES); /* of two keys: records of several segments */
    free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crashes_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
