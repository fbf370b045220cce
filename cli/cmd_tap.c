/* fyke tap: events and alerts of a running process as they pass. */
#include "base/json_out.h"
#include "cli/alert_text.h"
#include "cli/live_args.h"

struct tapping {
    struct live_target target;
    const char *topic, *rule, *key;
    bool events, alerts; /* neither: both */
    uint64_t count;      /* lines; 0: without end */
    enum cli_format format;
    enum cli_color color;
    uint64_t dropped;
    struct json_view view, alert;
};

static void member(struct json_out *j, const char *name, const char *value)
{
    if (value) {
        json_member_string(j, name, slice_of(value));
    }
}

static void put_request(const struct tapping *t, struct buf *out)
{
    bool both = !t->events && !t->alerts;
    struct json_out j = json_out_to(out);
    json_object_begin(&j);
    member(&j, "ask", "tap");
    member(&j, "topic", t->topic);
    member(&j, "rule", t->rule);
    member(&j, "key", t->key);
    json_member_bool(&j, "events", both || t->events);
    json_member_bool(&j, "alerts", both || t->alerts);
    json_object_end(&j);
}

static void put_line(struct tapping *t, struct slice line, struct buf *out)
{
    struct json_span alert = json_view_get(t->view.root, "alert");
    bool color = cli_colored(t->color, stdout);
    if (t->format == FORMAT_JSON) {
        buf_put_slice(out, line);
        buf_puts(out, "\n");
    } else if (alert.kind == JSON_OBJECT) {
        alert_text(&t->alert, json_view_raw(alert), color, out);
    } else {
        alert_text_event(t->view.root, color, out);
    }
}

/* False: enough. */
static bool take_line(struct tapping *t, struct slice line, uint64_t *seen, int *rc)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    struct json_span dropped, error;
    if (!json_view_set(&t->view, line) ||
        json_view_get(t->view.root, "tapping").kind != JSON_NONE) {
        return true;
    }
    error = json_view_get(t->view.root, "error");
    dropped = json_view_get(t->view.root, "dropped");
    if (error.kind != JSON_NONE || dropped.kind != JSON_NONE) {
        json_view_text(error.kind != JSON_NONE ? error : dropped, &out);
        fprintf(stderr, "fyke: %s%s\n", buf_cstr(&out),
                error.kind != JSON_NONE ? "" : " lines dropped: they came faster than they were read");
        *rc = error.kind != JSON_NONE ? CLI_FINDINGS : CLI_OK;
        return error.kind == JSON_NONE;
    }
    put_line(t, line, &out);
    *rc = cli_put(buf_slice(&out));
    fflush(stdout);
    return *rc == CLI_OK && (t->count == 0 || ++*seen < t->count);
}

static int tap(void *ctx)
{
    struct tapping *t = ctx;
    FYKE_CLEANUP(buf_release) struct buf request = BUF_INIT;
    struct live_client c;
    struct slice line;
    uint64_t seen = 0;
    put_request(t, &request);
    int rc = live_client_open(&c, &t->target, buf_slice(&request));
    if (rc != CLI_OK) {
        return rc;
    }
    /* The first line says that the process listens; from then on there may be silence. */
    struct duration wait = t->target.wait;
    enum live_read got;
    while ((got = live_client_line(&c, wait, &line)) == LIVE_LINE && take_line(t, line, &seen, &rc)) {
        wait = DURATION_INFINITE;
    }
    if (got != LIVE_LINE) {
        fprintf(stderr, "fyke: the process %s\n",
                got == LIVE_LATE ? "does not answer in time" : "has ended");
        rc = CLI_FINDINGS;
    }
    live_client_close(&c);
    return rc;
}

/* ---- options --------------------------------------------------------------------------------- */

enum { OPT_TOPIC = 256, OPT_RULE, OPT_KEY, OPT_EVENTS, OPT_ALERTS, OPT_FORMAT, OPT_COLOR };

static int parse_args(const struct cli_verb *v, int argc, char **argv, void *ctx)
{
    struct tapping *t = ctx;
    static const struct option options[] = {
        LIVE_LONG_OPTIONS,
        {"topic", required_argument, NULL, 't'},
        {"rule", required_argument, NULL, OPT_RULE},
        {"key", required_argument, NULL, OPT_KEY},
        {"events", no_argument, NULL, OPT_EVENTS},
        {"alerts", no_argument, NULL, OPT_ALERTS},
        {"format", required_argument, NULL, OPT_FORMAT},
        {"color", required_argument, NULL, OPT_COLOR},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static const enum cli_format formats[] = {FORMAT_HUMAN, FORMAT_JSON};
    int opt, index;
    bool ok = true;
    opterr = 0;
    while (ok && (opt = getopt_long(argc, argv, ":c:n:t:h", options, &index)) != -1) {
        switch (opt) {
        case 'h': return cli_print_usage(v);
        case 'c': ok = live_target_option(v, &t->target, "config", optarg); break;
        case 'n': ok = cli_parse_number(v, "-n", optarg, 1, 1000000000, &t->count); break;
        case 't': t->topic = optarg; break;
        case LIVE_OPT_TARGET:
            ok = live_target_option(v, &t->target, options[index].name, optarg);
            break;
        case OPT_RULE: t->rule = optarg; break;
        case OPT_KEY: t->key = optarg; break;
        case OPT_EVENTS: t->events = true; break;
        case OPT_ALERTS: t->alerts = true; break;
        case OPT_FORMAT: ok = cli_parse_format(v, optarg, formats, 2, &t->format); break;
        case OPT_COLOR: ok = cli_parse_color(v, optarg, &t->color); break;
        default: return cli_bad_option(v, opt, argv);
        }
    }
    if (ok && optind < argc) {
        return cli_usage_error(v, "unexpected '%s'", argv[optind]);
    }
    return ok ? -1 : CLI_USAGE;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct tapping t = {0};
    json_view_init(&t.view);
    json_view_init(&t.alert);
    const struct live_verb live = {&t.target, parse_args, tap, &t};
    int rc = live_verb_run(verb, argc, argv, &live);
    json_view_release(&t.view);
    json_view_release(&t.alert);
    return rc;
}

const struct cli_verb verb_tap = {
    "tap",
    "events and alerts of a running process as they pass",
    "usage: fyke tap --state DIR|--listen PATH|-c FILE [options]\n"
    "\n"
    "Shows events as they are read, with the fields that rules name, and alerts as they are handed to\n"
    "the output. The process waits for no reader: what comes faster than it is read is left out, and\n"
    "a line says how much.\n"
    "\n" LIVE_TARGET_OPTIONS
    "  -t, --topic TOPIC    events of this topic\n"
    "      --rule RULE      events that the rule reads, and its alerts\n"
    "      --key KEY        events whose message has this key, and alerts for it\n"
    "      --events         no alerts\n"
    "      --alerts         no events\n"
    "  -n N                 so many lines, then the end\n"
    "      --format F       human (default), json\n"
    "      --color WHEN     auto, always, never\n"
    "\n"
    "Exit: 0 after N lines, 1 no process answers or it has ended, 2 wrong usage.\n",
    run,
};
