/* Reload of a running run: what is open for unchanged rules stays, whatever else changes, and the
 * output is that of a run which was ended at the same commit and begun with the other files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/rng.h"
#include "lib/rule_store.h"
#include "lib/run.h"
#include "tests/support/state_dump.h"

#define RECORDS 28000
#define USERS 40

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

struct world {
    char dir[64], rules[96], input[96], state[96];
    struct buf alerts;   /* one line each */
    struct buf said;
    volatile sig_atomic_t stop, reload;
    unsigned beats, act_at; /* batches between which something happens */
    const char *texts[4];   /* what the rule file becomes then; the first NULL: the run is stopped */
    const char *later[4];   /* what it becomes while it is read */
    unsigned switched_at;   /* batches before the other rules */
    bool done;
    bool no_state;
    struct reload_figures figures;
    struct engine_summary engine;
};

static void write_text(const char *path, const char *const *texts)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(head, f);
    for (; *texts; texts++) {
        fputs(*texts, f);
    }
    assert_int_equal(fclose(f), 0);
}

static void write_input(const char *path)
{
    struct rng rng = rng_seed(5);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    for (int i = 0; i < RECORDS; i++) {
        int64_t at = (int64_t)i * 20 + (int64_t)rng_below(&rng, 3500) - 3500;
        fprintf(f, "{\"user\":\"u%u\",\"at\":%lld,\"n\":%u}\n", (unsigned)rng_below(&rng, USERS),
                (long long)at, (unsigned)rng_below(&rng, 1000));
    }
    assert_int_equal(fclose(f), 0);
}

static void make_world(struct world *w)
{
    *w = (struct world){.act_at = UINT32_MAX};
    state_dir_make(w->dir);
    snprintf(w->rules, sizeof(w->rules), "%s/r.rules", w->dir);
    snprintf(w->input, sizeof(w->input), "%s/in.jsonl", w->dir);
    snprintf(w->state, sizeof(w->state), "%s/state", w->dir);
    write_input(w->input);
}

static void end_world(struct world *w)
{
    char command[128];
    buf_release(&w->alerts);
    buf_release(&w->said);
    snprintf(command, sizeof(command), "rm -rf '%s'", w->dir);
    assert_int_equal(system(command), 0);
}

static bool keep_alert(void *ctx, const struct fyke_alert *a)
{
    struct world *w = ctx;
    buf_put(&w->alerts, a->json, a->json_len);
    buf_puts(&w->alerts, "\n");
    return true;
}

static void keep_line(void *ctx, const char *line)
{
    struct world *w = ctx;
    buf_puts(&w->said, line);
    buf_puts(&w->said, "\n");
}

/* Time for the files to be read aside. */
static void wait_a_moment(void)
{
    const struct timespec t = {.tv_nsec = 400000000};
    nanosleep(&t, NULL);
}

static void act(struct world *w)
{
    w->done = true;
    if (w->texts[0]) {
        write_text(w->rules, w->texts);
        w->reload++;
    } else {
        w->stop = 1;
    }
}

static void beat(void *ctx, enum run_phase phase, struct run *run)
{
    struct world *w = ctx;
    (void)run;
    if (phase == RUN_STARTING && w->beats > 0 && w->switched_at == 0) {
        w->switched_at = w->beats;
    }
    if (phase != RUN_READY && phase != RUN_RELOADING) {
        return;
    }
    w->beats++;
    if (w->beats == w->act_at && !w->done) {
        act(w);
    }
    if (phase == RUN_RELOADING) {
        if (w->later[0]) {
            write_text(w->rules, w->later);
            w->later[0] = NULL;
            w->reload++;
        }
        wait_a_moment();
    }
}

static void keep_figures(void *ctx, const struct run_figures *f)
{
    struct world *w = ctx;
    w->figures = f->reload;
    w->engine = f->engine;
}

static enum fyke_result run_with(struct world *w, bool stored)
{
    const char *paths[] = {w->rules}, *inputs[] = {w->input};
    const struct run_hooks hooks = {.figures = keep_figures, .beat = beat, .ctx = w};
    struct fyke_run_config c;
    struct fyke_rules *rules;
    w->stop = 0;
    w->beats = 0;
    fyke_run_config_init(&c);
    c.inputs = inputs;
    c.n_inputs = 1;
    c.options.state_dir = w->no_state ? NULL : w->state;
    c.options.log = keep_line;
    c.options.log_ctx = w;
    c.on_alert = keep_alert;
    c.on_alert_ctx = w;
    c.stop = &w->stop;
    c.reload = &w->reload;
    if (stored) {
        struct error err = ERROR_INIT;
        if (rule_store_find(&c, paths, 1, &rules, &err) != ERR_OK) {
            fail_msg("%s", err.text);
        }
        assert_non_null(rules);
    } else {
        assert_int_equal(fyke_rules_compile(paths, 1, NULL, NULL, &rules), FYKE_OK);
    }
    enum fyke_result rc = run_whole(rules, &c, &hooks);
    fyke_rules_free(rules);
    return rc;
}

static enum fyke_result run_it(struct world *w)
{
    return run_with(w, false);
}

/* ---- reading what came ---------------------------------------------------------------------- */

static int by_bytes(const void *x, const void *y)
{
    const struct slice *a = x, *b = y;
    return slice_cmp(*a, *b);
}

static struct slice member(struct slice line, const char *name)
{
    const char *at = memmem(line.ptr, line.len, name, strlen(name));
    const char *end = at ? memchr(at, ',', (size_t)(line.ptr + line.len - at)) : NULL;
    return end ? slice_from(at, (size_t)(end - at)) : (struct slice){0};
}

/* The identities of a rule's alerts, sorted. */
static size_t matches_of(const struct world *w, const char *rule, struct buf *out)
{
    static struct slice ids[200000];
    char name[64];
    size_t n = 0;
    snprintf(name, sizeof(name), "\"rule\":\"%s\"", rule);
    for (const char *p = w->alerts.ptr, *end = p + w->alerts.len; p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        struct slice line = slice_from(p, (size_t)(nl - p));
        if (memmem(line.ptr, line.len, name, strlen(name))) {
            ids[n++] = member(line, "\"match_id\":");
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

static void same_matches(const struct world *a, const struct world *b, const char *rule)
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

static bool has_said(const struct world *w, const char *text)
{
    return w->said.len > 0 && memmem(w->said.ptr, w->said.len, text, strlen(text)) != NULL;
}

static void first_rules(struct world *w)
{
    const char *texts[] = {stays, quiet, before, NULL};
    write_text(w->rules, texts);
}

static void other_rules(struct world *w)
{
    const char *texts[] = {stays, after, quiet, NULL};
    memcpy(w->texts, texts, sizeof(texts));
}

/* ---- cases ---------------------------------------------------------------------------------- */

static void a_run_with_a_switch(struct world *w)
{
    make_world(w);
    first_rules(w);
    other_rules(w);
    w->act_at = 3;
    assert_int_equal(run_it(w), FYKE_OK);
    assert_int_equal(w->figures.switched, 1);
    assert_int_equal(w->figures.failed, 0);
    assert_true(w->switched_at > 3);
}

static void an_unchanged_rule_loses_nothing(void **state)
{
    struct world w, calm;
    (void)state;
    a_run_with_a_switch(&w);
    make_world(&calm);
    first_rules(&calm);
    assert_int_equal(run_it(&calm), FYKE_OK);
    same_matches(&calm, &w, "stays");
    same_matches(&calm, &w, "waits");
    assert_int_equal(w.engine.records, RECORDS);
    assert_int_equal(w.figures.rules.unchanged, 2);
    assert_int_equal(w.figures.rules.changed, 1);
    assert_int_equal(w.figures.rules.fresh, 1);
    assert_int_equal(w.figures.rules.removed, 1);
    assert_true(has_said(&w, "reload: rule comes: new"));
    assert_true(has_said(&w, "2 unchanged, 0 kept, 1 new, 1 changed, 1 removed"));
    end_world(&w);
    end_world(&calm);
}

/* The same switch at the same commit by ending the run and beginning it with the other files. */
static void a_switch_is_a_restart_with_other_files(void **state)
{
    struct world w, twice;
    struct buf x = BUF_INIT, y = BUF_INIT;
    (void)state;
    a_run_with_a_switch(&w);
    make_world(&twice);
    first_rules(&twice);
    twice.act_at = w.switched_at;
    assert_int_equal(run_it(&twice), FYKE_INTERRUPTED);
    write_text(twice.rules, w.texts);
    assert_int_equal(run_it(&twice), FYKE_OK);
    assert_true(w.alerts.len > 100000);
    assert_true(slice_eq(buf_slice(&w.alerts), buf_slice(&twice.alerts)));
    state_dump(w.state, &x, NULL);
    state_dump(twice.state, &y, NULL);
    assert_true(slice_eq(buf_slice(&x), buf_slice(&y)));
    buf_release(&x);
    buf_release(&y);
    end_world(&w);
    end_world(&twice);
}

static void broken_files_change_nothing(void **state)
{
    struct world w, calm;
    (void)state;
    make_world(&w);
    first_rules(&w);
    w.texts[0] = "rule broken { for each nobody when X emit alert }\n";
    w.act_at = 2;
    assert_int_equal(run_it(&w), FYKE_OK);
    make_world(&calm);
    first_rules(&calm);
    assert_int_equal(run_it(&calm), FYKE_OK);
    assert_true(slice_eq(buf_slice(&w.alerts), buf_slice(&calm.alerts)));
    assert_int_equal(w.figures.failed, 1);
    assert_int_equal(w.figures.switched, 0);
    assert_true(has_said(&w, "r.rules:6:"));
    assert_true(has_said(&w, "the rules in force stay"));
    end_world(&w);
    end_world(&calm);
}

static void the_same_bytes_are_nothing_new(void **state)
{
    struct world w;
    (void)state;
    make_world(&w);
    first_rules(&w);
    const char *texts[] = {stays, quiet, before, NULL};
    memcpy(w.texts, texts, sizeof(texts));
    w.act_at = 2;
    assert_int_equal(run_it(&w), FYKE_OK);
    assert_int_equal(w.figures.unchanged, 1);
    assert_int_equal(w.figures.switched, 0);
    assert_int_equal(w.switched_at, 0);
    end_world(&w);
}

static void a_wish_during_a_reload_is_carried_out_afterwards(void **state)
{
    struct world w;
    const char *later[] = {stays, quiet, "rule late { for each user when Login as a where n = 1 emit alert }\n",
                           NULL};
    (void)state;
    make_world(&w);
    first_rules(&w);
    other_rules(&w);
    memcpy(w.later, later, sizeof(later));
    w.act_at = 2;
    assert_int_equal(run_it(&w), FYKE_OK);
    assert_int_equal(w.figures.asked, 2);
    assert_true(has_said(&w, "reload: rule late: new"));
    assert_int_equal(w.figures.failed, 0);
    end_world(&w);
}

static void without_a_state_other_rules_are_refused(void **state)
{
    struct world w;
    (void)state;
    make_world(&w);
    first_rules(&w);
    other_rules(&w);
    w.act_at = 2;
    w.no_state = true;
    assert_int_equal(run_it(&w), FYKE_OK);
    assert_int_equal(w.figures.failed, 1);
    assert_true(has_said(&w, "without --state"));
    end_world(&w);
}

/* The files compile, but the state cannot go on with them. */
static void rules_that_do_not_fit_the_state_are_refused(void **state)
{
    struct world w, calm;
    (void)state;
    make_world(&w);
    first_rules(&w);
    w.texts[0] = stays;
    w.texts[1] = "event Extra from topic \"extra\" { user : string key  at : timestamp event time }\n"
                 "rule extra { for each user when Extra emit alert }\n";
    w.act_at = 2;
    assert_int_equal(run_it(&w), FYKE_OK);
    make_world(&calm);
    first_rules(&calm);
    assert_int_equal(run_it(&calm), FYKE_OK);
    assert_int_equal(w.figures.failed, 1);
    assert_int_equal(w.figures.switched, 0);
    assert_true(has_said(&w, "the rules in force stay"));
    assert_true(slice_eq(buf_slice(&w.alerts), buf_slice(&calm.alerts)));
    end_world(&w);
    end_world(&calm);
}

static void write_file(const struct world *w, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", w->dir, name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void rules_of_several_files(struct world *w)
{
    const char *texts[] = {
        "import \"more.rules\"\n", stays, quiet,
        "list few : string from file \"few.txt\"\n"
        "rule listed { for each user when Login where user in list few and n < 100 emit alert }\n",
        NULL};
    make_world(w);
    write_text(w->rules, texts);
    write_file(w, "few.txt", "u1\nu2\nu3\n");
    write_file(w, "more.rules",
               "language 1\nrule imported { for each user when Login where n = 5 emit alert }\n");
}

/* Everything of the set is damaged, its list too; the run goes on with what the state holds, and a
 * reload takes files that are mended. */
static void a_restart_with_broken_files_goes_on_with_the_stored_rules(void **state)
{
    struct world w, calm;
    struct buf x = BUF_INIT, y = BUF_INIT;
    (void)state;
    rules_of_several_files(&w);
    rules_of_several_files(&calm);
    w.act_at = calm.act_at = 3;
    assert_int_equal(run_it(&w), FYKE_INTERRUPTED);
    assert_int_equal(run_it(&calm), FYKE_INTERRUPTED);
    write_file(&w, "r.rules", "rule oh no");
    write_file(&w, "few.txt", "nobody\n");
    write_file(&w, "more.rules", "");
    assert_int_equal(run_with(&w, true), FYKE_OK);
    assert_int_equal(run_it(&calm), FYKE_OK);
    assert_true(calm.alerts.len > 50000);
    assert_true(slice_eq(buf_slice(&w.alerts), buf_slice(&calm.alerts)));
    state_dump(w.state, &x, NULL);
    state_dump(calm.state, &y, NULL);
    assert_true(slice_eq(buf_slice(&x), buf_slice(&y)));
    assert_int_equal(w.figures.failed, 1);
    buf_release(&x);
    buf_release(&y);
    end_world(&w);
    end_world(&calm);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
