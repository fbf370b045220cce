/* The pages of the reference that tables of the program hold: docs/codes.md, docs/functions.md. */
#include "cli/reference.h"

#include <string.h>

#include "dsl/diag.h"
#include "nfa/functions.h"

static void put_block(struct buf *out, const char *text)
{
    buf_printf(out, "```text\n%s```\n", text);
}

/* ---- codes ---------------------------------------------------------------------------------- */

static const char *const sections[][2] = {
    {"E01", "Text"},
    {"E02", "Syntax"},
    {"E03", "Names and types"},
    {"E04", "Meaning of patterns"},
    {"W04", "Lints"},
};

/* The help's own fragments, indented by four, become blocks; the rest is text. */
static void put_help(struct buf *out, const char *help)
{
    bool code = false;
    for (const char *line = help; *line;) {
        size_t n = strcspn(line, "\n");
        bool indented = strncmp(line, "    ", 4) == 0;
        if (n > 0 && indented != code) {
            buf_puts(out, indented ? "```text\n" : "```\n");
            code = indented;
        }
        if (n > 0 || !code) {
            buf_put(out, line + (indented ? 4 : 0), n - (indented ? 4 : 0));
        }
        buf_puts(out, n > 0 || !code ? "\n" : "");
        line += n + (line[n] == '\n');
    }
    buf_puts(out, code ? "```\n" : "");
}

static void put_code(struct buf *out, const struct diag_code *c)
{
    const struct diag_example *e = diag_example_find(c->code);
    buf_printf(out, "\n### %s: %s\n\n", c->code, c->title);
    put_help(out, c->help);
    if (e && e->wrong) {
        buf_printf(out, "\nGives %s:\n\n", c->code);
        put_block(out, e->wrong);
        buf_puts(out, "\nGives nothing:\n\n");
        put_block(out, e->right);
    }
}

void reference_codes(struct buf *out)
{
    uint32_t n;
    const struct diag_code *c = diag_codes(&n);
    buf_puts(out, "# Codes of findings\n\n"
                  "What `fyke check` may say, with a text that gives it and one that does not.\n"
                  "`fyke help CODE` shows the same. Errors begin with E: rules with errors do not "
                  "run.\nWarnings and notes begin with W; `fyke check --deny-warnings` fails on "
                  "warnings.\n\n"
                  "Written by `fyke list codes --format markdown`.\n\n"
                  "The examples stand beside these declarations:\n\n");
    put_block(out, diag_prelude());
    for (size_t s = 0; s < FYKE_ARRAY_LEN(sections); s++) {
        buf_printf(out, "\n## %s\n", sections[s][1]);
        for (uint32_t i = 0; i < n; i++) {
            if (strncmp(c[i].code, sections[s][0], 3) == 0) {
                put_code(out, &c[i]);
            }
        }
    }
}

/* ---- functions ------------------------------------------------------------------------------ */

static void put_function(struct buf *out, const struct function *f)
{
    buf_printf(out, "\n### %s\n\n%s.\n\n```text\n", f->name, f->doc);
    for (uint32_t k = 0; k < f->n_overloads; k++) {
        function_signature(f, k, out);
        buf_puts(out, "\n");
    }
    buf_printf(out, "```\n\nExample: `%s`\n", f->example);
}

static void put_aggregate(struct buf *out, const struct aggregate *a)
{
    buf_printf(out, "\n### %s\n\n%s.\n\n```text\n", a->name, a->doc);
    aggregate_signature(a, out);
    buf_printf(out, "\n```\n\nExample: `%s`\n", a->example);
}

void reference_functions(struct buf *out)
{
    uint32_t n;
    const struct function *f = functions_all(&n);
    buf_puts(out, "# Functions\n\n"
                  "Every function and aggregate of the rule language; `fyke list functions` shows "
                  "them in short.\nA function of a missing value is missing unless it says "
                  "otherwise. Ints widen to decimal or\nfloat by themselves.\n\n"
                  "Written by `fyke list functions --format markdown`.\n");
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(f[i].group, f[i - 1].group) != 0) {
            buf_printf(out, "\n## %c%s\n", f[i].group[0] - 'a' + 'A', f[i].group + 1);
        }
        put_function(out, &f[i]);
    }
    const struct aggregate *a = aggregates_all(&n);
    buf_puts(out, "\n## Aggregates\n\nOver the events of a name (`count(fail)`), or over one field "
                  "of them (`sum(fail.tries)`); with a\ncondition on each event: `count(fail where "
                  "tries > 3)`. Missing values are left out.\n");
    for (uint32_t i = 0; i < n; i++) {
        put_aggregate(out, &a[i]);
    }
}
