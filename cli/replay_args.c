#include "cli/replay_args.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/replay_config.h"
#include "cli/value_text.h"

enum {
    OPT_INPUT_FORMAT = 256,
    OPT_FROM,
    OPT_TO,
    OPT_WARM_UP,
    OPT_COOL_DOWN,
    OPT_BUFFER,
    OPT_MEMORY,
    OPT_BATCH,
    OPT_GEOIP,
    OPT_FORMAT,
    OPT_REPORT,
    OPT_MATCHES,
    OPT_LABELS,
    OPT_LABEL,
    OPT_LABEL_KEY,
    OPT_LABEL_GAP,
    OPT_AMOUNT,
    OPT_ALERT_COST,
    OPT_GATE,
    OPT_MANIFEST,
    OPT_CACHE,
    OPT_VERIFY,
    OPT_AGAINST,
    OPT_COLOR,
    OPT_EMPTY,
    OPT_EXIT_CODE,
    OPT_SPEED,
    OPT_SWEEP,
    OPT_NEAR,
    OPT_FROM_STATE,
    OPT_FUNNEL,
    OPT_MAX_RUNS,
    OPT_MAX_MATCHES
};

#define SHORT_OPTIONS ":c:r:i:j:X:qh"

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"rules", required_argument, NULL, 'r'},
    {"input", required_argument, NULL, 'i'},
    {"input-format", required_argument, NULL, OPT_INPUT_FORMAT},
    {"from", required_argument, NULL, OPT_FROM},
    {"to", required_argument, NULL, OPT_TO},
    {"from-state", required_argument, NULL, OPT_FROM_STATE},
    {"warm-up", required_argument, NULL, OPT_WARM_UP},
    {"cool-down", required_argument, NULL, OPT_COOL_DOWN},
    {"jobs", required_argument, NULL, 'j'},
    {"buffer", required_argument, NULL, OPT_BUFFER},
    {"memory", required_argument, NULL, OPT_MEMORY},
    {"batch", required_argument, NULL, OPT_BATCH},
    {"geoip", required_argument, NULL, OPT_GEOIP},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"report", required_argument, NULL, OPT_REPORT},
    {"matches", required_argument, NULL, OPT_MATCHES},
    {"labels", required_argument, NULL, OPT_LABELS},
    {"label", required_argument, NULL, OPT_LABEL},
    {"label-key", required_argument, NULL, OPT_LABEL_KEY},
    {"label-gap", required_argument, NULL, OPT_LABEL_GAP},
    {"amount", required_argument, NULL, OPT_AMOUNT},
    {"alert-cost", required_argument, NULL, OPT_ALERT_COST},
    {"gate", required_argument, NULL, OPT_GATE},
    {"manifest", required_argument, NULL, OPT_MANIFEST},
    {"cache", required_argument, NULL, OPT_CACHE},
    {"verify", no_argument, NULL, OPT_VERIFY},
    {"verify-against", required_argument, NULL, OPT_AGAINST},
    {"color", required_argument, NULL, OPT_COLOR},
    {"allow-empty", no_argument, NULL, OPT_EMPTY},
    {"speed", required_argument, NULL, OPT_SPEED},
    {"sweep", required_argument, NULL, OPT_SWEEP},
    {"near-misses", required_argument, NULL, OPT_NEAR},
    {"funnel", no_argument, NULL, OPT_FUNNEL},
    {"exit-code", no_argument, NULL, OPT_EXIT_CODE},
    {"max-runs", required_argument, NULL, OPT_MAX_RUNS},
    {"max-matches", required_argument, NULL, OPT_MAX_MATCHES},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool read_moment(const struct cli_verb *v, const char *option, const char *text,
                        int64_t now_ns, struct etime *ret)
{
    if (value_text_moment(text, now_ns, &ret->ns)) {
        return true;
    }
    cli_usage_error(v, "%s takes a time such as 2026-01-05T10:00:00Z, 2026-01-05, -7d or '2h ago', "
                    "not '%s'", option, text);
    return false;
}

static bool read_warm_up(const struct cli_verb *v, const char *text, struct replay_config *c)
{
    c->has_warm_up = true;
    c->warm_up = DURATION_INFINITE;
    return strcmp(text, "all") == 0 ||
           cli_parse_duration(v, "--warm-up", text, &c->warm_up.ns);
}

static bool read_number(const struct cli_verb *v, const char *option, const char *text,
                        unsigned *ret)
{
    uint64_t n;
    bool ok = cli_parse_number(v, option, text, 1, 1000000000, &n);
    *ret = ok ? (unsigned)n : 0;
    return ok;
}

static bool read_alert_cost(const struct cli_verb *v, const char *text,
                            struct replay_label_options *l)
{
    l->has_alert_cost = decimal_parse(slice_of(text), &l->alert_cost);
    if (!l->has_alert_cost) {
        cli_usage_error(v, "--alert-cost takes a number, not '%s'", text);
    }
    return l->has_alert_cost;
}

static bool read_label_option(const struct cli_verb *v, int opt, struct replay_args *a)
{
    struct replay_label_options *l = &a->labels;
    switch (opt) {
    case OPT_LABELS: l->file = optarg; return true;
    case OPT_LABEL: l->test = optarg; return true;
    case OPT_LABEL_KEY: l->key = optarg; return true;
    case OPT_LABEL_GAP: return cli_parse_duration(v, "--label-gap", optarg, &l->gap.ns);
    case OPT_AMOUNT: l->amount = optarg; return true;
    case OPT_ALERT_COST: return read_alert_cost(v, optarg, l);
    case OPT_GATE: cli_list_add(&a->gate_texts, optarg); return true;
    default: return false;
    }
}

/* What only means something with labels is refused without them; gates say the same. */
static int read_labels(const struct cli_verb *v, struct replay_args *a)
{
    FYKE_CLEANUP(buf_release) struct buf problem = BUF_INIT;
    const struct replay_label_options *l = &a->labels;
    bool labelled = l->file || l->test;
    if (!labelled && (l->key || l->amount || l->has_alert_cost)) {
        return cli_usage_error(v, "%s needs --labels or --label",
                               l->key ? "--label-key" : l->amount ? "--amount" : "--alert-cost");
    }
    if (l->has_alert_cost && !l->amount) {
        return cli_usage_error(v, "--alert-cost needs --amount");
    }
    a->config.labels = labelled ? l : NULL;
    for (size_t i = 0; i < a->gate_texts.n; i++) {
        struct gate_scope scope = {.labels = labelled, .diff = a->is_diff};
        if (!gates_parse(a->gate_texts.items[i], scope, &a->gates, &problem)) {
            return cli_usage_error(v, "%s", buf_cstr(&problem));
        }
    }
    return -1;
}

static bool read_format(const struct cli_verb *v, const char *text, struct replay_args *a)
{
    a->format_name = text;
    a->format = report_named(text);
    a->diff_format = report_diff_named(text);
    bool known = a->is_diff ? a->diff_format != NULL : a->format != NULL;
    if (!known) {
        cli_usage_error(v, "--format takes one of: %s; not '%s'",
                        a->is_diff ? "human, json, markdown, github"
                                   : "human, json, csv, markdown, html", text);
    }
    return known;
}

static bool read_report(const struct cli_verb *v, const char *path, struct replay_args *a)
{
    bool known = a->is_diff ? report_diff_of_file(path) != NULL : report_of_file(path) != NULL;
    if (!known) {
        cli_usage_error(v, "--report goes by the suffix: %s; not '%s'",
                        a->is_diff ? ".md, .json or .txt" : ".html, .md, .csv, .json or .txt", path);
    }
    cli_list_add(&a->reports, path);
    return known;
}

static bool read_speed(const struct cli_verb *v, const char *text, struct replay_args *a)
{
    bool known = replay_pace_parse(text, &a->pace.speed);
    if (!known) {
        cli_usage_error(v, "--speed takes 'max' or how many times as fast, as in 10x; not '%s'", text);
    }
    return known;
}

static bool read_output_option(const struct cli_verb *v, int opt, struct replay_args *a)
{
    switch (opt) {
    case OPT_FORMAT: return read_format(v, optarg, a);
    case OPT_REPORT: return read_report(v, optarg, a);
    case OPT_MATCHES: a->matches = optarg; return true;
    case OPT_COLOR: return cli_parse_color(v, optarg, &a->color);
    case OPT_EMPTY: a->allow_empty = true; return true;
    case OPT_EXIT_CODE: a->exit_code = true; return true;
    case OPT_NEAR: return read_number(v, "--near-misses", optarg, &a->near_misses);
    case OPT_FUNNEL: a->config.funnel = true; return true;
    case OPT_SPEED: return read_speed(v, optarg, a);
    case OPT_SWEEP: cli_list_add(&a->sweeps, optarg); return true;
    case 'q': a->quiet = true; return true;
    default: return read_label_option(v, opt, a);
    }
}

static bool read_option(const struct cli_verb *v, int opt, int64_t now_ns, struct replay_args *a)
{
    struct replay_config *c = &a->config;
    switch (opt) {
    case 'c': return true; /* read_config() */
    case 'r': cli_list_add(&a->rules, optarg); return true;
    case 'i': cli_list_add(&a->inputs, optarg); return true;
    case OPT_GEOIP: cli_list_add(&a->geoip, optarg); return true;
    case 'X': cli_list_add(&a->properties, optarg); return true;
    case OPT_MANIFEST: c->manifest = optarg; return true;
    case OPT_CACHE: c->cache = optarg; return true;
    case OPT_VERIFY: c->verify = true; return true;
    case OPT_AGAINST: c->verify_against = optarg; return true;
    case OPT_INPUT_FORMAT: return cli_parse_input_format(v, optarg, &c->kcat);
    case OPT_FROM: return read_moment(v, "--from", optarg, now_ns, &c->from);
    case OPT_TO: return read_moment(v, "--to", optarg, now_ns, &c->to);
    case OPT_FROM_STATE: c->from_state = optarg; return true;
    case OPT_WARM_UP: return read_warm_up(v, optarg, c);
    case OPT_COOL_DOWN:
        c->has_cool_down = true;
        return cli_parse_duration(v, "--cool-down", optarg, &c->cool_down.ns);
    case 'j': return read_number(v, "-j", optarg, &c->options.threads);
    case OPT_BATCH: return read_number(v, "--batch", optarg, &c->batch);
    case OPT_MAX_RUNS: return read_number(v, "--max-runs", optarg, &c->options.max_runs);
    case OPT_MAX_MATCHES: return read_number(v, "--max-matches", optarg, &c->options.max_matches);
    case OPT_MEMORY: return cli_parse_bytes(v, "--memory", optarg, &c->options.memory_bytes);
    case OPT_BUFFER: return cli_parse_bytes(v, "--buffer", optarg, &c->options.buffer_bytes);
    default: return read_output_option(v, opt, a);
    }
}

/* What only the other verb has, as it is written; NULL: this one has it. */
static const char *foreign_option(const struct replay_args *a, int opt)
{
    static const struct {
        int opt;
        bool of_diff;
        const char *name;
    } apart[] = {{'r', false, "-r"},
                 {OPT_MATCHES, false, "--matches"},
                 {OPT_AGAINST, false, "--verify-against"},
                 {OPT_SPEED, false, "--speed"},
                 {OPT_SWEEP, false, "--sweep"},
                 {OPT_NEAR, false, "--near-misses"},
                 {OPT_FUNNEL, false, "--funnel"},
                 {OPT_FROM_STATE, false, "--from-state"},
                 {OPT_EXIT_CODE, true, "--exit-code"}};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(apart); i++) {
        if (apart[i].opt == opt && apart[i].of_diff != a->is_diff) {
            return apart[i].name;
        }
    }
    return NULL;
}

static int read_operands(const struct cli_verb *v, int argc, char **argv, struct replay_args *a)
{
    if (!a->is_diff && optind < argc) {
        return cli_usage_error(v, "'%s' is no option; rules are named with -r", argv[optind]);
    }
    if (a->is_diff && argc - optind != 2) {
        return cli_usage_error(v, "two rule sets are compared: files, directories, or revisions of git");
    }
    for (int i = optind; i < argc; i++) {
        cli_list_add(&a->rules, argv[i]);
    }
    return -1;
}

static int finish(const struct cli_verb *v, struct replay_args *a)
{
    if (a->inputs.n == 0) {
        return cli_usage_error(v, "no input: -i FILE, -i - or -i kafka");
    }
    if (a->config.verify && !a->config.manifest && !a->config.cache) {
        return cli_usage_error(v, "--verify needs --manifest or --cache");
    }
    if (a->config.from_state && (a->config.has_warm_up || a->sweeps.n > 0 || a->near_misses > 0)) {
        return cli_usage_error(v, "--from-state goes without --warm-up, --sweep and --near-misses: what came "
                               "before is in the state, and it belongs to the rules as they are");
    }
    if (a->config.funnel && (a->config.from_state || a->sweeps.n > 0 || a->near_misses > 0)) {
        return cli_usage_error(v, "--funnel goes without --from-state, --sweep and --near-misses");
    }
    if (a->pace.speed > 0 && (a->sweeps.n > 0 || a->near_misses > 0)) {
        return cli_usage_error(v, "--speed goes without --sweep and --near-misses, which read more than once or for "
                               "many rule sets");
    }
    if (a->sweeps.n > 0 && (a->matches || a->config.verify_against || a->near_misses > 0)) {
        return cli_usage_error(v, "%s is about one rule set, --sweep about several",
                               a->matches                 ? "--matches"
                               : a->config.verify_against ? "--verify-against"
                                                          : "--near-misses");
    }
    a->config.kafka_properties = a->properties.items;
    a->config.n_kafka_properties = a->properties.n;
    a->config.inputs = a->inputs.items;
    a->config.n_inputs = a->inputs.n;
    a->config.options.geoip = a->geoip.items;
    a->config.options.n_geoip = a->geoip.n;
    return read_labels(v, a);
}

/* Before any flag, for flags are stronger. */
static int read_config(const struct cli_verb *v, int argc, char **argv, struct replay_args *a)
{
    const char *path = NULL;
    int opt;
    while ((opt = getopt_long(argc, argv, SHORT_OPTIONS, options, NULL)) != -1) {
        path = opt == 'c' ? optarg : path;
    }
    optind = 0; /* from the beginning */
    return path ? replay_config_take(v, path, a) : CLI_OK;
}

int replay_args_read(const struct cli_verb *v, int argc, char **argv, struct replay_args *a)
{
    struct timespec now;
    int opt;
    clock_gettime(CLOCK_REALTIME, &now); /* of relative times */
    a->labels.gap = REPLAY_EPISODE_GAP;
    opterr = 0;
    settings_init(&a->settings, v->name);
    if (read_config(v, argc, argv, a) != CLI_OK) {
        return CLI_USAGE;
    }
    while ((opt = getopt_long(argc, argv, SHORT_OPTIONS, options, NULL)) != -1) {
        if (opt == 'h') {
            return cli_print_usage(v);
        }
        const char *foreign = foreign_option(a, opt);
        if (foreign) {
            return cli_usage_error(v, "%s is an option of another verb", foreign);
        }
        if (opt == '?' || opt == ':') {
            return cli_bad_option(v, opt, argv);
        }
        if (!read_option(v, opt, (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec, a)) {
            return CLI_USAGE;
        }
    }
    int rc = read_operands(v, argc, argv, a);
    replay_config_complete(a);
    return rc < 0 ? finish(v, a) : rc;
}

void replay_args_release(struct replay_args *a)
{
    cli_list_release(&a->rules);
    cli_list_release(&a->inputs);
    cli_list_release(&a->geoip);
    cli_list_release(&a->reports);
    cli_list_release(&a->properties);
    cli_list_release(&a->gate_texts);
    cli_list_release(&a->sweeps);
    gates_release(&a->gates);
    settings_release(&a->settings);
}
