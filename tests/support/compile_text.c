#include "tests/support/compile_text.h"

#include <stdio.h>
#include <stdlib.h>

struct compilation *compile_text(const char *text)
{
    struct compile_source src = {.path = "t.rules", .text = slice_of(text)};
    struct compile_input input = {.sources = &src, .n_sources = 1};
    struct error err = ERROR_INIT;
    struct compilation *c = dsl_compile(&input, &err);
    if (!c) {
        fprintf(stderr, "dsl_compile: %s\n", err.text);
        abort();
    }
    return c;
}

const char *codes_of(const struct compilation *c, bool errors_only)
{
    static char out[1024];
    size_t n = 0;
    out[0] = 0;
    for (const struct diag *d = c->diags.first; d; d = d->next) {
        if ((!errors_only || d->severity == DIAG_ERROR) && n + 8 < sizeof(out)) {
            n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", n ? "," : "", d->code);
        }
    }
    return out;
}

bool has_code(const struct compilation *c, const char *code)
{
    for (const struct diag *d = c->diags.first; d; d = d->next) {
        if (strcmp(d->code, code) == 0) {
            return true;
        }
    }
    return false;
}
