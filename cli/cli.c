#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "cli/findings.h"
#include "cli/log.h"
#include "cli/stdin_rules.h"
#include "cli/value_text.h"
#include "lib/git_rules.h"
#include "lib/rules.h"

/* ---- errors ------------------------------------------------------------------------------- */

int cli_usage_error(const struct cli_verb *verb, const char *fmt, ...)
{
    va_list args;
    fprintf(stderr, "fyke %s: ", verb->name);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\nTry 'fyke %s --help'.\n", verb->name);
    return CLI_USAGE;
}

int cli_bad_option(const struct cli_verb *verb, int opt, char **argv)
{
    const char *arg = argv[optind - 1];
    if (opt == ':') {
        return cli_usage_error(verb, "option %s needs a value", arg);
    }
    if (strncmp(arg, "--", 2) != 0 && optopt) {
        return cli_usage_error(verb, "unknown option -%c", optopt);
    }
    return cli_usage_error(verb, "unknown option %s", arg);
}

/* `run`: the one verb whose options are the table of settings. */
static void run_usage(struct buf *out)
{
    buf_puts(out, "usage: fyke run -r RULES -i INPUT [options]\n"
                   "       fyke run -c FILE [options]\n"
                   "\n"
                   "Evaluates rules over events and writes one alert per line.\n"
                   "\n");
    settings_help(out);
    buf_puts(out, "\nSIGINT and SIGTERM finish what was read, commit and exit with 0; a second one\n"
                   "ends at once with 130. SIGUSR1 tells the statistics, SIGHUP asks for a reload.\n");
}

void cli_usage_text(const struct cli_verb *verb, struct buf *out)
{
    if (verb->usage) {
        buf_puts(out, verb->usage);
    } else {
        run_usage(out);
    }
}

int cli_print_usage(const struct cli_verb *verb)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    cli_usage_text(verb, &out);
    return cli_put(buf_slice(&out));
}

/* ---- configuration file ------------------------------------------------------------------- */

int cli_tell_problems(const struct cli_verb *verb, const struct settings *s)
{
    if (s->n_problems == 0) {
        return CLI_OK;
    }
    fwrite(s->problems.ptr, 1, s->problems.len, stderr);
    if (s->wrong_usage) {
        fprintf(stderr, "Try 'fyke %s --help'.\n", verb->name);
    }
    return CLI_USAGE;
}

int cli_config_rules(const struct cli_verb *verb, const char *path, struct settings *s,
                     struct cli_list *rules, struct cli_list *geoip)
{
    settings_read_file(s, path);
    if (cli_tell_problems(verb, s) != CLI_OK) {
        return CLI_USAGE;
    }
    for (size_t i = 0; rules->n == 0 && i < settings_count(s, SET_RULES); i++) {
        cli_list_add(rules, settings_item(s, SET_RULES, i));
    }
    for (size_t i = 0; geoip && geoip->n == 0 && i < settings_count(s, SET_GEOIP); i++) {
        cli_list_add(geoip, settings_item(s, SET_GEOIP, i));
    }
    return CLI_OK;
}

void cli_fill_options(const struct settings *s, struct fyke_options *o)
{
    o->app = settings_text(s, SET_APP);
    o->threads = (unsigned)settings_number(s, SET_JOBS);
    o->memory_bytes = settings_number(s, SET_MEMORY);
    o->buffer_bytes = settings_number(s, SET_BUFFER);
    o->max_evidence = (unsigned)settings_number(s, SET_MAX_EVIDENCE);
    o->max_runs = (unsigned)settings_number(s, SET_MAX_RUNS);
    o->max_matches = (unsigned)settings_number(s, SET_MAX_MATCHES);
    o->strict = settings_flag(s, SET_STRICT);
    o->general_detector = settings_word(s, SET_DETECTOR) == 1;
}

enum cli_color cli_color_of(const struct settings *s)
{
    static const enum cli_color colors[] = {COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER};
    return colors[settings_word(s, SET_COLOR)];
}

/* The library knows some of them by two names, the last one wins. */
void cli_add_kafka_settings(struct settings *s, struct cli_list *to)
{
    for (int from = FROM_FILE; from <= FROM_FLAG; from++) {
        for (size_t i = 0; i < s->n_kafka; i++) {
            const struct kafka_setting *k = &s->kafka[i];
            if ((int)k->origin.from == from) {
                cli_list_add(to, arena_printf(&s->arena, "%s=%s", k->key, k->value));
            }
        }
    }
}

int cli_exit_of(enum fyke_result rc)
{
    switch (rc) {
    case FYKE_OK:
    case FYKE_INTERRUPTED: return CLI_OK;
    case FYKE_RULES_INVALID: return CLI_FINDINGS;
    case FYKE_USAGE: return CLI_USAGE;
    case FYKE_INPUT:
    case FYKE_IO:
    case FYKE_STATE: return CLI_IO;
    }
    return CLI_INTERNAL;
}

int cli_fail(enum fyke_result rc)
{
    fprintf(stderr, "fyke: %s\n", fyke_last_error());
    return cli_exit_of(rc);
}

/* ---- values of options -------------------------------------------------------------------- */

bool cli_parse_number(const struct cli_verb *verb, const char *option, const char *text,
                      uint64_t min, uint64_t max, uint64_t *ret)
{
    if (value_text_number(text, min, max, ret)) {
        return true;
    }
    cli_usage_error(verb, "%s takes a number from %llu to %llu, not '%s'", option,
                    (unsigned long long)min, (unsigned long long)max, text);
    return false;
}

bool cli_parse_bytes(const struct cli_verb *verb, const char *option, const char *text,
                     uint64_t *ret)
{
    if (value_text_bytes(text, ret)) {
        return true;
    }
    cli_usage_error(verb, "%s takes a size such as 512MiB, not '%s'", option, text);
    return false;
}

bool cli_parse_time(const struct cli_verb *verb, const char *option, const char *text,
                    int64_t *ret_ns)
{
    if (value_text_time(text, ret_ns)) {
        return true;
    }
    cli_usage_error(verb, "%s takes a time such as 2026-01-05T10:00:00Z, not '%s'", option, text);
    return false;
}

bool cli_parse_duration(const struct cli_verb *verb, const char *option, const char *text,
                        int64_t *ret_ns)
{
    if (value_text_duration(text, ret_ns)) {
        return true;
    }
    cli_usage_error(verb, "%s takes a time such as 500ms or 5s, not '%s'", option, text);
    return false;
}

bool cli_parse_input_format(const struct cli_verb *verb, const char *text, bool *ret_kcat)
{
    *ret_kcat = strcmp(text, "kcat") == 0;
    if (!*ret_kcat && strcmp(text, "payload") != 0) {
        cli_usage_error(verb, "--input-format takes payload or kcat, not '%s'", text);
        return false;
    }
    return true;
}

bool cli_parse_color(const struct cli_verb *verb, const char *text, enum cli_color *ret)
{
    static const char *const names[] = {"auto", "always", "never"};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum cli_color)i;
            return true;
        }
    }
    cli_usage_error(verb, "--color takes auto, always or never, not '%s'", text);
    return false;
}

bool cli_parse_format(const struct cli_verb *verb, const char *text, const enum cli_format *allowed,
                      size_t n_allowed, enum cli_format *ret)
{
    static const char *const names[] = {"",    "human",    "json",   "tap",
                                        "dot", "markdown", "github", "sarif", "svg"};
    FYKE_CLEANUP(buf_release) struct buf known = BUF_INIT;
    for (size_t i = 0; i < n_allowed; i++) {
        if (strcmp(text, names[allowed[i]]) == 0) {
            *ret = allowed[i];
            return true;
        }
        buf_printf(&known, "%s%s", i ? ", " : "", names[allowed[i]]);
    }
    cli_usage_error(verb, "--format takes one of: %s; not '%s'", buf_cstr(&known), text);
    return false;
}

/* ---- output ------------------------------------------------------------------------------- */

bool cli_colored(enum cli_color color, FILE *to)
{
    const char *no = getenv("NO_COLOR");
    if (color != COLOR_AUTO) {
        return color == COLOR_ALWAYS;
    }
    return !(no && *no) && isatty(fileno(to));
}

int cli_put(struct slice text)
{
    if (text.len > 0 && fwrite(text.ptr, 1, text.len, stdout) != text.len) {
        fprintf(stderr, "fyke: cannot write to standard output: %s\n", strerror(errno));
        return CLI_IO;
    }
    return CLI_OK;
}

void cli_list_add(struct cli_list *l, const char *item)
{
    VEC_PUSH(l->items, l->n, l->cap) = item;
}

void cli_list_release(struct cli_list *l)
{
    free(l->items);
    *l = (struct cli_list){0};
}

/* ---- rules -------------------------------------------------------------------------------- */

static void print_finding(void *ctx, const struct fyke_diagnostic *d)
{
    static const enum say_level levels[] = {
        [FYKE_ERROR] = LEVEL_ERROR, [FYKE_WARNING] = LEVEL_WARNING, [FYKE_NOTE] = LEVEL_INFO};
    const struct cli_rules_options *o = ctx;
    if (d->severity == FYKE_NOTE && o->quiet_notes) {
        return;
    }
    if (o->log && o->log->json) {
        log_say(o->log, levels[d->severity], "rules", "%s:%u:%u: %s: %s", d->file, d->line, d->col,
                d->code, d->message);
    } else {
        fputs(d->rendered, stderr);
    }
    finding_put(o->format, d);
    if (o->errors && d->severity == FYKE_ERROR) {
        buf_printf(o->errors, "%s:%u:%u: error[%s]: %s\n", d->file, d->line, d->col, d->code,
                   d->message);
    }
}

static void say_error(const struct cli_rules_options *o, const char *text)
{
    if (o->log && o->log->json) {
        log_say(o->log, LEVEL_ERROR, "rules", "%s", text);
    } else {
        fprintf(stderr, "fyke: %s\n", text);
    }
}

static int loaded(enum fyke_result rc, const struct cli_rules_options *o, struct fyke_rules **ret)
{
    if (rc != FYKE_OK) {
        say_error(o, fyke_last_error());
        finding_put_end(o->format, fyke_last_error());
        return cli_exit_of(rc);
    }
    if (fyke_rules_count(*ret) == 0 && !o->allow_empty) {
        say_error(o, "no rules found (--allow-empty accepts that)");
        fyke_rules_free(*ret);
        *ret = NULL;
        return CLI_USAGE;
    }
    return CLI_OK;
}

int cli_load_rules(const struct cli_verb *verb, const struct cli_list *paths,
                   const struct cli_rules_options *o, struct fyke_rules **ret)
{
    struct compile_input input = {.paths = paths->items, .n_paths = (uint32_t)paths->n};
    struct rules_report report = {.fn = print_finding, .ctx = (void *)(uintptr_t)o,
                                  .color = cli_colored(o->color, stderr)};
    *ret = NULL;
    if (paths->n == 0) {
        return cli_usage_error(verb, "no rules: name files or directories");
    }
    if (o->standard) {
        stdin_rules_add(o->standard, &input);
    }
    return loaded(rules_compile(&input, &report, ret), o, ret);
}

int cli_load_revision(const char *spec, const char *otherwise, const struct cli_rules_options *o,
                      struct fyke_rules **ret)
{
    struct rules_report report = {.fn = print_finding, .ctx = (void *)(uintptr_t)o,
                                  .color = cli_colored(o->color, stderr)};
    return loaded(git_rules_compile(spec, otherwise, &report, ret), o, ret);
}
