/* fyke partials: what is open for a key in a running process. */
#include "base/json_out.h"
#include "cli/alert_text.h"
#include "cli/live_args.h"
#include "cli/partials_text.h"

struct asking {
    struct live_target target;
    const char *key, *rule;
    enum cli_format format;
    struct partials_text text;
    struct buf out;
};

static void on_line(void *ctx, struct json_span root, struct slice text)
{
    struct asking *a = ctx;
    if (a->format == FORMAT_JSON) {
        buf_put_slice(&a->out, text);
        buf_puts(&a->out, "\n");
    } else {
        partials_text_line(&a->text, root, &a->out);
    }
}

static int ask(void *ctx)
{
    struct asking *a = ctx;
    FYKE_CLEANUP(buf_release) struct buf request = BUF_INIT;
    partials_request(a->rule, slice_of(a->key ? a->key : ""), &request);
    int rc = live_ask(&a->target, buf_slice(&request), on_line, a);
    return rc == CLI_OK ? cli_put(buf_slice(&a->out)) : rc;
}

enum { OPT_RULE = 256, OPT_FORMAT, OPT_COLOR };

static int parse_args(const struct cli_verb *v, int argc, char **argv, void *ctx)
{
    struct asking *a = ctx;
    static const struct option options[] = {
        LIVE_LONG_OPTIONS,
        {"rule", required_argument, NULL, OPT_RULE},
        {"format", required_argument, NULL, OPT_FORMAT},
        {"color", required_argument, NULL, OPT_COLOR},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static const enum cli_format formats[] = {FORMAT_HUMAN, FORMAT_JSON};
    enum cli_color color = COLOR_AUTO;
    int opt, index;
    bool ok = true;
    opterr = 0;
    while (ok && (opt = getopt_long(argc, argv, ":c:h", options, &index)) != -1) {
        switch (opt) {
        case 'h': return cli_print_usage(v);
        case 'c': ok = live_target_option(v, &a->target, "config", optarg); break;
        case LIVE_OPT_TARGET:
            ok = live_target_option(v, &a->target, options[index].name, optarg);
            break;
        case OPT_RULE: a->rule = optarg; break;
        case OPT_FORMAT: ok = cli_parse_format(v, optarg, formats, 2, &a->format); break;
        case OPT_COLOR: ok = cli_parse_color(v, optarg, &color); break;
        default: return cli_bad_option(v, opt, argv);
        }
    }
    a->text.color = cli_colored(color, stdout);
    if (ok && optind < argc) {
        a->key = argv[optind++];
    }
    if (ok && optind < argc) {
        return cli_usage_error(v, "unexpected '%s'", argv[optind]);
    }
    if (ok && !a->key && !a->rule) {
        return cli_usage_error(v, "which KEY? rules without `for each` have none: name one with --rule");
    }
    return ok ? -1 : CLI_USAGE;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct asking a = {0};
    const struct live_verb live = {&a.target, parse_args, ask, &a};
    int rc = live_verb_run(verb, argc, argv, &live);
    buf_release(&a.out);
    buf_release(&a.text.open);
    return rc;
}

const struct cli_verb verb_partials = {
    "partials",
    "open partial matches of a key in a running process, with deadlines",
    "usage: fyke partials KEY --state DIR|--listen PATH|-c FILE [options]\n"
    "\n"
    "Per rule with such keys: how far time has come for it, what is open (the step, the events bound so\n"
    "far, the deadlines and how far they are), quiet times, caps. KEY is that of an alert: the value,\n"
    "or a JSON array of several.\n"
    "\n" LIVE_TARGET_OPTIONS
    "      --rule RULE      this rule only\n"
    "      --format F       human (default), json: a line per open match, then one per rule\n"
    "      --color WHEN     auto, always, never\n"
    "\n"
    "Exit: 0 fine, 1 no process answers, 2 wrong usage or no such directory.\n",
    run,
};
