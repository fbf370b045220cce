/* What rules look back: the warm-up of a replay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/replay_span.h"
#include "tests/support/compile_text.h"

#define EVENTS                                                                                     \
    "language 1\n"                                                                                 \
    "event A from topic \"a\" { k : string key  at : timestamp in ms event time  v : int\n"        \
    "  out of order by 30s }\n"                                                                    \
    "event B from topic \"b\" { k : string key  at : timestamp in ms event time }\n"

static void check_span(const char *text, const char *needed, const char *longest)
{
    FYKE_CLEANUP(buf_release) struct buf said = BUF_INIT;
    char horizon[DURATION_TEXT_MAX];
    struct replay_span s;
    struct compilation *c = compile_text(text);
    assert_string_equal(codes_of(c, true), "");
    replay_span_of(c->ruleset, &s);
    replay_span_text(&s, c->ruleset, &said);
    duration_format(s.horizon, horizon);
    assert_string_equal(buf_cstr(&said), needed);
    assert_string_equal(horizon, longest);
    assert_int_equal(s.late.ns, 30 * NS_PER_S);
    compilation_free(c);
}

static void one_event_needs_no_past(void **state)
{
    (void)state;
    check_span(EVENTS "rule r { when A as a where v > 3 emit alert }", "0s: no rule looks back", "0s");
}

static void windows_gaps_and_absences(void **state)
{
    (void)state;
    check_span(EVENTS "rule r { for each k within 5m when A as a then B as b emit alert }",
               "5m: rule r, 5m of windows and absences", "5m");
    check_span(EVENTS "rule r { for each k when A as a then within 2m B as b then no A for 7m "
                      "emit alert }",
               "9m: rule r, 9m of windows and absences", "9m");
    check_span(EVENTS "rule r { for each k within 5m when no B for 1h then A as a then B as b "
                      "emit alert }",
               "1h5m: rule r, 1h5m of windows and absences", "1h5m");
}

static void quiet_and_profiles_add_up(void **state)
{
    (void)state;
    check_span(EVENTS "rule r { for each k within 5m when A as a then B as b quiet for 2h emit alert }",
               "2h5m: rule r, 5m of windows and absences, 2h of quiet", "5m");
    check_span(EVENTS "profile p for each k from A { usual = average(v) over 7d  "
                      "days = count() over 30d every 1d }\n"
                      "rule r { for each k within 5m when A as a where v > p.usual then B as b "
                      "emit alert }",
               "7d5m: rule r, 5m of windows and absences, 7d of profiles", "5m");
}

static void the_rule_that_needs_most_decides(void **state)
{
    (void)state;
    check_span(EVENTS "rule a { for each k within 5m when A as a then B as b emit alert }\n"
                      "rule b { for each k within 6m when A as a then B as b emit alert }\n"
                      "rule c { status disabled for each k within 9m when A as a then B as b "
                      "emit alert }",
               "6m: rule b, 6m of windows and absences", "6m");
}

static void derived_events_need_what_derives_them(void **state)
{
    (void)state;
    check_span(EVENTS "event D { k : string  n : int }\n"
                      "rule low { for each k within 5m when A as a then B as b "
                      "emit event D { n = a.v } }\n"
                      "rule high { for each k within 1h when D as x then D as y emit alert }",
               "1h5m: rule high, 1h of windows and absences, 5m of rules that derive events for it",
               "1h");
}

static void without_a_window_everything(void **state)
{
    (void)state;
    check_span(EVENTS "rule r { for each k when A as a then B as b emit alert }",
               "everything: rule r, which has no window", "0s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_event_needs_no_past),
        cmocka_unit_test(windows_gaps_and_absences),
        cmocka_unit_test(quiet_and_profiles_add_up),
        cmocka_unit_test(the_rule_that_needs_most_decides),
        cmocka_unit_test(derived_events_need_what_derives_them),
        cmocka_unit_test(without_a_window_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
