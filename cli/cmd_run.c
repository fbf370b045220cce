/* fyke run: files or Kafka in, alerts out. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/alert_text.h"
#include "cli/run_args.h"
#include "lib/rule_store.h"

/* ---- options ------------------------------------------------------------------------------ */

static void add_items(struct cli_list *to, const struct settings *s, enum setting_id id)
{
    for (size_t i = 0; i < settings_count(s, id); i++) {
        cli_list_add(to, settings_item(s, id, i));
    }
}

static void fill_options(struct run_args *a, struct fyke_options *o)
{
    const struct settings *s = &a->settings;
    cli_fill_options(s, o);
    o->state_dir = settings_text(s, SET_STATE);
    o->evidence_fields = settings_text(s, SET_EVIDENCE_FIELDS);
    o->pending = settings_flag(s, SET_PENDING);
    o->shadow = settings_flag(s, SET_SHADOW);
    o->reset_state = settings_flag(s, SET_RESET_STATE);
    o->geoip = a->geoip.items;
    o->n_geoip = a->geoip.n;
}

/* `--flush` says the same as `--watermark-end flush`. */
static void fill_end(const struct settings *s, struct fyke_run_config *c)
{
    bool flush = settings_flag(s, SET_FLUSH) || settings_word(s, SET_WATERMARK_END) == 0;
    if (flush) {
        c->watermark_end = FYKE_END_FLUSH;
    } else if (settings_is_set(s, SET_WATERMARK_END)) {
        c->watermark_end = FYKE_END_AT;
        c->watermark_end_ns = settings_ns(s, SET_WATERMARK_END);
    }
}

static void fill_config(struct run_args *a)
{
    static const enum cli_format formats[] = {FORMAT_HUMAN, FORMAT_JSON};
    const struct settings *s = &a->settings;
    struct fyke_run_config *c = &a->config;
    static const enum fyke_delivery deliveries[] = {FYKE_EXACTLY_ONCE, FYKE_AT_LEAST_ONCE};
    static const enum fyke_group_rules group_rules[] = {FYKE_GROUP_AUTO, FYKE_GROUP_TAKE,
                                                        FYKE_GROUP_FOLLOW};
    add_items(&a->rules, s, SET_RULES);
    add_items(&a->inputs, s, SET_INPUT);
    add_items(&a->geoip, s, SET_GEOIP);
    cli_add_kafka_settings(&a->settings, &a->properties);
    fill_options(a, &c->options);
    fill_end(s, c);
    c->inputs = a->inputs.items;
    c->n_inputs = a->inputs.n;
    c->kafka_properties = a->properties.items;
    c->n_kafka_properties = a->properties.n;
    c->kcat = settings_word(s, SET_INPUT_FORMAT) == 1;
    c->output = settings_text(s, SET_OUTPUT);
    c->start = settings_text(s, SET_START);
    c->once = settings_flag(s, SET_ONCE);
    c->rebuild_from_input = settings_flag(s, SET_REBUILD);
    if (settings_is_set(s, SET_COMMIT_EVERY)) {
        int64_t ms = settings_ns(s, SET_COMMIT_EVERY) / NS_PER_MS;
        c->commit_every_ms = ms ? ms : 1;
    }
    if (settings_is_set(s, SET_DELIVERY)) {
        c->delivery = deliveries[settings_word(s, SET_DELIVERY)];
    }
    c->dead_letter = settings_text(s, SET_DEAD_LETTER);
    c->late = settings_text(s, SET_LATE);
#ifdef FYKE_FAULT_POINTS
    c->fault = settings_text(s, SET_FAULT);
#endif
    c->instance_id = settings_text(s, SET_INSTANCE_ID);
    c->watch = (enum fyke_watch)settings_word(s, SET_WATCH);
    c->audit = settings_text(s, SET_AUDIT);
    c->drop_changed = settings_word(s, SET_ON_CHANGE) == 1;
    c->warm_changed = settings_word(s, SET_ON_CHANGE) == 2;
    c->in_group = settings_is_set(s, SET_INSTANCES) && settings_word(s, SET_INSTANCES) == 1;
    c->standby = (unsigned)settings_number(s, SET_STANDBY);
    c->group_rules = group_rules[settings_word(s, SET_GROUP_RULES)];
    a->stats = settings_text(s, SET_STATS);
    a->quiet = settings_flag(s, SET_QUIET);
    a->format = settings_is_set(s, SET_FORMAT) ? formats[settings_word(s, SET_FORMAT)]
                                               : FORMAT_DEFAULT;
    a->rules_options.color = cli_color_of(s);
    a->rules_options.allow_empty = settings_flag(s, SET_ALLOW_EMPTY);
}

static int show_config(const struct settings *s)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    bool json = settings_from(s, SET_FORMAT) == FROM_FLAG && settings_word(s, SET_FORMAT) == 1;
    (json ? settings_show_json : settings_show)(s, &out);
    return cli_put(buf_slice(&out));
}

/* -1: go on; otherwise the exit code. */
static int parse_args(const struct cli_verb *v, int argc, char **argv, struct run_args *a)
{
    struct settings *s = &a->settings;
    settings_read_flags(s, argc, argv);
    if (settings_flag(s, SET_HELP)) {
        return cli_print_usage(v);
    }
    settings_read_environment(s, (const char *const *)environ);
    if (settings_is_set(s, SET_CONFIG)) {
        settings_read_file(s, settings_text(s, SET_CONFIG));
    }
    settings_check_together(s);
    if (cli_tell_problems(v, s) != CLI_OK) {
        return CLI_USAGE;
    }
    if (settings_flag(s, SET_SHOW_CONFIG)) {
        return show_config(s);
    }
    fill_config(a);
    if (a->inputs.n == 0) {
        return cli_usage_error(v, "no input: -i FILE, -i - or -i kafka");
    }
    return -1;
}

/* ---- log ---------------------------------------------------------------------------------- */

static int64_t read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static struct etime wall_now(void *ctx)
{
    (void)ctx;
    return (struct etime){read_clock(CLOCK_REALTIME)};
}

static struct ptime monotonic_now(void *ctx)
{
    (void)ctx;
    return (struct ptime){read_clock(CLOCK_MONOTONIC)};
}

/* The journal says which stream leads to it, and takes levels in front of lines. */
static bool is_journal(FILE *to)
{
    struct stat st;
    unsigned long long dev, ino;
    const char *stream = getenv("JOURNAL_STREAM");
    return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
           fstat(fileno(to), &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

/* Who asks librdkafka for details wants to see them. */
static enum say_level least_level(const struct settings *s)
{
    static const enum say_level levels[] = {LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG};
    for (size_t i = 0; !settings_is_set(s, SET_LOG_LEVEL) && i < s->n_kafka; i++) {
        if (strcmp(s->kafka[i].key, "debug") == 0) {
            return LEVEL_DEBUG;
        }
    }
    return levels[settings_word(s, SET_LOG_LEVEL)];
}

static void open_log(struct run_args *a)
{
    static const struct log_clock clock = {wall_now, monotonic_now, NULL};
    const struct settings *s = &a->settings;
    log_init(&a->log, stderr, settings_word(s, SET_LOG_FORMAT) == 1, least_level(s), clock);
    a->log.prefixed = is_journal(stderr);
    a->config.options.log = log_line;
    a->config.options.log_ctx = &a->log;
    a->rules_options.log = &a->log;
}

/* ---- running ------------------------------------------------------------------------------ */

static bool print_alert(void *ctx, const struct fyke_alert *alert)
{
    struct run_args *a = ctx;
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    alert_text(&a->view, slice_from(alert->json, alert->json_len), a->color, &text);
    a->write_failed = fwrite(text.ptr, 1, text.len, stdout) != text.len || fflush(stdout) != 0;
    return !a->write_failed;
}

static void to_people(struct run_args *a)
{
    json_view_init(&a->view);
    a->color = cli_colored(a->rules_options.color, stdout);
    a->config.on_alert = print_alert;
    a->config.on_alert_ctx = a;
}

static bool reads_kafka(const struct run_args *a)
{
    return a->inputs.n > 0 && strncmp(a->inputs.items[0], "kafka", 5) == 0;
}

/* In the state directory: going without is no reason not to run. A place that was asked for is. */
static void open_live(struct run_args *a)
{
    struct error err = ERROR_INIT;
    if (live_open(&a->live, &err) != ERR_OK && !a->live_failed) {
        a->live_failed = true;
        log_say(&a->log, LEVEL_WARNING, "live", "%s; nobody can look into this process", err.text);
    }
}

static int listen_where_asked(struct run_args *a)
{
    struct error err = ERROR_INIT;
    if (a->live.path && live_open(&a->live, &err) != ERR_OK) {
        log_say(&a->log, LEVEL_ERROR, "live", "%s", err.text);
        return CLI_IO;
    }
    return CLI_OK;
}

static void between(void *ctx, struct run *run)
{
    struct run_args *a = ctx;
    live_between(&a->live, run);
}

static void observe(void *ctx, const struct ruleset *rs, enum event_fate fate,
                    const struct event *e, const struct record *r)
{
    struct run_args *a = ctx;
    live_observe(&a->live, rs, fate, e, r);
}

static void alert(void *ctx, const struct out_record *r)
{
    struct run_args *a = ctx;
    live_alert(&a->live, r);
}

/* In a text log the lines about the reload say the same. */
static void note_reload(void *ctx, uint64_t reading, struct slice record)
{
    struct run_args *a = ctx;
    live_reloaded(&a->live, reading, record);
    if (a->log.json) {
        log_value(&a->log, "reload", "record of a reload", "reload", record);
    }
}

static void beat(void *ctx, enum run_phase phase, struct run *run)
{
    struct run_args *a = ctx;
    if (phase != RUN_OPENING && a->live.peers.socket.fd < 0) {
        open_live(a);
    }
    life_beat(&a->life, phase, run);
}

static void open_life(struct run_args *a)
{
    struct duration grace = {settings_ns(&a->settings, SET_GRACE)};
    bool stored = a->config.options.state_dir != NULL;
    log_late_line(&a->log, &a->late, "not finished within the grace time of %s: %s",
                  settings_text(&a->settings, SET_GRACE),
                  stored ? "the next run goes on from the last commit" : "alerts may be missing");
    (void)buf_cstr(&a->late);
    signals_catch(grace, a->late.ptr, log_late_time(&a->log));
    a->life = (struct life){.log = &a->log,
                            .state_dir = a->config.options.state_dir,
                            .app = a->config.options.app,
                            .signals = signals_seen(),
                            /* A person at a terminal hears of what is wrong only. */
                            .service = reads_kafka(a) && (a->log.json || a->log.prefixed),
                            .report = run_args_report,
                            .report_ctx = a};
    a->live = (struct live){.log = &a->log,
                            .state_dir = a->config.options.state_dir,
                            .path = settings_text(&a->settings, SET_LISTEN)};
    live_init(&a->live);
    a->config.stop = &a->life.signals->stop;
    a->config.reload = &a->life.signals->reload;
    life_open(&a->life);
}

static int run_rules(struct run_args *a, const struct fyke_rules *rules)
{
    bool listens = a->live.state_dir || a->live.path;
    const struct run_hooks hooks = {.figures = run_args_figures,
                                    .beat = beat,
                                    .between = listens ? between : NULL,
                                    .observe = listens ? observe : NULL,
                                    .alert = listens ? alert : NULL,
                                    .reloaded = note_reload,
                                    .ctx = a};
    struct fyke_run_config *c = &a->config;
    bool standard = !c->output || strcmp(c->output, "stdout") == 0 || strcmp(c->output, "-") == 0;
    if (a->format == FORMAT_HUMAN && standard) {
        to_people(a);
    }
    enum fyke_result rc = run_whole(rules, c, &hooks);
    if (c->on_alert) {
        json_view_release(&a->view);
    }
    if (rc != FYKE_OK && rc != FYKE_INTERRUPTED) {
        log_say(&a->log, LEVEL_ERROR, "run", "%s", fyke_last_error());
        return cli_exit_of(rc);
    }
    return a->stats_failed ? CLI_IO : CLI_OK;
}

/* Load and run, with a log and with signals from the beginning. */
/* The files do not compile, but the state knows which rules it was written under. *rc: what to end
 * with when there are none. */
static struct fyke_rules *take_stored_rules(struct run_args *a, int *rc)
{
    struct fyke_rules *rules;
    struct error err = ERROR_INIT;
    if (rule_store_find(&a->config, a->rules.items, a->rules.n, &rules, &err) != ERR_OK) {
        log_say(&a->log, LEVEL_ERROR, "rules", "%s", err.text);
        return NULL;
    }
    if (rules) {
        char hex[HASH128_HEX_MAX];
        hash128_hex(rules_ruleset(rules)->fingerprint, hex);
        log_say(&a->log, LEVEL_ERROR, "rules", "the files do not compile: going on with the rules "
                "stored with the state, rule set %s; mend the files, then reload", hex);
        *rc = CLI_OK;
    }
    return rules;
}

static int live(const struct cli_verb *verb, struct run_args *a)
{
    struct fyke_rules *rules = NULL;
    open_log(a);
    open_life(a);
    int rc = listen_where_asked(a);
    rc = rc == CLI_OK ? cli_load_rules(verb, &a->rules, &a->rules_options, &rules) : rc;
    if (rc == CLI_FINDINGS) {
        rules = take_stored_rules(a, &rc);
    }
    if (rules) {
        rc = run_rules(a, rules);
    }
    fyke_rules_free(rules);
    signals_release();
    live_close(&a->live);
    life_close(&a->life);
    log_release(&a->log);
    return rc;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct run_args a = {.rules_options = {.quiet_notes = true}};
    signals_hold();
    settings_init(&a.settings, verb->name);
    fyke_run_config_init(&a.config);
    int rc = parse_args(verb, argc, argv, &a);
    if (rc < 0) {
        rc = live(verb, &a);
    }
    buf_release(&a.late);
    cli_list_release(&a.rules);
    cli_list_release(&a.inputs);
    cli_list_release(&a.geoip);
    cli_list_release(&a.properties);
    settings_release(&a.settings);
    return rc;
}

const struct cli_verb verb_run = {
    "run",
    "evaluate rules over files, standard input or Kafka",
    NULL, /* from the table of settings */
    run,
};
