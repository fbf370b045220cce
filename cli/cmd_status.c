/* fyke status: is the process of a state directory ready, does it live? For probes. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/status_socket.h"

struct status_args {
    const char *state;
    const char *config; /* or NULL */
    struct duration wait;
    bool alive, quiet;
    struct settings settings; /* owner of `state` if it comes from there */
};

/* As `run` finds it: flag, environment, file. */
static int find_state(const struct cli_verb *v, struct status_args *a)
{
    struct settings *s = &a->settings;
    if (!a->state) {
        settings_read_environment(s, (const char *const *)environ);
        const char *config = a->config ? a->config : settings_text(s, SET_CONFIG);
        if (config) {
            settings_read_file(s, config);
        }
        if (cli_tell_problems(v, s) != CLI_OK) {
            return CLI_USAGE;
        }
        a->state = settings_text(s, SET_STATE);
    }
    return a->state ? CLI_OK : cli_usage_error(v, "whose? --state DIR or -c FILE");
}

static bool has_phase(struct slice line, const char *phase)
{
    FYKE_CLEANUP(buf_release) struct buf begin = BUF_INIT;
    buf_printf(&begin, "{\"phase\":\"%s\"", phase);
    return slice_starts_with(line, buf_slice(&begin));
}

static int ask(const struct status_args *a)
{
    FYKE_CLEANUP(buf_release) struct buf line = BUF_INIT;
    struct error err = ERROR_INIT;
    if (status_socket_ask(a->state, a->wait, &line, &err) != ERR_OK) {
        fprintf(stderr, "fyke: %s\n", err.text);
        return err.code == ERR_USAGE ? CLI_USAGE : CLI_FINDINGS;
    }
    int rc = a->quiet ? CLI_OK : cli_put(buf_slice(&line));
    bool ready = has_phase(buf_slice(&line), "ready") || has_phase(buf_slice(&line), "reloading");
    return rc != CLI_OK || ready || a->alive ? rc : CLI_FINDINGS;
}

static int parse_args(const struct cli_verb *v, int argc, char **argv, struct status_args *a)
{
    enum { OPT_STATE = 256, OPT_WAIT, OPT_ALIVE };
    static const struct option options[] = {
        {"state", required_argument, NULL, OPT_STATE},
        {"config", required_argument, NULL, 'c'},
        {"wait", required_argument, NULL, OPT_WAIT},
        {"alive", no_argument, NULL, OPT_ALIVE},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int opt;
    bool ok = true;
    opterr = 0;
    while (ok && (opt = getopt_long(argc, argv, ":c:qh", options, NULL)) != -1) {
        switch (opt) {
        case 'h': return cli_print_usage(v);
        case 'c': a->config = optarg; break;
        case 'q': a->quiet = true; break;
        case OPT_STATE: a->state = optarg; break;
        case OPT_WAIT: ok = cli_parse_duration(v, "--wait", optarg, &a->wait.ns); break;
        case OPT_ALIVE: a->alive = true; break;
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
    struct status_args a = {.wait = {5 * NS_PER_S}};
    settings_init(&a.settings, verb->name);
    int rc = parse_args(verb, argc, argv, &a);
    if (rc < 0) {
        rc = find_state(verb, &a);
        rc = rc == CLI_OK ? ask(&a) : rc;
    }
    settings_release(&a.settings);
    return rc;
}

const struct cli_verb verb_status = {
    "status",
    "is a running process ready? by exit code, for probes",
    "usage: fyke status --state DIR [options]\n"
    "       fyke status -c FILE [options]\n"
    "\n"
    "Asks the process that runs on the state directory; it answers between two batches, so an\n"
    "answer shows that it lives and works. Prints the answer as JSON.\n"
    "\n"
    "      --state DIR       its state directory; otherwise FYKE_STATE or what the file says\n"
    "  -c, --config FILE     its configuration file\n"
    "      --alive           any answer is good, also while it starts or stops\n"
    "      --wait D          for an answer (default 5s)\n"
    "  -q, --quiet           exit code only\n"
    "\n"
    "Exit: 0 ready (--alive: alive), 1 not, 2 wrong usage or no such directory.\n",
    run,
};
