/* Quiet times that several keys share (`quiet … per` without the whole key) through crashes,
 * threads, batches and little memory: alerts of events and of deadlines, of two topics, of rules that
 * derive events too. */
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
    /* no deadline */
    "rule each { for each user, kind when Login as l quiet for 9ms per user emit alert }\n"
    /* deadlines, and what it derives is never held back */
    "rule silent { for each user, kind when Login as l then no Login for 7ms quiet for 20ms per user\n"
    "  emit alert { since = l.at } emit event Silent { n = 1 } }\n"
    "rule heard { within 30ms when 4 Silent as s emit alert { users = distinct(s.user) } }\n"
    /* the group may be missing; a key that does not name the user at all */
    "rule of_field { for each kind when Login as l quiet for 12ms per l.user emit alert }\n"
    "rule of_two { for each user, kind within 15ms when Logout as o then Login as l\n"
    "  quiet for 40ms per o.user, user on timeout emit alert emit alert }\n"
    "rule unfinished { for each user, kind within 15ms when Logout as o then no Login\n"
    "  quiet for 30ms per user emit alert }\n";

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

/* Rounds in which each rule had something to say, and told what it had held back. */
static void note_who_spoke(const struct ruleset *rs, struct buf *alerts, unsigned *spoke)
{
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        char member[128];
        snprintf(member, sizeof(member),
                 "{\"rule\":\"%.*s\",\"plan\":\"%016llx\",\"kind\":\"%s\"", SLICE_ARG(rs->rules[i].name),
                 (unsigned long long)rs->rules[i].plan,
                 rs->rules[i].quiet.apart ? "quiet_ended" : "match");
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

static void crashes_change_no_shared_quiet_time(void **state)
{
    static const struct setting wild[] = {
        {1, MUCH_MEMORY, 50, 5, 8, 0, 0}, {4, MUCH_MEMORY, 9, 2, 6, 0, 0}, {1, MUCH_MEMORY, 1, 1, 30, 0, 0},
        {1, 4096, 20, 3, 9, 0, 0}, {2, MUCH_MEMORY, 450, 3, 0, 0, 0},
    };
    struct logs *l = xcalloc(1, sizeof(*l));
    struct rng rng = rng_seed(29);
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

/* A deadline of one key may lie in front of events of another that a partition at its end lets go:
 * so rules that speak at deadlines wait. */
static void units_stand_above_their_rules(void **state)
{
    struct compilation *c = compile_text(
        "language 1\n"
        "event A from topic \"a\" { k : string key  at : timestamp in ms event time  v : int }\n"
        "rule at_events { for each k, v when A as a quiet for 1s per k emit alert }\n"
        "rule at_deadlines { for each k, v when A as a then no A for 1s quiet for 1s per k, a.k\n"
        "  emit alert }\n"
        "rule own { for each k, v when A as a quiet for 1s per k, v emit alert }\n");
    const struct ruleset *rs = c->ruleset;
    (void)state;
    assert_non_null(rs);
    assert_int_equal(rs->n_units, 5);
    assert_int_equal(rs->rules[2].quiet.unit, 0);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t unit = rs->rules[i].quiet.unit;
        assert_int_equal(unit, 3 + i);
        assert_true(rs->rules[unit].keeps_quiet);
        assert_false(rule_is_copy(&rs->rules[unit]));
        assert_int_equal(rs->rules[unit].original, i);
        assert_int_equal(rs->rules[unit].level, 1);
        assert_int_equal(rs->rules[unit].n_key, 1 + i);
        assert_int_equal(rs->clock_group_of_rule[unit], rs->clock_group_of_rule[i]);
        assert_int_equal(rs->clock_groups[rs->clock_group_of_rule[i]].waits, i == 1);
    }
    compilation_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_stand_above_their_rules),
        cmocka_unit_test(crashes_change_no_shared_quiet_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
