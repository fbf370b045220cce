/* Asking a running process: what `fyke top`, `tap`, `partials` and `explain` share. */
#ifndef FYKE_CLI_LIVE_CLIENT_H
#define FYKE_CLI_LIVE_CLIENT_H

#include "cli/cli.h"
#include "cli/live_peers.h"

/* Whom: options that all of them have. */
struct live_target {
    const char *state, *listen, *config; /* as given; NULL */
    struct duration wait;
    struct settings settings;
    struct arena arena;
};
#define LIVE_TARGET_OPTIONS                                                                        \
    "      --state DIR      state directory of the process; otherwise FYKE_STATE or what the file\n" \
    "                       says\n"                                                               \
    "      --listen PATH    the socket that it was given with --listen\n"                         \
    "  -c, --config FILE    its configuration file\n"                                             \
    "      --wait D         for an answer (default 10s)\n"

void live_target_init(struct live_target *t, const struct cli_verb *v);
void live_target_release(struct live_target *t);
/* Takes an option by its long name; false after an error on stderr. */
bool live_target_option(const struct cli_verb *v, struct live_target *t, const char *name,
                        const char *value);
/* Fills what flags left open, as `run` finds it. CLI_OK or an exit code after an error. */
int live_target_find(const struct cli_verb *v, struct live_target *t);

/* A verb that asks a running process: `parse` takes the arguments (below 0: go on), the process is found, `ask` does the
 * rest. An exit code. */
struct live_verb {
    struct live_target *target;
    int (*parse)(const struct cli_verb *v, int argc, char **argv, void *ctx);
    int (*ask)(void *ctx);
    void *ctx;
};
int live_verb_run(const struct cli_verb *v, int argc, char **argv, const struct live_verb *l);

struct live_client {
    int fd;
    struct buf text; /* received, from `at` on not looked at yet */
    size_t at;
};
/* Sends the request (an object without newline). CLI_OK, CLI_USAGE, or CLI_FINDINGS: nobody answers. */
int live_client_open(struct live_client *c, const struct live_target *t, struct slice request);
void live_client_close(struct live_client *c);

enum live_read { LIVE_LINE, LIVE_END, LIVE_LATE };
/* The next line without its newline, valid until the next call; waits for `wait`, infinite: for ever. */
enum live_read live_client_line(struct live_client *c, struct duration wait, struct slice *ret);

/* Asks, and calls `line` for each line of the answer. An error of the other side is told; then
 * CLI_FINDINGS. */
int live_ask(const struct live_target *t, struct slice request,
             void (*line)(void *ctx, struct json_span root, struct slice text), void *ctx);

#endif
