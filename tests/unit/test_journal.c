/* Exactly once: whatever ends a life, the committed output of all of them together and the state in
 * the end are those of one that nothing disturbed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "tests/support/hand_rules.h"
#include "tests/support/journal_life.h"

static void add_rules(struct hand_rules *h, int64_t bound)
{
    hand_begin(h, bound);
    hand_pair(h, "pair", 40);
    hand_missing(h, "missing", 15);
    hand_single(h, "any_login");
    hand_pair(h, "far_pair", 400)->policy = SKIP_TO_NEXT;
    hand_on_timeout(h, hand_pair(h, "half_a_pair", 9));
}

static void crashes_and_aborts_change_nothing(void **state)
{
    static const struct setting calm = {1, MUCH_MEMORY, 50, 5, 0, 0, 0};
    struct logs *l = xcalloc(1, sizeof(*l));
    struct rng rng = rng_seed(17);
    struct journal_outcome sum = {0};
    (void)state;
    for (int round = 0; round < 12; round++) {
        struct outcome want = {0};
        int64_t bound = round % 6;
        struct hand_rules rules;
        add_rules(&rules, bound);
        rules.rs.fingerprint = (struct hash128){7, (uint64_t)round};
        logs_random(l, &rng, bound, round % 3 == 2 ? 70 : 0);
        life_run(&rules.rs, l, &calm, 1, &want);
        journal_life_same_in_all(&rules.rs, l, round, &want.alerts, &want.state, &sum);
        outcome_release(&want);
        hand_end(&rules);
    }
    print_message("%u crashes, %u aborts, %u copies lost or old\n", sum.crashes, sum.aborts,
                  sum.losses);
    assert_true(sum.crashes > 100);
    assert_true(sum.aborts > 30);
    assert_true(sum.losses > 30);
    free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crashes_and_aborts_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
