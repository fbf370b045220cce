/* fyke reload: asks a running process to read its rules again, and says what became of it. */
#include <string.h>

#include "base/json_out.h"
#include "cli/alert_text.h"
#include "cli/live_args.h"

struct asking {
    struct live_target target;
    bool waits;
    enum cli_format format;
    bool refused;
    struct buf out;
};

/* ---- the record ------------------------------------------------------------------------------ */

static void put_member(struct buf *out, struct json_span object, const char *name)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    json_view_text(json_view_get(object, name), &text);
    alert_text_safe(out, buf_slice(&text));
}

static void put_switch(struct json_span record, struct buf *out)
{
    static const char *const counts[] = {"unchanged", "kept", "new", "changed", "removed"};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(counts); i++) {
        buf_puts(out, i == 0 ? ": " : ", ");
        put_member(out, record, counts[i]);
        buf_printf(out, " %s", counts[i]);
    }
    if (json_view_get(record, "pause_ms").kind != JSON_NONE) {
        buf_puts(out, "; nothing evaluated for ");
        put_member(out, record, "pause_ms");
        buf_puts(out, " ms");
    }
}

static void put_rules(struct json_span record, struct buf *out)
{
    struct json_span rules = json_view_get(record, "rules"), item;
    struct json_walk w = json_walk_into(rules);
    while (rules.kind == JSON_ARRAY && json_walk_item(&w, &item)) {
        buf_puts(out, "  ");
        put_member(out, item, "rule");
        buf_puts(out, ": ");
        put_member(out, item, "fate");
        buf_puts(out, "; open: ");
        put_member(out, item, "open");
        buf_puts(out, "\n");
    }
    if (json_view_get(record, "rules_not_named").kind != JSON_NONE) {
        buf_puts(out, "  and ");
        put_member(out, record, "rules_not_named");
        buf_puts(out, " more\n");
    }
}

static void put_record(struct json_span record, struct buf *out)
{
    struct json_span result = json_view_get(record, "result");
    bool switched = json_view_is(result, "switched");
    put_member(out, record, "result");
    if (json_view_is(result, "refused")) {
        buf_puts(out, ", the rules in force stay: ");
        put_member(out, record, "reason");
    } else if (switched) {
        put_switch(record, out);
    } else {
        buf_puts(out, json_view_is(result, "contents")
                          ? ": lists and lookups have other contents, the rules are the same"
                          : ": nothing has changed");
    }
    buf_puts(out, "\n");
    put_rules(record, out);
    buf_puts(out, "rule set ");
    put_member(out, record, "ruleset");
    buf_puts(out, "\n");
}

static void on_line(void *ctx, struct json_span root, struct slice text)
{
    struct asking *a = ctx;
    struct json_span record = json_view_get(root, "reload");
    a->refused |= json_view_is(json_view_get(record, "result"), "refused");
    if (a->format == FORMAT_JSON) {
        buf_put_slice(&a->out, record.kind == JSON_OBJECT ? json_view_raw(record) : text);
        buf_puts(&a->out, "\n");
    } else if (record.kind == JSON_OBJECT) {
        put_record(record, &a->out);
    } else {
        buf_puts(&a->out, "asked for\n");
    }
}

static int ask(void *ctx)
{
    struct asking *a = ctx;
    struct slice request = a->waits ? SLICE_LIT("{\"ask\":\"reload\",\"wait\":true}")
                                    : SLICE_LIT("{\"ask\":\"reload\"}");
    int rc = live_ask(&a->target, request, on_line, a);
    rc = rc == CLI_OK ? cli_put(buf_slice(&a->out)) : rc;
    return rc == CLI_OK && a->refused ? CLI_FINDINGS : rc;
}

/* ---- options --------------------------------------------------------------------------------- */

enum { OPT_WAIT = 256, OPT_FORMAT };

/* `--wait` alone: however long it takes. */
static bool take_wait(const struct cli_verb *v, struct asking *a, const char *value)
{
    a->waits = true;
    a->target.wait = DURATION_INFINITE;
    return !value || cli_parse_duration(v, "--wait", value, &a->target.wait.ns);
}

static int parse_args(const struct cli_verb *v, int argc, char **argv, void *ctx)
{
    struct asking *a = ctx;
    static const struct option options[] = {
        {"state", required_argument, NULL, LIVE_OPT_TARGET},
        {"listen", required_argument, NULL, LIVE_OPT_TARGET},
        {"config", required_argument, NULL, 'c'},
        {"wait", optional_argument, NULL, OPT_WAIT},
        {"format", required_argument, NULL, OPT_FORMAT},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static const enum cli_format formats[] = {FORMAT_HUMAN, FORMAT_JSON};
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
        case OPT_WAIT: ok = take_wait(v, a, optarg); break;
        case OPT_FORMAT: ok = cli_parse_format(v, optarg, formats, 2, &a->format); break;
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
    struct asking a = {0};
    const struct live_verb live = {&a.target, parse_args, ask, &a};
    int rc = live_verb_run(verb, argc, argv, &live);
    buf_release(&a.out);
    return rc;
}

const struct cli_verb verb_reload = {
    "reload",
    "a running process reads its rules again; what became of each",
    "usage: fyke reload [--wait[=D]] --state DIR|--listen PATH|-c FILE [options]\n"
    "\n"
    "Asks a running process to read its rule files again, as SIGHUP does. With --wait it returns when\n"
    "the reload has come to an end, and says what became of each rule.\n"
    "\n"
    "      --wait[=D]       for the end of the reload, however long it takes, or D at most\n"
    "      --state DIR      state directory of the process; otherwise FYKE_STATE or what the file\n"
    "                       says\n"
    "      --listen PATH    the socket that it was given with --listen\n"
    "  -c, --config FILE    its configuration file\n"
    "      --format F       human (default), json: the record of the reload\n"
    "\n"
    "Exit: 0 switched, or nothing has changed (without --wait: asked for), 1 refused, no process\n"
    "answers, not in time, 2 wrong usage or no such directory.\n",
    run,
};
