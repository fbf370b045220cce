/* From rule files to a compiled rule set: loading, names, types, meaning, lowering.
 *
 *   struct compilation *c = dsl_compile(&input, &err);   // NULL: a path could not be read
 *   if (c->ruleset) …                                    // no errors among c->diags
 *   compilation_free(c);
 *
 * What the author got wrong stands in `diags`; only what the machine could not do (a path of the
 * input that cannot be read) is a struct error. */
#ifndef FYKE_DSL_COMPILE_H
#define FYKE_DSL_COMPILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "dsl/ast.h"
#include "dsl/compiled_test.h"
#include "dsl/diag.h"
#include "dsl/source.h"
#include "nfa/payload.h"
#include "nfa/rule.h"
#include "nfa/table.h"

struct compile_source {
    const char *path;
    struct slice text;
};

/* How a text was come by in an earlier compilation, to do the same again. */
struct compile_place {
    struct slice root; /* directory that its names of files may not leave */
    bool imported;     /* read only where it is imported */
};

struct compile_input {
    /* Files, and directories that are walked for *.rules. Read in byte order of the paths. */
    const char *const *paths;
    uint32_t n_paths;
    /* Texts in memory (playground, editor, tests). They stand before a file of the same path;
     * those that no path names are compiled too, unless `sources_on_demand`. */
    const struct compile_source *sources;
    uint32_t n_sources;
    bool sources_on_demand;
    const struct compile_place *places; /* per source; NULL: each stands for itself */
    /* Files of lists and lookups and schemas in memory; they stand before a file of the same path. */
    const struct compile_source *data;
    uint32_t n_data;
    /* Rules without a test get a note. */
    bool note_untested;
    /* Every declared field counts as named by a rule (schema_field.keep). */
    bool keep_all_fields;
    /* Reads the files of lists and lookups; NULL: rules that name one are refused. */
    table_parse table_parse;
    /* Reads the schemas of events; NULL: rules that name one are refused. */
    payload_parse payload_parse;
};

struct compilation {
    struct arena arena; /* trees, diagnostics, tests */
    struct sources sources;
    struct diags diags; /* sorted by position */
    const struct ast_file **files; /* in the order they were read */
    uint32_t n_files;
    struct ruleset *ruleset; /* NULL when there are errors; owned unless taken */
    /* The rule set's tests; their values point into the rule set's arena. */
    struct compiled_tests *tests; /* NULL with ruleset */
};

struct compilation *dsl_compile(const struct compile_input *input, struct error *err);
/* Frees the rule set too unless it was taken. */
void compilation_free(struct compilation *c);
/* The caller owns it from now on (ruleset_free). `tests` and `diags` stay valid as long as both
 * live. */
struct ruleset *compilation_take_ruleset(struct compilation *c);

#endif
