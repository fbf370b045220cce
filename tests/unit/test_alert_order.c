/* The order of a live run's alerts: it must not tell where commits were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "tests/support/compile_text.h"
#include "tests/support/journal_world.h"

#define EVENTS                                                                                      \
    "language 1\n"                                                                                 \
    "event Login from topic \"logins\" { user : string key  at : timestamp in ms event time }\n"   \
    "event Logout from topic \"logouts\" { user : string key  at : timestamp in ms event time }\n"

struct sent_event {
    uint32_t topic;
    const char *user;
    int64_t at_ms;
};

static void send_all(struct world *w, const struct sent_event *events, size_t n, bool commit_each)
{
    world_begin_life(w);
    for (size_t i = 0; i < n; i++) {
        world_send(w, events[i].topic, events[i].user, events[i].at_ms);
        if (commit_each) {
            world_commit(w);
        }
    }
    world_tick_to(w, 1000);
    world_commit(w);
    world_end_life(w, false);
}

/* "rule rule …" of ann's alerts, in the order in which they were committed. */
static void names(const struct world *w, struct buf *out)
{
    for (size_t i = 0; i < w->log.n_alerts; i++) {
        if (strstr(w->log.alerts[i].key, "ann") != NULL) {
            buf_puts(out, w->log.alerts[i].rule);
            buf_puts(out, " ");
        }
    }
}

static void check(const char *rules, const struct sent_event *events, size_t n, const char *want)
{
    struct compilation *c = compile_text(rules);
    assert_non_null(c->ruleset);
    for (int commit_each = 0; commit_each < 2; commit_each++) {
        void *state;
        struct buf got = BUF_INIT;
        assert_int_equal(world_setup(&state), 0);
        struct world *w = state;
        w->rs = c->ruleset;
        send_all(w, events, n, commit_each != 0);
        names(w, &got);
        assert_string_equal(buf_cstr(&got), want);
        buf_release(&got);
        world_teardown(&state);
    }
    compilation_free(c);
}

#define CHECK(rules, events, want) check(EVENTS rules, events, FYKE_ARRAY_LEN(events), want)

/* Found by group_matrix.py: a deadline of a rule with a lesser name, at the time of an event. */
static void a_deadline_speaks_behind_the_events_of_its_time(void **state)
{
    static const struct sent_event events[] = {
        {LOGINS, "ann", 0}, {LOGINS, "clock", 10}, {LOGOUTS, "ann", 10}, {LOGINS, "clock", 11},
        {LOGOUTS, "clock", 11}};
    (void)state;
    CHECK("rule alone { for each user when Login as l then no Login for 10ms emit alert }\n"
          "rule pair { for each user within 1 minute when Login as l then Logout as o emit alert }\n",
          events, "pair alone ");
}

static void events_of_one_time_speak_in_their_order(void **state)
{
    static const struct sent_event events[] = {
        {LOGOUTS, "clock", 10}, {LOGINS, "ann", 10}, {LOGINS, "clock", 11}, {LOGOUTS, "ann", 10},
        {LOGOUTS, "clock", 12}};
    (void)state;
    CHECK("rule a { for each user when Logout as o emit alert }\n"
          "rule b { for each user when Login as l emit alert }\n",
          events, "b a ");
}

static void what_an_event_brings_about_speaks_behind_it(void **state)
{
    static const struct sent_event events[] = {
        {LOGOUTS, "clock", 10}, {LOGINS, "ann", 10}, {LOGINS, "clock", 11}, {LOGOUTS, "ann", 10},
        {LOGOUTS, "clock", 12}};
    (void)state;
    CHECK("event Seen { user : string key }\n"
          "rule a { for each user when Seen as s emit alert }\n"
          "rule b { for each user when Login as l emit alert emit event Seen { user = l.user } }\n"
          "rule c { for each user when Logout as o emit alert }\n",
          events, "b a c ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_speaks_behind_the_events_of_its_time),
        cmocka_unit_test(events_of_one_time_speak_in_their_order),
        cmocka_unit_test(what_an_event_brings_about_speaks_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
