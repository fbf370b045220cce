/* Hand-written messages for the mistakes that people make: chosen by the refused token, what could
 * stand in its place, and the tokens around it. */
#ifndef FYKE_DSL_SYNTAX_HINT_H
#define FYKE_DSL_SYNTAX_HINT_H

#include <stdarg.h>
#include <stdio.h>

#include "dsl/ast_build.h"

struct site {
    struct parse *P;
    uint32_t first;     /* first token of the broken declaration */
    uint32_t at;        /* the refused token */
    bool expected[256]; /* by terminal: shifted by an action of its own */
};

/* The token `by` places from the refused one; the ends of the list absorb. */
static inline const struct token *site_token(const struct site *s, int32_t by)
{
    int64_t i = (int64_t)s->at + by;
    int64_t last = (int64_t)s->P->tokens->n - 1;
    return &s->P->tokens->items[i < 0 ? 0 : i > last ? last : i];
}

struct diag *site_error(struct site *s, const char *code, const char *fmt, ...) FYKE_PRINTF(3, 4);
const char *site_found(const struct site *s);
const char *site_suggestion(const struct site *s);

/* E0210; moves *place to the declaration word that shows it. NULL: no such error. */
struct diag *syntax_hint_open_brace(struct site *s, uint32_t *place);
/* NULL: nothing better than "expected …, found …". */
struct diag *syntax_hint(struct site *s);

#endif
