/* `--on-change warm`: what new and changed rules say from the switch on is what they say in a run that had them
 * from its beginning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/support/reload_world.h"
#include "tests/support/state_dump.h"

#define RECORDS 36000
#define MAX_LINES 200000

static const char head[] =
    "language 1\n"
    "event Login from topic \"logins\" {\n"
    "  user : string key  at : timestamp in ms event time  n : int\n"
    "  out of order by 3s\n"
    "}\n"
    "event Odd { user : string key  at : timestamp event time  n : int }\n"
    "profile habits for each user from Login { seen = count() over 40s }\n"
    "rule stays { for each user within 20s  when Login as a where n < 140 "
    "then Login as b where n between 400 and 540  emit alert { a = a.n  b = b.n } }\n"
    "rule odd { for each user  when Login as a where n > 700  emit event Odd { user = user  n = a.n } }\n";
/* Each match stands for itself: how those of a key hang together depends on all of its past. */
#define RULES(PAIR, WAIT, PROFILE)                                                           \
    "rule pair { for each user within 30s  when Login as a where n < " PAIR " "                     \
    "then Login as b where n > 900  after match no skip  emit alert { a = a.n  b = b.n } }\n"                            \
    "rule wait { for each user  when Login as a where n > " WAIT " "                                \
    "then no Login where n < 300 for 8s  emit alert { a = a.n } }\n"                                \
    "rule usual { for each user within 8s  when Login as a where habits.seen > " PROFILE " "        \
    "then Login as b where n > 800  after match no skip  emit alert { seen = habits.seen } }\n"                          \
    "rule from_odd { for each user within 40s  when Odd as a where n < " WAIT " "                   \
    "then Odd as b where n > 960  after match no skip  emit alert { a = a.n  b = b.n } }\n"
static const char first[] = RULES("100", "800", "45");
static const char second[] = RULES("150", "850", "40")
    "rule comes { for each user within 35s  when Login as a where n < 40 "
    "then Login as b where n between 80 and 160  after match no skip  emit alert { a = a.n  b = b.n } }\n";
static const char *const warmed[] = {"pair", "wait", "usual", "from_odd", "comes"};
#define N_WARMED (sizeof(warmed) / sizeof(warmed[0]))

/* ---- what they say ---------------------------------------------------------------------------- */

static int by_bytes(const void *x, const void *y)
{
    return slice_cmp(*(const struct slice *)x, *(const struct slice *)y);
}

static struct etime detected(struct slice line)
{
    struct slice text = reload_world_member(line, "\"detected\":");
    text = slice_from(text.ptr + sizeof("\"detected\":"), text.len - sizeof("\"detected\":"));
    struct etime t;
    assert_true(text.len > 1);
    text.len -= text.ptr[text.len - 1] == '"' ? 1 : 0;
    if (!etime_parse(text, true, &t)) {
        fail_msg("no time: %.*s", SLICE_ARG(text));
    }
    return t;
}

/* Alerts of a rule that were detected from `from` on, sorted. */
static size_t lines_of(const struct buf *alerts, const char *rule, struct etime from, struct slice *ret)
{
    char name[64];
    size_t n = 0;
    snprintf(name, sizeof(name), "\"rule\":\"%s\"", rule);
    for (const char *p = alerts->ptr, *end = p + alerts->len; p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        struct slice line = slice_from(p, (size_t)(nl - p));
        if (memmem(line.ptr, line.len, name, strlen(name)) && !etime_lt(detected(line), from)) {
            ret[n++] = line;
        }
        p = nl + 1;
    }
    qsort(ret, n, sizeof(*ret), by_bytes);
    return n;
}

static void says_the_same(const struct reload_world *w, const struct reload_world *always, const char *rule)
{
    static struct slice got[MAX_LINES], want[MAX_LINES];
    struct etime from = w->switched_time[0];
    size_t n = lines_of(&w->alerts, rule, from, got);
    size_t m = lines_of(&always->alerts, rule, from, want);
    assert_true(m > 20);
    for (size_t i = 0; i < n && i < m; i++) {
        if (!slice_eq(got[i], want[i])) {
            fail_msg("rule %s:\n got %.*s\nwant %.*s", rule, SLICE_ARG(got[i]), SLICE_ARG(want[i]));
        }
    }
    if (n != m) {
        fail_msg("rule %s: %zu alerts, not %zu", rule, n, m);
    }
}

/* ---- cases ------------------------------------------------------------------------------------ */

static void begin(struct reload_world *w, const char *rules)
{
    const char *texts[] = {rules, NULL};
    reload_world_make(w, head, RECORDS, 40);
    reload_world_rules(w, texts);
    w->warm_changed = true;
}

static void turn_to(struct reload_world *w, unsigned at, const char *rules)
{
    const char *texts[] = {rules, NULL};
    reload_world_act(w, at, texts);
}

static void new_rules_have_seen_the_window(void **state)
{
    struct reload_world w, always;
    (void)state;
    begin(&w, first);
    turn_to(&w, 3, second);
    assert_int_equal(reload_world_run(&w), FYKE_OK);
    assert_int_equal(w.figures.failed, 0);
    assert_int_equal(w.figures.switched, 1);
    begin(&always, second);
    assert_int_equal(reload_world_run(&always), FYKE_OK);
    assert_true(reload_world_said(&w, "reload: rule comes: new: warmed"));
    assert_true(reload_world_said(&w, "reload: rule pair: changed: warmed"));
    for (size_t i = 0; i < N_WARMED; i++) {
        says_the_same(&w, &always, warmed[i]);
    }
    says_the_same(&w, &always, "stays");
    assert_int_equal(w.engine.records, RECORDS);
    reload_world_end(&w);
    reload_world_end(&always);
}

/* A quiet time of more than there is: every key alerts once, and nothing of the past may be missing. */
static void quiet_times_go_on(void **state)
{
    static const char none[] = "rule other { for each user  when Login as a where n > 998  emit alert }\n";
    static const char once[] =
        "rule other { for each user  when Login as a where n > 998  emit alert }\n"
        "rule once { for each user  when Login as a where n > 997  quiet for 1 hour  emit alert { n = a.n } }\n";
    struct reload_world w, always;
    (void)state;
    begin(&w, none);
    turn_to(&w, 3, once);
    assert_int_equal(reload_world_run(&w), FYKE_OK);
    assert_int_equal(w.figures.switched, 1);
    begin(&always, once);
    assert_int_equal(reload_world_run(&always), FYKE_OK);
    static struct slice got[MAX_LINES], want[MAX_LINES];
    struct etime from = w.switched_time[0];
    size_t n = lines_of(&w.alerts, "once", from, got), m = lines_of(&always.alerts, "once", from, want);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) {
        assert_true(slice_eq(got[i], want[i]));
    }
    size_t all = lines_of(&always.alerts, "once", ETIME_MIN, want);
    assert_true(all > 30 && m < all / 2);
    reload_world_end(&w);
    reload_world_end(&always);
}

static void begin_with(struct reload_world *w, const char *events, const char *rules, bool envelopes)
{
    const char *texts[] = {rules, NULL};
    reload_world_make(w, events, RECORDS, 40);
    if (envelopes) {
        reload_world_envelopes(w);
    }
    reload_world_rules(w, texts);
    w->warm_changed = true;
}

static void refused_with(const char *events, bool envelopes, const char *rules, const char *why)
{
    struct reload_world w, calm;
    begin_with(&w, events, first, envelopes);
    turn_to(&w, 3, rules);
    assert_int_equal(reload_world_run(&w), FYKE_OK);
    assert_int_equal(w.figures.failed, 1);
    assert_int_equal(w.figures.switched, 0);
    if (!reload_world_said(&w, why) || !reload_world_said(&w, "the rules in force stay")) {
        fail_msg("not said: %s", why);
    }
    begin_with(&calm, events, first, envelopes);
    assert_int_equal(reload_world_run(&calm), FYKE_OK);
    assert_true(calm.alerts.len > 0);
    assert_true(slice_eq(buf_slice(&w.alerts), buf_slice(&calm.alerts)));
    reload_world_end(&w);
    reload_world_end(&calm);
}

static void refused(const char *rules, const char *why)
{
    refused_with(head, false, rules, why);
}

static void what_cannot_be_warmed_is_refused(void **state)
{
    (void)state;
    refused("event Extra from topic \"extra\" { user : string key  at : timestamp event time }\n"
            "rule extra { for each user when Extra emit alert }\n",
            "other topics are read than before");
    refused("event Late from topic \"logins\" { user : string key  at : timestamp in ms event time\n"
            "  out of order by 5s }\n"
            "rule late { for each user when Late emit alert }\n",
            "order or clock are declared otherwise than before: topic logins");
    refused("event Made { user : string key  at : timestamp event time }\n"
            "rule makes { for each user  when Login as a where n > 800 then no Login where n < 300 for 8s "
            "emit event Made { user = user } }\n"
            "rule reads { for each user within 1 minute when Made then Login emit alert }\n",
            "one reads topics together that no rule in force reads together");
}

/* What the past of these was cannot be known, or not be read again. */
static void lists_from_topics_are_refused(void **state)
{
    (void)state;
    refused("list known : string from topic \"known\"\n"
            "rule fresh { for each user when Login where user in list known emit alert }\n",
            "what a list or lookup from a topic held in the past is not known: known");
}

static void a_clock_per_value_is_refused(void **state)
{
    char events[sizeof(head) + 96];
    const char *at = strstr(head, "  out of order by 3s\n");
    const size_t n = (size_t)(at - head);
    (void)state;
    assert_non_null(at);
    snprintf(events, sizeof(events), "%.*s  watermark per user\n  idle after 10 minutes\n%s", (int)n, head, at);
    refused_with(events, false, second, "rules cannot be warmed: a clock per value (`watermark per`) cannot be "
                 "read again as the run has it: topic logins");
}

static void envelopes_are_refused(void **state)
{
    (void)state;
    refused_with(head, true, second, "rules cannot be warmed: the input is in envelopes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_times_go_on),
        cmocka_unit_test(what_cannot_be_warmed_is_refused),
        cmocka_unit_test(lists_from_topics_are_refused),
        cmocka_unit_test(a_clock_per_value_is_refused),
        cmocka_unit_test(envelopes_are_refused),
        cmocka_unit_test(new_rules_have_seen_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
