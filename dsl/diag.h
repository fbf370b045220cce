/* What is wrong with a rule file, for its author: never mixed with struct error (operational).
 *
 * A diagnostic has a stable code; codes, their titles and long help stand in codes.def. The list
 * only grows; rendering is apart (diag_render.h). */
#ifndef FYKE_DSL_DIAG_H
#define FYKE_DSL_DIAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "dsl/source.h"

/* Syntax errors per file; further ones are not looked for. */
#define DIAG_MAX_SYNTAX 20

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

struct diag {
    struct diag *next;
    enum diag_severity severity;
    const char *code;    /* "E0203", static */
    struct span span;    /* empty span: an insertion point */
    const char *message; /* one line, lower case, no full stop */
    const char *help;    /* suggestion, or NULL */
    struct span second;  /* another place, e.g. the opener; only if second_label */
    const char *second_label;
    /* Syntax errors: everything that could stand at the span ("then", "a name"), for completion;
     * the message names the likely ones. NULL otherwise. */
    const char *const *expected;
    uint32_t n_expected;
};

struct diags {
    struct arena *arena; /* owns diagnostics and texts */
    struct diag *first;
    struct diag *last;
    uint32_t n_errors;
    uint32_t n_warnings;
    uint32_t n_notes;
};

void diags_init(struct diags *ds, struct arena *arena);
/* `code` must be in codes.def. The result may be completed by diag_help() and diag_second(). */
struct diag *diag_add(struct diags *ds, enum diag_severity severity, const char *code,
                      struct span span, const char *fmt, ...) FYKE_PRINTF(5, 6);
void diag_help(struct diags *ds, struct diag *d, const char *fmt, ...) FYKE_PRINTF(3, 4);
void diag_second(struct diags *ds, struct diag *d, struct span span, const char *fmt, ...)
    FYKE_PRINTF(4, 5);
/* Orders by file, position, then order of reporting (stable). */
void diags_sort(struct diags *ds);
const char *diag_severity_name(enum diag_severity severity);

struct diag_code {
    const char *code;
    const char *title; /* short, for tables */
    const char *help;  /* several lines, with an example; for `fyke help CODE` */
};

struct diag_example {
    const char *code;
    const char *wrong; /* gives the code … */
    const char *right; /* … and this nothing; both NULL: no example, and `why` */
    bool whole;        /* whole files; else declarations beside those of diag_prelude() */
    const char *why;
};

/* What the examples build on: declarations of a file without its `language 1`. */
const char *diag_prelude(void);
/* NULL for a code without a row. */
const struct diag_example *diag_example_find(const char *code);

/* NULL if there is none. */
const struct diag_code *diag_code_find(const char *code);
/* All codes in ascending order. */
const struct diag_code *diag_codes(uint32_t *n);

#endif
