/* fyke test: runs the tests that stand in the rule files. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <getopt.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "cli/cli.h"
#include "cli/junit.h"
#include "connectors/geoip.h"
#include "lib/rule_test.h"
#include "lib/rules.h"

struct test_args {
    struct cli_list rules;
    struct cli_list geoip;
    struct geoip_files *databases; /* NULL: none */
    enum cli_format format;
    enum cli_color color;
    const char *config;     /* or NULL */
    const char *only;       /* regular expression, or NULL */
    const char *junit_path; /* or NULL */
    bool allow_empty, verbose;
    /* Running. */
    pcre2_code *code;
    unsigned passed, failed;
    struct junit junit;
};

/* ---- selection ---------------------------------------------------------------------------- */

static bool compile_filter(const struct cli_verb *v, struct test_args *a)
{
    int error;
    PCRE2_SIZE at;
    PCRE2_UCHAR text[128];
    if (!a->only) {
        return true;
    }
    a->code =
        pcre2_compile((PCRE2_SPTR)a->only, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &error, &at, NULL);
    if (!a->code) {
        pcre2_get_error_message(error, text, sizeof(text));
        cli_usage_error(v, "--run: %s at %zu in '%s'", (char *)text, (size_t)at, a->only);
    }
    return a->code != NULL;
}

/* "rule/title", so that both can be asked for. */
static bool selected(const struct test_args *a, const struct ruleset *rs,
                     const struct compiled_test *t)
{
    FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
    if (!a->code) {
        return true;
    }
    buf_printf(&name, "%.*s/%.*s", SLICE_ARG(rs->rules[t->rule].name), SLICE_ARG(t->title));
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(a->code, NULL);
    int rc = pcre2_match(a->code, (PCRE2_SPTR)buf_cstr(&name), name.len, 0, 0, match, NULL);
    pcre2_match_data_free(match);
    return rc >= 0;
}

/* ---- reports ------------------------------------------------------------------------------ */

struct report {
    const struct compilation *c;
    const struct compiled_test *test;
    const struct rule_test_result *result;
    struct buf *out;
    bool color;
};

static struct slice rule_name(const struct report *r)
{
    return r->c->ruleset->rules[r->test->rule].name;
}

static void put_lines(const struct report *r, const char *head, const struct rule_test_line *lines,
                      size_t n, const char *none, const char *prefix)
{
    buf_printf(r->out, "%s    %s\n", prefix, head);
    for (size_t i = 0; i < n; i++) {
        bool bad = !lines[i].met;
        buf_printf(r->out, "%s    %s %s%.*s%s\n", prefix, bad ? "!" : " ",
                   bad && r->color ? "\033[31m" : "", (int)lines[i].text.len, lines[i].text.ptr,
                   bad && r->color ? "\033[0m" : "");
    }
    if (n == 0) {
        buf_printf(r->out, "%s      %s\n", prefix, none);
    }
}

static void put_failure(const struct report *r, const char *prefix)
{
    const struct rule_file *src = sources_get(&r->c->sources, r->test->span.file);
    buf_printf(r->out, "%s    %s:%u\n", prefix, src->path,
               source_position(src, r->test->span.start).line);
    if (r->result->problem.len) {
        buf_printf(r->out, "%s    %.*s\n", prefix, (int)r->result->problem.len,
                   r->result->problem.ptr);
        return;
    }
    put_lines(r, "expected", r->result->expected, r->result->n_expected, "no match", prefix);
    put_lines(r, "got", r->result->got, r->result->n_got, "no match", prefix);
}

static void report_human(const struct report *r, bool verbose)
{
    bool ok = r->result->ok;
    if (ok && !verbose) {
        return;
    }
    buf_printf(r->out, "%s%s%s  %.*s: %.*s\n", r->color ? (ok ? "\033[32m" : "\033[31m") : "",
               ok ? "ok  " : "FAIL", r->color ? "\033[0m" : "", SLICE_ARG(rule_name(r)),
               SLICE_ARG(r->test->title));
    if (!ok) {
        put_failure(r, "");
    }
}

static void report_tap(const struct report *r, unsigned number)
{
    buf_printf(r->out, "%s %u - %.*s: %.*s\n", r->result->ok ? "ok" : "not ok", number,
               SLICE_ARG(rule_name(r)), SLICE_ARG(r->test->title));
    if (!r->result->ok) {
        put_failure(r, "# ");
    }
}

static void report_json(const struct report *r)
{
    const struct rule_file *src = sources_get(&r->c->sources, r->test->span.file);
    struct json_out j = json_out_to(r->out);
    json_object_begin(&j);
    json_member_string(&j, "rule", rule_name(r));
    json_member_string(&j, "test", r->test->title);
    json_member_bool(&j, "ok", r->result->ok);
    json_key(&j, SLICE_LIT("expected"));
    json_array_begin(&j);
    for (size_t i = 0; i < r->result->n_expected; i++) {
        json_text(&j, buf_slice(&r->result->expected[i].text));
    }
    json_array_end(&j);
    json_key(&j, SLICE_LIT("got"));
    json_array_begin(&j);
    for (size_t i = 0; i < r->result->n_got; i++) {
        json_raw(&j, buf_slice(&r->result->got[i].json));
    }
    json_array_end(&j);
    json_member_string(&j, "file", slice_of(src->path));
    json_member_int(&j, "line", source_position(src, r->test->span.start).line);
    if (r->result->problem.len) {
        json_member_string(&j, "problem", buf_slice(&r->result->problem));
    }
    json_object_end(&j);
    json_line_end(&j);
}

static void report_junit(struct test_args *a, const struct report *r)
{
    FYKE_CLEANUP(buf_release) struct buf details = BUF_INIT;
    struct report plain = *r;
    plain.out = &details;
    plain.color = false;
    if (!r->result->ok) {
        put_failure(&plain, "");
    }
    junit_add(&a->junit, rule_name(r), r->test->title, r->result->ok, buf_slice(&details));
}

static void report_test(struct test_args *a, const struct report *r)
{
    if (a->junit_path) {
        report_junit(a, r);
    }
    switch (a->format) {
    case FORMAT_JSON: report_json(r); break;
    case FORMAT_TAP: report_tap(r, a->passed + a->failed); break;
    case FORMAT_DEFAULT:
    case FORMAT_HUMAN:
    case FORMAT_DOT:
    case FORMAT_MARKDOWN:
    case FORMAT_GITHUB:
    case FORMAT_SARIF: report_human(r, a->verbose); break;
    }
}

/* ---- the run ------------------------------------------------------------------------------ */

static int run_test(struct test_args *a, const struct compilation *c, const struct compiled_test *t)
{
    struct rule_test_result result;
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    rule_test_run(c, t, a->databases, &result);
    a->passed += result.ok;
    a->failed += !result.ok;
    struct report r = {c, t, &result, &out, cli_colored(a->color, stdout)};
    report_test(a, &r);
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
    return a->failed ? CLI_FINDINGS : CLI_OK;
}

static int run_tests(struct test_args *a, const struct fyke_rules *rules)
{
    const struct compilation *c = rules->compilation;
    for (uint32_t i = 0; c->tests && i < c->tests->n; i++) {
        if (selected(a, c->ruleset, &c->tests->items[i])) {
            int rc = run_test(a, c, &c->tests->items[i]);
            if (rc != CLI_OK) {
                return rc;
            }
        }
    }
    return conclude(a);
}

static int parse_args(const struct cli_verb *v, int argc, char **argv, struct test_args *a)
{
    enum { OPT_RUN = 256, OPT_FORMAT, OPT_COLOR, OPT_EMPTY, OPT_JUNIT, OPT_GEOIP };
    static const enum cli_format formats[] = {FORMAT_HUMAN, FORMAT_JSON, FORMAT_TAP};
    static const struct option options[] = {
        {"rules", required_argument, NULL, 'r'},
        {"config", required_argument, NULL, 'c'},
        {"run", required_argument, NULL, OPT_RUN},
        {"format", required_argument, NULL, OPT_FORMAT},
        {"color", required_argument, NULL, OPT_COLOR},
        {"allow-empty", no_argument, NULL, OPT_EMPTY},
        {"junit", required_argument, NULL, OPT_JUNIT},
        {"geoip", required_argument, NULL, OPT_GEOIP},
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
        case OPT_FORMAT: ok = cli_parse_format(v, optarg, formats, 3, &a->format); break;
        case OPT_COLOR: ok = cli_parse_color(v, optarg, &a->color); break;
        case OPT_EMPTY: a->allow_empty = true; break;
        default: return cli_bad_option(v, opt, argv);
        }
    }
    for (int i = optind; ok && i < argc; i++) {
        cli_list_add(&a->rules, argv[i]);
    }
    return ok && compile_filter(v, a) ? -1 : CLI_USAGE;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct test_args a = {0};
    struct fyke_rules *rules = NULL;
    struct error err = ERROR_INIT;
    struct settings settings;
    settings_init(&settings);
    int rc = parse_args(verb, argc, argv, &a);
    if (rc < 0 && a.config &&
        cli_config_rules(verb, a.config, &settings, &a.rules, &a.geoip) != CLI_OK) {
        rc = CLI_USAGE;
    }
    if (rc < 0) {
        struct cli_rules_options o = {
            .color = a.color, .allow_empty = a.allow_empty, .quiet_notes = true};
        rc = cli_load_rules(verb, &a.rules, &o, &rules);
    }
    if (rules && geoip_files_open(a.geoip.items, a.geoip.n, &a.databases, &err) != ERR_OK) {
        fprintf(stderr, "fyke: %s\n", err.text);
        rc = CLI_USAGE;
    } else if (rules) {
        rc = run_tests(&a, rules);
    }
    geoip_files_close(a.databases);
    fyke_rules_free(rules);
    pcre2_code_free(a.code);
    junit_release(&a.junit);
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
    "Runs the tests of rules in virtual time.\n"
    "\n"
    "  -c, --config FILE   rules and geoip from this configuration file\n"
    "      --run RE        only tests whose \"rule/title\" matches the expression\n"
    "      --format F      human (default), json: one object per test, tap\n"
    "      --junit FILE    results as JUnit XML, too\n"
    "      --geoip FILE    MaxMind database for geoip(ip); repeatable\n"
    "  -v, --verbose       name the tests that passed, too\n"
    "      --color WHEN    auto, always, never\n"
    "      --allow-empty   no tests are no error\n"
    "\n"
    "Exit: 0 all passed, 1 some failed or the rules are invalid, 2 no tests or wrong usage.\n",
    run,
};
