#include "dsl/fmt.h"

#include <string.h>

#include "base/utf8.h"
#include "dsl/fmt_layout.h"
#include "dsl/literal.h"

/* ------------------------------------------------------------------------- asking the source */

uint32_t fmt_first(const struct fmt *F, uint32_t start)
{
    uint32_t lo = 0;
    uint32_t hi = F->tokens->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (F->tokens->items[mid].start < start) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

uint32_t fmt_last(const struct fmt *F, uint32_t end)
{
    return fmt_first(F, end) - 1;
}

static struct slice slot_text(const struct fmt *F, uint32_t i)
{
    const struct token *t = &F->tokens->items[i];
    return t->kind == TK_IN_A_ROW ? SLICE_LIT("in a row") : token_text(F->tokens, t);
}

/* In a tag: `a.1 .2 .3` may not become `a.1.2.3`, which would end in an address. */
static bool is_number(int kind)
{
    return kind == TK_INT || kind == TK_DEC;
}

/* Signs that stick to their neighbours wherever they stand. */
static bool glued(const struct fmt *F, uint32_t i)
{
    int kind = F->tokens->items[i].kind;
    int prev = i > 0 ? F->tokens->items[i - 1].kind : TK_EOF;
    return F->slots[i].glue || (i > 0 && F->slots[i - 1].glue_next) || kind == TK_COMMA ||
           kind == TK_RPAREN || kind == TK_RBRACKET || (kind == TK_DOT && !is_number(prev)) ||
           prev == TK_LPAREN || prev == TK_LBRACKET || prev == TK_DOT ||
           (prev == TK_LBRACE && kind == TK_RBRACE);
}

/* Stops where it is wider than any line: groups in groups would be measured once per level. */
uint32_t fmt_width(const struct fmt *F, uint32_t first, uint32_t last)
{
    size_t width = 0;
    for (uint32_t i = first; i <= last && width <= FMT_MAX_COLUMNS; i++) {
        struct slice text = slot_text(F, i);
        if (text.len > 4 * FMT_MAX_COLUMNS) {
            return FMT_MAX_COLUMNS + 1;
        }
        if (F->tokens->items[i].kind != TK_COMMA) {
            width += utf8_length(text) + (i > first && !glued(F, i));
        }
    }
    return (uint32_t)width;
}

uint32_t fmt_newlines(const struct fmt *F, uint32_t from, uint32_t to)
{
    uint32_t n = 0;
    for (uint32_t i = from; i < to; i++) {
        n += F->text.ptr[i] == '\n';
    }
    return n;
}

bool fmt_broken_before(const struct fmt *F, uint32_t i)
{
    return i > 0 && fmt_newlines(F, F->tokens->items[i - 1].end, F->tokens->items[i].start) > 0;
}

bool fmt_has_comments(const struct fmt *F, uint32_t open, uint32_t close)
{
    uint32_t lo = 0;
    uint32_t hi = F->tokens->n_comments;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (F->tokens->comments[mid].next_token <= open) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < F->tokens->n_comments && F->tokens->comments[lo].next_token <= close;
}

void fmt_break(struct fmt *F, uint32_t i, uint32_t indent)
{
    F->slots[i].newline = true;
    F->slots[i].indent = (uint16_t)(indent < 1000 ? indent : 1000);
}

uint32_t fmt_align_width(const struct fmt *F, struct span span)
{
    uint32_t width = fmt_width(F, fmt_first(F, span.start), fmt_last(F, span.end));
    return width <= FMT_MAX_ALIGN ? width : 0;
}

void fmt_align_behind(struct fmt *F, struct span span, uint32_t widest)
{
    uint32_t width = fmt_width(F, fmt_first(F, span.start), fmt_last(F, span.end));
    F->slots[fmt_last(F, span.end) + 1].pad = (uint16_t)(width < widest ? widest - width : 0);
}

void fmt_break_clause(struct fmt *F, uint32_t i, uint32_t indent)
{
    fmt_break(F, i, indent);
    F->slots[i].blank_ok = true;
}

/* ------------------------------------------------------------------------------ writing out */

struct writer {
    struct fmt *F;
    struct buf *out;
    uint32_t line_indent; /* of the newest line that the layout began */
    int last_kind;        /* of the newest token */
    bool must_break;      /* a comment ended the line */
    bool empty;           /* nothing written yet */
};

static void new_line(struct writer *w, uint32_t indent, bool blank)
{
    if (!w->empty) {
        buf_puts(w->out, blank ? "\n\n" : "\n");
    }
    for (uint32_t i = 0; i < indent; i++) {
        buf_put_byte(w->out, ' ');
    }
    w->empty = false;
    w->must_break = false;
}

static bool opens(int kind)
{
    return kind == TK_LBRACE || kind == TK_LPAREN || kind == TK_LBRACKET;
}

static bool closes(int kind)
{
    return kind == TK_RBRACE || kind == TK_RPAREN || kind == TK_RBRACKET;
}

/* The first comment between token i and the one before it. */
static uint32_t first_comment(const struct fmt *F, uint32_t i)
{
    uint32_t lo = 0;
    uint32_t hi = F->tokens->n_comments;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (F->tokens->comments[mid].next_token < i) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static const struct comment *comment_at(const struct fmt *F, uint32_t c, uint32_t next_token)
{
    const struct token_list *t = F->tokens;
    return c < t->n_comments && t->comments[c].next_token == next_token ? &t->comments[c] : NULL;
}

/* A blank line in the source between `start` and the token or comment before it. `c` is the index
 * of the comment that ends there at the latest. */
static bool blank_before(const struct fmt *F, uint32_t i, uint32_t c, uint32_t start)
{
    uint32_t from = i > 0 ? F->tokens->items[i - 1].end : 0;
    const struct comment *prev = c > 0 ? comment_at(F, c - 1, i) : NULL;
    if (prev && prev->end > from) {
        from = prev->end;
    }
    return from < start && fmt_newlines(F, from, start) > 1;
}

/* The token that says where comments in front of token i go. */
static uint32_t anchor(const struct fmt *F, uint32_t i)
{
    return F->slots[i].drop ? i + 1 : i;
}

static uint32_t comment_indent(const struct writer *w, uint32_t i)
{
    uint32_t a = anchor(w->F, i);
    const struct fmt_slot *slot = &w->F->slots[a];
    if (!slot->newline) {
        return w->line_indent + FMT_CONTINUATION;
    }
    return closes(w->F->tokens->items[a].kind) ? slot->indent + FMT_INDENT : slot->indent;
}

static void put_comment_text(struct writer *w, const struct comment *c)
{
    uint32_t end = c->end;
    while (end > c->start && (w->F->text.ptr[end - 1] == ' ' || w->F->text.ptr[end - 1] == '\t' ||
                              w->F->text.ptr[end - 1] == '\r')) {
        end--;
    }
    buf_put(w->out, w->F->text.ptr + c->start, end - c->start);
    w->must_break = true;
}

/* Comments alone on their lines, in front of token i. */
static void put_comments_before(struct writer *w, uint32_t i, bool *blank)
{
    uint32_t a = anchor(w->F, i);
    bool keeps = w->F->slots[a].blank_ok || closes(w->F->tokens->items[a].kind);
    uint32_t c = first_comment(w->F, i);
    for (const struct comment *x; (x = comment_at(w->F, c, i)) != NULL; c++) {
        if (!x->own_line) {
            continue;
        }
        bool keep =
            keeps && blank_before(w->F, i, c, x->start) && !(opens(w->last_kind) && !w->must_break);
        new_line(w, comment_indent(w, i), keep || *blank);
        put_comment_text(w, x);
        *blank = false;
    }
}

/* Comments on the line of token i. */
static void put_comments_behind(struct writer *w, uint32_t i)
{
    uint32_t c = first_comment(w->F, i + 1);
    for (const struct comment *x; (x = comment_at(w->F, c, i + 1)) != NULL && !x->own_line; c++) {
        if (w->must_break) {
            new_line(w, comment_indent(w, i + 1), false);
        } else {
            buf_puts(w->out, "  ");
        }
        put_comment_text(w, x);
    }
}

/* A number and a unit on different lines are no duration; they may not become one. */
static bool must_stay_apart(const struct writer *w, uint32_t i)
{
    const struct token *t = &w->F->tokens->items[i];
    int next = i + 1 < w->F->tokens->n ? t[1].kind : TK_EOF;
    return (w->last_kind == TK_INT || w->last_kind == TK_DEC) && t->kind == TK_ID &&
           next != TK_EQ && next != TK_COLON && next != TK_DOT &&
           duration_unit_ns(token_text(w->F->tokens, t), true) != 0;
}

static void put_token(struct writer *w, uint32_t i, bool blank)
{
    const struct fmt_slot *slot = &w->F->slots[i];
    const struct token *t = &w->F->tokens->items[i];
    if (slot->newline) {
        bool keep = slot->blank_ok && blank_before(w->F, i, first_comment(w->F, i + 1), t->start) &&
                    !(opens(w->last_kind) && !w->must_break);
        new_line(w, slot->indent, keep || blank);
        w->line_indent = slot->indent;
    } else if (w->must_break || must_stay_apart(w, i)) {
        new_line(w, w->line_indent + FMT_CONTINUATION, false);
    } else if (!glued(w->F, i) && !w->empty) {
        for (uint32_t n = 0; n <= slot->pad; n++) {
            buf_puts(w->out, " ");
        }
    }
    w->empty = false;
    buf_put_slice(w->out, slot_text(w->F, i));
    if (slot->comma_after) {
        buf_puts(w->out, ",");
    }
    w->last_kind = t->kind;
}

static void write_all(struct writer *w)
{
    const struct token_list *tokens = w->F->tokens;
    for (uint32_t k = 0; k < tokens->n; k++) {
        uint32_t i = w->F->order[k];
        bool blank = w->F->slots[i].blank && !w->empty;
        put_comments_before(w, i, &blank);
        if (!w->F->slots[i].drop && tokens->items[i].kind != TK_EOF) {
            put_token(w, i, blank);
        }
        put_comments_behind(w, i);
    }
    if (!w->empty) {
        buf_puts(w->out, "\n");
    }
}

/* A comma behind a comment goes in front of it: `A # why` and `,` below it. The token before the
 * comma is the one that is written before it. */
static void pull_commas(struct fmt *F)
{
    for (uint32_t k = 1; k < F->tokens->n; k++) {
        uint32_t i = F->order[k];
        uint32_t prev = F->order[k - 1];
        if (F->tokens->items[i].kind == TK_COMMA && !F->slots[i].drop &&
            (comment_at(F, first_comment(F, i), i) ||
             comment_at(F, first_comment(F, prev + 1), prev + 1))) {
            F->slots[i].drop = true;
            F->slots[prev].comma_after = true;
        }
    }
}

bool dsl_fmt(const struct ast_file *file, struct arena *scratch, struct buf *out)
{
    if (file->broken) {
        return false;
    }
    struct fmt F = {.arena = scratch, .tokens = file->tokens, .text = file->source->text};
    F.slots = ARENA_ARRAY(scratch, struct fmt_slot, F.tokens->n);
    F.order = ARENA_ARRAY(scratch, uint32_t, F.tokens->n);
    for (uint32_t i = 0; i < F.tokens->n; i++) {
        F.order[i] = i;
    }
    fmt_break(&F, 0, 0);
    fmt_layout_file(&F, file);
    fmt_break_clause(&F, F.tokens->n - 1, 0);
    pull_commas(&F);
    struct writer w = {.F = &F, .out = out, .last_kind = TK_EOF, .empty = true};
    write_all(&w);
    return true;
}
