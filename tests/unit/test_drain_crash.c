/* Old versions of changed rules with a journal: crashes and aborts at every one of its calls around the
 * switch and while they drain, several versions beside each other, more of them than may be, and the bytes
 * of the state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "tests/support/alert_lines.h"
#include "tests/support/drain_world.h"

static const char head[] =
    "language 1\n"
    "event Login from topic \"logins\" {\n"
    "  user : string key  at : timestamp in us event time  t : int  n : int\n"
    "  out of order by 1500ms\n"
    "}\n"
    "list odd : string = [\"u1\", \"u3\"]\n"
    "profile habits for each user from Login { seen = count() over 40s }\n"
    "rule stays { for each user within 20s  when Login as a where n < 140 "
    "then Login as b where n between 400 and 540  emit alert { t = a.t  b = b.n } }\n";
/* Each of its matches stands for itself, so they can be told apart by where they begin. */
#define RULES(PAIR, WAIT, LATE, GROUP, PROFILE)                                                     \
    "rule pair { for each user within 10s  when Login as a where n < " PAIR " "                     \
    "then Login as b where n > 700  after match no skip  emit alert { t = a.t  b = b.n } }\n"       \
    "rule wait { for each user  when Login as a where n > " WAIT " "                                \
    "then no Login where n < 200 for 4s  emit alert { t = a.t } }\n"                                \
    "rule late { for each user within 6s  when Login as a where n < " LATE " "                      \
    "then Login as b where n between 300 and 340  after match no skip "                             \
    "on timeout emit alert { t = a.t }  emit alert { t = a.t } }\n"                                 \
    "rule group { for each user within 9s  when 2 or more Login as f where n < " GROUP " "          \
    "within 3s then Login as g where n > 800  after match no skip  "                                \
    "emit alert { t = first(f.t)  k = count(f) } }\n"                                               \
    "rule usual { for each user within 8s  when Login as a where user in list odd "                 \
    "and habits.seen > " PROFILE " then Login as b where n > 800  after match no skip  "            \
    "emit alert { t = a.t  seen = habits.seen } }\n"
static const char first[] = RULES("400", "600", "300", "420", "5");
static const char second[] = RULES("350", "650", "320", "400", "6");
static const char third[] = RULES("300", "700", "340", "380", "7");
static const char *const changed[] = {"pair", "wait", "late", "group", "usual"};
#define N_CHANGED (sizeof(changed) / sizeof(changed[0]))

static struct drain_world calm[3]; /* undisturbed, each with one version alone */

static int calm_runs(void **state)
{
    static const char *const rules[] = {first, second, third};
    (void)state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(rules); i++) {
        drain_world_make(&calm[i], head);
        drain_world_version(&calm[i], rules[i], 0);
        drain_world_run(&calm[i]);
    }
    return 0;
}

static int calm_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(calm); i++) {
        drain_world_end(&calm[i]);
    }
    return 0;
}

/* Version i says what runs[i] finds that begins while it is in force. */
static void is_made_of(const struct drain_world *w, const struct drain_world *const *runs)
{
    for (size_t i = 0; i < N_CHANGED; i++) {
        struct alert_lines want = {0}, got = {0};
        for (unsigned k = 0; k < w->n_versions; k++) {
            size_t before = want.n;
            int64_t from = k > 0 ? w->versions[k].begins_us : INT64_MIN;
            int64_t to = k + 1 < w->n_versions ? w->versions[k + 1].begins_us : INT64_MAX;
            alert_lines_add(&want, &runs[k]->alerts, changed[i], from, to);
            assert_true(want.n > before);
        }
        alert_lines_add(&got, &w->alerts, changed[i], INT64_MIN, INT64_MAX);
        alert_lines_same(changed[i], &want, &got);
    }
}

static void the_same(const struct drain_world *a, const struct drain_world *b, const char *what,
                     uint64_t call)
{
    if (!slice_eq(buf_slice(&a->alerts), buf_slice(&b->alerts)) ||
        !slice_eq(buf_slice(&a->sequences), buf_slice(&b->sequences))) {
        fail_msg("%s, call %" PRIu64 ": other alerts", what, call);
    }
    if (!slice_eq(buf_slice(&a->state), buf_slice(&b->state))) {
        fail_msg("%s, call %" PRIu64 ": another state", what, call);
    }
}

/* ---- versions --------------------------------------------------------------------------------- */

static void old_matches_end_and_new_ones_begin(void **state)
{
    struct drain_world w;
    (void)state;
    drain_world_make(&w, head);
    drain_world_version(&w, first, 0);
    drain_world_version(&w, second, 130);
    drain_world_run(&w);
    is_made_of(&w, (const struct drain_world *[]){&calm[0], &calm[1]});
    assert_int_equal(w.drained, N_CHANGED);
    assert_int_equal(w.dropped, 0);
    drain_world_end(&w);
}

/* A third version while the first one still drains, and the way back to the first. */
static void versions_drain_beside_each_other(void **state)
{
    struct drain_world w;
    (void)state;
    drain_world_make(&w, head);
    drain_world_version(&w, first, 0);
    drain_world_version(&w, second, 100);
    drain_world_version(&w, third, 130);
    drain_world_version(&w, first, 160);
    drain_world_run(&w);
    is_made_of(&w, (const struct drain_world *[]){&calm[0], &calm[1], &calm[2], &calm[0]});
    assert_int_equal(w.dropped, 0);
    assert_int_equal(w.figures.draining, 0);
    drain_world_end(&w);
}

/* A version every five seconds, each with a constant of its own: with windows without an end none of them
 * is ever done. */
#define ENDLESS(N)                                                                                  \
    "rule endless { for each user  when Login as a where n < " N " then Login as b where n = " N    \
    " after match no skip  emit alert { t = a.t } }\n"

static void the_oldest_of_too_many_is_dropped(void **state)
{
    static const char *const texts[] = {ENDLESS("401"), ENDLESS("402"), ENDLESS("403"),
                                        ENDLESS("404"), ENDLESS("405"), ENDLESS("406"),
                                        ENDLESS("407"), ENDLESS("408"), ENDLESS("409"),
                                        ENDLESS("410"), ENDLESS("411")};
    struct drain_world w;
    (void)state;
    drain_world_make(&w, head);
    for (unsigned i = 0; i < FYKE_ARRAY_LEN(texts); i++) {
        drain_world_version(&w, texts[i], i * 25);
    }
    drain_world_run(&w);
    assert_int_equal(w.figures.draining, DRAIN_MAX_SETS);
    assert_int_equal(w.dropped, FYKE_ARRAY_LEN(texts) - 1 - DRAIN_MAX_SETS);
    assert_true(drain_world_said(&w, "rules of more than 8 older sets, or of more than 64 MiB, "
                                     "would drain: what 1 rules of the oldest,"));
    drain_world_end(&w);
}

static void dropping_ends_what_is_open(void **state)
{
    struct drain_world w;
    struct alert_lines want = {0}, got = {0};
    (void)state;
    drain_world_make(&w, head);
    w.drop = true;
    drain_world_version(&w, first, 0);
    drain_world_version(&w, second, 130);
    drain_world_run(&w);
    int64_t at = w.versions[1].begins_us;
    alert_lines_add(&want, &calm[1].alerts, "pair", at, INT64_MAX);
    alert_lines_add(&got, &w.alerts, "pair", at, INT64_MAX);
    alert_lines_same("pair", &want, &got);
    alert_lines_add(&want, &calm[0].alerts, "pair", INT64_MIN, at);
    alert_lines_add(&got, &w.alerts, "pair", INT64_MIN, at);
    assert_true(got.n > 5 && got.n + 3 < want.n);
    alert_lines_release(&want);
    alert_lines_release(&got);
    assert_int_equal(w.drained, 0);
    drain_world_end(&w);
}

static void evicted_keys_drain_too(void **state)
{
    struct drain_world w, small;
    (void)state;
    drain_world_make(&w, head);
    w.keys = 12;
    drain_world_version(&w, first, 0);
    drain_world_version(&w, second, 130);
    drain_world_like(&small, &w);
    small.memory_bytes = 1;
    drain_world_run(&w);
    drain_world_run(&small);
    assert_true(small.evicted > 50);
    the_same(&w, &small, "a small memory", 0);
    drain_world_end(&small);
    drain_world_end(&w);
}

/* ---- every step ------------------------------------------------------------------------------- */

/* From the first switch to the end of the draining; the long form takes all calls. */
static void an_end_at_every_step(void **state)
{
    static const struct {
        enum sim_fault fault;
        const char *name;
    } kinds[] = {{SIM_ABORT, "abort"}, {SIM_CRASH, "crash in front"}, {SIM_CRASH_AFTER, "crash behind"}};
    const bool all = getenv("FYKE_EVERY_STEP") != NULL;
    struct drain_world base, undisturbed, w;
    uint64_t n = 0;
    (void)state;
    drain_world_make(&base, head);
    base.records = 120;
    base.keys = 3;
    drain_world_version(&base, first, 0);
    drain_world_version(&base, second, 60);
    drain_world_version(&base, third, 75);
    drain_world_like(&undisturbed, &base);
    drain_world_run(&undisturbed);
    assert_true(undisturbed.drained >= N_CHANGED);
    for (uint64_t call = 1; call <= undisturbed.calls; call++) {
        for (size_t k = 0; k < FYKE_ARRAY_LEN(kinds); k++) {
            if (!all && (call + k) % 41 != 0) {
                continue;
            }
            drain_world_like(&w, &base);
            w.lose_copies = (call + k) % 2 == 0;
            w.log.fault_in = call;
            w.log.fault = kinds[k].fault;
            drain_world_run(&w);
            the_same(&undisturbed, &w, kinds[k].name, call);
            drain_world_end(&w);
            n++;
        }
    }
    print_message("%" PRIu64 " ends at %" PRIu64 " calls\n", n, undisturbed.calls);
    drain_world_end(&undisturbed);
    drain_world_end(&base);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_matches_end_and_new_ones_begin),
        cmocka_unit_test(versions_drain_beside_each_other),
        cmocka_unit_test(the_oldest_of_too_many_is_dropped),
        cmocka_unit_test(dropping_ends_what_is_open),
        cmocka_unit_test(evicted_keys_drain_too),
        cmocka_unit_test(an_end_at_every_step),
    };
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    return cmocka_run_group_tests(tests, calm_runs, calm_end);
}
