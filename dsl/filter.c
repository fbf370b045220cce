#include "dsl/filter.h"

#include "dsl/literal.h"

static bool is_word(const struct token *t)
{
    return t->word != 0;
}

static bool binds_name(int kind)
{
    return kind == TK_COLON || kind == TK_EQ || kind == TK_DOT;
}

/* Names too: the rule says which words are names, and units are names already. */
static bool is_promoted_at(const struct token_list *list, uint32_t i)
{
    return (i + 1 < list->n && binds_name(list->items[i + 1].kind)) ||
           (i > 0 && list->items[i - 1].kind == TK_DOT);
}

static void promote(struct token_list *list)
{
    for (uint32_t i = 0; i < list->n; i++) {
        struct token *t = &list->items[i];
        if (is_word(t) && is_promoted_at(list, i)) {
            t->kind = TK_ID;
            t->flags |= TOKEN_PROMOTED;
        }
    }
}

static bool same_line(const struct token_list *list, uint32_t i)
{
    return (list->items[i].flags & TOKEN_FIRST_ON_LINE) == 0;
}

/* ns of the spelled unit at token i, 0 if there is none that belongs to the number before it. */
static int64_t unit_at(const struct token_list *list, uint32_t i)
{
    const struct token *t = &list->items[i];
    if (i >= list->n || t->kind != TK_ID || (t->flags & TOKEN_QUOTED) || !same_line(list, i) ||
        is_promoted_at(list, i)) {
        return 0;
    }
    return duration_unit_ns(token_text(list, t), true);
}

static const struct lex_error *duration_error(struct arena *arena, struct span span,
                                              const char *message, const char *help)
{
    struct lex_error *e = ARENA_NEW(arena, struct lex_error);
    *e = (struct lex_error){"E0105", span, message, help};
    return e;
}

/* Number and unit pairs from token i on; returns the tokens used, 0 if none. */
static uint32_t merge_duration(const struct token_list *list, struct arena *arena, uint32_t i,
                               struct token *ret)
{
    int64_t total = 0;
    int64_t last_unit = INT64_MAX;
    uint32_t at = i;
    bool fits = true;
    while (at + 1 < list->n && list->items[at].kind == TK_INT && (at == i || same_line(list, at))) {
        int64_t unit = unit_at(list, at + 1);
        if (unit == 0 || unit >= last_unit) {
            break;
        }
        fits = fits && duration_accumulate(&total, list->items[at].literal->int_value, unit);
        last_unit = unit;
        at += 2;
    }
    if (at == i) {
        return 0;
    }
    *ret = list->items[i];
    ret->end = list->items[at - 1].end;
    struct span span = token_span(list, ret);
    if (fits) {
        ret->kind = TK_DUR;
        ret->literal = literal_new(arena, AST_LIT_DURATION, span, token_text(list, ret));
        ret->literal->duration.ns = total;
    } else {
        ret->kind = TK_BAD;
        ret->error = duration_error(arena, span, "the duration is longer than 292 years", NULL);
    }
    return at - i;
}

static uint32_t merge_fraction(const struct token_list *list, struct arena *arena, uint32_t i,
                               struct token *ret)
{
    if (list->items[i].kind != TK_DEC || i + 1 >= list->n || unit_at(list, i + 1) == 0) {
        return 0;
    }
    *ret = list->items[i];
    ret->kind = TK_BAD;
    ret->end = list->items[i + 1].end;
    ret->error = duration_error(arena, token_span(list, ret), "durations take whole numbers",
                                "write smaller units: `1 hour 30 minutes` or `90 minutes`");
    return 2;
}

static bool is_bare_name(const struct token_list *list, uint32_t i, const char *text)
{
    const struct token *t = &list->items[i];
    return t->kind == TK_ID && !(t->flags & (TOKEN_QUOTED | TOKEN_PROMOTED)) &&
           slice_eq_str(token_text(list, t), text);
}

static uint32_t merge_in_a_row(const struct token_list *list, uint32_t i, struct token *ret)
{
    if (list->items[i].kind != TK_IN || i + 2 >= list->n || !is_bare_name(list, i + 1, "a") ||
        !is_bare_name(list, i + 2, "row") || is_promoted_at(list, i + 2)) {
        return 0;
    }
    *ret = list->items[i];
    ret->kind = TK_IN_A_ROW;
    ret->word = 0;
    ret->end = list->items[i + 2].end;
    return 3;
}

void dsl_filter(struct token_list *list, struct arena *arena)
{
    uint32_t out = 0;
    uint32_t comment = 0;
    promote(list);
    for (uint32_t i = 0; i < list->n;) {
        struct token t = list->items[i];
        uint32_t used = merge_duration(list, arena, i, &t);
        used = used ? used : merge_fraction(list, arena, i, &t);
        used = used ? used : merge_in_a_row(list, i, &t);
        used = used ? used : 1;
        /* A comment inside a merged token hangs on what follows the token. */
        while (comment < list->n_comments && list->comments[comment].next_token < i + used) {
            uint32_t next = list->comments[comment].next_token == i ? out : out + 1;
            list->comments[comment++].next_token = next;
        }
        i += used;
        list->items[out++] = t;
    }
    list->n = out;
}
