/* The tree's small parts: names, paths, literals, and clauses made of a keyword and a value.
 * ast.h says what holds for all of it. */
#ifndef FYKE_DSL_AST_NAME_H
#define FYKE_DSL_AST_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"
#include "dsl/source.h"

/* Deepest nesting that the parser accepts (E0224 beyond): of expressions, where each member of a
 * chain `a or b or c` is one level, and of patterns. */
#define AST_MAX_DEPTH 1000
#define AST_MAX_GROUPS 64

static inline bool span_given(struct span s)
{
    return s.end > s.start;
}

struct ast_name {
    struct ast_name *next; /* in a list of names */
    struct span span;      /* with the backticks */
    struct slice text;     /* without the backticks */
    bool quoted;           /* written in backticks */
    bool reserved;         /* a reserved word that became a name before `:`, `=` or beside `.` */
};
struct ast_names {
    struct ast_name *first;
    struct ast_name *last;
    uint32_t n;
};

static inline bool ast_name_given(const struct ast_name *n)
{
    return n && n->text.ptr != NULL;
}

/* NAME {"." NAME}; at least one name. */
struct ast_path {
    struct ast_path *next;
    struct span span;
    struct ast_names names;
};
struct ast_paths {
    struct ast_path *first;
    struct ast_path *last;
    uint32_t n;
};

enum ast_literal_kind {
    AST_LIT_INT,       /* int_value; out of range was E0105 */
    AST_LIT_DECIMAL,   /* number: digits with one point, without underscores */
    AST_LIT_FLOAT,     /* float_value, number */
    AST_LIT_PERCENT,   /* number: the decimal it stands for, `20%` = "0.20", `0.5%` = "0.005" */
    AST_LIT_STRING,    /* string: escapes decoded, raw or not */
    AST_LIT_DURATION,  /* duration */
    AST_LIT_TIMESTAMP, /* time */
    AST_LIT_IP,        /* spelling, well-formed */
    AST_LIT_CIDR,      /* spelling, well-formed address and prefix length */
    AST_LIT_BOOL,      /* bool_value */
};

struct ast_literal {
    struct ast_literal *next; /* in `given profile … for A, B` and lists of strings */
    enum ast_literal_kind kind;
    struct span span;
    struct slice spelling; /* as written: `10_000`, `90s`, `10 minutes`, `r"\d"` */
    bool raw;              /* a string written r"…" */
    union {
        int64_t int_value;
        double float_value;
        struct duration duration;
        struct etime time;
        bool bool_value;
    };
    struct slice number; /* see the kinds; arena-owned */
    struct slice string; /* decoded; arena-owned or in the source */
};
struct ast_literals {
    struct ast_literal *first;
    struct ast_literal *last;
    uint32_t n;
};

/* dur = DUR | NAME of a const. Exactly one of the two is given. */
struct ast_dur {
    struct span span;
    struct ast_literal *literal; /* kind AST_LIT_DURATION, or NULL */
    struct ast_name *name;       /* or NULL */
};

/* A keyword (or several) with a time: span, gap, pace, head window, `over D`, `for D`, … */
struct ast_timed {
    struct span span;    /* keyword and value */
    struct span keyword; /* `within`, `each within`, `after`, `for`, … */
    struct ast_dur value;
};

/* A keyword with an expression: `where`, `until`, `having`. */
struct ast_clause {
    struct span span;
    struct span keyword;
    struct ast_expr *expr;
};

#endif
