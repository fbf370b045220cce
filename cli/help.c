#include "cli/help.h"

#include <ctype.h>

#include "cli/cli.h"
#include "dsl/diag.h"

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
    printf("%s: %s\n\n%s", c->code, c->title, c->help);
    return CLI_OK;
}
