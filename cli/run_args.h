/* One `fyke run`: what was asked for, and what it needs while it runs. */
#ifndef FYKE_CLI_RUN_ARGS_H
#define FYKE_CLI_RUN_ARGS_H

#include "cli/cli.h"
#include "cli/life.h"
#include "cli/live.h"
#include "cli/log.h"
#include "cli/settings.h"
#include "lib/json_view.h"
#include "lib/run.h"

struct run_args {
    struct settings settings; /* owner of the texts in `config` */
    struct fyke_run_config config;
    struct cli_rules_options rules_options;
    struct cli_list rules, inputs, properties;
    struct cli_list geoip;
    enum cli_format format;
    const char *stats; /* file, or NULL */
    bool stats_failed;
    bool quiet;
    /* Running. */
    struct log log;
    struct life life;
    struct live live;
    bool live_failed; /* said */
    struct buf late; /* the line of a grace time that is over */
    struct json_view view;
    bool color;
    bool write_failed;
};

/* run_figures_fn with a struct run_args: at the end, and on demand while the run goes on. */
void run_args_figures(void *ctx, const struct run_figures *f);
void run_args_report(void *ctx, const struct run_figures *f);

#endif
