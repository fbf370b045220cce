/* Events that a match can only end with leave nothing behind (nfa/passing.c): the same is reported as if they
 * were kept, and less is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/instance_fixture.h"

enum { EVENTS = 3000 };

/* Two A's, then B, then C. */
static void make(struct fixture *f, enum match_policy policy, bool keep)
{
    begin(f, 40);
    struct pattern count = step(0);
    count.kind = PAT_COUNT;
    count.min = count.max = 2;
    add_item(f, count);
    add_item(f, step(1));
    add_item(f, step(2));
    f->rule.policy = policy;
    f->rule.policy_slot = policy == SKIP_TO_LAST ? 2 : 1;
    finish(f);
    assert_int_equal(f->rule.passing_tests, 1u << 2);
    f->rule.passing_tests = keep ? 0 : f->rule.passing_tests;
}

/* Under every policy that uses events up; the first events that a rule keeps are the same, too. */
static void test_same_matches(void **state)
{
    (void)state;
    static const enum match_policy policies[] = {SKIP_PAST_LAST, SKIP_TO_NEXT, SKIP_TO_FIRST,
                                                 SKIP_TO_LAST};
    for (size_t p = 0; p < FYKE_ARRAY_LEN(policies); p++) {
        struct fixture kept, passed;
        struct rng rng = rng_seed(17 + p);
        uint64_t more = 0;
        make(&kept, policies[p], true);
        make(&passed, policies[p], false);
        struct instance *a = instance_new(&kept.rule, &kept.pool);
        struct instance *b = instance_new(&passed.rule, &passed.pool);
        for (int64_t i = 0, ms = 0; i < EVENTS; i++) {
            uint32_t decl = (uint32_t)rng_below(&rng, 3);
            ms += (int64_t)rng_below(&rng, 4);
            bool changed = push(&kept, a, decl, ms, i);
            assert_int_equal(push(&passed, b, decl, ms, i), changed);
            assert_string_equal(buf_cstr(&passed.log), buf_cstr(&kept.log));
            assert_true(instance_retained(b) <= instance_retained(a));
            more += instance_retained(a) - instance_retained(b);
        }
        assert_true(nfa_scratch_counters(passed.scratch)->matches > 50);
        assert_true(more > EVENTS);
        instance_free(a);
        instance_free(b);
        end(&kept);
        end(&passed);
    }
}

static void test_nothing_waits_nothing_kept(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, SKIP_PAST_LAST, false);
    struct instance *in = instance_new(&f.rule, &f.pool);
    push(&f, in, 0, 1, 1);
    for (int64_t i = 2; i < 30; i++) {
        assert_true(push(&f, in, 2, i, i)); /* the record's place moves all the same */
        assert_int_equal(instance_retained(in), 1);
    }
    instance_free(in);
    end(&f);
}

/* What asks for such an event once more, later, or for the very next one, keeps it. */
static void test_kept_where_asked_again(void **state)
{
    (void)state;
    struct fixture f;
    for (uint32_t i = 0; i < 6; i++) {
        begin(&f, 40);
        add_item(&f, step(0));
        add_item(&f, step(1));
        switch (i) {
        case 0: f.items[1].link.kind = LINK_FIRST; break;
        case 1: f.items[1].link.kind = LINK_NEXT; break;
        case 2: f.rule.policy = NO_SKIP; break;
        case 3: add_timeout(&f); break;
        case 4: add_absence(&f, 1, ABSENT_OPEN, 1, 0); break;
        default: f.nodes[1].optional = true; break;
        }
        finish(&f);
        assert_int_equal(f.rule.passing_tests, 0);
        end(&f);
    }
    begin(&f, 40); /* a trailing absence: it is complete later */
    add_item(&f, step(0));
    add_item(&f, step(1));
    f.root.n_items = 3;
    f.items[2] = (struct pattern_item){.link = {LINK_LATER, DURATION_INFINITE, {0}}};
    add_absence(&f, 2, ABSENT_FOR, 2, 5);
    finish(&f);
    assert_int_equal(f.rule.passing_tests, 0);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_matches),
        cmocka_unit_test(test_nothing_waits_nothing_kept),
        cmocka_unit_test(test_kept_where_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
