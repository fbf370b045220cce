#include "dsl/syntax_hint.h"

#include "base/attr.h"
#include "dsl/suggest.h"
#include "dsl/syntax_error.h"
#include "dsl/syntax_slip.h"

static bool expects(const struct site *s, int kind)
{
    return s->expected[kind];
}

static bool text_is(const struct site *s, int32_t by, const char *text)
{
    return slice_eq_str(token_text(s->P->tokens, site_token(s, by)), text);
}

static int kind_at(const struct site *s, int32_t by)
{
    return site_token(s, by)->kind;
}

static struct diag *hint(struct site *s, const char *code, const char *message, const char *help)
{
    struct diag *d = site_error(s, code, "%s", message);
    d->help = help;
    return d;
}

/* A step is complete here: something may follow it. */
static bool after_step(const struct site *s)
{
    return expects(s, TK_THEN) && !expects(s, TK_ASSUME);
}

static bool wants_step(const struct site *s)
{
    return expects(s, TK_ALL) && expects(s, TK_INT) && expects(s, TK_LPAREN);
}

static bool wants_expression(const struct site *s)
{
    return expects(s, TK_STRING) && expects(s, TK_LBRACKET) && expects(s, TK_ID);
}

static bool is_comparison(int kind)
{
    return kind == TK_EQ || kind == TK_NE || kind == TK_LT || kind == TK_LE || kind == TK_GT ||
           kind == TK_GE;
}

/* ------------------------------------------------------------------------ braces and files */

/* The innermost brace that is open before token `end`, or NULL. */
static const struct token *open_brace(const struct site *s, uint32_t end)
{
    uint32_t depth = 0;
    for (uint32_t i = end; i-- > s->first;) {
        const struct token *t = &s->P->tokens->items[i];
        if (t->kind == TK_RBRACE) {
            depth++;
        } else if (t->kind == TK_LBRACE && depth-- == 0) {
            return t;
        }
    }
    return NULL;
}

static struct diag *not_closed(struct site *s, const struct token *brace)
{
    struct span span = token_span(s->P->tokens, brace);
    struct source_pos pos = source_position(s->P->tokens->source, span.start);
    struct diag *d = site_error(s, "E0210", "`{` opened at %u:%u is not closed", pos.line, pos.col);
    diag_second(s->P->diags, d, span, "opened here");
    static const char *const closer[] = {"}"};
    d->help = "write the missing `}`";
    d->expected = closer;
    d->n_expected = 1;
    return d;
}

struct diag *syntax_hint_open_brace(struct site *s, uint32_t *place)
{
    const struct token *e = site_token(s, 0);
    if (e->kind == TK_EOF) {
        const struct token *brace = expects(s, TK_RBRACE) ? open_brace(s, s->at) : NULL;
        return brace ? not_closed(s, brace) : NULL;
    }
    uint32_t i = s->at;
    while (i > s->first && !(s->P->tokens->items[i].flags & TOKEN_FIRST_ON_LINE)) {
        i--;
    }
    const struct token *t = &s->P->tokens->items[i];
    if (!is_declaration_word(t) || !(t->flags & TOKEN_COLUMN_ONE) || i == s->first) {
        return NULL;
    }
    const struct token *brace = open_brace(s, i);
    if (!brace) {
        return NULL;
    }
    s->at = *place = i;
    return not_closed(s, brace);
}

static struct diag *hint_file(struct site *s)
{
    if (expects(s, TK_LANGUAGE)) {
        return hint(s, "E0201", "a rule file starts with its language version",
                    "write `language 1`");
    }
    if (!expects(s, TK_IMPORT) || !expects(s, TK_PROFILE)) {
        return NULL;
    }
    struct diag *d = site_error(s, "E0202",
                                "a declaration starts with import, event, const, list, lookup, "
                                "let, profile, rule or test, not %s",
                                site_found(s));
    const char *near = site_suggestion(s);
    if (near) {
        diag_help(s->P->diags, d, "did you mean `%s`?", near);
    } else {
        d->help = syntax_slip(s);
    }
    return d;
}

/* -------------------------------------------------------------------------------- operands */

static struct diag *hint_time(struct site *s)
{
    int e = kind_at(s, 0);
    if (!expects(s, TK_DUR) || expects(s, TK_INT) || (e != TK_INT && e != TK_DEC)) {
        return NULL;
    }
    struct diag *d = hint(s, "E0208", "a time needs a unit", NULL);
    struct slice n = token_text(s->P->tokens, site_token(s, 0));
    diag_help(s->P->diags, d, "write `%.*s minute%s` or `%.*ss`", SLICE_ARG(n),
              slice_eq_str(n, "1") ? "" : "s", SLICE_ARG(n));
    return d;
}

static struct diag *hint_expression(struct site *s)
{
    int e = kind_at(s, 0);
    bool comparison = is_comparison(e) || e == TK_BETWEEN || e == TK_IN || e == TK_LIKE ||
                      e == TK_MATCHES || e == TK_TILDE || e == TK_IS || e == TK_CONTAINS;
    if (expects(s, TK_ELSE)) {
        return hint(s, "E0218", "an `if` needs its `else`", "write `if A then B else C`");
    }
    if (comparison && expects(s, TK_AND) && expects(s, TK_OR)) {
        return hint(s, "E0207", "comparisons do not chain",
                    "write `1 < x and x < 3`, or `x between 1 and 3`");
    }
    return NULL;
}

static struct diag *hint_reserved(struct site *s)
{
    const struct token *e = site_token(s, 0);
    int prev = kind_at(s, -1);
    int next = kind_at(s, 1);
    bool declares = prev == TK_AS || prev == TK_EVENT ||
                    (s->at == s->first + 1 && is_declaration_word(site_token(s, -1)));
    bool operand =
        wants_expression(s) && (is_comparison(next) || next == TK_IS || next == TK_PLUS ||
                                next == TK_MINUS || next == TK_STAR || next == TK_SLASH ||
                                next == TK_TILDE || next == TK_LIKE || next == TK_BETWEEN);
    if (!(e->flags & TOKEN_RESERVED) || !expects(s, TK_ID) || !(declares || operand)) {
        return NULL;
    }
    struct diag *d = site_error(s, "E0213", "%s is a reserved word", site_found(s));
    struct slice w = token_text(s->P->tokens, e);
    if (operand) {
        diag_help(s->P->diags, d, "write `x.%.*s`, or quote it with backticks", SLICE_ARG(w));
    } else {
        d->help = "choose another name, or quote it with backticks";
    }
    return d;
}

/* ---------------------------------------------------------------------------------- counts */

static struct diag *hint_count(struct site *s)
{
    int e = kind_at(s, 0);
    int prev = kind_at(s, -1);
    bool counting = prev == TK_INT && expects(s, TK_TIMES) && expects(s, TK_OR);
    bool at_least = after_step(s) &&
                    (text_is(s, -1, "at") && (text_is(s, 0, "least") || text_is(s, 0, "most")));
    if (counting && e == TK_MINUS) {
        return hint(s, "E0220", "a range of counts is written with `to`", "write `3 to 5 A`");
    }
    if ((counting && (e == TK_MORE || e == TK_PLUS)) || (wants_step(s) && is_comparison(e)) ||
        at_least) {
        return hint(s, "E0220", "a count is written `3`, `3 or more` or `3 to 5`",
                    "write `3 or more A`");
    }
    return NULL;
}

struct step_shape {
    bool counted; /* begins with a number */
    bool closed;  /* `within` or `with no` was written behind it */
};

/* Walks back to where the step at hand begins. */
static struct step_shape shape_of_step(const struct site *s)
{
    const struct token *items = s->P->tokens->items;
    struct step_shape shape = {0};
    uint32_t depth = 0;
    uint32_t i = s->at;
    while (i > s->first) {
        int kind = items[i - 1].kind;
        bool opens = kind == TK_LPAREN || kind == TK_LBRACKET;
        if (depth == 0 && (opens || kind == TK_WHEN || kind == TK_THEN || kind == TK_COMMA)) {
            break;
        }
        depth += kind == TK_RPAREN || kind == TK_RBRACKET;
        depth -= opens;
        shape.closed = shape.closed || (depth == 0 && (kind == TK_WITH || kind == TK_WITHIN) &&
                                        i >= 2 && items[i - 2].kind != TK_EACH);
        i--;
    }
    if (items[i].kind == TK_OPTIONAL || items[i].kind == TK_NEXT || items[i].kind == TK_FIRST) {
        i++;
    }
    bool gap = items[i].kind == TK_WITHIN || items[i].kind == TK_AFTER;
    while (items[i].kind == TK_WITHIN || items[i].kind == TK_AFTER) {
        i += 2;
    }
    shape.counted = items[i].kind == TK_INT;
    shape.closed = shape.closed && !gap;
    return shape;
}

#define STEP_ORDER                                                                                 \
    "order inside a step: count, event, `as`, `where`, `in a row` or `anywhere`, `each within`, "  \
    "`until` or `having`, `with no`, `within`"

static struct diag *hint_suffix(struct site *s)
{
    int e = kind_at(s, 0);
    bool in_turn = e == TK_IN && (after_step(s) || expects(s, TK_IN_A_ROW));
    bool pace = e == TK_EACH && kind_at(s, 1) == TK_WITHIN;
    if (!after_step(s)) {
        return NULL;
    }
    struct step_shape shape = shape_of_step(s);
    if (e == TK_UNTIL && !shape.closed) {
        return hint(s, "E0214", "`until` needs an open count",
                    "write `1 or more X as x until …`; for a fixed count write `having`");
    }
    if (in_turn ||
        (!shape.counted && (e == TK_IN_A_ROW || e == TK_ANYWHERE || pace || e == TK_HAVING))) {
        return hint(s, "E0222",
                    "`in a row`, `anywhere`, `each within` and `having` belong to a count",
                    "write `3 A in a row`");
    }
    if (e == TK_UNTIL || e == TK_HAVING || e == TK_IN_A_ROW || e == TK_ANYWHERE || pace ||
        e == TK_AS || e == TK_WHERE || (e == TK_WITH && kind_at(s, 1) == TK_NO)) {
        return hint(s, "E0204", "this comes too late in the step", STEP_ORDER);
    }
    return NULL;
}

/* --------------------------------------------------------------------------------- pattern */

static struct diag *hint_absence(struct site *s)
{
    int e = kind_at(s, 0);
    bool many = kind_at(s, -1) == TK_NO && (e == TK_INT || e == TK_LPAREN || e == TK_OPTIONAL);
    bool choice = kind_at(s, -2) == TK_NO && e == TK_OF;
    if ((many && expects(s, TK_ID)) || choice) {
        return hint(s, "E0215", "`no` takes one event",
                    "for several kinds give them a name: `let X = any of (A, B)`");
    }
    if (e == TK_WITHIN && expects(s, TK_FOR)) {
        return hint(s, "E0211", "an absence lasts `for` a time", "write `no B for 10m`");
    }
    if (e == TK_FOR && after_step(s) && kind_at(s, 1) != TK_EACH) {
        return hint(s, "E0211", "`for` belongs to an absence",
                    "write `no X for 5m`; a limit is written `within`");
    }
    return NULL;
}

static struct diag *hint_link(struct site *s)
{
    int e = kind_at(s, 0);
    if (kind_at(s, -1) == TK_FIRST && e == TK_AFTER && expects(s, TK_WITHIN)) {
        return hint(s, "E0223", "`first` takes no `after`", "write `then after 5s B`");
    }
    if (kind_at(s, -1) == TK_THEN && expects(s, TK_NO) && expects(s, TK_ID)) {
        const char *slip = syntax_slip(s);
        return hint(s, "E0206", "`then` needs a step after it",
                    slip ? slip : "write the step, or remove the `then`");
    }
    return NULL;
}

static struct diag *hint_between_steps(struct site *s)
{
    const struct token *e = site_token(s, 0);
    if (!after_step(s)) {
        return NULL;
    }
    if (e->kind == TK_OR) {
        return hint(s, "E0212", "steps are not joined by `or`", "write `any of (A, B)`");
    }
    if (e->kind == TK_AND) {
        return hint(s, "E0212", "steps are not joined by `and`",
                    "write `all of (A, B)`, or `A then B`");
    }
    if (e->kind == TK_COMMA) {
        const char *slip = syntax_slip(s);
        return hint(s, "E0212", "steps are joined by `then`",
                    slip ? slip : "a list needs `all of (…)` or `any of (…)`");
    }
    bool begins_step = e->kind == TK_ID || (e->word != 0 && !(e->flags & TOKEN_RESERVED)) ||
                       e->kind == TK_INT || e->kind == TK_LPAREN || e->kind == TK_NO;
    bool followed = text_is(s, 0, "followed");
    if (!begins_step || site_suggestion(s) || (syntax_slip(s) && !followed)) {
        return NULL;
    }
    bool name = e->kind == TK_ID && kind_at(s, -1) == TK_ID && expects(s, TK_AS);
    struct diag *d = hint(s, "E0217", "`then` is missing between two steps", NULL);
    if (followed) {
        d->help = "write `A then B`";
    } else if (name) {
        struct slice prev = token_text(s->P->tokens, site_token(s, -1));
        struct slice here = token_text(s->P->tokens, e);
        diag_help(s->P->diags, d, "write `%.*s then %.*s`, or `%.*s as %.*s` for a step's name",
                  SLICE_ARG(prev), SLICE_ARG(here), SLICE_ARG(prev), SLICE_ARG(here));
    }
    return d;
}

/* ------------------------------------------------------------------------------------ rule */

#define RULE_ORDER                                                                                 \
    "order in a rule: metadata, `for each`, `when`, `without`, `after match`, `quiet`, "           \
    "`on timeout`, `emit`, `test`"

static bool is_meta_word(int kind)
{
    return kind == TK_TITLE || kind == TK_DESCRIPTION || kind == TK_SEVERITY || kind == TK_STATUS ||
           kind == TK_OWNER || kind == TK_VERSION || kind == TK_REFERENCE || kind == TK_TAGS;
}

/* `title "x"`, `severity high`: metadata with its value, not an event of that name. */
static bool is_meta_here(const struct site *s)
{
    int e = kind_at(s, 0);
    int next = kind_at(s, 1);
    switch (e) {
    case TK_TITLE:
    case TK_DESCRIPTION:
    case TK_OWNER:
    case TK_REFERENCE: return next == TK_STRING;
    case TK_VERSION: return next == TK_INT;
    case TK_SEVERITY:
    case TK_STATUS: return next == TK_ID;
    case TK_TAGS: return next == TK_ID || next == TK_STRING;
    default: return false;
    }
}

static struct diag *hint_head(struct site *s)
{
    const struct token *e = site_token(s, 0);
    bool in_head = expects(s, TK_WHEN);
    if (in_head && is_meta_word(e->word) && (e->flags & TOKEN_PROMOTED) &&
        (kind_at(s, 1) == TK_COLON || kind_at(s, 1) == TK_EQ)) {
        struct slice w = token_text(s->P->tokens, e);
        struct diag *d = hint(s, "E0216", "metadata takes neither `:` nor `=`", NULL);
        diag_help(s->P->diags, d, "write `%.*s %.*s`", SLICE_ARG(w),
                  SLICE_ARG(token_text(s->P->tokens, site_token(s, 2))));
        return d;
    }
    if (kind_at(s, -1) == TK_FOR && expects(s, TK_EACH)) {
        return hint(s, "E0221", "the key is written `for each NAME`", "write `for each`");
    }
    if (in_head &&
        (e->kind == TK_EMIT || e->kind == TK_WITHOUT || e->kind == TK_AFTER ||
         e->kind == TK_QUIET || e->kind == TK_ON || e->kind == TK_TEST || e->kind == TK_RBRACE)) {
        struct diag *d =
            site_error(s, "E0204", "a rule needs `when PATTERN` before %s", site_found(s));
        d->help = RULE_ORDER;
        return d;
    }
    return NULL;
}

static struct diag *hint_tail(struct site *s)
{
    int e = kind_at(s, 0);
    bool tail = expects(s, TK_EMIT) || (expects(s, TK_TEST) && expects(s, TK_RBRACE));
    if (kind_at(s, -1) == TK_EMIT && expects(s, TK_ALERT)) {
        return hint(s, "E0219", "`emit` needs to know what goes out",
                    "write `emit alert { … }` or `emit event Name { … }`");
    }
    if (!tail) {
        return NULL;
    }
    if (e == TK_WITHIN && expects(s, TK_EMIT)) {
        return hint(s, "E0205", "`within` stands in the wrong place: a single step has no length",
                    "total window: `for each KEY within 5m` before `when`; limit between two "
                    "steps: `then within 5m B`");
    }
    if (expects(s, TK_EMIT) && (e == TK_RBRACE || e == TK_TEST)) {
        return hint(s, "E0209", "a rule ends with what goes out",
                    "write `emit alert { … }` or `emit event Name { … }`");
    }
    if (e == TK_FOR || e == TK_WHEN || e == TK_WITHOUT || e == TK_QUIET || e == TK_ON ||
        e == TK_EMIT || (e == TK_AFTER && kind_at(s, 1) == TK_MATCH) || is_meta_here(s)) {
        struct diag *d = site_error(s, "E0204", "%s stands in the wrong place", site_found(s));
        d->help = RULE_ORDER;
        return d;
    }
    return NULL;
}

static struct diag *hint_group_window(struct site *s)
{
    if (kind_at(s, 0) != TK_WITHIN || !after_step(s)) {
        return NULL;
    }
    return hint(s, "E0205", "`within` stands in the wrong place: a single step has no length",
                "limit between two steps: `then within 5m B`");
}

struct diag *syntax_hint(struct site *s)
{
    static struct diag *(*const hints[])(struct site *) = {
        hint_file, hint_time, hint_count,    hint_link,          hint_absence,      hint_suffix,
        hint_head, hint_tail, hint_reserved, hint_between_steps, hint_group_window, hint_expression,
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(hints); i++) {
        struct diag *d = hints[i](s);
        if (d) {
            return d;
        }
    }
    return NULL;
}
