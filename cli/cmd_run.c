/* fyke run: files or Kafka in, alerts out. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/alert_text.h"
#include "cli/cli.h"
#include "lib/run.h"

struct run_args {
    struct fyke_run_config config;
    struct cli_rules_options rules_options;
    struct cli_list rules, inputs, properties;
    struct cli_list geoip;
    enum cli_format format;
    const char *stats; /* file, or NULL */
    bool stats_failed;
    bool quiet;
    /* Running. */
    struct json_view view;
    bool color;
    bool write_failed;
};

/* ---- options ------------------------------------------------------------------------------ */

enum {
    OPT_STATE = 256,
    OPT_RESET_STATE,
    OPT_MEMORY,
    OPT_WATERMARK_END,
    OPT_FLUSH,
    OPT_EVIDENCE_FIELDS,
    OPT_MAX_EVIDENCE,
    OPT_MAX_RUNS,
    OPT_MAX_MATCHES,
    OPT_DETECTOR,
    OPT_PENDING,
    OPT_SHADOW,
    OPT_GEOIP,
    OPT_STATS,
    OPT_STRICT,
    OPT_INPUT_FORMAT,
    OPT_FORMAT,
    OPT_COLOR,
    OPT_APP,
    OPT_INSTANCE_ID,
    OPT_START,
    OPT_ONCE,
    OPT_DEAD_LETTER,
    OPT_COMMIT_EVERY,
    OPT_ALLOW_EMPTY,
    OPT_FAULT,
};

static const struct option options[] = {
    {"rules", required_argument, NULL, 'r'},
    {"input", required_argument, NULL, 'i'},
    {"output", required_argument, NULL, 'o'},
    {"jobs", required_argument, NULL, 'j'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {"state", required_argument, NULL, OPT_STATE},
    {"reset-state", no_argument, NULL, OPT_RESET_STATE},
    {"memory", required_argument, NULL, OPT_MEMORY},
    {"watermark-end", required_argument, NULL, OPT_WATERMARK_END},
    {"flush", no_argument, NULL, OPT_FLUSH},
    {"evidence-fields", required_argument, NULL, OPT_EVIDENCE_FIELDS},
    {"max-evidence", required_argument, NULL, OPT_MAX_EVIDENCE},
    {"max-runs", required_argument, NULL, OPT_MAX_RUNS},
    {"max-matches", required_argument, NULL, OPT_MAX_MATCHES},
    {"detector", required_argument, NULL, OPT_DETECTOR},
    {"pending", no_argument, NULL, OPT_PENDING},
    {"shadow", no_argument, NULL, OPT_SHADOW},
    {"geoip", required_argument, NULL, OPT_GEOIP},
    {"stats", required_argument, NULL, OPT_STATS},
    {"strict", no_argument, NULL, OPT_STRICT},
    {"input-format", required_argument, NULL, OPT_INPUT_FORMAT},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"color", required_argument, NULL, OPT_COLOR},
    {"app", required_argument, NULL, OPT_APP},
    {"instance-id", required_argument, NULL, OPT_INSTANCE_ID},
    {"start", required_argument, NULL, OPT_START},
    {"once", no_argument, NULL, OPT_ONCE},
    {"dead-letter", required_argument, NULL, OPT_DEAD_LETTER},
    {"commit-every", required_argument, NULL, OPT_COMMIT_EVERY},
    {"allow-empty", no_argument, NULL, OPT_ALLOW_EMPTY},
    {"fault", required_argument, NULL, OPT_FAULT},
    {NULL, 0, NULL, 0},
};

static bool parse_watermark_end(const struct cli_verb *v, struct run_args *a, const char *text)
{
    if (strcmp(text, "flush") == 0) {
        a->config.watermark_end = FYKE_END_FLUSH;
        return true;
    }
    a->config.watermark_end = FYKE_END_AT;
    return cli_parse_time(v, "--watermark-end", text, &a->config.watermark_end_ns);
}

static bool parse_input_format(const struct cli_verb *v, struct run_args *a, const char *text)
{
    a->config.kcat = strcmp(text, "kcat") == 0;
    if (!a->config.kcat && strcmp(text, "payload") != 0) {
        cli_usage_error(v, "--input-format takes payload or kcat, not '%s'", text);
        return false;
    }
    return true;
}

static bool parse_limit(const struct cli_verb *v, const char *name, const char *text, unsigned *ret)
{
    uint64_t n;
    if (!cli_parse_number(v, name, text, 1, 1000000000, &n)) {
        return false;
    }
    *ret = (unsigned)n;
    return true;
}

static bool parse_detector(const struct cli_verb *v, struct run_args *a, const char *text)
{
    a->config.options.general_detector = strcmp(text, "general") == 0;
    if (!a->config.options.general_detector && strcmp(text, "class") != 0) {
        cli_usage_error(v, "--detector takes class or general, not '%s'", text);
        return false;
    }
    return true;
}

static bool parse_commit_every(const struct cli_verb *v, struct run_args *a, const char *text)
{
    int64_t ns;
    if (!cli_parse_duration(v, "--commit-every", text, &ns)) {
        return false;
    }
    a->config.commit_every_ms = ns < 1000000 ? 1 : ns / 1000000;
    return true;
}

/* Options that name something; false: not one of these. */
static bool take_name(struct run_args *a, int opt)
{
    struct fyke_run_config *c = &a->config;
    switch (opt) {
    case 'r': cli_list_add(&a->rules, optarg); return true;
    case 'i': cli_list_add(&a->inputs, optarg); return true;
    case 'X': cli_list_add(&a->properties, optarg); return true;
    case 'o': c->output = optarg; return true;
    case 'q': a->quiet = true; return true;
    case OPT_STATE: c->options.state_dir = optarg; return true;
    case OPT_RESET_STATE: c->options.reset_state = true; return true;
    case OPT_FLUSH: c->watermark_end = FYKE_END_FLUSH; return true;
    case OPT_EVIDENCE_FIELDS: c->options.evidence_fields = optarg; return true;
    case OPT_PENDING: c->options.pending = true; return true;
    case OPT_SHADOW: c->options.shadow = true; return true;
    case OPT_GEOIP: cli_list_add(&a->geoip, optarg); return true;
    case OPT_STATS: a->stats = optarg; return true;
    case OPT_STRICT: c->options.strict = true; return true;
    case OPT_APP: c->options.app = optarg; return true;
    case OPT_INSTANCE_ID: c->instance_id = optarg; return true;
    case OPT_START: c->start = optarg; return true;
    case OPT_ONCE: c->once = true; return true;
    case OPT_DEAD_LETTER: c->dead_letter = optarg; return true;
    case OPT_ALLOW_EMPTY: a->rules_options.allow_empty = true; return true;
    case OPT_FAULT: c->fault = optarg; return true;
    default: return false;
    }
}

static bool take_value(const struct cli_verb *v, struct run_args *a, int opt, int *exit)
{
    static const enum cli_format formats[] = {FORMAT_HUMAN, FORMAT_JSON};
    struct fyke_options *o = &a->config.options;
    *exit = CLI_USAGE;
    switch (opt) {
    case 'j': return parse_limit(v, "-j", optarg, &o->threads);
    case OPT_MEMORY: return cli_parse_bytes(v, "--memory", optarg, &o->memory_bytes);
    case OPT_WATERMARK_END: return parse_watermark_end(v, a, optarg);
    case OPT_MAX_EVIDENCE: return parse_limit(v, "--max-evidence", optarg, &o->max_evidence);
    case OPT_MAX_RUNS: return parse_limit(v, "--max-runs", optarg, &o->max_runs);
    case OPT_MAX_MATCHES: return parse_limit(v, "--max-matches", optarg, &o->max_matches);
    case OPT_DETECTOR: return parse_detector(v, a, optarg);
    case OPT_INPUT_FORMAT: return parse_input_format(v, a, optarg);
    case OPT_FORMAT: return cli_parse_format(v, optarg, formats, 2, &a->format);
    case OPT_COLOR: return cli_parse_color(v, optarg, &a->rules_options.color);
    case OPT_COMMIT_EVERY: return parse_commit_every(v, a, optarg);
    default: *exit = -1; return false;
    }
}

/* -1: go on; otherwise the exit code. */
static int parse_args(const struct cli_verb *v, int argc, char **argv, struct run_args *a)
{
    int opt, exit;
    opterr = 0;
    while ((opt = getopt_long(argc, argv, ":r:i:o:j:X:qh", options, NULL)) != -1) {
        if (opt == 'h') {
            return cli_print_usage(v);
        }
        if (opt == '?' || opt == ':') {
            return cli_bad_option(v, opt, argv);
        }
        if (!take_name(a, opt) && !take_value(v, a, opt, &exit)) {
            return exit;
        }
    }
    if (optind < argc) {
        return cli_usage_error(v, "unexpected '%s'; rules go with -r, events with -i",
                               argv[optind]);
    }
    if (a->inputs.n == 0) {
        return cli_usage_error(v, "no input: -i FILE, -i - or -i kafka");
    }
    return -1;
}

/* ---- signals ------------------------------------------------------------------------------ */

/* Only a signal handler needs process-wide memory. */
static volatile int stop_signals;

static void on_signal(int number)
{
    (void)number;
    if (++stop_signals > 1) {
        _exit(CLI_INTERRUPTED);
    }
}

static void catch_signals(struct fyke_run_config *c)
{
    struct sigaction sa = {.sa_handler = on_signal};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    c->stop = &stop_signals;
}

/* ---- output ------------------------------------------------------------------------------- */

static void log_line(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "fyke: %s\n", line);
}

static bool print_alert(void *ctx, const struct fyke_alert *alert)
{
    struct run_args *a = ctx;
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    alert_text(&a->view, slice_from(alert->json, alert->json_len), a->color, &text);
    a->write_failed = fwrite(text.ptr, 1, text.len, stdout) != text.len || fflush(stdout) != 0;
    return !a->write_failed;
}

static bool write_stats(const char *path, const struct run_figures *f)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    summary_json(f, &text);
    buf_puts(&text, "\n");
    FILE *to = fopen(path, "we");
    bool written = to && fwrite(text.ptr, 1, text.len, to) == text.len;
    if (to && fclose(to) != 0) {
        written = false; /* a full disk shows itself only here */
    }
    if (!written) {
        fprintf(stderr, "fyke: cannot write %s: %s\n", path, strerror(errno));
    }
    return written;
}

static void print_figures(void *ctx, const struct run_figures *f)
{
    struct run_args *a = ctx;
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    if (a->stats) {
        a->stats_failed = !write_stats(a->stats, f);
    }
    if (a->quiet) {
        return;
    }
    if (a->format == FORMAT_JSON) {
        summary_json(f, &text);
        buf_puts(&text, "\n");
    } else {
        summary_text(f, &text);
    }
    fputs(buf_cstr(&text), stderr);
}

static void to_people(struct run_args *a)
{
    json_view_init(&a->view);
    a->color = cli_colored(a->rules_options.color, stdout);
    a->config.on_alert = print_alert;
    a->config.on_alert_ctx = a;
}

static int run_rules(struct run_args *a, const struct fyke_rules *rules)
{
    struct fyke_run_config *c = &a->config;
    c->inputs = a->inputs.items;
    c->n_inputs = a->inputs.n;
    c->kafka_properties = a->properties.items;
    c->n_kafka_properties = a->properties.n;
    c->options.log = log_line;
    c->options.geoip = a->geoip.items;
    c->options.n_geoip = a->geoip.n;
    bool standard = !c->output || strcmp(c->output, "stdout") == 0 || strcmp(c->output, "-") == 0;
    if (a->format == FORMAT_HUMAN && standard) {
        to_people(a);
    }
    catch_signals(c);
    enum fyke_result rc = run_whole(rules, c, print_figures, a);
    if (c->on_alert) {
        json_view_release(&a->view);
    }
    if (rc != FYKE_OK && rc != FYKE_INTERRUPTED) {
        return cli_fail(rc);
    }
    return a->stats_failed ? CLI_IO : CLI_OK;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct run_args a = {.rules_options = {.quiet_notes = true}};
    struct fyke_rules *rules = NULL;
    fyke_run_config_init(&a.config);
    int rc = parse_args(verb, argc, argv, &a);
    if (rc < 0) {
        rc = cli_load_rules(verb, &a.rules, &a.rules_options, &rules);
    }
    if (rules) {
        rc = run_rules(&a, rules);
    }
    fyke_rules_free(rules);
    cli_list_release(&a.rules);
    cli_list_release(&a.inputs);
    cli_list_release(&a.geoip);
    cli_list_release(&a.properties);
    return rc;
}

const struct cli_verb verb_run = {
    "run",
    "evaluate rules over files, standard input or Kafka",
    "usage: fyke run -r RULES -i INPUT [options]\n"
    "\n"
    "Evaluates rules over events and writes one alert per line.\n"
    "\n"
    "  -r, --rules PATH        rule file or directory; repeatable\n"
    "  -i, --input INPUT       [TOPIC=]FILE, - for standard input, kafka, kafka:T1,T2; files\n"
    "                          repeatable, .zst and .gz are decompressed\n"
    "      --input-format F    payload: one JSON object per line (default)\n"
    "                          kcat: envelopes as kcat -J writes them\n"
    "  -o, --output OUT        stdout (default), a file or kafka:TOPIC\n"
    "      --geoip FILE        MaxMind database for geoip(ip); repeatable\n"
    "      --format F          json: one object per line (default), and the summary as one object\n"
    "                          human: for people\n"
    "  -j, --jobs N            threads; the output does not depend on it (default 1)\n"
    "\n"
    "State\n"
    "      --state DIR         keep the state there and continue from it\n"
    "      --reset-state       delete what it holds and begin anew\n"
    "      --memory SIZE       for the hot part of the state, e.g. 512MiB (default)\n"
    "      --commit-every D    time between checkpoints (default 1s)\n"
    "      --app NAME          names state and consumer group (default fyke)\n"
    "\n"
    "End of a file\n"
    "      --watermark-end T   deadlines before T fire; T is a time or flush\n"
    "      --flush             every deadline fires\n"
    "      --pending           list matches that only wait for a deadline\n"
    "\n"
    "What goes out and what is refused\n"
    "      --shadow            alerts of rules with `status shadow` too; without it they are\n"
    "                          counted in the summary and go nowhere\n"
    "      --evidence-fields F fields of the events in the evidence: a,b or *\n"
    "      --max-evidence N    events shown per step (default 100)\n"
    "      --max-runs N        open first events per rule and key (default 1000)\n"
    "      --max-matches N     with `no skip`, per key and point (default 1000)\n"
    "      --detector D        diagnostic. class: each rule by the detector of its class (default)\n"
    "                          general: by the general one, slower; the answers are the same\n"
    "      --strict            the first invalid record ends the run\n"
    "      --dead-letter FILE  invalid and late records go there as JSON lines\n"
    "      --stats FILE        the summary as JSON\n"
    "  -q, --quiet             no summary\n"
    "      --color WHEN        auto, always, never\n"
    "      --allow-empty       no rules are no error\n"
    "\n"
    "Kafka\n"
    "  -X KEY=VALUE            property of librdkafka, e.g. bootstrap.servers=…; repeatable\n"
    "      --start WHERE       earliest, latest or a time; the first start only\n"
    "      --once              stop at the ends that the partitions had at the start\n"
    "      --instance-id ID    static member of the consumer group\n"
    "\n"
    "SIGINT and SIGTERM finish what was read, commit and exit with 0.\n",
    run,
};
