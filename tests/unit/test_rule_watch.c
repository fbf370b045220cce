/* When the files of a rule set have other contents: written in place, put in their place, through links that
 * are swapped, in directories that come anew; with the kernel's notes and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/rule_watch.h"
#include "tests/support/state_dump.h"

#define PATIENCE_MS 90000

static const char events[] =
    "language 1\nevent Login from topic \"logins\" { user : string key  at : timestamp event time }\n";

struct spot {
    char dir[64];
    char path[128];
};

static const char *in(struct spot *p, const char *name)
{
    snprintf(p->path, sizeof(p->path), "%s/%s", p->dir, name);
    return p->path;
}

static void put(struct spot *p, const char *name, const char *text)
{
    FILE *f = fopen(in(p, name), "we");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void put_rules(struct spot *p, const char *name, const char *condition)
{
    char text[512];
    snprintf(text, sizeof(text),
             "%slist known : string from file \"known.txt\"\n"
             "rule r { for each user when Login where user in list known%s emit alert }\n",
             events, condition);
    put(p, name, text);
}

/* As volumes are mounted: DIR/a.rules → ..data/a.rules, ..data → ..NAME. */
static void swap(struct spot *p, const char *name)
{
    char data[128], fresh[128];
    snprintf(data, sizeof(data), "%s/..data", p->dir);
    snprintf(fresh, sizeof(fresh), "%s/..fresh", p->dir);
    assert_int_equal(symlink(name, fresh), 0);
    assert_int_equal(rename(fresh, data), 0);
}

static void make(struct spot *p)
{
    state_dir_make(p->dir);
    assert_int_equal(mkdir(in(p, "..1"), 0700), 0);
    assert_int_equal(mkdir(in(p, "..2"), 0700), 0);
    put_rules(p, "..1/a.rules", "");
    put(p, "..1/known.txt", "bob\n");
    put_rules(p, "..2/a.rules", "");
    put(p, "..2/known.txt", "bob\nann\n");
    swap(p, "..1");
    assert_int_equal(symlink("..data/a.rules", in(p, "a.rules")), 0);
    assert_int_equal(symlink("..data/known.txt", in(p, "known.txt")), 0);
}

static void remove_all(struct spot *p)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", p->dir);
    assert_int_equal(system(command), 0);
}

static struct fyke_rules *compile(const struct spot *p)
{
    const char *paths[] = {p->dir};
    struct fyke_rules *rules;
    if (fyke_rules_compile(paths, 1, NULL, NULL, &rules) != FYKE_OK) {
        fail_msg("%s", fyke_last_error());
    }
    return rules;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static bool changes(struct rule_watch *w)
{
    for (int waited = 0; waited < PATIENCE_MS; waited += 20) {
        if (rule_watch_changed(w)) {
            return true;
        }
        pause_ms(20);
    }
    return false;
}

static void contents_decide(enum rule_watch_mode mode)
{
    struct spot p;
    make(&p);
    struct fyke_rules *rules = compile(&p);
    struct rule_watch *w = rule_watch_new(rules, mode);
    assert_non_null(w);
    pause_ms(1000); /* the first look must not meet a file while it is written: for a moment it is empty */
    put(&p, "..1/known.txt", "bob\n"); /* the same, written again */
    put(&p, "readme.txt", "no rules\n");
    pause_ms(2500);
    assert_false(rule_watch_changed(w));
    put(&p, "known.txt", "eve\n"); /* through the link, in place */
    assert_true(changes(w));
    swap(&p, "..2");
    assert_true(changes(w));
    put(&p, "more.rules", "language 1\n");
    assert_true(changes(w));
    assert_int_equal(unlink(in(&p, "more.rules")), 0);
    assert_true(changes(w));
    rule_watch_free(w);
    fyke_rules_free(rules);
    remove_all(&p);
}

static void with_notes(void **state)
{
    (void)state;
    contents_decide(RULE_WATCH_FILES);
}

static void without_notes(void **state)
{
    (void)state;
    contents_decide(RULE_WATCH_POLL);
}

/* Between the reading of the files and the first look at them. */
static void what_has_changed_before_is_noticed(void **state)
{
    struct spot p;
    (void)state;
    make(&p);
    struct fyke_rules *rules = compile(&p);
    put_rules(&p, "..1/a.rules", " and user != \"x\"");
    struct rule_watch *w = rule_watch_new(rules, RULE_WATCH_FILES);
    assert_true(changes(w));
    rule_watch_free(w);
    fyke_rules_free(rules);
    remove_all(&p);
}

/* It cannot be listed, so what was noted of the files says nothing. */
static void a_link_to_nothing_comes_and_goes_behind_files_at_rest(void **state)
{
    struct spot p;
    (void)state;
    make(&p);
    struct fyke_rules *rules = compile(&p);
    struct rule_watch *w = rule_watch_new(rules, RULE_WATCH_POLL);
    assert_non_null(w);
    pause_ms(4500);
    assert_false(rule_watch_changed(w));
    assert_int_equal(symlink("nowhere", in(&p, "zz.rules")), 0);
    assert_true(changes(w));
    pause_ms(4500);
    assert_int_equal(unlink(in(&p, "zz.rules")), 0);
    assert_true(changes(w));
    rule_watch_free(w);
    fyke_rules_free(rules);
    remove_all(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_notes),
        cmocka_unit_test(without_notes),
        cmocka_unit_test(what_has_changed_before_is_noticed),
        cmocka_unit_test(a_link_to_nothing_comes_and_goes_behind_files_at_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
