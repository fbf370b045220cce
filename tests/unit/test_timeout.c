/* `on timeout` in instances: what is kept for it, its bound, its place among matches. Which timeouts
 * there are is checked by the cases of the meaning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/instance_fixture.h"

/* First events that time out, what was shown of them, and which began a match: all of it is state. */
static void test_restart_timeout(void **state)
{
    (void)state;
    static const enum match_policy policies[] = {SKIP_PAST_LAST, SKIP_TO_NEXT, SKIP_TO_FIRST,
                                                 NO_SKIP};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(policies); i++) {
        struct fixture f;
        begin(&f, 12);
        struct pattern count = step(0);
        count.kind = PAT_COUNT;
        count.min = 2;
        count.max = 4;
        add_item(&f, count);
        add_item(&f, step(1));
        add_item(&f, step(2));
        add_timeout(&f);
        f.rule.policy = policies[i];
        f.rule.policy_slot = 1;
        finish(&f);
        check_restarts(&f, true);
        assert_true(nfa_scratch_counters(f.scratch)->timeouts > 100);
        assert_true(nfa_scratch_counters(f.scratch)->matches > 100);
        end(&f);
    }
}

/* What a timeout shows is kept until the window closes, though no match can bind it any more. */
static void test_timeout_keeps_its_events(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    add_item(&f, step(0));
    add_item(&f, step(1));
    f.items[1].link.within = (struct duration){2 * MS};
    add_timeout(&f);
    finish(&f);
    struct instance *in = instance_new(&f.rule, &f.pool);
    struct nfa_call call = call_of(&f);
    push(&f, in, 0, 1, 1);
    assert_int_equal(instance_next_time(in).ns, 11 * MS);
    instance_advance(in, (struct etime){11 * MS}, &call);
    assert_int_equal(f.log.len, 0); /* fires when the clock is past it */
    instance_advance(in, (struct etime){11 * MS + 1}, &call);
    assert_string_equal(buf_cstr(&f.log), "1@11d 1 s0 c0\n");
    assert_true(instance_is_empty(in));
    instance_free(in);
    end(&f);
}

/* The search for the longest part has the same bound as that for a match. */
static void test_timeout_search_is_bounded(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 30);
    f.max_steps = 200;
    struct pattern count = step(0);
    count.kind = PAT_COUNT;
    count.min = 1;
    count.max = COUNT_UNBOUNDED;
    add_item(&f, count);
    count.test = 1;
    add_item(&f, count);
    f.tests[1].roles = 1; /* both take A */
    add_item(&f, step(2));
    add_timeout(&f);
    f.rule.policy = SKIP_TO_NEXT;
    finish(&f);
    struct instance *in = instance_new(&f.rule, &f.pool);
    struct nfa_call call = call_of(&f);
    for (int64_t i = 0; i < 30; i++) {
        push(&f, in, 0, i, i);
    }
    instance_advance(in, (struct etime){31 * MS}, &call);
    assert_int_equal(nfa_scratch_counters(f.scratch)->exhausted, 1);
    assert_non_null(strstr(buf_cstr(&f.log), "3@30"));
    assert_true(nfa_scratch_counters(f.scratch)->capped > 5);
    instance_free(in);
    end(&f);
}

/* Alerts of one point go by first event: a first event that times out stands before a match that
 * an absence completes at the same deadline. */
static void test_timeouts_and_matches_of_one_deadline(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    f.tests[2].use = TEST_ABSENT;
    f.tests[2].slot = -1;
    add_item(&f, step(0));
    add_item(&f, step(1));
    f.root.n_items = 3;
    add_absence(&f, 2, ABSENT_FOR, 2, 4);
    add_timeout(&f);
    f.rule.policy = SKIP_TO_NEXT;
    finish(&f);
    struct instance *in = instance_new(&f.rule, &f.pool);
    struct nfa_call call = call_of(&f);
    push(&f, in, 0, 0, 1);
    push(&f, in, 0, 3, 2);
    push(&f, in, 2, 5, 3);
    push(&f, in, 1, 6, 4); /* completes with both at 10, where the first one's window closes */
    instance_advance(in, (struct etime){11 * MS}, &call);
    assert_string_equal(buf_cstr(&f.log), "0@10d 1 4 s0 c0\n0@10d 2 4 s0 c0\n");
    buf_clear(&f.log);
    push(&f, in, 0, 20, 5);
    push(&f, in, 0, 20, 6);
    push(&f, in, 0, 22, 7);
    push(&f, in, 1, 27, 8); /* its absence ends at 31: within 10 of the third one only */
    instance_advance(in, (struct etime){40 * MS}, &call);
    assert_string_equal(buf_cstr(&f.log), "1@30d 5 8 s0 c0\n1@30d 6 8 s0 c0\n0@31d 7 8 s0 c0\n");
    instance_free(in);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restart_timeout),
        cmocka_unit_test(test_timeout_keeps_its_events),
        cmocka_unit_test(test_timeout_search_is_bounded),
        cmocka_unit_test(test_timeouts_and_matches_of_one_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
