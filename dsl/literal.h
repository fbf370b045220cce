/* Values of literal tokens. Each function decodes a spelling that the lexer has delimited; NULL
 * plus a filled error if it means nothing. */
#ifndef FYKE_DSL_LITERAL_H
#define FYKE_DSL_LITERAL_H

#include "base/arena.h"
#include "dsl/ast.h"
#include "dsl/token.h"

struct literal_reader {
    struct arena *arena;
    struct lex_error *error; /* filled on failure; its span is preset to the whole token */
};

struct ast_literal *literal_new(struct arena *arena, enum ast_literal_kind kind, struct span span,
                                struct slice spelling);
struct ast_literal *literal_int(struct literal_reader *r, struct span span, struct slice text);
struct ast_literal *literal_number(struct literal_reader *r, enum ast_literal_kind kind,
                                   struct span span, struct slice text);
/* The text between the quotes and the quotes; `raw` is r"…". */
struct ast_literal *literal_string(struct literal_reader *r, struct span span, struct slice text,
                                   bool raw);
struct ast_literal *literal_duration(struct literal_reader *r, struct span span, struct slice text);
struct ast_literal *literal_timestamp(struct literal_reader *r, struct span span,
                                      struct slice text);
/* Address, or network if there is a slash. */
struct ast_literal *literal_address(struct literal_reader *r, struct span span, struct slice text);

/* ns of a unit word (`m`, `minutes`, …), 0 if it is none. */
int64_t duration_unit_ns(struct slice word, bool spelled);
/* total += count * unit; false on overflow. */
bool duration_accumulate(int64_t *total_ns, int64_t count, int64_t unit_ns);

#endif
