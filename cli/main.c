/* fyke VERB …: finds the verb, flushes what it wrote. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/help.h"

const struct cli_verb *const cli_verbs[] = {
    &verb_run,    &verb_check,   &verb_test,   &verb_replay, &verb_diff, &verb_fmt,
    &verb_explain, &verb_capture, &verb_graph,  &verb_list,   &verb_status, &verb_top,
    &verb_tap,    &verb_partials, &verb_reload, &verb_state, &verb_infer,  &verb_gen,  &verb_completion,
    NULL,
};

const struct cli_verb *cli_find_verb(const char *name)
{
    for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
        if (strcmp((*v)->name, name) == 0) {
            return *v;
        }
    }
    return NULL;
}

static int print_overview(FILE *to)
{
    fputs("usage: fyke VERB [options]\n"
          "\n"
          "Finds patterns of events: rules in, events in, alerts out.\n"
          "\n",
          to);
    for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
        fprintf(to, "  %-11s%s\n", (*v)->name, (*v)->summary);
    }
    fputs(
        "  help       help on a verb or an error code: fyke help E0203\n"
        "  version    print the version\n"
        "\n"
        "Data goes to standard output, everything else to standard error.\n"
        "Exit: 0 fine, 1 findings (invalid rules, failed tests), 2 wrong usage or a missing file,\n"
        "      3 warnings with --deny-warnings, 4 input or output failed, 130 interrupted.\n",
        to);
    return to == stderr ? CLI_USAGE : CLI_OK;
}

static int help(int argc, char **argv)
{
    if (argc < 2) {
        return print_overview(stdout);
    }
    const struct cli_verb *verb = cli_find_verb(argv[1]);
    if (verb) {
        return cli_print_usage(verb);
    }
    return help_code(argv[1]);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        return print_overview(stderr);
    }
    const char *name = argv[1];
    const struct cli_verb *verb = cli_find_verb(name);
    if (verb) {
        return verb->run(verb, argc - 1, argv + 1);
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        return help(argc - 1, argv + 1);
    }
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
        printf("fyke %s\n", fyke_version());
        return CLI_OK;
    }
    fprintf(stderr, "fyke: there is no verb '%s'\nTry 'fyke help'.\n", name);
    return CLI_USAGE;
}

int main(int argc, char **argv)
{
    /* A reader that goes away is an error of writing, not a silent death. */
    signal(SIGPIPE, SIG_IGN);
    int rc = dispatch(argc, argv);
    if (fflush(stdout) != 0 && rc == CLI_OK) {
        fprintf(stderr, "fyke: cannot write to standard output: %s\n", strerror(errno));
        rc = CLI_IO;
    }
    return rc;
}
