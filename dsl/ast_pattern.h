/* The tree of patterns: sequences of steps and absences, groups, choices. */
#ifndef FYKE_DSL_AST_PATTERN_H
#define FYKE_DSL_AST_PATTERN_H

#include "dsl/ast_expr.h"

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
    uint32_t depth;        /* 1 without groups, else 1 + the deepest group */
    struct span open_then; /* while building: the `then` of a leading absence */
    struct ast_elem *first;
    struct ast_elem *last;
    uint32_t n;
};

#endif
