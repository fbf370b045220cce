/* What all verbs share: exit codes, conventions of output, loading of rules. */
#ifndef FYKE_CLI_CLI_H
#define FYKE_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/buf.h"
#include "cli/settings.h"
#include "fyke/fyke.h"

enum cli_exit {
    CLI_OK = 0,
    CLI_FINDINGS = 1, /* invalid rules, a failed test, `fmt --check` */
    CLI_USAGE = 2,    /* or a missing file */
    CLI_WARNINGS = 3, /* with --deny-warnings */
    CLI_IO = 4,
    CLI_INTERNAL = 70,
    CLI_INTERRUPTED = 130,
};

enum cli_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
enum cli_format { FORMAT_DEFAULT, FORMAT_HUMAN, FORMAT_JSON, FORMAT_TAP, FORMAT_DOT,
                  FORMAT_MARKDOWN, FORMAT_GITHUB, FORMAT_SARIF, FORMAT_SVG };

struct cli_verb {
    const char *name;
    const char *summary; /* for the list of verbs */
    const char *usage;   /* all of --help; NULL: from the table of settings */
    int (*run)(const struct cli_verb *verb, int argc, char **argv);
};

/* All of them, in the order of the overview; the last one is NULL. */
extern const struct cli_verb *const cli_verbs[];
/* NULL: there is none. */
const struct cli_verb *cli_find_verb(const char *name);

extern const struct cli_verb verb_run;
extern const struct cli_verb verb_check;
extern const struct cli_verb verb_fmt;
extern const struct cli_verb verb_test;
extern const struct cli_verb verb_replay;
extern const struct cli_verb verb_diff;
extern const struct cli_verb verb_explain;
extern const struct cli_verb verb_graph;
extern const struct cli_verb verb_list;
extern const struct cli_verb verb_status;
extern const struct cli_verb verb_top;
extern const struct cli_verb verb_tap;
extern const struct cli_verb verb_partials;
extern const struct cli_verb verb_reload;
extern const struct cli_verb verb_state;
extern const struct cli_verb verb_capture;
extern const struct cli_verb verb_infer;
extern const struct cli_verb verb_gen;
extern const struct cli_verb verb_completion;

/* `fyke VERB: message` and where to find help. Returns CLI_USAGE. */
int cli_usage_error(const struct cli_verb *verb, const char *fmt, ...) FYKE_PRINTF(2, 3);
/* getopt_long() has complained about argv[optind - 1]: words for it. Returns CLI_USAGE. */
int cli_bad_option(const struct cli_verb *verb, int opt, char **argv);
int cli_print_usage(const struct cli_verb *verb);
void cli_usage_text(const struct cli_verb *verb, struct buf *out);
/* `fyke: what went wrong` for a result of libfyke. */
int cli_fail(enum fyke_result rc);
int cli_exit_of(enum fyke_result rc);

/* Values of options; false after an error on stderr. */
bool cli_parse_number(const struct cli_verb *verb, const char *option, const char *text,
                      uint64_t min, uint64_t max, uint64_t *ret);
/* 4096, 64KiB, 512MiB, 2GiB. */
bool cli_parse_bytes(const struct cli_verb *verb, const char *option, const char *text,
                     uint64_t *ret);
/* RFC 3339. */
bool cli_parse_time(const struct cli_verb *verb, const char *option, const char *text,
                    int64_t *ret_ns);
/* 500ms, 1s, 5m. */
bool cli_parse_duration(const struct cli_verb *verb, const char *option, const char *text,
                        int64_t *ret_ns);
/* payload or kcat. */
bool cli_parse_input_format(const struct cli_verb *verb, const char *text, bool *ret_kcat);
bool cli_parse_color(const struct cli_verb *verb, const char *text, enum cli_color *ret);
bool cli_parse_format(const struct cli_verb *verb, const char *text, const enum cli_format *allowed,
                      size_t n_allowed, enum cli_format *ret);

/* Colour on this stream: --color, else NO_COLOR and whether it is a terminal. */
bool cli_colored(enum cli_color color, FILE *to);
/* Everything to standard output; CLI_IO if it cannot be written. */
int cli_put(struct slice text);

/* Lists of texts from repeatable options; borrowed items. */
struct cli_list {
    const char **items;
    size_t n, cap;
};
void cli_list_add(struct cli_list *l, const char *item);
void cli_list_release(struct cli_list *l);

/* Shows what settings_read_*() found wrong. CLI_OK or CLI_USAGE. */
int cli_tell_problems(const struct cli_verb *verb, const struct settings *s);
/* Rules and databases that a configuration file names, where the command line names none. `geoip`
 * may be NULL. The texts are the settings'. CLI_OK or an exit code after an error. */
int cli_config_rules(const struct cli_verb *verb, const char *path, struct settings *s,
                     struct cli_list *rules, struct cli_list *geoip);

/* What holds for whoever evaluates rules: a run, a replay. The texts are the settings'. */
void cli_fill_options(const struct settings *s, struct fyke_options *o);
enum cli_color cli_color_of(const struct settings *s);
/* Properties for librdkafka in order of strength, as KEY=VALUE; the texts are the settings'. */
void cli_add_kafka_settings(struct settings *s, struct cli_list *to);

/* Compiles the rules for a verb that needs them; findings go to stderr. Otherwise an exit code. */
struct cli_rules_options {
    enum cli_color color;
    bool allow_empty;
    bool quiet_notes; /* only errors and warnings */
    struct log *log;  /* what is found goes there if it is JSON; NULL: as text to stderr */
    enum cli_format format; /* of what programs read on stdout: findings go there, too (findings.h) */
    struct buf *errors;     /* errors as text, added; NULL: nobody wants them */
    const struct stdin_rules *standard; /* stands for one of the paths (stdin_rules.h); NULL: for none */
};
int cli_load_rules(const struct cli_verb *verb, const struct cli_list *paths,
                   const struct cli_rules_options *o, struct fyke_rules **ret);
/* The same of a git revision, "REV" or "REV:PATH" (lib/git_rules.h); `otherwise` may be NULL. */
int cli_load_revision(const char *spec, const char *otherwise, const struct cli_rules_options *o,
                      struct fyke_rules **ret);

#endif
