/* Chains of rules through crashes: unit.restart with derived events. Every level, deadlines that
 * derive, rules that stand in several clock groups, keys that differ from level to level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "nfa/state.h"
#include "tests/support/compile_text.h"
#include "tests/support/crash_life.h"
#include "tests/support/journal_life.h"

/* %d: the bound of both topics. */
static const char rules[] =
    "language 1\n"
    "event Login from topic \"logins\" { user : string key  at : timestamp in ms event time\n"
    "  kind : string optional  out of order by %dms }\n"
    "event Logout from topic \"logouts\" { user : string key  at : timestamp in ms event time\n"
    "  kind : string optional  out of order by %dms }\n"
    /* no deadline, one topic */
    "rule twice { for each user within 12ms when 2 Login as l emit event Twice { first = first_at } }\n"
    /* deadlines, an alert and two events, held back by quiet */
    "rule silent { for each user when Login as l then no Login for 7ms quiet for 20ms\n"
    "  emit alert { since = l.at } emit event Silent { n = 1 } emit event Silent { n = 2 } }\n"
    /* timeouts over both topics */
    "rule unfinished { for each user within 9ms when Logout as o then Login as l\n"
    "  on timeout emit event Gone { since = o.at } emit alert }\n"
    /* level 1: waits for deadlines, the same topic */
    "rule quiet_after { for each user within 60ms when Twice as t then Silent as s where n = 2\n"
    "  emit alert { gap = s.at - t.at } emit event Settled { gap = s.at - t.at } }\n"
    /* level 1 of both topics, an absence of a derived event */
    "rule left { for each user when Logout as o then no Twice for 11ms emit event Left { n = 1 } }\n"
    /* level 2, another key, without a window */
    "rule crowd { within 30ms when 3 Settled as s emit alert { users = distinct(s.user) } }\n"
    /* level 2: deadlines of level 1 and 0, and input, in one order */
    "rule all_of_it { for each user within 80ms when Left as a then Silent as b then Login as c\n"
    "  without Gone emit alert { n = b.n } }\n"
    "rule next_one { for each user within 50ms when Silent as a then next any of (Twice as b, Gone as c)\n"
    "  after match skip to next emit alert { x = first_at } }\n"
    "rule no_skip { for each user within 25ms when Left as a then 1 to 2 Login as b\n"
    "  after match no skip emit event Many { n = count(b) } }\n"
    "rule many { for each user within 25ms when 4 Many as m emit alert { n = sum(m.n) } }\n";

static struct compilation *compile(int64_t bound)
{
    char text[sizeof(rules) + 32];
    snprintf(text, sizeof(text), rules, (int)bound, (int)bound);
    struct compilation *c = compile_text(text);
    if (c->ruleset == NULL) {
        fail_msg("%s: %s", codes_of(c, true), c->diags.first->message);
    }
    return c;
}

/* Rounds in which each rule had something to say: most have both topics. */
static void note_who_spoke(const struct ruleset *rs, struct buf *alerts, unsigned *spoke)
{
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        char member[64];
        snprintf(member, sizeof(member), "{\"rule\":\"%.*s\"", SLICE_ARG(rs->rules[i].name));
        spoke[i] += strstr(buf_cstr(alerts), member) != NULL;
    }
}

static void check_all_spoke(unsigned *spoke)
{
    struct compilation *c = compile(0);
    for (uint32_t i = 0; i < c->ruleset->n_rules; i++) {
        const struct rule *r = &c->ruleset->rules[i];
        if (rule_alert_plan(r, MATCH_MATCH) != NULL && spoke[i] < 3) {
            fail_msg("rule %.*s spoke in %u rounds", SLICE_ARG(r->name), spoke[i]);
        }
    }
    compilation_free(c);
}

static void crashes_change_no_chain(void **state)
{
    static const struct setting wild[] = {
        {1, MUCH_MEMORY, 50, 5, 8, 0, 0}, {4, MUCH_MEMORY, 9, 2, 6, 0, 0}, {1, MUCH_MEMORY, 1, 1, 30, 0, 0},
        {1, 4096, 20, 3, 9, 0, 0}, {2, MUCH_MEMORY, 450, 3, 0, 0, 0},
    };
    struct logs *l = xcalloc(1, sizeof(*l));
    struct rng rng = rng_seed(23);
    struct journal_outcome sum = {0};
    unsigned crashes = 0, spoke[16] = {0};
    (void)state;
    for (int round = 0; round < 8; round++) {
        struct outcome want = {0};
        int64_t bound = round % 5;
        struct compilation *c = compile(bound);
        logs_random(l, &rng, bound, 0);
        life_same_in_all(c->ruleset, l, wild, FYKE_ARRAY_LEN(wild), round, &crashes, &want);
        if (round % 2 == 0) { /* exactly once, too */
            journal_life_same_in_all(c->ruleset, l, round, &want.alerts, &want.state, &sum);
        }
        note_who_spoke(c->ruleset, &want.alerts, spoke);
        outcome_release(&want);
        compilation_free(c);
    }
    assert_true(crashes > 60);
    check_all_spoke(spoke);
    free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crashes_change_no_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
