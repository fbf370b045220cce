/* Old versions of rules that derive events, and of rules with quiet times that several keys share: both
 * versions derive for whoever reads these events, and each has quiet times of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tests/support/alert_lines.h"
#include "tests/support/drain_world.h"

#define SWITCH 130
#define QUIET_US 5000000
#define WAIT_US 2000000

#define LOGINS_HEAD                                                                                  \
    "language 1\n"                                                                                  \
    "event Login from topic \"logins\" {\n"                                                         \
    "  user : string key  at : timestamp in us event time  t : int  n : int\n"                      \
    "  out of order by 1500ms\n"                                                                    \
    "}\n"
static const char head[] = LOGINS_HEAD
    "rule tell { for each user when Made as m emit alert { t = m.t } }\n"
    "rule rare { for each user within 15s when Made as m then Login as b where n < 30 "
    "after match no skip emit alert { t = m.t } }\n";
/* `chain` reads what both versions of `made` derive alike. */
#define RULES(MADE, CHAIN, WAITS, QUIET)                                                            \
    "rule made { for each user when Login as a where n > " MADE " "                                 \
    "then no Login where n < 100 for 3s emit event Made { t = a.t  n = a.n } }\n"                   \
    "rule chain { for each user within 15s when Made as m where n > " CHAIN " "                     \
    "then Login as b where n < 300 after match no skip emit alert { t = m.t } }\n"                  \
    "rule waits { for each user, n when Login as a where n > " WAITS " then no Login for 2s "       \
    QUIET "emit alert { t = a.t } }\n"
#define FIRST(QUIET) RULES("500", "600", "300", QUIET)
#define SECOND(QUIET) RULES("550", "650", "350", QUIET)
#define PER_USER "quiet for 5s per user "

static void run(struct drain_world *w, const char *rules, const char *later)
{
    drain_world_make(w, head);
    drain_world_version(w, rules, 0);
    if (later) {
        drain_world_version(w, later, SWITCH);
    }
    drain_world_run(w);
}

/* ---- derived events --------------------------------------------------------------------------- */

static void both_versions_derive(void **state)
{
    static const char *const rules[] = {"tell", "rare"};
    struct drain_world first, second, w;
    (void)state;
    run(&first, FIRST(""), NULL);
    run(&second, SECOND(""), NULL);
    run(&w, FIRST(""), SECOND(""));
    int64_t at = w.versions[1].begins_us;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(rules); i++) {
        struct alert_lines want = {0}, got = {0};
        alert_lines_add(&want, &first.alerts, rules[i], INT64_MIN, at);
        size_t old = want.n;
        alert_lines_add(&want, &second.alerts, rules[i], at, INT64_MAX);
        assert_true(old > 0 && want.n > old);
        alert_lines_add(&got, &w.alerts, rules[i], INT64_MIN, INT64_MAX);
        alert_lines_same(rules[i], &want, &got);
    }
    assert_int_equal(w.dropped, 0);
    assert_int_equal(w.drained, 3);
    drain_world_end(&first);
    drain_world_end(&second);
    drain_world_end(&w);
}

/* The evidence names the match that an event was derived by, whose identity is its version's. */
static void what_was_found(struct alert_lines *l)
{
    for (size_t i = 0; i < l->n; i++) {
        struct slice *line = &l->items[i];
        const char *from = memmem(line->ptr, line->len, "\"key\":", 6);
        const char *to = memmem(line->ptr, line->len, ",\"evidence\":", 12);
        assert_true(from && to && from < to);
        *line = slice_from(from, (size_t)(to - from));
    }
}

/* A reader that has changed too: the old version's matches begin with what was derived before the switch, the
 * new one's with what is derived after it, by whichever version. An event is derived three seconds behind
 * its first event. */
static void changed_readers_of_changed_makers(void **state)
{
    const int64_t behind = 3000000;
    struct drain_world first, second, w;
    struct alert_lines want = {0}, got = {0};
    (void)state;
    run(&first, FIRST(""), NULL);
    run(&second, SECOND(""), NULL);
    run(&w, FIRST(""), SECOND(""));
    int64_t at = w.versions[1].begins_us - behind;
    alert_lines_add(&want, &first.alerts, "chain", INT64_MIN, at);
    size_t old = want.n;
    alert_lines_add(&want, &second.alerts, "chain", at, INT64_MAX);
    assert_true(old > 5 && want.n > old + 5);
    alert_lines_add(&got, &w.alerts, "chain", INT64_MIN, INT64_MAX);
    what_was_found(&want);
    what_was_found(&got);
    alert_lines_same("chain", &want, &got);
    drain_world_end(&first);
    drain_world_end(&second);
    drain_world_end(&w);
}

/* ---- quiet times ------------------------------------------------------------------------------ */

struct saying {
    char user[8];
    int64_t begin_us;
};

static int by_time(const void *x, const void *y)
{
    const struct saying *a = x, *b = y;
    return a->begin_us < b->begin_us ? -1 : a->begin_us > b->begin_us;
}

static struct saying *sayings_of(const struct alert_lines *l)
{
    struct saying *s = xcalloc(l->n + 1, sizeof(*s));
    for (size_t i = 0; i < l->n; i++) {
        const char *user = memmem(l->items[i].ptr, l->items[i].len, "\"user\":\"", 8);
        const char *t = memmem(l->items[i].ptr, l->items[i].len, "\"emit\":{\"t\":", 12);
        snprintf(s[i].user, sizeof(s[i].user), "%.*s", (int)strcspn(user + 8, "\""), user + 8);
        s[i].begin_us = strtoll(t + 12, NULL, 10);
    }
    qsort(s, l->n, sizeof(*s), by_time);
    return s;
}

/* What is said when nothing else was said for the user in the five seconds before; all matches take two
 * seconds. Returns how many. */
static size_t hold_back(struct saying *s, size_t n)
{
    size_t said = 0;
    for (size_t i = 0; i < n; i++) {
        bool held = false;
        for (size_t k = 0; k < said; k++) {
            held |= strcmp(s[k].user, s[i].user) == 0 &&
                    s[i].begin_us + WAIT_US <= s[k].begin_us + WAIT_US + QUIET_US;
        }
        if (!held) {
            s[said++] = s[i];
        }
    }
    return said;
}

static void is_held_back(const struct drain_world *loud, const struct drain_world *w, int64_t from,
                         int64_t to, const char *plan_of)
{
    struct alert_lines all = {0}, got = {0};
    alert_lines_add(&all, &loud->alerts, "waits", from, to);
    alert_lines_add(&got, &w->alerts, "waits", from, to);
    struct saying *want = sayings_of(&all), *said = sayings_of(&got);
    size_t n = hold_back(want, all.n);
    if (n != got.n) {
        fail_msg("%s: %zu alerts of %zu instead of %zu", plan_of, got.n, all.n, n);
    }
    assert_true(n > 3 && n + 3 < all.n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(want[i].user, said[i].user);
        assert_int_equal(want[i].begin_us, said[i].begin_us);
    }
    free(want);
    free(said);
    alert_lines_release(&all);
    alert_lines_release(&got);
}

static size_t count_of(const struct drain_world *w, const char *text)
{
    size_t n = 0;
    const char *end = w->alerts.ptr + w->alerts.len;
    for (const char *p = w->alerts.ptr;
         (p = memmem(p, (size_t)(end - p), text, strlen(text))) != NULL; p++) {
        n++;
    }
    return n;
}

static void each_version_has_its_quiet_times(void **state)
{
    struct drain_world first, second, w;
    (void)state;
    run(&first, FIRST(""), NULL);
    run(&second, SECOND(""), NULL);
    run(&w, FIRST(PER_USER), SECOND(PER_USER));
    int64_t at = w.versions[1].begins_us;
    is_held_back(&first, &w, INT64_MIN, at, "the old version");
    is_held_back(&second, &w, at, INT64_MAX, "the new version");
    assert_true(count_of(&w, "\"kind\":\"quiet_ended\"") > 5);
    assert_int_equal(w.figures.draining, 0);
    drain_world_end(&first);
    drain_world_end(&second);
    drain_world_end(&w);
}

/* How many alerts were held back is kept until the key speaks again, which an old version never does. */
#define BURSTS(N)                                                                                   \
    "rule bursts { for each user when Login as a where n < " N " quiet for 5s emit alert { t = a.t } }\n" \
    "rule shared { for each user, n when Login as a where n < " N " quiet for 5s per user "         \
    "emit alert { t = a.t } }\n"

static void what_was_held_back_keeps_no_old_version(void **state)
{
    struct drain_world w;
    (void)state;
    drain_world_make(&w, LOGINS_HEAD);
    w.keys = 12;
    w.records = 200;
    drain_world_version(&w, BURSTS("300"), 0);
    drain_world_version(&w, BURSTS("310"), SWITCH);
    drain_world_run(&w);
    assert_int_equal(w.drained, 2);
    drain_world_end(&w);
}

/* ---- crashes ---------------------------------------------------------------------------------- */

static void crashes_change_nothing(void **state)
{
    struct drain_world calm, w;
    (void)state;
    run(&calm, FIRST(PER_USER), SECOND(PER_USER));
    for (uint64_t call = 97; call < calm.calls; call += calm.calls / 12) {
        drain_world_like(&w, &calm);
        w.lose_copies = call % 2 == 0;
        w.memory_bytes = 1;
        w.log.fault_in = call;
        w.log.fault = call % 3 == 0 ? SIM_ABORT : SIM_CRASH;
        drain_world_run(&w);
        assert_true(slice_eq(buf_slice(&calm.sequences), buf_slice(&w.sequences)));
        assert_true(slice_eq(buf_slice(&calm.state), buf_slice(&w.state)));
        drain_world_end(&w);
    }
    drain_world_end(&calm);
}

/* ---- what cannot go on ------------------------------------------------------------------------ */

static void other_derived_fields_are_said(void **state)
{
    struct drain_world w;
    (void)state;
    run(&w, "rule made2 { for each user when Login as a where n > 500 "
            "then no Login where n < 100 for 3s emit event Made { t = a.t  n = a.n } }\n",
        "rule made2 { for each user when Login as a where n > 510 "
        "then no Login where n < 100 for 3s emit event Made { t = a.t  n = a.n  m = a.n } }\n");
    assert_int_equal(w.dropped, 3);
    assert_true(drain_world_said(&w, "rule tell: the old version cannot finish what it has open: an "
                                     "event that it reads is declared otherwise now; it is dropped"));
    assert_true(drain_world_said(&w, "rule made2: the old version cannot finish what it has open: an "
                                     "event that it derives is declared otherwise now; it is dropped"));
    drain_world_end(&w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_versions_derive),
        cmocka_unit_test(changed_readers_of_changed_makers),
        cmocka_unit_test(each_version_has_its_quiet_times),
        cmocka_unit_test(what_was_held_back_keeps_no_old_version),
        cmocka_unit_test(crashes_change_nothing),
        cmocka_unit_test(other_derived_fields_are_said),
    };
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
