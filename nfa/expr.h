/* Typed expressions.
 *
 * The compiler (dsl/) has resolved every name and inserted every conversion: the evaluator knows
 * no names and converts nothing by itself. Nodes are immutable and live in the rule set's arena.
 * Truth is three-valued: a condition gives true, false or VAL_MISSING (unknown). */
#ifndef FYKE_NFA_EXPR_H
#define FYKE_NFA_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "nfa/event.h"
#include "nfa/value.h"

enum expr_op {
    EX_CONST,   /* constant */
    EX_FIELD,   /* field of the current event (the one under test) */
    EX_BOUND,   /* field of a single-event name bound earlier (slot) */
    EX_ITER,    /* field of the slot's event in the current iteration of group `scope` */
    EX_AGG,     /* aggregate over a slot (all events, or this iteration's with scope >= 0) */
    EX_KEY,     /* i-th key value of the match */
    EX_FIRST_AT,
    EX_LAST_AT,
    EX_DETECTED_AT,
    EX_NOT,
    EX_AND, /* n-ary */
    EX_OR,  /* n-ary */
    EX_EQ,  /* kids of one kind */
    EX_NE,
    EX_LT,
    EX_LE,
    EX_GT,
    EX_GE,
    EX_BETWEEN, /* kids: x, low, high */
    EX_IN,      /* kids: x, list; cidr items contain ip x; list value or list constant */
    EX_GLOB,    /* kids: text, pattern or list of patterns; `~` */
    EX_LIKE,    /* the same, exact case */
    EX_MATCHES, /* kid: text; `regex` */
    EX_CONTAINS, /* kids: text or list, part or list of parts; flag `fold` = case-insensitive */
    EX_STARTS_WITH,
    EX_ENDS_WITH,
    EX_IS_MISSING,
    EX_IS_PRESENT,
    EX_NEG,
    EX_ADD,
    EX_SUB,
    EX_MUL,
    EX_DIV,
    EX_IF,   /* kids: condition, then, else */
    EX_LIST, /* list literal: kids */
    EX_CALL, /* `fn` over kids */
    EX_TO_DECIMAL, /* int → decimal */
    EX_TO_FLOAT,   /* int → float */
    EX_MEMBER,     /* `member` of kids[0]; MEMBER_ITEM: kids[1] is the index */
    EX_TABLE,      /* the values of the named list `table` */
    EX_LOOKUP,     /* value of kids[0] in the lookup `table`; an absent key is missing */
    EX_GEOIP,      /* `member` (enum geoip_field) of the place of the ip kids[0] */
    EX_PROFILE,    /* measure `slot` of the rule set for the key at hand, as of eval.now */
    EX_CAPTURE,    /* kids[0] as it was when the event was evaluated (capture.h) */
    EX_OP_COUNT
};

enum expr_member {
    MEMBER_LAT,  /* of a geo, float */
    MEMBER_LON,
    MEMBER_ITEM, /* of a list, from 0; outside it is missing */
};

enum agg_op {
    AGG_COUNT,
    AGG_SUM,
    AGG_MIN,
    AGG_MAX,
    AGG_AVERAGE,
    AGG_STDDEV,
    AGG_FIRST,
    AGG_LAST,
    AGG_NTH,
    AGG_COUNT_DISTINCT,
    AGG_DISTINCT,
    AGG_COLLECT,
    AGG_PERCENTILE,
    AGG_GAP_AVERAGE,
    AGG_GAP_STDDEV,
    AGG_OP_COUNT
};

/* A field of an event that may come from several declarations (a `let … any of`): the slot to
 * read by declaration. Mostly one alternative. */
struct field_ref {
    uint32_t n;
    struct {
        uint32_t decl;
        uint32_t slot;
    } alt[];
};

struct eval;
/* A function gets evaluated arguments; missing arguments reach it only if its table row says so.
 * Results may point into eval_arena(). */
typedef struct value (*fn_impl)(struct eval *ev, const struct value *args, uint32_t n);

struct regex; /* nfa/regex.h: compiled PCRE2 pattern, immutable, shared by threads */
struct regex_scratch; /* nfa/regex.h: a thread's working memory for matching */
struct value_index;   /* nfa/value_index.h: constant set or map, immutable */
struct table_decl;    /* nfa/table.h: a list or lookup that rules name */
struct eval_env;      /* nfa/eval_env.h: what changes without a new compilation */
struct schema_decl;

struct expr {
    uint8_t op;          /* enum expr_op */
    uint8_t kind;        /* enum value_kind of the result; VAL_BOOL for conditions */
    uint8_t agg;         /* EX_AGG: enum agg_op */
    bool fold;           /* text tests: case-insensitive */
    bool takes_missing;  /* EX_CALL: call even when an argument is missing */
    bool changes;        /* what this node reads may change between two events (a profile, a lookup
                            or list that is refreshed): capture.h */
    uint8_t item_kind;   /* VAL_LIST results: kind of the items, 0 if unknown */
    uint8_t member;      /* EX_MEMBER: enum expr_member; EX_GEOIP: enum geoip_field */
    uint16_t n_kids;
    int32_t slot;        /* EX_BOUND, EX_ITER, EX_AGG: event slot; EX_KEY, EX_CAPTURE: index;
                            EX_PROFILE: measure */
    int32_t scope;       /* EX_ITER, EX_AGG: group whose current iteration counts; -1: all */
    uint32_t cache;      /* EX_AGG: index of its accumulator in the evaluation, unique per rule */
    const struct table_decl *table; /* EX_TABLE, EX_LOOKUP: which; content: eval.env */
    const struct field_ref *field;  /* EX_FIELD, EX_BOUND, EX_ITER; NULL: the event time */
    const struct expr **kids;       /* EX_AGG: kids[0] = value per event (EX_FIELD inside; NULL
                                       for count), kids[1] = `where` filter or NULL, kids[2] =
                                       constant argument (nth, percentile) or NULL */
    struct value value;             /* EX_CONST */
    fn_impl fn;                     /* EX_CALL */
    const char *fn_name;            /* for dumps and canonical text. EX_CALL: the function;
                                       EX_PROFILE: "habits.countries" */
    const struct regex *regex;      /* EX_MATCHES */
    const struct value_index *index; /* EX_IN: its constant list, indexed, or NULL */
};

/* ---- evaluation -------------------------------------------------------------------------- */

/* The events bound to one slot (one step of the pattern), in order. */
struct slot_binding {
    const struct event **events;
    uint32_t n;
    uint32_t cap;
    uint32_t cut; /* grows when events are taken off again: accumulators notice */
};

struct agg_cache;

/* Counters of what expressions could not compute; they never stop a run. */
struct eval_counters {
    uint64_t division_by_zero;
    uint64_t overflow;
    uint64_t not_a_number;
    uint64_t regex_limit;
};
void eval_counters_add(struct eval_counters *to, const struct eval_counters *from);

/* Answers EX_PROFILE: measure `m` of the rule set for the key at hand, as of `ev->now`. Text and
 * items live in ev->scratch or as long as the call. */
struct eval;
struct measure_reader {
    struct value (*read)(void *ctx, uint32_t m, struct eval *ev);
    void *ctx;
};

/* Everything an expression may look at. One per (thread, rule set); set up once per call. Whoever
 * owns it calls eval_release() at its end. */
struct eval {
    const struct event *self;        /* the event under test; NULL in `emit` */
    struct slot_binding *slots;      /* NULL: no bindings (unary tests) */
    uint32_t n_slots;
    uint32_t *const *iter_start;     /* iter_start[group][slot]: where this iteration begins */
    const struct value *key;         /* values of the key */
    uint32_t n_key;
    struct etime first_at, last_at, detected_at;
    struct etime now;                /* the event under test, or the deadline: for profiles */
    const struct measure_reader *measures; /* NULL: profiles are missing */
    uint32_t n_captures;             /* values behind those of a retained event; 0: none there */
    struct agg_cache *caches;        /* indexed by expr.cache; NULL: aggregates recomputed */
    uint32_t n_caches;
    const struct event *visible_until; /* not NULL: events bound later than it are missing */
    struct arena *scratch;           /* temporary text and lists; reset by the owner */
    struct eval_counters *counters;  /* never NULL */
    struct regex_scratch *regex;     /* made at the first `matches`; freed by eval_release() */
    const struct eval_env *env;      /* NULL: the rules read no list, lookup or geoip */
};

/* Frees what evaluation has made lazily inside *ev; nothing that the owner put there. */
void eval_release(struct eval *ev);

struct value expr_eval(const struct expr *e, struct eval *ev);
/* A comparison of two values: it is true; not when one is missing. */
bool expr_compares(enum expr_op op, const struct value *a, const struct value *b);
/* The condition holds: true, not unknown. NULL means no condition. */
bool expr_true(const struct expr *e, struct eval *ev);
/* The value of an `emit` field: `distinct`, `collect` and measures show at most EMIT_LIST_MAX
 * values. */
#define EMIT_LIST_MAX 100
struct value expr_emit(const struct expr *e, struct eval *ev);

struct agg_cache *agg_caches_new(uint32_t n);
void agg_caches_free(struct agg_cache *caches, uint32_t n);

/* ---- shape ------------------------------------------------------------------------------- */

/* The expression reads only the current event (and constants). */
bool expr_is_unary(const struct expr *e);
/* Canonical text: names resolved to (declaration.field), constants typed. Input of the plan hash
 * and of dumps. `decls` is the rule set's table; NULL writes indexes instead of names. */
void expr_canonical(const struct expr *e, const struct schema_decl *decls, struct buf *out);

#endif
