#include "cli/cli.h"
#include "cli/gen.h"

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    (void)verb;
    return gen_main(argc, argv);
}

const struct cli_verb verb_gen = {
    "gen",
    "write repeatable traffic with planted attacks",
    gen_usage,
    run,
};
