/* Options and helps that the verbs over the live socket share. */
#ifndef FYKE_CLI_LIVE_ARGS_H
#define FYKE_CLI_LIVE_ARGS_H

#include <getopt.h>

#include "cli/live_client.h"

/* Entries of a `struct option` table; LIVE_OPT_TARGET goes to live_target_option(). */
enum { LIVE_OPT_TARGET = 1000 };
#define LIVE_LONG_OPTIONS                                                                          \
    {"state", required_argument, NULL, LIVE_OPT_TARGET},                                           \
        {"listen", required_argument, NULL, LIVE_OPT_TARGET},                                      \
        {"config", required_argument, NULL, 'c'}, {"wait", required_argument, NULL, LIVE_OPT_TARGET}

#endif
