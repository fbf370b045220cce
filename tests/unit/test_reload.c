/* Reload of a running run: what is open for unchanged rules stays, whatever else changes, and the
 * output is that of a run which was ended at the same commit and begun with the other files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/support/reload_world.h"
#include "tests/support/state_dump.h"

#define RECORDS 28000

static const char head[] =
    "language 1\n"
    "event Login from topic \"logins\" {\n"
    "  user : string key  at : timestamp in ms event time  n : int\n"
    "  out of order by 3s\n"
    "}\n";
static const char stays[] =
    "rule stays { for each user within 20s  when Login as a where n < 140 "
    "then Login as b where n between 400 and 540  emit alert { a = a.n  b = b.n } }\n";
static const char quiet[] =
    "rule waits { for each user  when Login as a where n > 800 then no Login where n < 600 for 4s"
    "  emit alert { a = a.n } }\n";
static const char before[] =
    "rule moves { for each user within 10s  when Login as a where n < 300 "
    "then Login as b where n > 700  emit alert }\n"
    "rule goes { for each user  when Login as a where n < 90  emit alert }\n";
static const char after[] =
    "rule moves { for each user within 10s  when Login as a where n < 300 "
    "then Login as b where n > 600  emit alert }\n"
    "rule comes { for each user within 30s  when Login as a where n < 80 "
    "then Login as b where n between 80 and 160  emit alert }\n";

/* ---- reading what came ---------------------------------------------------------------------- */

static int by_bytes(const void *x, const void *y)
{
    const struct slice *a = x, *b = y;
    return slice_cmp(*a, *b);
}

/* The identities of a rule's alerts, sorted. */
static size_t matches_of(const struct reload_world *w, const char *rule, struct buf *out)
{
    static struct slice ids[200000];
    char name[64];
    size_t n = 0;
    snprintf(name, sizeof(name), "\"rule\":\"%s\"", rule);
    for (const char *p = w->alerts.ptr, *end = p + w->alerts.len; p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        struct slice line = slice_from(p, (size_t)(nl - p));
        if (memmem(line.ptr, line.len, name, strlen(name))) {
            ids[n++] = reload_world_member(line, "\"match_id\":");
        }
        p = nl + 1;
    }
    qsort(ids, n, sizeof(*ids), by_bytes);
    for (size_t i = 0; i < n; i++) {
        buf_put_slice(out, ids[i]);
        buf_puts(out, "\n");
    }
    return n;
}

static void same_matches(const struct reload_world *a, const struct reload_world *b, const char *rule)
{
    struct buf x = BUF_INIT, y = BUF_INIT;
    size_t n = matches_of(a, rule, &x);
    matches_of(b, rule, &y);
    assert_true(n > 50);
    if (!slice_eq(buf_slice(&x), buf_slice(&y))) {
        fail_msg("rule %s: other matches (%zu bytes, %zu bytes)", rule, x.len, y.len);
    }
    buf_release(&x);
    buf_release(&y);
}

static void first_rules(struct reload_world *w)
{
    const char *texts[] = {stays, quiet, before, NULL};
    reload_world_rules(w, texts);
}

static void other_rules(struct reload_world *w, unsigned at)
{
    const char *texts[] = {stays, after, quiet, NULL};
    reload_world_act(w, at, texts);
}

/* ---- cases ---------------------------------------------------------------------------------- */

static void a_run_with_a_switch(struct reload_world *w)
{
    reload_world_make(w, head, RECORDS, 40);
    first_rules(w);
    other_rules(w, 3);
    assert_int_equal(reload_world_run(w), FYKE_OK);
    assert_int_equal(w->figures.switched, 1);
    assert_int_equal(w->figures.failed, 0);
    assert_true(w->switched_at[0] > 3);
}

static void an_unchanged_rule_loses_nothing(void **state)
{
    struct reload_world w, calm;
    (void)state;
    a_run_with_a_switch(&w);
    reload_world_make(&calm, head, RECORDS, 40);
    first_rules(&calm);
    assert_int_equal(reload_world_run(&calm), FYKE_OK);
    same_matches(&calm, &w, "stays");
    same_matches(&calm, &w, "waits");
    assert_int_equal(w.engine.records, RECORDS);
    assert_int_equal(w.figures.rules.unchanged, 2);
    assert_int_equal(w.figures.rules.changed, 1);
    assert_int_equal(w.figures.rules.fresh, 1);
    assert_int_equal(w.figures.rules.removed, 1);
    assert_true(reload_world_said(&w, "reload: rule comes: new"));
    assert_true(reload_world_said(&w, "2 unchanged, 0 kept, 1 new, 1 changed, 1 removed"));
    reload_world_end(&w);
    reload_world_end(&calm);
}

/* The same switch at the same commit by ending the run and beginning it with the other files. */
static void a_switch_is_a_restart_with_other_files(void **state)
{
    struct reload_world w, twice;
    struct buf x = BUF_INIT, y = BUF_INIT;
    (void)state;
    a_run_with_a_switch(&w);
    reload_world_make(&twice, head, RECORDS, 40);
    first_rules(&twice);
    reload_world_act(&twice, w.switched_at[0], NULL);
    assert_int_equal(reload_world_run(&twice), FYKE_INTERRUPTED);
    reload_world_rules(&twice, w.acts[0].texts);
    assert_int_equal(reload_world_run(&twice), FYKE_OK);
    assert_true(w.alerts.len > 100000);
    assert_true(slice_eq(buf_slice(&w.alerts), buf_slice(&twice.alerts)));
    state_dump(w.state, &x, NULL);
    state_dump(twice.state, &y, NULL);
    assert_true(slice_eq(buf_slice(&x), buf_slice(&y)));
    buf_release(&x);
    buf_release(&y);
    reload_world_end(&w);
    reload_world_end(&twice);
}

static void broken_files_change_nothing(void **state)
{
    struct reload_world w, calm;
    (void)state;
    reload_world_make(&w, head, RECORDS, 40);
    first_rules(&w);
    const char *broken[] = {"rule broken { for each nobody when X emit alert }\n", NULL};
    reload_world_act(&w, 2, broken);
    assert_int_equal(reload_world_run(&w), FYKE_OK);
    reload_world_make(&calm, head, RECORDS, 40);
    first_rules(&calm);
    assert_int_equal(reload_world_run(&calm), FYKE_OK);
    assert_true(slice_eq(buf_slice(&w.alerts), buf_slice(&calm.alerts)));
    assert_int_equal(w.figures.failed, 1);
    assert_int_equal(w.figures.switched, 0);
    assert_true(reload_world_said(&w, "r.rules:6:"));
    assert_true(reload_world_said(&w, "the rules in force stay"));
    reload_world_end(&w);
    reload_world_end(&calm);
}

static void the_same_bytes_are_nothing_new(void **state)
{
    struct reload_world w;
    (void)state;
    reload_world_make(&w, head, RECORDS, 40);
    first_rules(&w);
    const char *texts[] = {stays, quiet, before, NULL};
    reload_world_act(&w, 2, texts);
    assert_int_equal(reload_world_run(&w), FYKE_OK);
    assert_int_equal(w.figures.unchanged, 1);
    assert_int_equal(w.figures.switched, 0);
    assert_int_equal(w.n_switched, 0);
    reload_world_end(&w);
}

static void a_wish_during_a_reload_is_carried_out_afterwards(void **state)
{
    struct reload_world w;
    const char *later[] = {stays, quiet, "rule late { for each user when Login as a where n = 1 emit alert }\n",
                           NULL};
    (void)state;
    reload_world_make(&w, head, RECORDS, 40);
    first_rules(&w);
    other_rules(&w, 2);
    memcpy(w.later, later, sizeof(later));
    assert_int_equal(reload_world_run(&w), FYKE_OK);
    assert_int_equal(w.figures.asked, 2);
    assert_true(reload_world_said(&w, "reload: rule late: new"));
    assert_int_equal(w.figures.failed, 0);
    reload_world_end(&w);
}

static void without_a_state_other_rules_are_refused(void **state)
{
    struct reload_world w;
    (void)state;
    reload_world_make(&w, head, RECORDS, 40);
    first_rules(&w);
    other_rules(&w, 2);
    w.no_state = true;
    assert_int_equal(reload_world_run(&w), FYKE_OK);
    assert_int_equal(w.figures.failed, 1);
    assert_true(reload_world_said(&w, "without --state"));
    reload_world_end(&w);
}

/* The files compile, but the state cannot go on with them. */
static void rules_that_do_not_fit_the_state_are_refused(void **state)
{
    struct reload_world w, calm;
    (void)state;
    reload_world_make(&w, head, RECORDS, 40);
    first_rules(&w);
    const char *texts[] = {
        stays,
        "event Extra from topic \"extra\" { user : string key  at : timestamp event time }\n"
        "rule extra { for each user when Extra emit alert }\n",
        NULL};
    reload_world_act(&w, 2, texts);
    assert_int_equal(reload_world_run(&w), FYKE_OK);
    reload_world_make(&calm, head, RECORDS, 40);
    first_rules(&calm);
    assert_int_equal(reload_world_run(&calm), FYKE_OK);
    assert_int_equal(w.figures.failed, 1);
    assert_int_equal(w.figures.switched, 0);
    assert_true(reload_world_said(&w, "the rules in force stay"));
    assert_true(slice_eq(buf_slice(&w.alerts), buf_slice(&calm.alerts)));
    reload_world_end(&w);
    reload_world_end(&calm);
}

/* Who has no name any more cannot be opened again. */
static void input_and_state_stay_open_at_a_switch(void **state)
{
    struct reload_world w, twice;
    (void)state;
    reload_world_make(&w, head, RECORDS, 40);
    first_rules(&w);
    other_rules(&w, 3);
    w.unlinks = true;
    assert_int_equal(reload_world_run(&w), FYKE_OK);
    assert_int_equal(w.figures.switched, 1);
    assert_int_equal(w.engine.records, RECORDS);
    a_run_with_a_switch(&twice);
    same_matches(&twice, &w, "stays");
    same_matches(&twice, &w, "waits");
    reload_world_end(&w);
    reload_world_end(&twice);
}

/* What is compressed is read from its beginning. */
static void input_that_cannot_be_moved_is_opened_anew(void **state)
{
    struct reload_world w, plain;
    char command[160];
    (void)state;
    reload_world_make(&w, head, RECORDS, 40);
    snprintf(command, sizeof(command), "gzip -1 '%s'", w.input);
    assert_int_equal(system(command), 0);
    snprintf(w.input + strlen(w.input), 8, ".gz");
    first_rules(&w);
    other_rules(&w, 3);
    assert_int_equal(reload_world_run(&w), FYKE_OK);
    assert_int_equal(w.figures.switched, 1);
    assert_int_equal(w.engine.records, RECORDS);
    a_run_with_a_switch(&plain);
    same_matches(&plain, &w, "stays");
    same_matches(&plain, &w, "waits");
    reload_world_end(&w);
    reload_world_end(&plain);
}

/* The engine before is gone when it turns out that the new one cannot be: the old rules begin again with the
 * directory closed and opened. */
static void what_was_left_open_is_closed_when_the_rules_are_refused(void **state)
{
    struct reload_world w, calm;
    (void)state;
    reload_world_make(&w, head, RECORDS, 40);
    first_rules(&w);
    const char *texts[] = {
        stays,
        "event Seen from topic \"logins\" { user : string key  at : timestamp in ms event time\n"
        "  from : ip optional }\n"
        "rule places { for each user when Seen where geoip(from).country = \"DE\" emit alert }\n",
        NULL};
    reload_world_act(&w, 2, texts);
    assert_int_equal(reload_world_run(&w), FYKE_OK);
    reload_world_make(&calm, head, RECORDS, 40);
    first_rules(&calm);
    assert_int_equal(reload_world_run(&calm), FYKE_OK);
    assert_int_equal(w.figures.failed, 1);
    assert_true(reload_world_said(&w, "--geoip"));
    assert_true(slice_eq(buf_slice(&w.alerts), buf_slice(&calm.alerts)));
    reload_world_end(&w);
    reload_world_end(&calm);
}

static void rules_of_several_files(struct reload_world *w)
{
    const char *texts[] = {
        "import \"more.rules\"\n", stays, quiet,
        "list few : string from file \"few.txt\"\n"
        "rule listed { for each user when Login where user in list few and n < 100 emit alert }\n",
        NULL};
    reload_world_make(w, head, RECORDS, 40);
    reload_world_rules(w, texts);
    reload_world_file(w, "few.txt", "u1\nu2\nu3\n");
    reload_world_file(w, "more.rules",
               "language 1\nrule imported { for each user when Login where n = 5 emit alert }\n");
}

/* Everything of the set is damaged, its list too; the run goes on with what the state holds, and a
 * reload takes files that are mended. */
static void a_restart_with_broken_files_goes_on_with_the_stored_rules(void **state)
{
    struct reload_world w, calm;
    struct buf x = BUF_INIT, y = BUF_INIT;
    (void)state;
    rules_of_several_files(&w);
    rules_of_several_files(&calm);
    reload_world_act(&w, 3, NULL);
    reload_world_act(&calm, 3, NULL);
    assert_int_equal(reload_world_run(&w), FYKE_INTERRUPTED);
    assert_int_equal(reload_world_run(&calm), FYKE_INTERRUPTED);
    reload_world_file(&w, "r.rules", "rule oh no");
    reload_world_file(&w, "few.txt", "nobody\n");
    reload_world_file(&w, "more.rules", "");
    assert_int_equal(reload_world_run_stored(&w), FYKE_OK);
    assert_int_equal(reload_world_run(&calm), FYKE_OK);
    assert_true(calm.alerts.len > 50000);
    assert_true(slice_eq(buf_slice(&w.alerts), buf_slice(&calm.alerts)));
    state_dump(w.state, &x, NULL);
    state_dump(calm.state, &y, NULL);
    assert_true(slice_eq(buf_slice(&x), buf_slice(&y)));
    assert_int_equal(w.figures.failed, 1);
    buf_release(&x);
    buf_release(&y);
    reload_world_end(&w);
    reload_world_end(&calm);
}

/* ---- records ---------------------------------------------------------------------------------- */

static size_t read_records(const struct reload_world *w, char lines[][4096], size_t most)
{
    FILE *f = fopen(w->audit, "re");
    size_t n = 0;
    assert_non_null(f);
    while (n < most && fgets(lines[n], sizeof(lines[n]), f)) {
        n++;
    }
    assert_int_equal(fclose(f), 0);
    return n;
}

static void has(const char *line, const char *text)
{
    if (!strstr(line, text)) {
        fail_msg("%s is not in %s", text, line);
    }
}

/* The position of a switch is where a restart at this commit reads on; the next start tells what it found. */
static void every_start_and_switch_leaves_a_record(void **state)
{
    static char lines[4][4096], at[96];
    struct reload_world w;
    (void)state;
    reload_world_make(&w, head, RECORDS, 40);
    snprintf(w.audit, sizeof(w.audit), "%s/audit", w.dir);
    first_rules(&w);
    other_rules(&w, 3);
    reload_world_act(&w, 6, NULL);
    assert_int_equal(reload_world_run(&w), FYKE_INTERRUPTED);
    assert_int_equal(w.figures.switched, 1);
    first_rules(&w);
    w.reload = 0;
    assert_int_equal(reload_world_run(&w), FYKE_OK);
    assert_int_equal(read_records(&w, lines, 4), 3);
    has(lines[0], "\"by\":\"start\",\"result\":\"switched\",\"ruleset\":");
    has(lines[0], "\"topic\":\"logins\",\"partition\":0,\"offset\":0}");
    has(lines[1], "\"by\":\"signal\",\"result\":\"switched\",\"ruleset_before\":");
    has(lines[1], "\"pause_ms\":");
    has(lines[1], "{\"rule\":\"comes\",\"fate\":\"new\",\"open\":\"none\"}");
    has(lines[1], "{\"rule\":\"moves\",\"fate\":\"changed\",\"open\":\"drained\"}");
    has(lines[1], "{\"rule\":\"goes\",\"fate\":\"removed\",\"open\":\"dropped\"}");
    snprintf(at, sizeof(at), "\"offset\":%lld,\"watermark\":",
             (long long)w.switched_offset[0]);
    has(lines[1], at);
    has(lines[2], "\"by\":\"start\",\"result\":\"switched\",\"ruleset_before\":");
    has(lines[2], "{\"rule\":\"comes\",\"fate\":\"removed\",\"open\":\"dropped\"}");
    reload_world_end(&w);
}

static void a_record_that_cannot_be_written_is_counted(void **state)
{
    struct reload_world w;
    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        skip();
    }
    reload_world_make(&w, head, RECORDS, 40);
    snprintf(w.audit, sizeof(w.audit), "/dev/full");
    first_rules(&w);
    other_rules(&w, 3);
    assert_int_equal(reload_world_run(&w), FYKE_OK);
    assert_int_equal(w.figures.switched, 1);
    assert_int_equal(w.figures.unrecorded, 2);
    assert_true(reload_world_said(&w, "its record is not in /dev/full"));
    reload_world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unchanged_rule_loses_nothing),
        cmocka_unit_test(a_switch_is_a_restart_with_other_files),
        cmocka_unit_test(broken_files_change_nothing),
        cmocka_unit_test(the_same_bytes_are_nothing_new),
        cmocka_unit_test(a_wish_during_a_reload_is_carried_out_afterwards),
        cmocka_unit_test(without_a_state_other_rules_are_refused),
        cmocka_unit_test(a_restart_with_broken_files_goes_on_with_the_stored_rules),
        cmocka_unit_test(rules_that_do_not_fit_the_state_are_refused),
        cmocka_unit_test(input_and_state_stay_open_at_a_switch),
        cmocka_unit_test(input_that_cannot_be_moved_is_opened_anew),
        cmocka_unit_test(what_was_left_open_is_closed_when_the_rules_are_refused),
        cmocka_unit_test(every_start_and_switch_leaves_a_record),
        cmocka_unit_test(a_record_that_cannot_be_written_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
