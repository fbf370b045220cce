/* How long a replay waits for an event: by event time and the clock that it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/attr.h"
#include "cli/replay_pace.h"

static struct etime at_s(int64_t s)
{
    return (struct etime){s * NS_PER_S};
}

static void test_speeds(void **state)
{
    (void)state;
    double speed = -1;
    assert_true(replay_pace_parse("max", &speed) && speed == 0);
    assert_true(replay_pace_parse("1x", &speed) && speed == 1);
    assert_true(replay_pace_parse("0.5x", &speed) && speed == 0.5);
    assert_true(replay_pace_parse("3600x", &speed) && speed == 3600);
    static const char *const none[] = {"", "x", "0x", "-1x", "+1x", "10", "10xx", "max ", " 1x", "nanx", "infx", "1e30x"};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(none); i++) {
        assert_false(replay_pace_parse(none[i], &speed));
    }
}

static void test_event_time_and_clock(void **state)
{
    (void)state;
    struct replay_pace p = {.speed = 10};
    assert_int_equal(replay_pace_left_ns(&p, at_s(1000), 7), 0); /* the first */
    assert_int_equal(replay_pace_left_ns(&p, at_s(1060), 7), 6 * NS_PER_S);
    assert_int_equal(replay_pace_left_ns(&p, at_s(1060), 7 + 5 * NS_PER_S), NS_PER_S);
    assert_int_equal(replay_pace_left_ns(&p, at_s(1060), 7 + 6 * NS_PER_S), 0);
    assert_int_equal(replay_pace_left_ns(&p, at_s(1060), 7 + 60 * NS_PER_S), 0);
    assert_int_equal(replay_pace_left_ns(&p, at_s(900), 7), 0); /* out of order */
    assert_true(replay_pace_left_ns(&p, ETIME_MAX, 7) > 0);
    assert_int_equal(replay_pace_left_ns(&p, ETIME_MIN, 7), 0);
}

static void test_slower_than_it_happened(void **state)
{
    (void)state;
    struct replay_pace p = {.speed = 0.5};
    assert_int_equal(replay_pace_left_ns(&p, at_s(0), 0), 0);
    assert_int_equal(replay_pace_left_ns(&p, at_s(3), NS_PER_S), 5 * NS_PER_S);
}

static void test_told_to_stop(void **state)
{
    (void)state;
    static const volatile sig_atomic_t stop = 1;
    struct replay_pace p = {.speed = 1, .stop = &stop, .begun = true};
    replay_pace_wait(&p, ETIME_MAX); /* returns */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_speeds),
        cmocka_unit_test(test_event_time_and_clock),
        cmocka_unit_test(test_slower_than_it_happened),
        cmocka_unit_test(test_told_to_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
