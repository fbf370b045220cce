/* Instances: what they keep, and that saving and loading at any point changes nothing. The rules
 * are built by hand: A is declaration 0, B is 1, C is 2; what they mean is checked by the cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/instance_fixture.h"

static void test_restart_sequence(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 20);
    add_item(&f, step(0));
    add_item(&f, step(1));
    add_item(&f, step(2));
    finish(&f);
    check_restarts(&f, true);
    end(&f);
}

static void test_restart_skip_to_next(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 9);
    struct pattern count = step(0);
    count.kind = PAT_COUNT;
    count.min = 2;
    count.max = COUNT_UNBOUNDED;
    add_item(&f, count);
    add_item(&f, step(1));
    f.rule.policy = SKIP_TO_NEXT;
    finish(&f);
    check_restarts(&f, true);
    end(&f);
}

static void test_restart_deadline(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 50);
    f.tests[1].use = TEST_ABSENT;
    f.tests[1].slot = -1;
    add_item(&f, step(0));
    add_item(&f, step(2));
    f.root.n_items = 3;
    add_absence(&f, 2, ABSENT_FOR, 1, 5);
    f.rule.quiet = (struct quiet_plan){.present = true, .length = {15 * MS}};
    finish(&f);
    check_restarts(&f, true);
    end(&f);
}

static void test_restart_next_no(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 6);
    f.tests[1].use = TEST_ABSENT;
    f.tests[1].slot = -1;
    add_item(&f, step(0));
    f.root.n_items = 2;
    add_absence(&f, 1, ABSENT_NEXT, 1, 0);
    f.rule.policy = SKIP_TO_NEXT;
    finish(&f);
    check_restarts(&f, true);
    end(&f);
}

/* Keys that were seen once must leave nothing behind, by event time alone. */
static void test_nothing_left_behind(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    add_item(&f, step(0));
    add_item(&f, step(1));
    finish(&f);
    struct instance *in = instance_new(&f.rule, &f.pool);
    struct nfa_call call = call_of(&f);
    push(&f, in, 1, 0, 0);
    assert_true(instance_is_empty(in)); /* B before any A can be bound by nothing */
    push(&f, in, 0, 1, 1);
    assert_false(instance_is_empty(in));
    assert_int_equal(instance_next_time(in).ns, 11 * MS);
    instance_advance(in, (struct etime){11 * MS}, &call);
    assert_false(instance_is_empty(in)); /* B at 11 ms would still match */
    instance_advance(in, (struct etime){11 * MS + 1}, &call);
    assert_true(instance_is_empty(in));
    instance_free(in);
    end(&f);
}

/* Segments that go leave nothing behind, whether anybody stores them or not. */
static void test_a_window_that_moves_takes_no_more(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    add_item(&f, step(0));
    add_item(&f, step(1));
    finish(&f);
    struct instance *in = instance_new(&f.rule, &f.pool);
    uint64_t first_id, later_id;
    int64_t i = 0;
    for (; i < 100; i++) {
        push(&f, in, 0, i * 11, i);
    }
    instance_segments(in, &first_id);
    uint64_t bytes = instance_weigh(in).bytes;
    for (; i < 10000; i++) {
        push(&f, in, 0, i * 11, i);
    }
    instance_segments(in, &later_id);
    assert_true(later_id > first_id + 100);
    assert_int_equal(instance_weigh(in).bytes, bytes);
    instance_free(in);
    end(&f);
}

/* What is too old for a match lies there until an event is kept, or all of it is too old: nobody binds it, and
 * who looks does not see it. */
static void test_too_old_is_neither_bound_nor_shown(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    add_item(&f, step(0));
    add_item(&f, step(1));
    finish(&f);
    struct instance *in = instance_new(&f.rule, &f.pool);
    struct nfa_call call = call_of(&f);
    push(&f, in, 0, 1, 1);
    push(&f, in, 0, 8, 2);
    assert_int_equal(instance_next_time(in).ns, 18 * MS); /* one look for both */
    assert_false(instance_advance(in, (struct etime){12 * MS}, &call));
    assert_int_equal(instance_retained(in), 2);
    struct instance_standing now = instance_standing(in, (struct etime){12 * MS});
    assert_int_equal(now.events, 1);
    assert_int_equal(now.starts, 1);
    assert_false(instance_standing(in, (struct etime){18 * MS + 1}).anything);
    push(&f, in, 0, 12, 3);
    assert_int_equal(instance_retained(in), 2); /* the new one took the first along */
    push(&f, in, 1, 19, 4);
    assert_string_equal(buf_cstr(&f.log), "0@19 3 4 s0 c0\n");
    instance_free(in);
    end(&f);
}

static void test_cap_drops_oldest_and_says_so(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 1000);
    add_item(&f, step(0));
    add_item(&f, step(1));
    f.rule.policy = SKIP_TO_NEXT;
    finish(&f);
    struct instance *in = instance_new(&f.rule, &f.pool);
    for (int64_t i = 0; i < MANY + 3; i++) {
        push(&f, in, 0, i, i);
    }
    assert_string_equal(buf_cstr(&f.log), "3@32 s0 c1\n"); /* told once, at the first drop */
    buf_clear(&f.log);
    push(&f, in, 1, 100, 100);
    unsigned lines = 0;
    for (size_t i = 0; i < f.log.len; i++) {
        lines += f.log.ptr[i] == '\n';
    }
    assert_int_equal(lines, MANY);
    assert_int_equal(strncmp(buf_cstr(&f.log), "0@100 3 100", 11), 0);
    instance_free(in);
    end(&f);
}

/* A search that takes too long is given up, says so, and later ones are cheaper: no rule stops the
 * engine. Two counted steps in a row over one kind of event have quadratically many ends. */
static void test_search_is_bounded(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 1000);
    f.max_steps = 500;
    struct pattern count = step(0);
    count.kind = PAT_COUNT;
    count.min = 2;
    count.max = COUNT_UNBOUNDED;
    add_item(&f, count);
    count.test = 1;
    add_item(&f, count);
    f.tests[1].roles = 1; /* both take A */
    add_item(&f, step(2));
    f.rule.policy = SKIP_TO_NEXT;
    finish(&f);
    struct instance *in = instance_new(&f.rule, &f.pool);
    for (int64_t i = 0; i < 25; i++) {
        push(&f, in, 0, i, i);
    }
    push(&f, in, 2, 30, 30);
    assert_int_equal(nfa_scratch_counters(f.scratch)->exhausted, 1);
    assert_non_null(strstr(buf_cstr(&f.log), "3@30")); /* told, behind what was found before */
    assert_true(nfa_scratch_counters(f.scratch)->capped > 5);
    instance_free(in);
    end(&f);
}

static void test_corrupt_state_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 1000);
    add_item(&f, step(0));
    add_item(&f, step(1));
    finish(&f);
    struct instance *in = instance_new(&f.rule, &f.pool);
    for (int64_t i = 0; i < 20; i++) {
        push(&f, in, 0, i, i);
    }
    struct stored *s = xcalloc(1, sizeof(*s));
    save(in, s);
    const char *why = NULL;
    for (size_t len = 0; len < s->head.len; len++) {
        struct slice cut = slice_from(s->head.ptr, len);
        struct stored_form from = form_of(s, cut);
        assert_null(instance_load(&f.rule, &f.pool, f.scratch, &from, &why));
        assert_non_null(why);
    }
    size_t whole = s->segs[0].bytes.len;
    for (size_t len = 0; len < whole; len++) {
        s->segs[0].bytes.len = len;
        struct stored_form from = form_of(s, buf_slice(&s->head));
        assert_null(instance_load(&f.rule, &f.pool, f.scratch, &from, &why));
    }
    s->segs[0].bytes.len = whole;
    instance_free(in);
    in = load(&f, s);
    assert_int_equal(instance_retained(in), 20);
    instance_free(in);
    stored_free(s);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restart_sequence),
        cmocka_unit_test(test_restart_skip_to_next),
        cmocka_unit_test(test_restart_deadline),
        cmocka_unit_test(test_restart_next_no),
        cmocka_unit_test(test_nothing_left_behind),
        cmocka_unit_test(test_a_window_that_moves_takes_no_more),
        cmocka_unit_test(test_too_old_is_neither_bound_nor_shown),
        cmocka_unit_test(test_cap_drops_oldest_and_says_so),
        cmocka_unit_test(test_search_is_bounded),
        cmocka_unit_test(test_corrupt_state_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
