/* Settings from the environment and from the command line. */
#include <ctype.h>
#include <getopt.h>
#include <string.h>

#include "cli/settings.h"
#include "dsl/suggest.h"

/* ---- environment -------------------------------------------------------------------------- */

#define PREFIX "FYKE_"
#define KAFKA_PREFIX "FYKE_KAFKA_"
#define MAX_NAME 128

/* FYKE_KAFKA_SASL_PASSWORD_FILE is kafka.sasl.password.file. */
static void read_kafka_variable(struct settings *s, const char *rest, const char *value,
                                struct setting_origin o)
{
    char key[MAX_NAME];
    size_t n = 0;
    for (; rest[n] && n + 1 < sizeof(key); n++) {
        key[n] = rest[n] == '_' ? '.' : (char)tolower((unsigned char)rest[n]);
    }
    key[n] = '\0';
    settings_set_kafka(s, key, value, o);
}

/* Others own names that begin so, too (an orchestrator makes FYKE_PORT of a service "fyke"), so
 * only what looks like a slip is one. */
static void unknown_variable(struct settings *s, struct slice name, const struct setting_origin *o)
{
    FYKE_CLEANUP(buf_release) struct buf known = BUF_INIT;
    for (int i = 0; i < SET_COUNT; i++) {
        const struct setting *d = setting_at((enum setting_id)i);
        struct suggest near = suggest_for(name);
        buf_clear(&known);
        setting_variable(d, &known);
        suggest_try(&near, buf_slice(&known));
        if (near.best.ptr && !(d->without & (NOT_IN_ENVIRONMENT | NOT_SHOWN))) {
            settings_problem(s, o, "unknown variable %.*s; did you mean %s?", SLICE_ARG(name),
                             buf_cstr(&known));
            return;
        }
    }
}

static enum setting_id find_variable(struct slice name)
{
    FYKE_CLEANUP(buf_release) struct buf known = BUF_INIT;
    for (int i = 0; i < SET_COUNT; i++) {
        const struct setting *d = setting_at((enum setting_id)i);
        buf_clear(&known);
        setting_variable(d, &known);
        if (!(d->without & NOT_IN_ENVIRONMENT) && slice_eq(name, buf_slice(&known))) {
            return (enum setting_id)i;
        }
    }
    return SET_COUNT;
}

static void read_variable(struct settings *s, struct slice name, const char *value)
{
    const char *kept = arena_strndup(&s->arena, name.ptr, name.len);
    struct setting_origin o = {FROM_ENVIRONMENT, kept, 0, 0};
    if (*value == '\0') {
        return; /* empty is unset, as for NO_COLOR */
    }
    enum setting_id id = find_variable(name);
    if (id != SET_COUNT) {
        settings_set(s, id, value, o);
    } else if (slice_starts_with(name, SLICE_LIT(KAFKA_PREFIX))) {
        read_kafka_variable(s, kept + sizeof(KAFKA_PREFIX) - 1, value, o);
    } else {
        unknown_variable(s, name, &o);
    }
}

void settings_read_environment(struct settings *s, const char *const *environment)
{
    for (; *environment; environment++) {
        const char *eq = strchr(*environment, '=');
        if (eq && strncmp(*environment, PREFIX, sizeof(PREFIX) - 1) == 0) {
            read_variable(s, slice_from(*environment, (size_t)(eq - *environment)), eq + 1);
        }
    }
}

/* ---- command line ------------------------------------------------------------------------- */

#define LONG_ONLY 256 /* getopt's value of setting i is LONG_ONLY + i */

/* ":" and the letters; `long_options` gets one entry per setting and the closing one. */
static void make_options(struct option *long_options, struct buf *letters)
{
    buf_puts(letters, ":X:");
    for (int i = 0; i < SET_COUNT; i++) {
        const struct setting *d = setting_at((enum setting_id)i);
        bool may = d->kind == SETTING_FLAG || d->implied;
        int has = may ? optional_argument : required_argument;
        long_options[i] = (struct option){d->name, has, NULL, LONG_ONLY + i};
        if (d->letter) {
            buf_printf(letters, "%c%s", d->letter, d->kind == SETTING_FLAG ? "" : ":");
        }
    }
    long_options[SET_COUNT] = (struct option){0};
}

static enum setting_id of_letter(int letter)
{
    for (int i = 0; i < SET_COUNT; i++) {
        if (setting_at((enum setting_id)i)->letter == letter) {
            return (enum setting_id)i;
        }
    }
    return SET_COUNT;
}

static void bad_flag(struct settings *s, int opt, const char *arg, const struct setting_origin *o)
{
    if (opt == ':') {
        settings_problem(s, o, "option %s needs a value", arg);
    } else if (strncmp(arg, "--", 2) != 0 && optopt) {
        settings_problem(s, o, "unknown option -%c", optopt);
    } else {
        settings_unknown(s, o, "option", slice_from(arg + 2, strcspn(arg + 2, "=")));
    }
}

static void read_property(struct settings *s, const char *text, struct setting_origin o)
{
    const char *eq = strchr(text, '=');
    if (!eq || eq == text) {
        settings_problem(s, &o, "-X takes key=value, for example -X bootstrap.servers=broker:9092");
        return;
    }
    settings_set_kafka(s, arena_strndup(&s->arena, text, (size_t)(eq - text)), eq + 1, o);
}

void settings_read_flags(struct settings *s, int argc, char **argv)
{
    FYKE_CLEANUP(buf_release) struct buf letters = BUF_INIT;
    struct option long_options[SET_COUNT + 1];
    struct setting_origin o = {.from = FROM_FLAG};
    int opt;
    make_options(long_options, &letters);
    opterr = 0;
    optind = 0; /* the library's way to begin anew: tests read more than one command line */
    while ((opt = getopt_long(argc, argv, buf_cstr(&letters), long_options, NULL)) != -1) {
        if (opt == '?' || opt == ':') {
            bad_flag(s, opt, argv[optind - 1], &o);
        } else if (opt == 'X') {
            read_property(s, optarg, o);
        } else {
            enum setting_id id =
                opt >= LONG_ONLY ? (enum setting_id)(opt - LONG_ONLY) : of_letter(opt);
            const char *implied = setting_at(id)->implied;
            settings_set(s, id, optarg || !implied ? optarg : implied, o);
        }
    }
    for (int i = optind; i < argc; i++) {
        settings_problem(s, &o, "unexpected '%s'; rules go with -r, events with -i", argv[i]);
    }
}
