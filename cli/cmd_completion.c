/* fyke completion: scripts for shells, the manual page. */
#include <getopt.h>
#include <string.h>

#include "cli/completion.h"

static const struct {
    const char *name;
    void (*put)(struct buf *out);
} kinds[] = {
    {"bash", completion_bash},
    {"zsh", completion_zsh},
    {"fish", completion_fish},
    {"man", completion_man},
};

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    opterr = 0;
    int opt = getopt_long(argc, argv, ":h", options, NULL);
    if (opt != -1) {
        return opt == 'h' ? cli_print_usage(verb) : cli_bad_option(verb, opt, argv);
    }
    if (argc - optind != 1) {
        return cli_usage_error(verb, "which one: bash, zsh, fish or man");
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(kinds); i++) {
        if (strcmp(argv[optind], kinds[i].name) == 0) {
            kinds[i].put(&out);
            return cli_put(buf_slice(&out));
        }
    }
    return cli_usage_error(verb, "there is no completion for '%s'", argv[optind]);
}

const struct cli_verb verb_completion = {
    "completion",
    "write completion scripts and the manual page",
    "usage: fyke completion bash|zsh|fish|man\n"
    "\n"
    "Writes what a shell needs to complete fyke's verbs and options, or the manual page fyke(1):\n"
    "\n"
    "    source <(fyke completion bash)\n"
    "    fyke completion zsh >~/.zfunc/_fyke\n"
    "    fyke completion fish >~/.config/fish/completions/fyke.fish\n"
    "    fyke completion man | man -l -\n",
    run,
};
