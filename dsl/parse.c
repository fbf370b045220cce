#include "dsl/parse.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "dsl/filter.h"
#include "dsl/lexer.h"
#include "dsl/parser.h"
#include "dsl/syntax_error.h"

/* No place to go on from. */
#define NO_TOKEN UINT32_MAX

static void *parser_alloc(size_t bytes)
{
    return xmalloc(bytes);
}

void parse_too_deep(struct parse *P)
{
    if (!P->too_deep) {
        struct diag *d = diag_add(P->diags, DIAG_ERROR, "E0224", token_span(P->tokens, P->current),
                                  "this is too deeply nested");
        diag_help(P->diags, d, "use parts with names: `let`, `list`, or several rules");
    }
    P->too_deep = true;
}

/* Feeds tokens from `from` on until the end (NO_TOKEN) or one that is refused. */
static uint32_t feed(struct parse *P, void *parser, uint32_t from)
{
    for (uint32_t i = from; i < P->tokens->n; i++) {
        const struct token *t = &P->tokens->items[i];
        bool own;
        if (t->kind == TK_BAD || !parser_accepts(parser, t->kind, &own)) {
            return i;
        }
        P->current = t;
        DslParser(parser, t->kind, t);
        if (P->too_deep) {
            return i;
        }
    }
    return NO_TOKEN;
}

/* The first token of the declaration that token `at` belongs to: behind the last complete one. */
static uint32_t declaration_start(const struct parse *P, uint32_t from, uint32_t at)
{
    const struct ast_file *f = P->file;
    uint32_t end = f->last ? f->last->span.end : f->version ? f->version->span.end : 0;
    uint32_t i = at;
    while (i > from && P->tokens->items[i - 1].start >= end) {
        i--;
    }
    return i;
}

/* The next token that may begin a declaration: it begins a line, outside of all braces that the
 * broken declaration has opened or in column 1. */
static uint32_t resume_point(const struct parse *P, uint32_t first, uint32_t from)
{
    uint32_t depth = 0;
    for (uint32_t i = first; i < P->tokens->n; i++) {
        const struct token *t = &P->tokens->items[i];
        if (i >= from && is_declaration_word(t) &&
            ((t->flags & TOKEN_COLUMN_ONE) || (depth == 0 && (t->flags & TOKEN_FIRST_ON_LINE)))) {
            return i;
        }
        if (t->kind == TK_LBRACE) {
            depth++;
        } else if (t->kind == TK_RBRACE && depth > 0) {
            depth--;
        }
    }
    return NO_TOKEN;
}

static void add_error_node(struct parse *P, uint32_t first, uint32_t resume)
{
    uint32_t end = resume == NO_TOKEN ? P->tokens->n - 1 : resume;
    if (end <= first) {
        return;
    }
    struct ast_decl *d = ARENA_NEW(P->arena, struct ast_decl);
    d->kind = AST_DECL_ERROR;
    d->keyword = token_span(P->tokens, &P->tokens->items[first]);
    d->span = span_join(d->keyword, token_span(P->tokens, &P->tokens->items[end - 1]));
    build_decl(P, d);
}

/* A declaration word that begins the line of the error was taken for a name by what stood before:
 * `let A =` on one line and `let B = C` on the next. It is the better place to go on from. */
static uint32_t line_start(const struct parse *P, uint32_t from, uint32_t first, uint32_t at)
{
    const struct ast_file *f = P->file;
    uint32_t i = at;
    while (i > from && !(P->tokens->items[i].flags & TOKEN_FIRST_ON_LINE)) {
        i--;
    }
    const struct token *t = &P->tokens->items[i];
    bool begun = i > from && i != first && (!f->last || t->start > f->last->span.start);
    return begun && is_declaration_word(t) && (t->flags & TOKEN_COLUMN_ONE) ? i : at;
}

/* Reports the refused token, keeps what is complete, and returns where to go on. */
static uint32_t recover(struct parse *P, void *parser, uint32_t from, uint32_t at)
{
    uint32_t place = at;
    bool own;
    bool complete = !P->too_deep && parser_accepts(parser, TK_EOF, &own);
    if (complete) {
        uint32_t first = at;
        place = syntax_error_report(P, parser, first, at);
        DslParser(parser, TK_EOF, &P->tokens->items[at]);
    } else if (!P->too_deep) {
        place = syntax_error_report(P, parser, declaration_start(P, from, at), at);
    }
    P->file->broken = true;
    P->too_deep = false;
    uint32_t first = declaration_start(P, from, at);
    place = line_start(P, from, first, place);
    uint32_t resume = resume_point(P, first < place ? first : place, place);
    add_error_node(P, first, resume);
    return resume;
}

static struct ast_file *parse_from(struct parse *P, int entry)
{
    uint32_t at = 0;
    uint32_t n_before = P->diags->n_errors;
    P->current = &P->tokens->items[0];
    while (at != NO_TOKEN && P->diags->n_errors - n_before < DIAG_MAX_SYNTAX) {
        void *parser = DslParserAlloc(parser_alloc, P);
        DslParser(parser, entry, NULL);
        uint32_t refused = feed(P, parser, at);
        at = refused == NO_TOKEN ? NO_TOKEN : recover(P, parser, at, refused);
        DslParserFree(parser, free);
        if (entry == TK_ENTRY_EXPR) {
            break;
        }
        entry = TK_ENTRY_DECLS;
    }
    return P->file;
}

static struct parse parse_start(const struct rule_file *src, struct arena *arena,
                                struct diags *diags)
{
    struct token_list *tokens = dsl_lex(src, arena);
    dsl_filter(tokens, arena);
    struct ast_file *file = ARENA_NEW(arena, struct ast_file);
    file->source = src;
    file->tokens = tokens;
    return (struct parse){.arena = arena, .diags = diags, .tokens = tokens, .file = file};
}

struct ast_file *dsl_parse(const struct rule_file *src, struct arena *arena, struct diags *diags)
{
    struct parse P = parse_start(src, arena, diags);
    return parse_from(&P, TK_ENTRY_FILE);
}

struct ast_file *dsl_parse_expr(const struct rule_file *src, struct arena *arena,
                                struct diags *diags)
{
    struct parse P = parse_start(src, arena, diags);
    struct ast_file *file = parse_from(&P, TK_ENTRY_EXPR);
    if (file->broken) {
        file->expr = NULL;
    }
    return file;
}
