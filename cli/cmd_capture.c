/* fyke capture: a test out of what happened. */
#include <getopt.h>

#include "cli/capture_args.h"

struct capturing {
    struct capture_args a;
    struct cli_list rules, inputs, geoip, properties;
    const char *rule, *key, *alert;
    struct etime at;
    enum cli_color color;
};

enum {
    OPT_KEY = 256,
    OPT_AT,
    OPT_FROM,
    OPT_ALERT,
    OPT_HIDE,
    OPT_SECRET,
    OPT_TITLE,
    OPT_FORCE,
    OPT_INPUT_FORMAT,
    OPT_GEOIP,
    OPT_COLOR
};

static const struct option options[] = {
    {"rules", required_argument, NULL, 'r'},
    {"input", required_argument, NULL, 'i'},
    {"output", required_argument, NULL, 'o'},
    {"key", required_argument, NULL, OPT_KEY},
    {"at", required_argument, NULL, OPT_AT},
    {"from", required_argument, NULL, OPT_FROM},
    {"alert", required_argument, NULL, OPT_ALERT},
    {"hide", required_argument, NULL, OPT_HIDE},
    {"secret-file", required_argument, NULL, OPT_SECRET},
    {"title", required_argument, NULL, OPT_TITLE},
    {"force", no_argument, NULL, OPT_FORCE},
    {"input-format", required_argument, NULL, OPT_INPUT_FORMAT},
    {"geoip", required_argument, NULL, OPT_GEOIP},
    {"color", required_argument, NULL, OPT_COLOR},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool take_option(const struct cli_verb *v, struct capturing *c, int opt)
{
    struct why_config *asked = &c->a.config.asked;
    switch (opt) {
    case 'r': cli_list_add(&c->rules, optarg); return true;
    case 'i': cli_list_add(&c->inputs, optarg); return true;
    case 'X': cli_list_add(&c->properties, optarg); return true;
    case 'o': c->a.output = optarg; return true;
    case OPT_KEY: c->key = optarg; return true;
    case OPT_AT: return cli_parse_time(v, "--at", optarg, &c->at.ns);
    case OPT_FROM: return cli_parse_time(v, "--from", optarg, &asked->from.ns);
    case OPT_ALERT: c->alert = optarg; return true;
    case OPT_HIDE: return capture_args_hide(v, &c->a, optarg);
    case OPT_SECRET: return capture_args_secret(v, &c->a, optarg);
    case OPT_TITLE: c->a.config.title = optarg; return true;
    case OPT_FORCE: c->a.force = true; return true;
    case OPT_INPUT_FORMAT: return cli_parse_input_format(v, optarg, &asked->kcat);
    case OPT_GEOIP: cli_list_add(&c->geoip, optarg); return true;
    default: return cli_parse_color(v, optarg, &c->color);
    }
}

/* Below 0: go on. */
static int check(const struct cli_verb *v, struct capturing *c)
{
    struct why_config *asked = &c->a.config.asked;
    if (c->inputs.n == 0 || !c->a.output) {
        return cli_usage_error(v, "-i INPUT and -o DIR/NAME are wanted");
    }
    if (c->alert && (c->rule || c->key || c->at.ns != INT64_MAX)) {
        return cli_usage_error(v, "--alert says which rule, key and time; leave RULE, --key and --at out");
    }
    if (!c->alert && !c->rule) {
        return cli_usage_error(v, "which? RULE with --key, or --alert FILE");
    }
    if (c->alert && !capture_args_alert(v, &c->a, c->alert)) {
        return CLI_USAGE;
    }
    if (!c->alert) {
        asked->rule = c->rule;
        asked->key = slice_of(c->key ? c->key : "");
        asked->at = c->at;
    }
    asked->inputs = c->inputs.items;
    asked->n_inputs = c->inputs.n;
    asked->kafka_properties = c->properties.items;
    asked->n_kafka_properties = c->properties.n;
    asked->options.geoip = c->geoip.items;
    asked->options.n_geoip = c->geoip.n;
    return -1;
}

static int parse_args(const struct cli_verb *v, int argc, char **argv, struct capturing *c)
{
    int opt;
    opterr = 0;
    while ((opt = getopt_long(argc, argv, ":r:i:o:X:h", options, NULL)) != -1) {
        if (opt == 'h') {
            return cli_print_usage(v);
        }
        if (opt == '?' || opt == ':') {
            return cli_bad_option(v, opt, argv);
        }
        if (!take_option(v, c, opt)) {
            return CLI_USAGE;
        }
    }
    if (optind < argc) {
        c->rule = argv[optind++];
    }
    if (optind < argc) {
        return cli_usage_error(v, "unexpected '%s'; rules are named with -r", argv[optind]);
    }
    return check(v, c);
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct capturing c = {.at = ETIME_MAX};
    struct fyke_rules *rules = NULL;
    capture_args_init(&c.a);
    int rc = parse_args(verb, argc, argv, &c);
    if (rc < 0) {
        struct cli_rules_options o = {.color = c.color, .quiet_notes = true};
        rc = cli_load_rules(verb, &c.rules, &o, &rules);
    }
    if (rules) {
        rc = capture_args_run(verb, &c.a, rules);
    }
    fyke_rules_free(rules);
    capture_args_release(&c.a);
    cli_list_release(&c.rules);
    cli_list_release(&c.inputs);
    cli_list_release(&c.geoip);
    cli_list_release(&c.properties);
    return rc;
}

const struct cli_verb verb_capture = {
    "capture",
    "a test out of what happened: events of a key, with pseudonyms",
    "usage: fyke capture RULE -r RULES -i INPUT --key KEY [--at T] -o DIR/NAME [options]\n"
    "       fyke capture --alert FILE -r RULES -i INPUT -o DIR/NAME [options]\n"
    "\n"
    "Cuts the events that gave an alert out of the input and writes them to DIR/NAME.jsonl, and a\n"
    "test over them to DIR/NAME.rules; without an alert at the end: a test that there is none.\n"
    "The test is run first: unless it gives the same, nothing is written.\n"
    "\n"
    "  -r, --rules PATH       rule file or directory; repeatable\n"
    "  -i, --input INPUT      [TOPIC=]FILE, repeatable, or kafka, kafka:T1,T2\n"
    "      --input-format F   payload (default): one JSON object per line; kcat: envelopes\n"
    "  -X KEY=VALUE           librdkafka property, such as bootstrap.servers\n"
    "      --key KEY          as the Kafka key of an alert\n"
    "      --at T             up to this event time; default: the end of the input\n"
    "      --from T           nothing before it is read\n"
    "      --alert FILE       the alert is the last line of FILE, or of standard input (-)\n"
    "  -o, --output DIR/NAME  names of both files without their suffixes\n" CAPTURE_OPTIONS
    "      --geoip FILE       MaxMind database for geoip(ip); repeatable\n"
    "      --color WHEN       auto, always, never\n"
    "\n"
    "Exit: 0 written, 1 invalid rules, no such alert or not the same, 2 wrong usage, 4 input or\n"
    "output failed.\n",
    run,
};
