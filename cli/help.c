#include "cli/help.h"

#include <ctype.h>
#include <string.h>

#include "cli/cli.h"
#include "dsl/diag.h"

static void put_indented(const char *text)
{
    for (const char *line = text; *line;) {
        int n = (int)strcspn(line, "\n");
        printf("%s%.*s\n", n ? "    " : "", n, line);
        line += n + (line[n] == '\n');
    }
}

int help_code(const char *code)
{
    char upper[8] = {0};
    for (size_t i = 0; i + 1 < sizeof(upper) && code[i]; i++) {
        upper[i] = (char)toupper((unsigned char)code[i]);
    }
    const struct diag_code *c = diag_code_find(upper);
    if (!c) {
        fprintf(stderr,
                "fyke help: '%s' is neither a verb nor a code\n"
                "Try 'fyke help' or 'fyke list codes'.\n",
                code);
        return CLI_USAGE;
    }
    const struct diag_example *e = diag_example_find(c->code);
    printf("%s: %s\n\n%s", c->code, c->title, c->help);
    if (e && e->wrong) {
        printf("\nGives %s:\n\n", c->code);
        put_indented(e->wrong);
        printf("\nGives nothing:\n\n");
        put_indented(e->right);
    }
    return CLI_OK;
}
