/* What `fyke test` was asked for, and what it has come to so far. Private to cmd_test and test_*. */
#ifndef FYKE_CLI_TEST_ARGS_H
#define FYKE_CLI_TEST_ARGS_H

#include "cli/cli.h"
#include "cli/junit.h"
#include "cli/stdin_rules.h"
#include "lib/git_path.h"
#include "lib/rule_test.h"
#include "lib/rules.h"

struct geoip_files;

struct test_args {
    struct cli_list rules;
    struct stdin_rules standard;
    struct cli_list geoip;
    struct geoip_files *databases; /* NULL: none */
    enum cli_format format;
    enum cli_color color;
    const char *config;     /* or NULL */
    const char *only;       /* regular expression, or NULL */
    const char *junit_path; /* or NULL */
    bool allow_empty, verbose;
    bool update, watch, coverage, mutate;
    uint64_t min_coverage;      /* percent; 0: none asked for */
    const char *coverage_graph; /* file for the automata as DOT, or NULL */
    bool require_pos, require_neg;
    uint64_t shuffle_seed; /* one of these orders; 0: all */
    uint64_t shuffles; /* every test once more in so many orders of arrival */
    /* Running. */
    struct test_filter *filter; /* NULL: all tests */
    unsigned passed, failed;
    unsigned lacking; /* rules without the tests that --require wants */
    struct junit junit;
    struct git_names names; /* of files, with --format github */
};

/* ---- test_select.c: which tests ---- */

/* NULL after an error on stderr. */
struct test_filter *test_filter_new(const struct cli_verb *v, const char *expression);
void test_filter_free(struct test_filter *f);
/* By "rule/title". */
bool test_selected(const struct test_filter *f, const struct ruleset *rs,
                   const struct compiled_test *t);
/* --require: rules that are evaluated and lack a test that fires or one that does not. CLI_OK or
 * CLI_IO. */
int test_require(struct test_args *a, const struct compilation *c);

/* ---- test_report.c: one test's result ---- */

struct test_report {
    const struct compilation *c;
    const struct compiled_test *test;
    const struct rule_test_result *result;
    uint64_t shuffled; /* the order of arrival in which it failed; 0: as written */
    struct buf *out;
    bool color;
};

static inline struct slice test_rule_name(const struct test_report *r)
{
    return r->c->ruleset->rules[r->test->rule].name;
}

/* The words below "FAIL": place, expected and got. */
void test_put_failure(const struct test_report *r, const char *prefix);
void test_report(struct test_args *a, const struct test_report *r);

/* ---- test_update.c: --update ---- */

/* Rewrites the expectations of the selected tests that fail. An exit code. */
int test_update(struct test_args *a, const struct fyke_rules *rules);

/* ---- test_watch.c: --watch ---- */

/* Runs what is concerned whenever a file changes, until a signal says stop. An exit code. */
int test_watch(const struct cli_verb *v, struct test_args *a);

/* ---- cmd_test.c ---- */

/* Runs one test and all its orders of arrival. */
void test_run_one(const struct test_args *a, const struct compilation *c,
                  const struct compiled_test *t, struct rule_test_result *ret, uint64_t *shuffled);
/* The same with its report; counts it. CLI_OK or CLI_IO. */
int test_run_reported(struct test_args *a, const struct compilation *c,
                      const struct compiled_test *t, bool *ok);

#endif
