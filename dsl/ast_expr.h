/* The tree of expressions, and the bodies and maps that hold them. */
#ifndef FYKE_DSL_AST_EXPR_H
#define FYKE_DSL_AST_EXPR_H

#include "dsl/ast_name.h"

enum ast_expr_kind {
    AST_EXPR_LITERAL,    /* literal */
    AST_EXPR_PATH,       /* path: NAME {"." NAME} that begins with a name */
    AST_EXPR_CALL,       /* call */
    AST_EXPR_MEMBER,     /* member: .NAME of a call or an index, e.g. geoip(ip).country */
    AST_EXPR_INDEX,      /* index: base[index] */
    AST_EXPR_ARRAY,      /* items: [a, b] */
    AST_EXPR_TUPLE,      /* items: the parenthesised list after in, ~, like, contains, … */
    AST_EXPR_NAMED_LIST, /* named_list: `list NAME` after in, ~, … */
    AST_EXPR_PAREN,      /* inner */
    AST_EXPR_UNARY,      /* unary: not, - */
    AST_EXPR_PERCENT_OF, /* percent_of: 20% of x */
    AST_EXPR_BINARY,     /* binary: or and = != < <= > >= + - * / */
    AST_EXPR_BETWEEN,    /* between */
    AST_EXPR_TEST,       /* test: in ~ like matches contains starts with ends with */
    AST_EXPR_IS,         /* is: missing, present */
    AST_EXPR_IF,         /* cond */
};

enum ast_unary_op { AST_NOT, AST_NEG };

enum ast_binary_op {
    AST_OR,
    AST_AND,
    AST_EQ,
    AST_NE,
    AST_LT,
    AST_LE,
    AST_GT,
    AST_GE,
    AST_ADD,
    AST_SUB,
    AST_MUL,
    AST_DIV,
};

enum ast_test_op {
    AST_TEST_IN,
    AST_TEST_GLOB, /* ~ : case-insensitive glob */
    AST_TEST_LIKE,
    AST_TEST_MATCHES,
    AST_TEST_CONTAINS,
    AST_TEST_STARTS_WITH,
    AST_TEST_ENDS_WITH,
};

struct ast_exprs {
    struct ast_expr *first;
    struct ast_expr *last;
    uint32_t n;
};

struct ast_expr {
    struct ast_expr *next; /* in arguments, arrays, tuples */
    enum ast_expr_kind kind;
    uint32_t id;    /* from 1, unique in its file: index of side tables */
    uint32_t depth; /* 1 for a leaf, else 1 + the deepest child */
    struct span span;
    union {
        struct ast_literal *literal;
        struct ast_path *path;
        struct {
            struct ast_name *name;
            struct ast_exprs args;
            struct ast_clause *where; /* count(x where c), or NULL */
        } call;
        struct {
            struct ast_expr *base;
            struct ast_name *name;
        } member;
        struct {
            struct ast_expr *base;
            struct ast_expr *index;
        } index;
        struct ast_exprs items;
        struct {
            struct span keyword; /* `list` */
            struct ast_name *name;
        } named_list;
        struct ast_expr *inner;
        struct {
            enum ast_unary_op op;
            struct span op_span;
            struct ast_expr *operand;
        } unary;
        struct {
            struct ast_literal *percent;
            struct span op_span; /* `of` */
            struct ast_expr *operand;
        } percent_of;
        struct {
            enum ast_binary_op op;
            struct span op_span;
            struct ast_expr *left;
            struct ast_expr *right;
        } binary;
        struct {
            bool negated;
            struct span op_span; /* `between` or `not between` */
            struct ast_expr *value;
            struct ast_expr *low;
            struct ast_expr *high;
        } between;
        struct {
            enum ast_test_op op;
            bool negated;
            bool ignore_case;    /* a `~` after contains, starts with, ends with */
            struct span op_span; /* with `not` and `~` */
            struct ast_expr *value;
            struct ast_expr *operand; /* atom, AST_EXPR_TUPLE or AST_EXPR_NAMED_LIST */
        } test;
        struct {
            bool negated;
            bool present;        /* else missing */
            struct span op_span; /* `is not missing` */
            struct ast_expr *value;
        } is;
        struct {
            struct ast_expr *test;
            struct ast_expr *yes;
            struct ast_expr *no;
        } cond;
    };
};

/* path "=" expr, of emit bodies and test events. */
struct ast_assign {
    struct ast_assign *next;
    struct span span;
    struct ast_path path;
    struct ast_expr *value;
};
struct ast_body {
    struct span span; /* with the braces */
    struct ast_assign *first;
    struct ast_assign *last;
    uint32_t n;
};

/* value "=" expr, of literal lookups. */
struct ast_map_entry {
    struct ast_map_entry *next;
    struct span span;
    struct ast_literal *key;
    struct ast_expr *value;
};
struct ast_map {
    struct span span; /* with the braces */
    struct ast_map_entry *first;
    struct ast_map_entry *last;
    uint32_t n;
};

/* Without parentheses: what the checker looks at. */
static inline const struct ast_expr *ast_bare(const struct ast_expr *e)
{
    while (e && e->kind == AST_EXPR_PAREN) {
        e = e->inner;
    }
    return e;
}

#endif
