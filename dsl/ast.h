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

#include "dsl/ast_pattern.h"

/* --------------------------------------------------------------------------------- statements */

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

/* ------------------------------------------------------------------------- other declarations */

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

#endif
