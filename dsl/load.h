/* Reading the files of a rule set (language.md 3.1): in byte order of their paths, imports where
 * they stand, each file once. */
#ifndef FYKE_DSL_LOAD_H
#define FYKE_DSL_LOAD_H

#include "dsl/check.h"
#include "dsl/compile.h"

/* Fills c->sources, c->files and `decls` (imports expanded). Errors of the author go to c->diags;
 * ERR_USAGE or ERR_IO when a path of the input cannot be read. */
enum err load_files(struct compilation *c, const struct compile_input *input,
                    struct decl_list *decls, struct error *err) FYKE_MUST_USE;

/* "a/./b/../c" → "a/c", lexically. False when it leads above its start. Result in `arena`. */
bool load_normalise(struct arena *arena, struct slice path, struct slice *ret);

/* A file named in `from`, relative to it. False: it is not, or it leads out of the rules. */
bool load_relative(struct arena *arena, const struct rule_file *from, struct slice text,
                   struct slice *ret);
/* The file of a list or lookup, read once. */
enum err load_data(struct compilation *c, const struct compile_input *input, struct slice path,
                   const struct rule_file **ret, struct error *err) FYKE_MUST_USE;

#endif
