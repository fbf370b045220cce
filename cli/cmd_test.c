/* fyke test: runs the tests that stand in the rule files. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/test_args.h"
#include "cli/test_coverage.h"
#include "cli/test_mutate.h"
#include "connectors/geoip.h"

/* ---- the run ------------------------------------------------------------------------------ */

void test_run_one(const struct test_args *a, const struct compilation *c,
                  const struct compiled_test *t, struct rule_test_result *ret, uint64_t *shuffled)
{
    struct rule_test_options o = {.geoip = a->databases, .explain = !a->update};
    uint64_t first = a->shuffle_seed ? a->shuffle_seed : 1;
    uint64_t orders = a->shuffle_seed ? 1 : a->shuffles;
    orders = rule_test_has_reload(t) ? 0 : orders;
    rule_test_run(c, t, &o, ret);
    *shuffled = 0;
    for (uint64_t i = 0; ret->ok && i < orders; i++) {
        o.shuffle = *shuffled = first + i;
        rule_test_result_release(ret);
        rule_test_run(c, t, &o, ret);
    }
}

int test_run_reported(struct test_args *a, const struct compilation *c,
                      const struct compiled_test *t, bool *ok)
{
    struct rule_test_result result;
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    struct test_report r = {.c = c,
                            .test = t,
                            .result = &result,
                            .out = &out,
                            .color = cli_colored(a->color, stdout)};
    test_run_one(a, c, t, &result, &r.shuffled);
    a->passed += result.ok;
    a->failed += !result.ok;
    *ok = result.ok;
    test_report(a, &r);
    rule_test_result_release(&result);
    return cli_put(buf_slice(&out));
}

static int conclude(struct test_args *a)
{
    unsigned n = a->passed + a->failed;
    if (a->format == FORMAT_TAP) {
        printf("1..%u\n", n);
    } else {
        printf("%u passed, %u failed\n", a->passed, a->failed);
    }
    if (n == 0 && !a->allow_empty) {
        fprintf(stderr, "fyke: no tests found (--allow-empty accepts that)\n");
        return CLI_USAGE;
    }
    if (a->junit_path && !junit_write(&a->junit, a->junit_path)) {
        return CLI_IO;
    }
    return a->failed || a->lacking ? CLI_FINDINGS : CLI_OK;
}

static int run_tests(struct test_args *a, const struct fyke_rules *rules)
{
    const struct compilation *c = rules->compilation;
    for (uint32_t i = 0; c->tests && i < c->tests->n; i++) {
        bool ok;
        if (test_selected(a->filter, c->ruleset, &c->tests->items[i])) {
            int rc = test_run_reported(a, c, &c->tests->items[i], &ok);
            if (rc != CLI_OK) {
                return rc;
            }
        }
    }
    int rc = a->require_pos || a->require_neg ? test_require(a, c) : CLI_OK;
    if (rc == CLI_OK && a->coverage) {
        rc = test_coverage(a, c);
    }
    if (a->mutate && (rc == CLI_OK || rc == CLI_FINDINGS)) {
        int survived = test_mutate(a, rules);
        rc = survived == CLI_OK ? rc : survived;
    }
    int last = rc == CLI_OK || rc == CLI_FINDINGS ? conclude(a) : rc;
    return last == CLI_OK ? rc : last;
}

static bool parse_require(const struct cli_verb *v, const char *text, struct test_args *a)
{
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, ",");
        bool pos = n == 3 && memcmp(at, "pos", 3) == 0;
        if (!pos && !(n == 3 && memcmp(at, "neg", 3) == 0)) {
            cli_usage_error(v, "--require: pos, neg or pos,neg, not '%s'", text);
            return false;
        }
        a->require_pos |= pos;
        a->require_neg |= !pos;
        at += n + (at[n] == ',');
    }
    return true;
}

static bool check_args(const struct cli_verb *v, const struct test_args *a)
{
    if (a->shuffles && a->shuffle_seed) {
        cli_usage_error(v, "--shuffle tries many orders, --shuffle-seed one: give one of them");
        return false;
    }
    if (a->update && (a->watch || a->shuffles || a->shuffle_seed || a->coverage || a->mutate)) {
        cli_usage_error(v, "--update goes with none of --watch, --shuffle, --coverage, --mutate");
        return false;
    }
    if (a->watch && (a->junit_path || a->require_pos || a->require_neg || a->coverage || a->mutate)) {
        cli_usage_error(v, "--watch goes with none of --junit, --require, --coverage, --mutate");
        return false;
    }
    return true;
}

static int parse_args(const struct cli_verb *v, int argc, char **argv, struct test_args *a)
{
    enum { OPT_RUN = 256, OPT_FORMAT, OPT_COLOR, OPT_EMPTY, OPT_JUNIT, OPT_GEOIP,
           OPT_UPDATE, OPT_WATCH, OPT_MUTATE, OPT_COVERAGE, OPT_MIN_COVERAGE, OPT_COVERAGE_GRAPH,
           OPT_REQUIRE, OPT_SHUFFLE, OPT_SHUFFLE_SEED };
    static const enum cli_format formats[] = {FORMAT_HUMAN, FORMAT_JSON, FORMAT_TAP,
                                              FORMAT_GITHUB};
    static const struct option options[] = {
        {"rules", required_argument, NULL, 'r'},
        {"config", required_argument, NULL, 'c'},
        {"run", required_argument, NULL, OPT_RUN},
        {"format", required_argument, NULL, OPT_FORMAT},
        {"color", required_argument, NULL, OPT_COLOR},
        {"allow-empty", no_argument, NULL, OPT_EMPTY},
        {"junit", required_argument, NULL, OPT_JUNIT},
        {"geoip", required_argument, NULL, OPT_GEOIP},
        {"update", no_argument, NULL, OPT_UPDATE},
        {"watch", no_argument, NULL, OPT_WATCH},
        {"mutate", no_argument, NULL, OPT_MUTATE},
        {"coverage", no_argument, NULL, OPT_COVERAGE},
        {"min-coverage", required_argument, NULL, OPT_MIN_COVERAGE},
        {"coverage-graph", required_argument, NULL, OPT_COVERAGE_GRAPH},
        {"require", required_argument, NULL, OPT_REQUIRE},
        {"shuffle", required_argument, NULL, OPT_SHUFFLE},
        {"shuffle-seed", required_argument, NULL, OPT_SHUFFLE_SEED},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int opt;
    bool ok = true;
    opterr = 0;
    while (ok && (opt = getopt_long(argc, argv, ":r:c:vh", options, NULL)) != -1) {
        switch (opt) {
        case 'h': return cli_print_usage(v);
        case 'r': cli_list_add(&a->rules, optarg); break;
        case 'c': a->config = optarg; break;
        case 'v': a->verbose = true; break;
        case OPT_JUNIT: a->junit_path = optarg; break;
        case OPT_GEOIP: cli_list_add(&a->geoip, optarg); break;
        case OPT_RUN: a->only = optarg; break;
        case OPT_FORMAT: ok = cli_parse_format(v, optarg, formats, 4, &a->format); break;
        case OPT_UPDATE: a->update = true; break;
        case OPT_WATCH: a->watch = true; break;
        case OPT_MUTATE: a->mutate = true; break;
        case OPT_COVERAGE: a->coverage = true; break;
        case OPT_MIN_COVERAGE:
            ok = cli_parse_number(v, "--min-coverage", optarg, 1, 100, &a->min_coverage);
            a->coverage = true;
            break;
        case OPT_COVERAGE_GRAPH:
            a->coverage_graph = optarg;
            a->coverage = true;
            break;
        case OPT_REQUIRE: ok = parse_require(v, optarg, a); break;
        case OPT_SHUFFLE:
            ok = cli_parse_number(v, "--shuffle", optarg, 1, 1000000, &a->shuffles);
            break;
        case OPT_SHUFFLE_SEED:
            ok = cli_parse_number(v, "--shuffle-seed", optarg, 1, 1000000, &a->shuffle_seed);
            break;
        case OPT_COLOR: ok = cli_parse_color(v, optarg, &a->color); break;
        case OPT_EMPTY: a->allow_empty = true; break;
        default: return cli_bad_option(v, opt, argv);
        }
    }
    for (int i = optind; ok && i < argc; i++) {
        cli_list_add(&a->rules, argv[i]);
    }
    ok = ok && check_args(v, a);
    if (ok && a->only) {
        a->filter = test_filter_new(v, a->only);
        ok = a->filter != NULL;
    }
    return ok ? -1 : CLI_USAGE;
}

/* A report of an earlier run must not stand for this one. */
static bool report_refused(struct test_args *a, struct slice errors)
{
    if (!a->junit_path) {
        return true;
    }
    struct slice why = errors.len > 0 ? errors : slice_of("no rules could be read\n");
    junit_add(&a->junit, SLICE_LIT("fyke"), SLICE_LIT("the rules compile"), false, why);
    return junit_write(&a->junit, a->junit_path);
}

static int run_on_rules(const struct cli_verb *verb, struct test_args *a)
{
    struct fyke_rules *rules = NULL;
    FYKE_CLEANUP(buf_release) struct buf errors = BUF_INIT;
    struct cli_rules_options o = {.color = a->color,
                                  .allow_empty = a->allow_empty,
                                  .quiet_notes = true,
                                  .format = a->format,
                                  .errors = &errors,
                                  .standard = &a->standard};
    if (a->format == FORMAT_TAP && a->rules.n > 0) {
        puts("TAP version 13");
    }
    int rc = cli_load_rules(verb, &a->rules, &o, &rules);
    if (!rules && a->rules.n > 0 && !report_refused(a, buf_slice(&errors))) {
        rc = CLI_IO;
    }
    if (rules) {
        rc = a->update ? test_update(a, rules) : run_tests(a, rules);
    }
    fyke_rules_free(rules);
    return rc;
}

static int take_stdin(const struct cli_verb *verb, struct test_args *a)
{
    for (size_t i = 0; i < a->rules.n && (a->update || a->watch); i++) {
        if (strcmp(a->rules.items[i], "-") == 0) {
            return cli_usage_error(verb, "%s wants files, not standard input",
                                   a->update ? "--update" : "--watch");
        }
    }
    return stdin_rules_take(&a->standard, &a->rules);
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct test_args a = {0};
    struct error err = ERROR_INIT;
    struct settings settings;
    settings_init(&settings, verb->name);
    int rc = parse_args(verb, argc, argv, &a);
    if (rc < 0 && a.config &&
        cli_config_rules(verb, a.config, &settings, &a.rules, &a.geoip) != CLI_OK) {
        rc = CLI_USAGE;
    }
    if (rc < 0 && geoip_files_open(a.geoip.items, a.geoip.n, &a.databases, &err) != ERR_OK) {
        fprintf(stderr, "fyke: %s\n", err.text);
        rc = CLI_USAGE;
    }
    if (rc < 0) {
        int taken = take_stdin(verb, &a);
        rc = taken == CLI_OK ? rc : taken;
    }
    if (rc < 0) {
        rc = a.watch && a.rules.n > 0 ? test_watch(verb, &a) : run_on_rules(verb, &a);
    }
    geoip_files_close(a.databases);
    test_filter_free(a.filter);
    junit_release(&a.junit);
    git_names_release(&a.names);
    stdin_rules_release(&a.standard);
    cli_list_release(&a.rules);
    cli_list_release(&a.geoip);
    settings_release(&settings);
    return rc;
}

const struct cli_verb verb_test = {
    "test",
    "run the tests that stand in rule files",
    "usage: fyke test [options] PATH…\n"
    "       fyke test [options] -c FILE\n"
    "\n"
    "Runs the tests of rules in virtual time; PATH - is standard input.\n"
    "\n"
    "  -c, --config FILE   rules and geoip from this configuration file\n"
    "      --run RE        only tests whose \"rule/title\" matches the expression\n"
    "      --format F      human (default), json: one object per test, tap, github\n"
    "      --update        write what came as what is expected\n"
    "      --require K     every rule has a test that fires (pos), one that stays silent\n"
    "                      (neg), or both (pos,neg)\n"
    "      --mutate        changes of each rule, one at a time, that no test notices\n"
    "      --coverage      states, edges and conditions of each rule that tests exercise\n"
    "      --min-coverage N      less than N percent of them is a finding\n"
    "      --coverage-graph FILE the automata as DOT, coloured by what was exercised\n"
    "      --shuffle N     every test N times more, events out of order within their bounds\n"
    "      --shuffle-seed K      once more, in the order of arrival K of --shuffle\n"
    "      --watch         run again what is concerned when a file changes\n"
    "      --junit FILE    results as JUnit XML, too\n"
    "      --geoip FILE    MaxMind database for geoip(ip); repeatable\n"
    "  -v, --verbose       name the tests that passed, too\n"
    "      --color WHEN    auto, always, never\n"
    "      --allow-empty   no tests are no error\n"
    "\n"
    "Exit: 0 all passed, 1 some failed or the rules are invalid, 2 no tests or wrong usage.\n",
    run,
};
