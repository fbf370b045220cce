#include "cli/stdin_rules.h"

#include <string.h>

#include "cli/read_file.h"
#include "dsl/source.h"

int stdin_rules_take(struct stdin_rules *s, struct cli_list *paths)
{
    for (size_t i = 0; i < paths->n; i++) {
        if (strcmp(paths->items[i], "-") == 0) {
            paths->items[i] = STDIN_RULES_PATH;
            s->given = true;
        }
    }
    const char *why = s->given ? read_stdin((size_t)2 * SOURCE_MAX_BYTES, &s->text) : NULL;
    if (why) {
        fprintf(stderr, "fyke: cannot read standard input: %s\n", why);
        return CLI_IO;
    }
    s->source = (struct compile_source){STDIN_RULES_PATH, buf_slice(&s->text)};
    return CLI_OK;
}

void stdin_rules_release(struct stdin_rules *s)
{
    buf_release(&s->text);
}
