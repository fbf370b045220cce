/* What the command line of a verb that replays says, and what belongs to a replay under way. */
#ifndef FYKE_CLI_REPLAY_ARGS_H
#define FYKE_CLI_REPLAY_ARGS_H

#include "cli/cli.h"
#include "cli/replay_pace.h"
#include "cli/settings.h"
#include "lib/replay.h"
#include "lib/replay_gate.h"
#include "report/diff.h"
#include "report/report.h"

struct replay_args {
    bool is_diff; /* set beforehand */
    struct settings settings; /* of -c */
    struct cli_list rules; /* of a diff the operands */
    struct cli_list inputs, geoip, properties;
    struct cli_list reports; /* files, by their suffix */
    report_form format;      /* one of the two, by the verb; NULL: human */
    diff_form diff_format;
    const char *format_name; /* as given; NULL */
    bool exit_code;
    struct cli_list sweeps;
    unsigned near_misses; /* changes shown per rule; 0: not asked for */
    enum cli_color color;
    const char *matches; /* file of alert lines; "-": standard output; NULL */
    bool quiet, allow_empty;
    struct replay_config config;
    struct replay_label_options labels;
    struct cli_list gate_texts;
    struct gates gates;
    /* Under way. */
    FILE *lines;
    bool write_failed, progress_shown;
    struct replay_pace pace;
};

/* -1: go on; otherwise the exit code. */
int replay_args_read(const struct cli_verb *v, int argc, char **argv, struct replay_args *a);
void replay_args_release(struct replay_args *a);

#endif
