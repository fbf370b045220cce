/* Inside the formatter: for each token where it goes (fmt_layout.c, fmt_expr.c, filled from the
 * tree), and writing them out (fmt.c). */
#ifndef FYKE_DSL_FMT_LAYOUT_H
#define FYKE_DSL_FMT_LAYOUT_H

#include "base/arena.h"
#include "dsl/ast.h"
#include "dsl/token.h"

#define FMT_INDENT 2
#define FMT_CONTINUATION 4
/* Longer lines are broken where the language has a place for it. Commas are not counted: they come
 * and go, and the decision must be the same the second time. */
#define FMT_MAX_COLUMNS 100
/* Wider things do not push their neighbours to the right. */
#define FMT_MAX_ALIGN 24

struct fmt_slot {
    bool newline;     /* begins a line … */
    uint16_t indent;  /* … here */
    bool blank_ok;    /* a blank line before it is kept */
    bool blank;       /* a blank line before it is wanted */
    bool glue;        /* no blank before it */
    bool glue_next;   /* no blank behind it */
    bool drop;        /* a comma that is not needed */
    bool comma_after; /* a comma that is missing */
    uint16_t pad;     /* more blanks before it, for alignment */
};

struct fmt {
    struct arena *arena;
    const struct token_list *tokens;
    struct slice text;
    struct fmt_slot *slots; /* by token */
    uint32_t *order;        /* tokens in order of writing */
};

/* Token by position: the one that begins at `start`, and the last one before `end`. */
uint32_t fmt_first(const struct fmt *F, uint32_t start);
uint32_t fmt_last(const struct fmt *F, uint32_t end);
/* Columns of tokens first..last on one line, without commas. */
uint32_t fmt_width(const struct fmt *F, uint32_t first, uint32_t last);
/* Line breaks of the source in bytes [from, to). */
uint32_t fmt_newlines(const struct fmt *F, uint32_t from, uint32_t to);
/* A line break in the source between token `i` and the one before it. */
bool fmt_broken_before(const struct fmt *F, uint32_t i);
/* Comments between the tokens open and close. */
bool fmt_has_comments(const struct fmt *F, uint32_t open, uint32_t close);
void fmt_break(struct fmt *F, uint32_t i, uint32_t indent);
/* The same, keeping a blank line. */
void fmt_break_clause(struct fmt *F, uint32_t i, uint32_t indent);

/* What stands in front of a column: its width, or 0 if it is too wide to count; and the blanks that
 * bring what follows it into the column. */
uint32_t fmt_align_width(const struct fmt *F, struct span span);
void fmt_align_behind(struct fmt *F, struct span span, uint32_t widest);

void fmt_layout_file(struct fmt *F, const struct ast_file *file);
/* `indent` is that of the line on which the expression begins. */
void fmt_layout_expr(struct fmt *F, const struct ast_expr *e, uint32_t indent);
/* The same for a value whose line begins with token `line`: too wide, it is broken. */
void fmt_layout_value(struct fmt *F, const struct ast_expr *e, uint32_t line, uint32_t indent);
/* An array or the list behind `in`. */
void fmt_layout_items(struct fmt *F, const struct ast_expr *e, uint32_t line, uint32_t indent);
/* A condition with its keyword; `line` as above, without it the keyword. */
void fmt_layout_clause(struct fmt *F, const struct ast_clause *c, uint32_t indent);
void fmt_layout_clause_of(struct fmt *F, const struct ast_clause *c, uint32_t line,
                          uint32_t indent);
void fmt_layout_pattern(struct fmt *F, const struct ast_pattern *p, uint32_t indent, bool lines);
/* `line` is the token that begins the line on which the body's brace stands. */
void fmt_layout_body(struct fmt *F, const struct ast_body *b, uint32_t line, uint32_t indent);
void fmt_layout_map(struct fmt *F, const struct ast_map *m, uint32_t line, uint32_t indent);
void fmt_layout_test(struct fmt *F, const struct ast_test *t, uint32_t indent);

#endif
