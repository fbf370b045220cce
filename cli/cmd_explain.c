/* fyke explain, fyke graph: what a rule means, in words and as a picture. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/capture_args.h"
#include "cli/explain.h"
#include "cli/explain_live.h"
#include "cli/explain_svg.h"
#include "cli/explain_why.h"
#include "lib/rules.h"

struct explain_args {
    const char *rule; /* NULL: all of them */
    struct cli_list rules;
    enum cli_color color;
    /* With a key: why it fired or not; config.asked and what becomes a test. */
    bool why;
    struct capture_args capture;
    const char *alert; /* file */
    struct live_target live; /* with `state` or `listen`: a running process is asked */
    struct cli_list inputs, geoip, properties;
    enum cli_format format;
};

static const struct rule *find_rule(const struct ruleset *rs, const char *name)
{
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (slice_eq_str(rs->rules[i].name, name)) {
            return &rs->rules[i];
        }
    }
    return NULL;
}

static int unknown_rule(const struct cli_verb *v, const struct ruleset *rs, const char *name)
{
    FYKE_CLEANUP(buf_release) struct buf known = BUF_INIT;
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        buf_printf(&known, "%s%.*s", i ? ", " : "", SLICE_ARG(rs->rules[i].name));
    }
    return cli_usage_error(v, "no rule '%s'; there are: %s", name, buf_cstr(&known));
}

enum {
    OPT_FORMAT = 256,
    OPT_COLOR,
    OPT_KEY,
    OPT_AT,
    OPT_FROM,
    OPT_MAX_RUNS,
    OPT_ALERT,
    OPT_INPUT_FORMAT,
    OPT_GEOIP,
    OPT_AS_TEST,
    OPT_HIDE,
    OPT_SECRET,
    OPT_TITLE,
    OPT_FORCE,
    OPT_STATE,
    OPT_LISTEN,
    OPT_WAIT
};

static bool take_test_option(const struct cli_verb *v, struct explain_args *a, int opt)
{
    switch (opt) {
    case OPT_AS_TEST: a->capture.output = optarg; return true;
    case OPT_HIDE: return capture_args_hide(v, &a->capture, optarg);
    case OPT_SECRET: return capture_args_secret(v, &a->capture, optarg);
    case OPT_TITLE: a->capture.config.title = optarg; return true;
    default: a->capture.force = true; return true;
    }
}

static bool take_max_runs(const struct cli_verb *v, const char *text, struct why_config *asked)
{
    uint64_t n = 0;
    bool ok = cli_parse_number(v, "--max-runs", text, 1, UINT32_MAX, &n);
    asked->options.max_runs = ok ? (unsigned)n : asked->options.max_runs;
    return ok;
}

/* Below 0: go on. */
static int take_option(const struct cli_verb *v, struct explain_args *a, int opt, char **argv)
{
    static const enum cli_format formats[] = {FORMAT_HUMAN, FORMAT_JSON, FORMAT_SVG};
    static const enum cli_format graphs[] = {FORMAT_DOT};
    struct why_config *asked = &a->capture.config.asked;
    bool is_graph = v == &verb_graph, ok = true;
    if (is_graph && opt != 'r' && opt != 'h' && opt != OPT_FORMAT) {
        return cli_bad_option(v, opt, argv);
    }
    switch (opt) {
    case 'h': return cli_print_usage(v);
    case 'r': cli_list_add(&a->rules, optarg); break;
    case 'i': cli_list_add(&a->inputs, optarg); break;
    case OPT_KEY:
        asked->key = slice_of(optarg);
        a->why = true;
        break;
    case 'X': cli_list_add(&a->properties, optarg); break;
    case OPT_AT: ok = cli_parse_time(v, "--at", optarg, &asked->at.ns); break;
    case OPT_FROM: ok = cli_parse_time(v, "--from", optarg, &asked->from.ns); break;
    case OPT_MAX_RUNS: ok = take_max_runs(v, optarg, asked); break;
    case OPT_ALERT: a->alert = optarg; break;
    case OPT_GEOIP: cli_list_add(&a->geoip, optarg); break;
    case OPT_INPUT_FORMAT: ok = cli_parse_input_format(v, optarg, &asked->kcat); break;
    case OPT_STATE: a->live.state = optarg; break;
    case OPT_LISTEN: a->live.listen = optarg; break;
    case OPT_WAIT: ok = cli_parse_duration(v, "--wait", optarg, &a->live.wait.ns); break;
    case OPT_AS_TEST:
    case OPT_HIDE:
    case OPT_SECRET:
    case OPT_TITLE:
    case OPT_FORCE: ok = take_test_option(v, a, opt); break;
    case OPT_FORMAT:
        ok = cli_parse_format(v, optarg, is_graph ? graphs : formats, is_graph ? 1 : 3, &a->format);
        break;
    case OPT_COLOR: ok = cli_parse_color(v, optarg, &a->color); break;
    default: return cli_bad_option(v, opt, argv);
    }
    return ok ? -1 : CLI_USAGE;
}

static bool asks_process(const struct explain_args *a)
{
    return a->live.state || a->live.listen;
}

/* The rules of a running process are its own, its past is gone. */
static int check_live(const struct cli_verb *v, const struct explain_args *a)
{
    if (a->format == FORMAT_SVG) {
        return cli_usage_error(v, "pictures are drawn of what is in an input: -r and -i");
    }
    const struct why_config *asked = &a->capture.config.asked;
    if (a->inputs.n > 0 || a->rules.n > 0 || a->alert || a->capture.output ||
        asked->at.ns != INT64_MAX) {
        return cli_usage_error(v, "a running process is asked for RULE and --key as it stands now; the "
                               "past needs -r and -i");
    }
    return a->rule ? -1 : cli_usage_error(v, "which RULE?");
}

/* What hangs together. Below 0: go on. */
static int check_args(const struct cli_verb *v, struct explain_args *a)
{
    struct why_config *asked = &a->capture.config.asked;
    if (asks_process(a)) {
        return check_live(v, a);
    }
    a->why |= a->inputs.n > 0 || asked->at.ns != INT64_MAX || a->alert || a->capture.output;
    if (a->alert && (a->rule || asked->key.len > 0 || asked->at.ns != INT64_MAX)) {
        return cli_usage_error(v, "--alert says which rule, key and time; leave RULE, --key and --at out");
    }
    if (a->alert && !capture_args_alert(v, &a->capture, a->alert)) {
        return CLI_USAGE;
    }
    if (a->alert) {
        a->rule = asked->rule;
    }
    if (a->why && (!a->rule || a->inputs.n == 0)) {
        return cli_usage_error(v, "why a rule fired needs its name, --key and -i INPUT");
    }
    if (!a->why && (a->format == FORMAT_JSON || a->format == FORMAT_SVG)) {
        return cli_usage_error(v, "--format json and svg are for --key");
    }
    asked->rule = a->rule;
    asked->inputs = a->inputs.items;
    asked->n_inputs = a->inputs.n;
    asked->kafka_properties = a->properties.items;
    asked->n_kafka_properties = a->properties.n;
    asked->options.geoip = a->geoip.items;
    asked->options.n_geoip = a->geoip.n;
    return -1;
}

static int parse_args(const struct cli_verb *v, int argc, char **argv, struct explain_args *a)
{
    static const struct option options[] = {
        {"rules", required_argument, NULL, 'r'},
        {"input", required_argument, NULL, 'i'},
        {"key", required_argument, NULL, OPT_KEY},
        {"at", required_argument, NULL, OPT_AT},
        {"from", required_argument, NULL, OPT_FROM},
        {"max-runs", required_argument, NULL, OPT_MAX_RUNS},
        {"alert", required_argument, NULL, OPT_ALERT},
        {"as-test", required_argument, NULL, OPT_AS_TEST},
        {"hide", required_argument, NULL, OPT_HIDE},
        {"secret-file", required_argument, NULL, OPT_SECRET},
        {"title", required_argument, NULL, OPT_TITLE},
        {"force", no_argument, NULL, OPT_FORCE},
        {"state", required_argument, NULL, OPT_STATE},
        {"listen", required_argument, NULL, OPT_LISTEN},
        {"wait", required_argument, NULL, OPT_WAIT},
        {"input-format", required_argument, NULL, OPT_INPUT_FORMAT},
        {"geoip", required_argument, NULL, OPT_GEOIP},
        {"format", required_argument, NULL, OPT_FORMAT},
        {"color", required_argument, NULL, OPT_COLOR},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int opt, rc = -1;
    opterr = 0;
    while (rc < 0 && (opt = getopt_long(argc, argv, ":r:i:X:h", options, NULL)) != -1) {
        rc = take_option(v, a, opt, argv);
        if (opt == 'h') {
            return rc;
        }
    }
    if (rc >= 0) {
        return rc;
    }
    if (optind < argc) {
        a->rule = argv[optind++];
    }
    for (int i = optind; i < argc; i++) {
        cli_list_add(&a->rules, argv[i]);
    }
    return check_args(v, a);
}

static void put_why(const struct explain_args *a, const struct rule *rule,
                    const struct why_result *result, struct buf *out)
{
    const struct why_config *asked = &a->capture.config.asked;
    if (a->format == FORMAT_SVG) {
        explain_svg(rule, asked, result, out);
    } else if (a->format == FORMAT_JSON) {
        explain_why_json(asked, result, out);
    } else {
        explain_why_text(asked, result, out);
    }
}

/* Exit: 0 whether it fired or not; both are answers. */
static int show_why(const struct cli_verb *v, struct explain_args *a, const struct fyke_rules *rules)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    struct error err = ERROR_INIT;
    struct why_result result;
    const struct why_config *asked = &a->capture.config.asked;
    const struct ruleset *rs = rules_ruleset(rules);
    if (!find_rule(rs, a->rule)) {
        return unknown_rule(v, rs, a->rule);
    }
    if (a->capture.output) {
        return capture_args_run(v, &a->capture, rules);
    }
    struct fyke_rules *whole = rules_keeping_fields(rules, &err);
    if (!whole) {
        fprintf(stderr, "fyke: %s\n", err.text);
        return CLI_FINDINGS;
    }
    enum fyke_result got = why_run(whole, asked, &result);
    int rc;
    if (got != FYKE_OK) {
        rc = cli_fail(got);
    } else {
        put_why(a, find_rule(rs, a->rule), &result, &out);
        rc = cli_put(buf_slice(&out));
    }
    why_result_release(&result);
    fyke_rules_free(whole);
    return rc;
}

static void show_rule(const struct cli_verb *v, const struct fyke_rules *rules,
                      const struct rule *rule, struct buf *out)
{
    if (v == &verb_graph) {
        rule_graphviz(rule, out);
    } else {
        explain_rule(rules->compilation, rule, out);
    }
}

static int show(const struct cli_verb *v, const struct explain_args *a,
                const struct fyke_rules *rules)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    const struct ruleset *rs = rules_ruleset(rules);
    const struct rule *rule = a->rule ? find_rule(rs, a->rule) : NULL;
    if (a->rule && !rule) {
        return unknown_rule(v, rs, a->rule);
    }
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (!rule || rule == &rs->rules[i]) {
            buf_puts(&out, out.len > 0 ? "\n" : "");
            show_rule(v, rules, &rs->rules[i], &out);
        }
    }
    return cli_put(buf_slice(&out));
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct explain_args a = {0};
    struct fyke_rules *rules = NULL;
    capture_args_init(&a.capture);
    live_target_init(&a.live, verb);
    int rc = parse_args(verb, argc, argv, &a);
    if (rc < 0 && asks_process(&a)) {
        rc = explain_live(&a.live, a.rule, a.capture.config.asked.key, a.format,
                          cli_colored(a.color, stdout));
    }
    if (rc < 0) {
        struct cli_rules_options o = {.color = a.color, .quiet_notes = true};
        rc = cli_load_rules(verb, &a.rules, &o, &rules);
    }
    if (rules) {
        rc = a.why ? show_why(verb, &a, rules) : show(verb, &a, rules);
    }
    fyke_rules_free(rules);
    cli_list_release(&a.rules);
    cli_list_release(&a.inputs);
    cli_list_release(&a.geoip);
    cli_list_release(&a.properties);
    capture_args_release(&a.capture);
    live_target_release(&a.live);
    return rc;
}

const struct cli_verb verb_explain = {
    "explain",
    "read a rule back in plain words",
    "usage: fyke explain [RULE] -r PATH…\n"
    "       fyke explain RULE PATH…\n"
    "       fyke explain RULE -r PATH… --key KEY [--at TIME] -i INPUT…\n"
    "       fyke explain --alert FILE -r PATH… -i INPUT…\n"
    "       fyke explain RULE --key KEY --state DIR|--listen PATH\n"
    "\n"
    "Says what the rule looks for, step by step, and how it is evaluated; without RULE for\n"
    "every rule. With a key and events: why it fired for that key, or what stood in the way.\n"
    "\n"
    "  -r, --rules PATH    rule file or directory; repeatable\n"
    "  -i, --input INPUT   [TOPIC=]FILE or - for standard input, repeatable; or kafka, kafka:T1,T2\n"
    "  -X KEY=VALUE        librdkafka property, such as bootstrap.servers\n"
    "      --key KEY       as the Kafka key of an alert: the value, or a JSON array of several\n"
    "      --at TIME       as of this event time (RFC 3339); else the end of the input\n"
    "      --from TIME     nothing before it is read\n"
    "      --max-runs N    as in the run that is asked about: open first events per rule and key\n"
    "      --alert FILE    rule, key and time are those of the last line of FILE, or of -\n"
    "      --as-test DIR/NAME  instead of words a fixture and a test, as `fyke capture` writes them\n"
    CAPTURE_OPTIONS
    "      --state DIR     ask the process that runs on DIR how the rule stands for the key now: the\n"
    "                      furthest part, its deadlines, quiet times, caps\n"
    "      --listen PATH   the same by the socket that it was given\n"
    "      --wait D        for its answer (default 10s)\n"
    "      --input-format F  payload (one JSON object per line) or kcat (envelopes)\n"
    "      --geoip FILE    MaxMind database for geoip(ip); repeatable\n"
    "      --format F      with --key: human (default), json; svg: a picture, of what is in the input\n"
    "      --color WHEN    auto, always, never\n",
    run,
};

const struct cli_verb verb_graph = {
    "graph",
    "draw a rule as a graph in DOT",
    "usage: fyke graph [RULE] -r PATH…\n"
    "       fyke graph RULE PATH…\n"
    "\n"
    "Writes the rule's automaton in the DOT language, without RULE one graph per rule.\n"
    "Graphviz makes a picture of it:\n"
    "\n"
    "    fyke graph brute_force -r rules | dot -Tsvg > brute_force.svg\n"
    "\n"
    "  -r, --rules PATH    rule file or directory; repeatable\n"
    "      --format dot    the only one\n",
    run,
};
