/* Old versions of changed rules in a run of the library: what they have open at a reload they finish, and
 * they begin nothing. The output is that of the old rules' matches that began before it and of the new rules'
 * that began after it. Crashes, further versions, bounds: test_drain_crash.c; derived events, quiet times:
 * test_drain_derive.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/state/header.h"
#include "lib/drain.h"
#include "tests/support/alert_lines.h"
#include "tests/support/reload_world.h"
#include "tests/support/state_dump.h"

#define RECORDS 28000

static const char head[] =
    "language 1\n"
    "event Login from topic \"logins\" {\n"
    "  user : string key  at : timestamp in us event time  t : int  n : int\n"
    "  out of order by 3s\n"
    "}\n"
    "list odd : string = [\"u1\", \"u3\", \"u5\", \"u7\", \"u9\", \"u11\"]\n"
    "profile habits for each user from Login { seen = count() over 40s }\n"
    "rule stays { for each user within 20s  when Login as a where n < 140 "
    "then Login as b where n between 400 and 540  emit alert { b = b.n } }\n";
/* Each of its matches stands for itself, so they can be told apart by where they begin. */
#define RULES(PAIR, WAIT, LATE, GROUP, PROFILE)                                                     \
    "rule pair { for each user within 10s  when Login as a where n < " PAIR " "                     \
    "then Login as b where n > 700  after match no skip  emit alert { t = a.t  b = b.n } }\n"       \
    "rule wait { for each user  when Login as a where n > " WAIT " "                                \
    "then no Login where n < 600 for 4s  emit alert { t = a.t } }\n"                                \
    "rule late { for each user within 6s  when Login as a where n < " LATE " "                      \
    "then Login as b where n between 300 and 340  after match no skip "                             \
    "on timeout emit alert { t = a.t }  emit alert { t = a.t } }\n"                                 \
    "rule group { for each user within 9s  when 2 or more Login as f where n < " GROUP " "          \
    "within 3s then Login as g where n > 930  after match no skip  "                                \
    "emit alert { t = first(f.t)  k = count(f) } }\n"                                               \
    "rule usual { for each user within 8s  when Login as a where user in list odd "                 \
    "and habits.seen > " PROFILE " then Login as b where n > 800  after match no skip  "            \
    "emit alert { t = a.t  seen = habits.seen } }\n"
static const char first[] = RULES("300", "800", "200", "220", "5");
static const char second[] = RULES("250", "850", "220", "200", "6");
static const char *const changed[] = {"pair", "wait", "late", "group", "usual"};
#define N_CHANGED (sizeof(changed) / sizeof(changed[0]))

static void make(struct reload_world *w, const char *rules)
{
    const char *texts[] = {rules, NULL};
    reload_world_make_us(w, head, RECORDS, 50);
    reload_world_rules(w, texts);
}

static void turn_to(struct reload_world *w, unsigned at, const char *rules)
{
    const char *texts[] = {rules, NULL};
    reload_world_act(w, at, texts);
}

/* ---- undisturbed runs ------------------------------------------------------------------------- */

static struct reload_world calm_first, calm_second;

static int calm_runs(void **state)
{
    (void)state;
    make(&calm_first, first);
    make(&calm_second, second);
    return reload_world_run(&calm_first) != FYKE_OK || reload_world_run(&calm_second) != FYKE_OK;
}

static int calm_end(void **state)
{
    (void)state;
    reload_world_end(&calm_first);
    reload_world_end(&calm_second);
    return 0;
}

/* In microseconds. */
static int64_t switched_at(const struct reload_world *w, unsigned i)
{
    return w->switched_time[i].ns / 1000;
}

/* `runs[i]` says what the rules in force up to ends[i] find that begins under them. */
static void is_made_of(const struct reload_world *w, const struct reload_world *const *runs,
                       const int64_t *ends, size_t n)
{
    for (size_t i = 0; i < N_CHANGED; i++) {
        struct alert_lines want = {0}, got = {0};
        for (size_t k = 0; k < n; k++) {
            size_t before = want.n;
            alert_lines_add(&want, &runs[k]->alerts, changed[i], k > 0 ? ends[k - 1] : INT64_MIN,
                            ends[k]);
            assert_true(want.n > before);
        }
        alert_lines_add(&got, &w->alerts, changed[i], INT64_MIN, INT64_MAX);
        alert_lines_same(changed[i], &want, &got);
    }
}

static void same_alerts(const struct reload_world *a, const struct reload_world *b)
{
    assert_true(a->alerts.len > 50000);
    assert_true(slice_eq(buf_slice(&a->alerts), buf_slice(&b->alerts)));
}

static void same_state(const struct reload_world *a, const struct reload_world *b)
{
    struct buf x = BUF_INIT, y = BUF_INIT;
    state_dump(a->state, &x, NULL);
    state_dump(b->state, &y, NULL);
    assert_true(slice_eq(buf_slice(&x), buf_slice(&y)));
    buf_release(&x);
    buf_release(&y);
}

/* ---- cases ------------------------------------------------------------------------------------ */

static void a_switch(struct reload_world *w)
{
    make(w, first);
    turn_to(w, 2, second);
    assert_int_equal(reload_world_run(w), FYKE_OK);
    assert_int_equal(w->figures.switched, 1);
    assert_int_equal(w->figures.rules.changed, N_CHANGED);
    assert_int_equal(w->figures.failed, 0);
}

/* With the slots and the texts of the old versions gone, nothing tells them from a run that never had
 * any. */
static void nothing_is_left(struct reload_world *w)
{
    struct header h;
    state_dump_header(w->state, &h);
    for (uint32_t i = 0; i < h.n_slots; i++) {
        for (uint32_t k = 0; k < i; k++) {
            assert_false(slice_eq(h.slots[i].rule, h.slots[k].rule));
        }
    }
    header_release(&h);
    const char *nobody[] = {"rule oh no", NULL};
    reload_world_rules(w, nobody);
    assert_int_equal(reload_world_run_stored(w), FYKE_OK);
    assert_false(reload_world_said(w, "does not"));
}

static void old_matches_end_and_new_ones_begin(void **state)
{
    struct reload_world w;
    (void)state;
    a_switch(&w);
    is_made_of(&w, (const struct reload_world *[]){&calm_first, &calm_second},
               (int64_t[]){switched_at(&w, 0), INT64_MAX}, 2);
    assert_int_equal(w.figures.old.drained, N_CHANGED);
    assert_int_equal(w.figures.old.draining, 0);
    assert_true(reload_world_said(&w, "reload: rule pair: changed: drained"));
    assert_true(reload_world_said(&w, "rule pair: the old version has nothing open any more"));
    nothing_is_left(&w);
    reload_world_end(&w);
}

/* Ended and begun again at the switch and while the old version drains. */
static void restarts_change_nothing(void **state)
{
    struct reload_world w, twice;
    (void)state;
    a_switch(&w);
    make(&twice, first);
    reload_world_act(&twice, w.switched_at[0], NULL);
    assert_int_equal(reload_world_run(&twice), FYKE_INTERRUPTED);
    reload_world_rules(&twice, w.acts[0].texts);
    reload_world_act(&twice, 1, NULL);
    assert_int_equal(reload_world_run(&twice), FYKE_INTERRUPTED);
    assert_int_equal(reload_world_run(&twice), FYKE_OK);
    same_alerts(&w, &twice);
    same_state(&w, &twice);
    reload_world_end(&twice);
    reload_world_end(&w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_matches_end_and_new_ones_begin),
        cmocka_unit_test(restarts_change_nothing),
    };
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    return cmocka_run_group_tests(tests, calm_runs, calm_end);
}
