#include "dsl/syntax_error.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "dsl/parser.h"
#include "dsl/suggest.h"
#include "dsl/syntax_hint.h"
#include "dsl/syntax_slip.h"

/* Expected things that a message names; the diagnostic itself lists all. */
#define MAX_NAMED 6

static bool is_literal(int kind)
{
    return kind == TK_INT || kind == TK_DEC || kind == TK_FLOAT || kind == TK_PERCENT ||
           kind == TK_STRING || kind == TK_DUR || kind == TK_TSTAMP || kind == TK_IP ||
           kind == TK_CIDR || kind == TK_TRUE || kind == TK_FALSE;
}

static bool begins_expression(int kind)
{
    return is_literal(kind) || kind == TK_ID || kind == TK_LPAREN || kind == TK_LBRACKET ||
           kind == TK_MINUS || kind == TK_NOT || kind == TK_IF;
}

static bool is_arithmetic(int kind)
{
    return kind == TK_PLUS || kind == TK_MINUS || kind == TK_STAR || kind == TK_SLASH;
}

static bool is_pseudo(int kind)
{
    return kind == TK_EOF || kind == TK_ENTRY_FILE || kind == TK_ENTRY_DECLS ||
           kind == TK_ENTRY_EXPR;
}

/* Signs, then words, then classes of tokens: closers help most. */
static int rank(int kind)
{
    if (kind == TK_RBRACE || kind == TK_RPAREN || kind == TK_RBRACKET) {
        return 0;
    }
    if (kind == TK_COMMA || kind == TK_COLON || kind == TK_EQ || kind == TK_LBRACE) {
        return 1;
    }
    if (kind == TK_ID || is_literal(kind)) {
        return kind == TK_TRUE || kind == TK_FALSE ? 3 : 4;
    }
    return is_arithmetic(kind) || kind == TK_TILDE || kind == TK_DOT || kind == TK_LPAREN ||
                   kind == TK_LBRACKET || kind == TK_NE || kind == TK_LT || kind == TK_LE ||
                   kind == TK_GT || kind == TK_GE
               ? 3
               : 2;
}

static void probe_all(struct site *s, const void *parser)
{
    int n = parser_n_tokens();
    for (int kind = 0; kind < n; kind++) {
        bool own = false;
        s->expected[kind] = parser_accepts(parser, kind, &own) && own;
    }
}

/* The expected set with literals and openers folded; plain names, arena-owned. */
static void list_expected(struct site *s, struct diag *d)
{
    int n = parser_n_tokens();
    bool expression = s->expected[TK_STRING] && s->expected[TK_LBRACKET] && s->expected[TK_ID];
    bool value = !expression && s->expected[TK_STRING] && s->expected[TK_IP];
    const char **list = ARENA_ARRAY(s->P->arena, const char *, (size_t)n + 1);
    for (int r = 0; r <= 4; r++) {
        for (int kind = 0; kind < n; kind++) {
            bool folded = (expression && begins_expression(kind)) || (value && is_literal(kind));
            if (s->expected[kind] && !is_pseudo(kind) && rank(kind) == r && !folded) {
                list[d->n_expected++] = token_plain(kind);
            }
        }
    }
    if (expression || value) {
        list[d->n_expected++] = expression ? "an expression" : "a value";
    }
    d->expected = list;
}

static bool is_class(const char *plain)
{
    return strchr(plain, ' ') && strcmp(plain, "in a row") != 0;
}

/* "`then`, `where` or a name", with the classes last. */
static const char *expected_text(struct site *s, const struct diag *d)
{
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    uint32_t named = d->n_expected <= MAX_NAMED ? d->n_expected : MAX_NAMED - 1;
    uint32_t classes = 0;
    for (uint32_t i = named; i < d->n_expected; i++) {
        classes += is_class(d->expected[i]);
    }
    named -= classes < named ? classes : 0;
    uint32_t total = named + classes;
    for (uint32_t i = 0, shown = 0; i < d->n_expected; i++) {
        const char *e = d->expected[i];
        if (i >= named && !is_class(e)) {
            continue;
        }
        bool last = shown + 1 == total && total == d->n_expected;
        buf_puts(&b, shown == 0 ? "" : last ? " or " : ", ");
        buf_printf(&b, is_class(e) ? "%s" : "`%s`", e);
        shown++;
    }
    buf_puts(&b, total < d->n_expected ? ", …" : "");
    const char *text = buf_cstr(&b);
    return arena_strndup(s->P->arena, text, strlen(text));
}

const char *site_found(const struct site *s)
{
    const struct token *t = site_token(s, 0);
    struct slice text = token_text(s->P->tokens, t);
    if (t->kind == TK_EOF) {
        return "the end of the file";
    }
    if (text.len > 40) {
        return token_display(t->kind);
    }
    return arena_printf(s->P->arena, "`%.*s`", SLICE_ARG(text));
}

/* `WHERE` for `where`: words are written in lower case. */
static bool is_in_capitals(struct slice text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

/* The expected word nearest to the one that was found, or NULL. */
const char *site_suggestion(const struct site *s)
{
    const struct token *t = site_token(s, 0);
    if (t->kind != TK_ID && t->word == 0) {
        return NULL;
    }
    struct slice text = token_text(s->P->tokens, t);
    struct suggest best = suggest_for(text);
    uint32_t n;
    const struct dsl_word *words = dsl_words(&n);
    for (uint32_t i = 0; i < n; i++) {
        if (s->expected[words[i].kind] && is_in_capitals(text, words[i].text)) {
            return words[i].text;
        }
        if (s->expected[words[i].kind]) {
            suggest_try(&best, slice_of(words[i].text));
        }
    }
    return best.best.ptr;
}

static struct diag *report_general(struct site *s)
{
    struct diag *d = site_error(s, "E0203", "unexpected %s", site_found(s));
    list_expected(s, d);
    if (d->n_expected > 0) {
        d->message =
            arena_printf(s->P->arena, "expected %s, found %s", expected_text(s, d), site_found(s));
    }
    const struct token *t = site_token(s, 0);
    const char *near = site_suggestion(s);
    const char *slip = syntax_slip(s);
    if (slip) {
        d->help = slip;
    } else if ((t->flags & TOKEN_PROMOTED) && s->expected[t->word]) {
        diag_help(s->P->diags, d,
                  "%s directly before %s is a name; the name that belongs between "
                  "them is missing",
                  site_found(s), token_display(site_token(s, 1)->kind));
    } else if (near) {
        diag_help(s->P->diags, d, "did you mean `%s`?", near);
    } else if (is_arithmetic(t->kind) && s->expected[TK_AND] && !s->expected[TK_PLUS]) {
        d->help = "a computed operand stands in parentheses: `in (a + b)`";
    }
    return d;
}

static struct diag *report_lexical(struct site *s)
{
    const struct lex_error *e = site_token(s, 0)->error;
    struct diag *d = diag_add(s->P->diags, DIAG_ERROR, e->code, e->span, "%s", e->message);
    const char *slip = syntax_slip(s);
    d->help = slip ? slip : e->help;
    return d;
}

struct diag *site_error(struct site *s, const char *code, const char *fmt, ...)
{
    const struct token *t = site_token(s, 0);
    va_list args;
    va_start(args, fmt);
    char text[512];
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct diag *d =
        diag_add(s->P->diags, DIAG_ERROR, code, token_span(s->P->tokens, t), "%s", text);
    return d;
}

bool is_declaration_word(const struct token *t)
{
    return t->kind == TK_RULE || t->kind == TK_EVENT || t->kind == TK_PROFILE ||
           t->kind == TK_LET || t->kind == TK_CONST || t->kind == TK_LIST || t->kind == TK_LOOKUP ||
           t->kind == TK_IMPORT || t->kind == TK_TEST;
}

uint32_t syntax_error_report(struct parse *P, const void *parser, uint32_t first, uint32_t at)
{
    struct site s = {.P = P, .first = first, .at = at};
    probe_all(&s, parser);
    uint32_t place = at;
    struct diag *d = syntax_hint_open_brace(&s, &place);
    if (!d && site_token(&s, 0)->kind == TK_BAD) {
        report_lexical(&s);
        return at;
    }
    if (!d) {
        d = syntax_hint(&s);
    }
    if (!d) {
        d = report_general(&s);
    }
    if (!d->expected) {
        list_expected(&s, d);
    }
    return place;
}
