/* What `fyke capture` and `fyke explain --as-test` share. */
#ifndef FYKE_CLI_CAPTURE_ARGS_H
#define FYKE_CLI_CAPTURE_ARGS_H

#include "cli/cli.h"
#include "lib/capture.h"

struct capture_args {
    struct capture_config config;
    struct capture_hidden hidden[CAPTURE_MAX_HIDDEN];
    struct arena arena;
    struct buf secret, alert; /* as read */
    const char *output;       /* DIR/NAME without suffix */
    bool force;               /* over files that are there */
};

void capture_args_init(struct capture_args *a);
void capture_args_release(struct capture_args *a);

/* Values of options; false after an error on stderr. */
bool capture_args_hide(const struct cli_verb *v, struct capture_args *a, const char *text);
bool capture_args_secret(const struct cli_verb *v, struct capture_args *a, const char *path);
/* The last line of FILE, or of standard input, that is an alert: rule, key and time come from it. */
bool capture_args_alert(const struct cli_verb *v, struct capture_args *a, const char *path);

/* Captures and says on stderr what it did. An exit code. */
int capture_args_run(const struct cli_verb *v, struct capture_args *a,
                     const struct fyke_rules *rules);

/* Of the help texts of both. */
#define CAPTURE_OPTIONS                                                                            \
    "      --hide FIELD[=KIND]  other values for this field, or EVENT.FIELD; repeatable, and as a\n" \
    "                         list; values of one kind stay equal to each other\n"               \
    "      --secret-file F    pseudonyms are hashes with this secret, the same in every capture;\n" \
    "                         default: numbers, in the order of the values\n"                     \
    "      --title TEXT       of the test\n"                                                      \
    "      --force            writes over files that are there\n"

#endif
