/* The tree of a rule file, as written: nothing is dropped, resolved or checked.
 *
 * Everything lies in one arena and is immutable after parsing; types and resolutions belong into
 * side tables indexed by `ast_expr.id` or into a second tree. A pointer that may be NULL says so
 * ("or NULL"); an absent name has text.ptr == NULL (ast_name_given). Lists are singly linked in
 * written order: `for (x = list.first; x; x = x->next)`.
 *
 * Keywords have spans of their own where a message or an editor needs them; `span` is the whole
 * construct. Nesting is bounded by AST_MAX_DEPTH, so recursive walks are safe. */
#ifndef FYKE_DSL_AST_H
#define FYKE_DSL_AST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"
#include "dsl/source.h"

/* Deepest nesting of expressions and patterns that the parser accepts (E0224 beyond). */
#define AST_MAX_DEPTH 1000

/* ------------------------------------------------------------------ names, paths, literals */

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

/* ------------------------------------------------------------------------------ expressions */

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

/* --------------------------------------------------------------------------------- patterns */

/* [as NAME] [where expr] on a source. */
struct ast_event_test {
    struct ast_event_test *next; /* in a rule's `without` list */
    struct span span;            /* from the source to the end of `where` */
    struct ast_name *source;     /* event type, let or derived event */
    struct ast_name *alias;      /* or NULL */
    struct ast_clause *where;    /* or NULL */
};

enum ast_link_kind { AST_LINK_LATER, AST_LINK_FIRST, AST_LINK_NEXT };

/* `then` up to the step: apart from the step it leads to. */
struct ast_link {
    struct span span; /* `then` to the end of the gap */
    struct span then;
    enum ast_link_kind kind;
    struct span kind_span;    /* `first` or `next`; empty for AST_LINK_LATER */
    struct ast_timed *within; /* or NULL */
    struct ast_timed *after;  /* or NULL; never with AST_LINK_FIRST */
};

struct ast_count {
    struct span span;         /* `3 or more` as one span */
    struct ast_literal *from; /* AST_LIT_INT, not negative */
    struct ast_literal *to;   /* n to m: or NULL */
    bool open;                /* n or more */
};

enum ast_adj_kind { AST_ADJ_NONE, AST_ADJ_IN_A_ROW, AST_ADJ_ANYWHERE };

struct ast_adj {
    enum ast_adj_kind kind;
    struct span span;
};

/* `with no M`. */
struct ast_guard {
    struct span span;
    struct span keyword; /* `with no` */
    struct ast_event_test event;
};

enum ast_part_kind {
    AST_PART_EVENT,    /* event */
    AST_PART_COUNTED,  /* count, event, adj, pace, until or having, guard, within */
    AST_PART_REPEATED, /* count `times (` group `)`, adj, pace, having, guard, within */
    AST_PART_GROUP,    /* ( group ), guard, within */
    AST_PART_CHOICE,   /* choice of (alternatives), guard, within */
};

enum ast_choice_kind { AST_CHOICE_ALL, AST_CHOICE_ANY, AST_CHOICE_N };

/* One step of a sequence. Fields that a kind does not name above are NULL or none. */
struct ast_part {
    enum ast_part_kind kind;
    struct span span;          /* with `optional` and every suffix */
    struct span optional_span; /* empty unless optional */
    bool optional;
    struct ast_event_test event; /* AST_PART_EVENT, AST_PART_COUNTED */
    struct ast_count count;      /* AST_PART_COUNTED, AST_PART_REPEATED */
    struct ast_pattern *group;   /* AST_PART_REPEATED, AST_PART_GROUP */
    struct {
        enum ast_choice_kind kind;
        struct span keyword;   /* `all of`, `any of`, `2 of` */
        struct ast_literal *n; /* AST_CHOICE_N, else NULL */
        struct ast_pattern *first;
        struct ast_pattern *last;
        uint32_t n_parts;
    } choice;
    struct ast_adj adj;
    struct ast_timed *pace;    /* `each within D`, or NULL */
    struct ast_clause *until;  /* or NULL */
    struct ast_clause *having; /* or NULL */
    struct ast_guard *guard;   /* `with no M`, or NULL */
    struct ast_timed *within;  /* the span of this part, or NULL */
};

enum ast_elem_kind {
    AST_ELEM_STEP,            /* [link] part */
    AST_ELEM_LEADING_ABSENCE, /* no M for D [assume quiet] then, before the first step */
    AST_ELEM_ABSENCE,         /* then no M [for D] */
    AST_ELEM_NEXT_NO,         /* then next no M */
};

struct ast_elem {
    struct ast_elem *next;
    enum ast_elem_kind kind;
    struct span span;
    /* What leads here; its `then` is empty for the first element of a pattern. Behind a leading
     * absence it is that absence's `then`. */
    struct ast_link link;
    struct ast_part *part; /* AST_ELEM_STEP, else NULL */
    struct {
        struct span keyword; /* `no` or `next no` */
        struct ast_event_test event;
        struct ast_timed *for_time; /* `for D`, or NULL */
        struct span assume_quiet;   /* empty unless written */
    } absence;
};

struct ast_pattern {
    struct ast_pattern *next; /* in a choice */
    struct span span;
    uint32_t depth; /* 1 without groups, else 1 + the deepest group */
    struct span open_then; /* while building: the `then` of a leading absence */
    struct ast_elem *first;
    struct ast_elem *last;
    uint32_t n;
};

/* -------------------------------------------------------------------------------- statements */

enum ast_stmt_kind {
    AST_STMT_GIVEN_LIST,    /* name, array */
    AST_STMT_GIVEN_LOOKUP,  /* name, map */
    AST_STMT_GIVEN_PROFILE, /* name, keys, body or NULL */
    AST_STMT_GIVEN_TIME,    /* moment */
    AST_STMT_AT,            /* late, moment, name, body or NULL, times, every */
    AST_STMT_WATERMARK,     /* moment */
    AST_STMT_EXPECT,        /* expect */
    AST_STMT_RELOAD,        /* string */
    AST_STMT_RESTART,
    AST_STMT_EVENTS,  /* string */
    AST_STMT_SHUFFLE, /* seed or NULL, within */
};

enum ast_expect_kind { AST_EXPECT_NO_MATCH, AST_EXPECT_MATCH, AST_EXPECT_TIMEOUT };

struct ast_stmt {
    struct ast_stmt *next;
    enum ast_stmt_kind kind;
    struct span span;
    struct span keyword;        /* first word */
    struct ast_name *name;      /* list, lookup, profile or event source */
    struct ast_literal *moment; /* duration or timestamp */
    struct ast_expr *array;     /* AST_EXPR_ARRAY */
    struct ast_map *map;
    struct ast_literals keys; /* `for "bob"`, one per key of the profile */
    struct ast_body *body;    /* also of expect */
    bool late;
    struct ast_literal *times; /* x3 as AST_LIT_INT, or NULL */
    struct ast_timed *every;   /* x3 every 40s, or NULL */
    struct ast_literal *string;
    struct ast_literal *seed;
    struct ast_timed *within;
    struct {
        enum ast_expect_kind kind;
        struct ast_literal *count;     /* expect 2 matches: AST_LIT_INT, or NULL (then 1) */
        struct ast_literal *step;      /* at step INT, or NULL */
        struct ast_name *step_name;    /* at step NAME, or NULL */
        struct ast_literal *at_moment; /* or NULL */
    } expect;
};

struct ast_test {
    struct ast_test *next; /* in a rule */
    struct span span;
    struct span keyword;
    struct ast_literal *title; /* AST_LIT_STRING */
    struct ast_name *rule;     /* test "…" for NAME beside rules, else NULL */
    struct ast_stmt *first;
    struct ast_stmt *last;
    uint32_t n;
};

/* -------------------------------------------------------------------------------------- rules */

enum ast_meta_kind {
    AST_META_TITLE,       /* strings (1) */
    AST_META_DESCRIPTION, /* strings (1 or more) */
    AST_META_SEVERITY,    /* name */
    AST_META_STATUS,      /* name */
    AST_META_OWNER,       /* strings (1) */
    AST_META_VERSION,     /* number */
    AST_META_REFERENCE,   /* strings (1) */
    AST_META_TAGS,        /* tags */
};

/* A tag as its text: `attack.t1110.001` or the decoded string. */
struct ast_tag {
    struct ast_tag *next;
    struct span span;
    struct slice text;
    bool quoted; /* written as a string */
};

struct ast_meta {
    struct ast_meta *next;
    enum ast_meta_kind kind;
    struct span span;
    struct span keyword;
    struct ast_literals strings;
    struct ast_name *name;
    struct ast_literal *number;
    struct ast_tag *tags;
};

/* for each user = Login.user = Reset.account: the first path is the key's name. */
struct ast_key {
    struct ast_key *next;
    struct span span;
    struct ast_paths paths;
};
struct ast_keys {
    struct ast_key *first;
    struct ast_key *last;
    uint32_t n;
};

struct ast_head {
    struct span span;
    struct span for_each;     /* keyword, empty without keys */
    struct ast_keys keys;     /* may be empty */
    struct ast_timed *within; /* head window, or NULL */
};

enum ast_policy_kind {
    AST_POLICY_SKIP_PAST_LAST,
    AST_POLICY_SKIP_TO_NEXT,
    AST_POLICY_SKIP_TO_FIRST, /* name */
    AST_POLICY_SKIP_TO_LAST,  /* name */
    AST_POLICY_NO_SKIP,
};

struct ast_policy {
    struct span span; /* from `after match` on */
    enum ast_policy_kind kind;
    struct ast_name *name; /* or NULL */
};

struct ast_quiet {
    struct span span;
    struct ast_timed time;   /* `quiet for D` */
    struct span per_keyword; /* empty without `per` */
    struct ast_paths per;
};

struct ast_emit {
    struct ast_emit *next;
    struct span span;
    struct span keyword;    /* `emit alert`, `emit event`, with `on timeout` if there */
    bool on_timeout;        /* only the first can be */
    struct ast_name *event; /* emit event NAME, or NULL = alert */
    struct ast_body *body;  /* or NULL */
};

struct ast_rule {
    struct ast_name *name;
    struct ast_meta *metas;
    struct ast_head *head; /* or NULL */
    struct span when;      /* keyword */
    struct ast_pattern *pattern;
    struct {
        struct ast_event_test *first; /* their spans exclude `without` */
        struct ast_event_test *last;
        uint32_t n;
    } withouts;
    struct ast_policy *policy; /* or NULL */
    struct ast_quiet *quiet;   /* or NULL */
    struct ast_emit *emits;    /* at least one */
    struct ast_test *tests;    /* or NULL */
};

/* ------------------------------------------------------------------------ other declarations */

enum ast_type_kind {
    AST_TYPE_NAME, /* name, unit: `timestamp in ms` */
    AST_TYPE_SET,  /* name = element type */
    AST_TYPE_LIST, /* name = element type */
    AST_TYPE_ENUM, /* values */
};

struct ast_type {
    enum ast_type_kind kind;
    struct span span;
    struct ast_name *name;      /* or NULL for enum */
    struct ast_name *unit;      /* or NULL */
    struct ast_literals values; /* strings */
};

enum ast_option_kind {
    AST_OPTION_KEY,
    AST_OPTION_OPTIONAL,
    AST_OPTION_EVENT_TIME,
    AST_OPTION_FROM, /* from STRING */
};

struct ast_option {
    struct ast_option *next;
    enum ast_option_kind kind;
    struct span span;
    struct ast_literal *from; /* AST_OPTION_FROM, else NULL */
};

enum ast_item_kind {
    AST_ITEM_FIELD,         /* path, type, options or computed */
    AST_ITEM_OUT_OF_ORDER,  /* time */
    AST_ITEM_IDLE,          /* time, follow_clock */
    AST_ITEM_WATERMARK_PER, /* path */
    AST_ITEM_AT_MOST_AHEAD, /* time */
};

struct ast_item {
    struct ast_item *next;
    enum ast_item_kind kind;
    struct span span;
    struct ast_path *path;
    struct ast_type *type;
    struct ast_option *options;
    struct ast_expr *computed; /* or NULL */
    struct ast_timed *time;
    struct span follow_clock; /* empty unless written */
};

struct ast_format {
    struct span span;
    struct ast_name *name;
    struct ast_literal *schema;  /* or NULL */
    struct ast_literal *message; /* or NULL */
};

struct ast_event {
    struct ast_name *name;
    struct span from_topic;     /* keyword, empty without a source */
    struct ast_literals topics; /* may be empty */
    struct ast_format *format;  /* or NULL */
    struct ast_clause *where;   /* or NULL */
    struct ast_item *items;
};

enum ast_origin_kind { AST_ORIGIN_LITERAL, AST_ORIGIN_FILE, AST_ORIGIN_TOPIC };

struct ast_origin {
    enum ast_origin_kind kind;
    struct span span;
    struct ast_literal *place; /* file or topic */
    struct ast_timed *refresh; /* topic: `refresh every D`, or NULL */
};

struct ast_list {
    struct ast_name *name;
    struct ast_type *type;
    struct ast_origin origin;
    struct ast_expr *array; /* AST_ORIGIN_LITERAL: AST_EXPR_ARRAY */
};

struct ast_lookup {
    struct ast_name *name;
    struct ast_type *key_type;
    struct ast_type *value_type;
    struct ast_origin origin;
    struct ast_map *map; /* AST_ORIGIN_LITERAL */
};

struct ast_const {
    struct ast_name *name;
    struct ast_expr *value;
};

/* NAME [where expr]: of let and profile. */
struct ast_filter {
    struct ast_filter *next;
    struct span span;
    struct ast_name *source;
    struct ast_clause *where; /* or NULL */
};

struct ast_let {
    struct ast_name *name;
    struct span any_of; /* keyword; empty for a single filter */
    struct ast_filter *filters;
    uint32_t n_filters;
};

struct ast_measure {
    struct ast_measure *next;
    struct span span;
    struct ast_name *name;
    struct ast_expr *value;
    struct ast_timed *over;
    struct ast_timed *every; /* the three: each or NULL; the last one written if repeated … */
    struct ast_timed *warm;
    struct ast_literal *max;
    struct span repeated; /* … and then the span of the first repetition, else empty */
};

struct ast_profile {
    struct ast_name *name;
    struct ast_keys keys;
    struct ast_filter *filter;
    struct ast_measure *measures;
};

enum ast_decl_kind {
    AST_DECL_IMPORT,
    AST_DECL_EVENT,
    AST_DECL_CONST,
    AST_DECL_LIST,
    AST_DECL_LOOKUP,
    AST_DECL_LET,
    AST_DECL_PROFILE,
    AST_DECL_RULE,
    AST_DECL_TEST,
    AST_DECL_ERROR, /* the range that was skipped after a syntax error */
};

struct ast_decl {
    struct ast_decl *next;
    enum ast_decl_kind kind;
    struct span span;
    struct span keyword;
    union {
        struct ast_literal *import;
        struct ast_event event;
        struct ast_const constant;
        struct ast_list list;
        struct ast_lookup lookup;
        struct ast_let let;
        struct ast_profile profile;
        struct ast_rule rule;
        struct ast_test *test;
    };
};

struct token_list;

struct ast_file {
    const struct rule_file *source;
    struct ast_literal *version; /* `language 1`, or NULL after E0201 or for a lone expression */
    struct ast_decl *first;
    struct ast_decl *last;
    uint32_t n_decls;
    uint32_t n_exprs;                /* largest ast_expr.id */
    struct ast_expr *expr;           /* dsl_parse_expr: the expression, else NULL */
    const struct token_list *tokens; /* with comments: for formatter and editors */
    bool broken;                     /* at least one syntax error: the tree has gaps */
};

static inline bool span_given(struct span s)
{
    return s.end > s.start;
}

/* Without parentheses: what the checker looks at. */
static inline const struct ast_expr *ast_bare(const struct ast_expr *e)
{
    while (e && e->kind == AST_EXPR_PAREN) {
        e = e->inner;
    }
    return e;
}

#endif
