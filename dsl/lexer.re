#include "dsl/lexer.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "dsl/literal.h"

/* The text is followed by a NUL (source.h) and holds none itself (checked first), so the scanner
 * needs no bounds checks: no pattern but the end-of-text rule matches a NUL. */
struct lexer {
    struct arena *arena;
    const struct rule_file *src;
    const unsigned char *base;
    const unsigned char *cursor;
    const unsigned char *start; /* of the current token */
    struct token *tokens;
    size_t n;
    size_t cap;
    struct comment *comments;
    size_t n_comments;
    size_t cap_comments;
    uint32_t line_start;  /* offset of the current line */
    bool fresh_line;      /* no token yet on the current line */
};

static struct span here(const struct lexer *lx)
{
    return (struct span){lx->src->index, (uint32_t)(lx->start - lx->base),
                         (uint32_t)(lx->cursor - lx->base)};
}

static struct slice text(const struct lexer *lx)
{
    return slice_from((const char *)lx->start, (size_t)(lx->cursor - lx->start));
}

static struct token *push(struct lexer *lx, int kind)
{
    struct span s = here(lx);
    struct token *t = &VEC_PUSH(lx->tokens, lx->n, lx->cap);
    *t = (struct token){.start = s.start, .end = s.end, .kind = (uint8_t)kind};
    if (lx->fresh_line) {
        t->flags = TOKEN_FIRST_ON_LINE;
        if (s.start == lx->line_start) {
            t->flags |= TOKEN_COLUMN_ONE;
        }
        lx->fresh_line = false;
    }
    return t;
}

static void push_error(struct lexer *lx, const struct lex_error *e)
{
    struct lex_error *copy = ARENA_NEW(lx->arena, struct lex_error);
    *copy = *e;
    push(lx, TK_BAD)->error = copy;
}

static void bad(struct lexer *lx, const char *code, const char *message, const char *help)
{
    push_error(lx, &(struct lex_error){code, here(lx), message, help});
}

static void push_word(struct lexer *lx)
{
    struct slice w = text(lx);
    const struct dsl_word *word = dsl_word_find(w);
    struct token *t = push(lx, word ? word->kind : TK_ID);
    if (word) {
        t->word = word->kind;
        t->flags |= word->reserved ? TOKEN_RESERVED : 0;
        if (word->kind == TK_TRUE || word->kind == TK_FALSE) {
            t->literal = literal_new(lx->arena, AST_LIT_BOOL, here(lx), w);
            t->literal->bool_value = word->kind == TK_TRUE;
        }
    }
}

/* `x3`: a name that may stand for "three times". */
static void push_times(struct lexer *lx)
{
    struct lex_error e = {.span = here(lx)};
    struct slice digits = slice_from((const char *)lx->start + 1, text(lx).len - 1);
    struct literal_reader r = {lx->arena, &e};
    struct ast_literal *n = literal_int(&r, here(lx), digits);
    struct token *t = push(lx, n ? TK_XN : TK_ID);
    if (n) {
        t->word = TK_XN;
        t->literal = n;
        n->spelling = text(lx);
    }
}

static void push_value(struct lexer *lx, enum ast_literal_kind kind)
{
    struct lex_error e = {.span = here(lx)};
    struct literal_reader r = {lx->arena, &e};
    struct ast_literal *lit = NULL;
    int token = TK_BAD;
    switch (kind) {
    case AST_LIT_INT: lit = literal_int(&r, here(lx), text(lx)); token = TK_INT; break;
    case AST_LIT_DECIMAL:
        lit = literal_number(&r, kind, here(lx), text(lx)); token = TK_DEC; break;
    case AST_LIT_FLOAT:
        lit = literal_number(&r, kind, here(lx), text(lx)); token = TK_FLOAT; break;
    case AST_LIT_PERCENT:
        lit = literal_number(&r, kind, here(lx), text(lx)); token = TK_PERCENT; break;
    case AST_LIT_STRING:
        lit = literal_string(&r, here(lx), text(lx), lx->start[0] == 'r'); token = TK_STRING;
        break;
    case AST_LIT_DURATION: lit = literal_duration(&r, here(lx), text(lx)); token = TK_DUR; break;
    case AST_LIT_TIMESTAMP:
        lit = literal_timestamp(&r, here(lx), text(lx)); token = TK_TSTAMP; break;
    case AST_LIT_IP:
    case AST_LIT_CIDR:
        lit = literal_address(&r, here(lx), text(lx));
        token = lit && lit->kind == AST_LIT_CIDR ? TK_CIDR : TK_IP;
        break;
    case AST_LIT_BOOL: break;
    }
    if (lit) {
        push(lx, token)->literal = lit;
    } else {
        push_error(lx, &e);
    }
}

static void push_comment(struct lexer *lx)
{
    struct span s = here(lx);
    VEC_PUSH(lx->comments, lx->n_comments, lx->cap_comments) =
        (struct comment){s.start, s.end, (uint32_t)lx->n, lx->fresh_line};
}

/* A number with letters behind it that is neither. */
static void bad_number(struct lexer *lx)
{
    struct slice t = text(lx);
    size_t digits = 0;
    while (digits < t.len && ((t.ptr[digits] >= '0' && t.ptr[digits] <= '9') ||
                              t.ptr[digits] == '.')) {
        digits++;
    }
    struct slice rest = slice_from(t.ptr + digits, t.len - digits);
    bool fraction = memchr(t.ptr, '.', digits) != NULL;
    if (fraction && duration_unit_ns(rest, false) != 0) {
        bad(lx, "E0105", arena_printf(lx->arena, "`%.*s`: durations take whole numbers",
                                      SLICE_ARG(t)),
            "write smaller units: `1h30m` or `90m` for one and a half hours");
    } else if (slice_eq_str(rest, "min") || slice_eq_str(rest, "mins") ||
               slice_eq_str(rest, "sec") || slice_eq_str(rest, "secs") ||
               slice_eq_str(rest, "hr") || slice_eq_str(rest, "hrs") ||
               duration_unit_ns(rest, true) != 0) {
        const char *unit = rest.ptr[0] == 'm' ? (rest.len > 2 && rest.ptr[2] == 'l' ? "ms" : "m")
                           : rest.ptr[0] == 's' ? "s" : rest.ptr[0] == 'h' ? "h"
                           : rest.ptr[0] == 'd' ? "d" : "w";
        bad(lx, "E0105", arena_printf(lx->arena, "unknown unit `%.*s`", SLICE_ARG(rest)),
            arena_printf(lx->arena, "write `%.*s%s`, or the unit in full behind a blank",
                         (int)digits, t.ptr, unit));
    } else {
        bad(lx, "E0105", arena_printf(lx->arena, "`%.*s` is neither a number nor a duration",
                                      SLICE_ARG(t)),
            "durations are `500ms`, `30s`, `5m`, `2h`, `7d`, `4w`, `1h30m` or `10 minutes`");
    }
}

static void bad_character(struct lexer *lx)
{
    bad(lx, "E0101", arena_printf(lx->arena, "`%.*s` means nothing here", SLICE_ARG(text(lx))),
        "names with other characters stand in backticks");
}

/*!re2c
    re2c:define:YYCTYPE = "unsigned char";
    re2c:define:YYCURSOR = lx->cursor;
    re2c:define:YYMARKER = marker;
    re2c:yyfill:enable = 0;

    digit   = [0-9];
    hex     = [0-9A-Fa-f];
    letter  = [A-Za-z_];
    wordch  = [A-Za-z0-9_];
    word    = letter wordch*;
    int     = digit+ ("_" digit+)*;
    dec     = int "." int;
    unit    = "ms" | "s" | "m" | "h" | "d" | "w";
    date    = digit{4} "-" digit{2} "-" digit{2};
    quad    = digit+ ("." digit+){2,};
    group   = hex{1,4};
    six     = group? (":" group)* "::" [0-9A-Fa-f:.]* | (group ":"){7} group;
    clock   = digit hex* (":" hex*)+;
    prefix  = "/" wordch+;
    notend  = [^\x00\r\n];
    utf8    = [\xC2-\xF4] [\x80-\xBF]+;
*/

/* One token, comment or run of blanks. False at the end of the text. */
static bool lex_one(struct lexer *lx)
{
    const unsigned char *marker;
    lx->start = lx->cursor;
    /*!re2c
    "\x00" { lx->cursor--; return false; }
    [ \t\r]+ { return true; }
    "\n" {
        lx->line_start = (uint32_t)(lx->cursor - lx->base);
        lx->fresh_line = true;
        return true;
    }
    "#" notend* { push_comment(lx); return true; }

    "x" digit+ { push_times(lx); return true; }
    word { push_word(lx); return true; }
    "`" [^\x00\r\n`]+ "`" { push(lx, TK_ID)->flags |= TOKEN_QUOTED; return true; }
    "`" [^\x00\r\n`]* {
        bad(lx, "E0110", "a quoted name ends with a backtick on the same line", NULL);
        return true;
    }

    int { push_value(lx, AST_LIT_INT); return true; }
    dec { push_value(lx, AST_LIT_DECIMAL); return true; }
    (int | dec) [eE] [+-]? digit+ { push_value(lx, AST_LIT_FLOAT); return true; }
    (int | dec) "%" { push_value(lx, AST_LIT_PERCENT); return true; }
    (int unit)+ { push_value(lx, AST_LIT_DURATION); return true; }
    (int | dec) wordch+ { bad_number(lx); return true; }
    date [A-Za-z0-9_:.]* ([+-] digit{1,2} ":" digit{1,2})? {
        push_value(lx, AST_LIT_TIMESTAMP);
        return true;
    }
    (quad | six | clock) prefix? { push_value(lx, AST_LIT_IP); return true; }

    ["] ([^\x00\r\n"\\] | [\\] notend)* | "r" ["] [^\x00\r\n"]* {
        bad(lx, "E0102", "a string ends with a double quote on the same line", NULL);
        return true;
    }
    ["] ([^\x00\r\n"\\] | [\\] notend)* ["] { push_value(lx, AST_LIT_STRING); return true; }
    "r" ["] [^\x00\r\n"]* ["] { push_value(lx, AST_LIT_STRING); return true; }
    ['] [^\x00\r\n']* [']? {
        struct slice t = text(lx);
        size_t n = t.len - 1 - (t.len > 1 && t.ptr[t.len - 1] == '\'');
        bad(lx, "E0103", "strings take double quotes",
            arena_printf(lx->arena, "write `\"%.*s\"`", (int)n, t.ptr + 1));
        return true;
    }

    "{" { push(lx, TK_LBRACE); return true; }
    "}" { push(lx, TK_RBRACE); return true; }
    "(" { push(lx, TK_LPAREN); return true; }
    ")" { push(lx, TK_RPAREN); return true; }
    "[" { push(lx, TK_LBRACKET); return true; }
    "]" { push(lx, TK_RBRACKET); return true; }
    "," { push(lx, TK_COMMA); return true; }
    ":" { push(lx, TK_COLON); return true; }
    "." { push(lx, TK_DOT); return true; }
    "=" { push(lx, TK_EQ); return true; }
    "!=" { push(lx, TK_NE); return true; }
    "<" { push(lx, TK_LT); return true; }
    "<=" { push(lx, TK_LE); return true; }
    ">" { push(lx, TK_GT); return true; }
    ">=" { push(lx, TK_GE); return true; }
    "+" { push(lx, TK_PLUS); return true; }
    "-" { push(lx, TK_MINUS); return true; }
    "*" { push(lx, TK_STAR); return true; }
    "/" { push(lx, TK_SLASH); return true; }
    "~" { push(lx, TK_TILDE); return true; }

    "==" { bad(lx, "E0109", "equality is a single `=`", "write `=`"); return true; }
    "=>" {
        bad(lx, "E0109", "`=>` is no sign of the language", "write `>=`, or `then` between steps");
        return true;
    }
    "&" "&"? { bad(lx, "E0109", "conditions are joined with words", "write `and`"); return true; }
    "|" "|"? { bad(lx, "E0109", "conditions are joined with words", "write `or`"); return true; }
    "!" { bad(lx, "E0109", "negation is a word", "write `not`"); return true; }
    "<>" { bad(lx, "E0109", "inequality is `!=`", "write `!=`"); return true; }
    "->" { bad(lx, "E0109", "steps are joined with a word", "write `then`"); return true; }
    ";" { bad(lx, "E0109", "no separator is needed", "remove the `;`"); return true; }
    "//" notend* { bad(lx, "E0109", "comments start with `#`", NULL); return true; }
    "/*" { bad(lx, "E0109", "comments start with `#`", NULL); return true; }

    utf8 { bad_character(lx); return true; }
    * { bad_character(lx); return true; }
    */
}

/* Bytes before the first that is no part of UTF-8 or is a NUL. */
static size_t valid_prefix(struct slice s)
{
    size_t at = 0;
    while (at < s.len && s.ptr[at] != 0) {
        uint32_t cp = 0;
        size_t n = (unsigned char)s.ptr[at] < 0x80 ? 1 : utf8_decode(s, at, &cp);
        if (cp == UTF8_BAD) {
            break;
        }
        at += n;
    }
    return at;
}

static void refuse(struct lexer *lx, const char *code, uint32_t at, const char *message)
{
    lx->start = lx->base + at;
    lx->cursor = lx->start;
    bad(lx, code, message, NULL);
}

/* The end of the text stands behind the last token, where something may be missing. */
static struct token_list *finish(struct lexer *lx)
{
    uint32_t end = lx->n > 0 ? lx->tokens[lx->n - 1].end : lx->src->line_starts[0];
    VEC_PUSH(lx->tokens, lx->n, lx->cap) = (struct token){.start = end, .end = end, .kind = TK_EOF};
    struct token_list *list = ARENA_NEW(lx->arena, struct token_list);
    list->source = lx->src;
    list->n = (uint32_t)lx->n;
    list->items = ARENA_ARRAY(lx->arena, struct token, lx->n);
    memcpy(list->items, lx->tokens, lx->n * sizeof(*lx->tokens));
    list->n_comments = (uint32_t)lx->n_comments;
    list->comments = ARENA_ARRAY(lx->arena, struct comment, lx->n_comments);
    if (lx->n_comments > 0) {
        memcpy(list->comments, lx->comments, lx->n_comments * sizeof(*lx->comments));
    }
    free(lx->tokens);
    free(lx->comments);
    return list;
}

struct token_list *dsl_lex(const struct rule_file *src, struct arena *arena)
{
    struct lexer lx = {.arena = arena, .src = src, .fresh_line = true};
    lx.base = (const unsigned char *)src->text.ptr;
    lx.line_start = src->line_starts[0];
    lx.cursor = lx.base + lx.line_start;
    size_t valid = valid_prefix(src->text);
    if (source_too_large(src)) {
        refuse(&lx, "E0111", 0, "the file is larger than 16 MiB");
    } else if (valid < src->text.len) {
        refuse(&lx, "E0108", (uint32_t)valid, "the text is not UTF-8, or holds a NUL byte");
    } else {
        while (lex_one(&lx)) {
        }
    }
    return finish(&lx);
}
