/* Rules from standard input: `-` among the paths. */
#ifndef FYKE_CLI_STDIN_RULES_H
#define FYKE_CLI_STDIN_RULES_H

#include "cli/cli.h"
#include "dsl/compile.h"

#define STDIN_RULES_PATH "<stdin>"

struct stdin_rules {
    struct buf text;
    struct compile_source source; /* stands for the path */
    bool given;
};

/* Reads it if `-` is among the paths, which then says STDIN_RULES_PATH instead; what it imports is looked for in the
 * working directory. CLI_OK, or an exit code after an error on stderr. */
int stdin_rules_take(struct stdin_rules *s, struct cli_list *paths);
void stdin_rules_release(struct stdin_rules *s);
/* Of the compilation that `paths` are of. */
static inline void stdin_rules_add(const struct stdin_rules *s, struct compile_input *input)
{
    input->sources = &s->source;
    input->n_sources = s->given;
    input->sources_on_demand = true;
}

#endif
