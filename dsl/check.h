/* Shared by the files of the checker; nothing outside dsl/ includes it.
 *
 * The checker walks the tree once per purpose and builds the rule set directly: there is no second
 * tree. Errors are reported and answered with "unknown" (typed.e == NULL), which silences what
 * follows from them. Everything that outlives the compilation lies in the rule set's arena. */
#ifndef FYKE_DSL_CHECK_H
#define FYKE_DSL_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/map.h"
#include "dsl/ast.h"
#include "dsl/compile.h"
#include "dsl/diag.h"
#include "dsl/suggest.h"
#include "nfa/expr.h"
#include "nfa/rule.h"
#include "nfa/schema.h"

/* ------------------------------------------------------------------------------------ names */

enum symbol_kind {
    SYM_EVENT,
    SYM_CONST,
    SYM_LET,
    SYM_LIST,
    SYM_LOOKUP,
    SYM_PROFILE,
    SYM_RULE,
};

/* One alternative of a source: a declaration, seen through let's (outermost first). */
struct source_alt {
    uint32_t decl;
    const struct expr *filter; /* conjunction of the let's conditions, or NULL */
    const struct slice *lets;
    uint32_t n_lets;
    struct rule_condition *conditions; /* of the lets, as written */
    uint32_t n_conditions;
};

/* What `NAME` of a step, absence or filter stands for. */
struct event_source {
    struct slice name;
    struct source_alt *alts; /* empty only if broken */
    uint32_t n_alts;
    bool broken; /* an error was reported for it */
};

struct typed;

struct symbol {
    enum symbol_kind kind;
    struct slice name;
    struct span span;
    const struct ast_decl *ast;
    uint32_t decl; /* SYM_EVENT, SYM_LIST, SYM_LOOKUP, SYM_PROFILE: index in the rule set */
    bool used;     /* something names it */
    bool visiting; /* const, let: on the way down, to find cycles */
    const struct typed *value; /* SYM_CONST: once looked at */
    struct event_source *source; /* SYM_EVENT, SYM_LET: once resolved */
};

struct decl_list {
    const struct ast_decl **items;
    size_t n, cap;
};

struct derived_events; /* check_derived.h */

struct checker {
    struct compilation *compilation;
    const struct compile_input *input;
    struct arena *arena; /* the compilation's */
    struct arena *out;   /* the rule set's */
    struct ruleset *rs;
    const struct sources *sources;
    struct diags *diags;
    struct decl_list decls; /* imports expanded where they stand */
    struct map symbols;     /* name → struct symbol */
    struct map zones;       /* name → const struct zone */
    struct map reported;    /* code and place of every finding */
    struct derived_events *derived;
    bool keep_all;
    bool note_untested;
    uint32_t let_depth; /* lets being resolved, one inside the other */
    /* A file has syntax errors or an import failed: names may be unknown only because of that, so
     * they are not reported. */
    bool gaps;
};

/* Both give NULL when the same code was already reported for the same place; the other functions
 * accept that. */
struct diag *check_error(struct checker *c, const char *code, struct span span, const char *fmt,
                         ...) FYKE_PRINTF(4, 5);
struct diag *check_lint(struct checker *c, enum diag_severity severity, const char *code,
                        struct span span, const char *fmt, ...) FYKE_PRINTF(5, 6);
void check_help(struct checker *c, struct diag *d, const char *fmt, ...) FYKE_PRINTF(3, 4);
void check_second(struct checker *c, struct diag *d, struct span span, const char *fmt, ...)
    FYKE_PRINTF(4, 5);
/* "did you mean `x`?" if the suggestion has found something. */
void check_suggest(struct checker *c, struct diag *d, const struct suggest *s);

const char *symbol_kind_name(enum symbol_kind kind);
/* What a name stands for; it counts as used from now on. */
struct symbol *scope_find(const struct checker *c, struct slice name);
/* The same without using it. */
struct symbol *scope_peek(const struct checker *c, struct slice name);
/* Enters every declaration; duplicates and reserved words are reported. */
void scope_declare_all(struct checker *c);
/* A name that is always used bare may be no reserved word (E0213). */
void check_bare_name(struct checker *c, const struct ast_name *name, const char *what);

/* ---------------------------------------------------------------------------------- rule */

/* A name of the pattern (`as x`), or a step without one. One per slot. */
struct name_info {
    struct slice text; /* empty: no alias */
    struct span span;
    bool repeated;     /* a counted step: aggregates only */
    bool anywhere;
    int32_t group;     /* innermost repeated group around it, -1 */
    uint32_t *decls;   /* declarations its events may have, ascending */
    uint32_t n_decls;
};

struct test_info {
    const struct ast_event_test *ast;
    const struct event_source *source;
    const uint32_t *choices; /* pairs (choice id, alternative) around it, outermost first */
    uint32_t choice_depth;
};

struct group_info {
    const struct ast_part *ast;
    bool bare; /* not `in a row`: events may be left out */
};

struct rule_ctx {
    struct checker *c;
    const struct ast_rule *ast;
    struct rule *rule;
    struct test_info tests[RULE_MAX_TESTS];
    struct name_info names[RULE_MAX_TESTS]; /* per slot */
    struct group_info groups[RULE_MAX_TESTS];
    struct source_alt *role_alts[RULE_MAX_ROLES];
    uint64_t without_mask;
    bool overflow; /* too many tests or roles: reported once */
};

/* -------------------------------------------------------------------------- expressions */

struct typed {
    const struct expr *e; /* NULL: an error was reported */
    enum value_kind kind;
    enum value_kind item; /* lists */
    const struct schema_field *enum_of; /* enum fields: their values; else NULL */
    bool literal;  /* written as a literal: takes the type of what it meets */
    bool may_miss; /* reads an optional field or a name that may be unbound */
    struct span span;
    struct typed *items; /* a list as written (EX_LIST): its items, for their spans */
};

enum expr_place {
    PLACE_CONST,
    PLACE_EVENT,  /* `where` and computed fields of a declaration; let's */
    PLACE_TEST,   /* `where` of a step, absence, guard */
    PLACE_LOOP,   /* `until`, `having` of a counted step */
    PLACE_GROUP,  /* `having` of a group: no current event */
    PLACE_EMIT,   /* `emit`, `per` */
    PLACE_VALUE,  /* values in tests: constants only */
};

struct expr_ctx {
    struct checker *c;
    struct rule_ctx *rule; /* NULL outside rules */
    enum expr_place place;
    const uint32_t *self; /* declarations of the current event */
    uint32_t n_self;
    uint64_t visible;     /* slots that may be named */
    int32_t own;          /* slot under test, -1 */
    int32_t group;        /* innermost repeated group around the place, -1 */
    int32_t agg_slot;     /* inside an aggregate over this slot, -1 */
    bool agg_where;       /* inside its `where` */
    uint32_t depth;       /* of the expressions around: consts in consts */
    struct measure_ctx *measure; /* the value of a measure, outside its aggregates; else NULL */
};

struct expr_ctx expr_ctx_new(struct checker *c, enum expr_place place);

#define TYPED_UNKNOWN ((struct typed){0})

struct typed check_expr(struct expr_ctx *x, const struct ast_expr *e);
/* A condition (bool), or NULL after an error or without one. */
const struct expr *check_condition(struct expr_ctx *x, const struct ast_expr *e);

/* lint_logic.c: conditions that never hold, or always. `parts`: what `and` or `or` joins. */
void lint_chain(struct expr_ctx *x, bool is_or, const struct typed *parts, uint32_t n,
                struct span whole);
void lint_condition(struct expr_ctx *x, struct typed t);
void lint_self_comparison(struct expr_ctx *x, const struct expr *e, struct span span);

/* `lat` or `lon` of a place. */
struct typed expr_place_part(struct expr_ctx *x, struct typed place, struct slice name,
                             struct span span);

/* check_path.c */
struct typed check_path(struct expr_ctx *x, const struct ast_path *path);
struct typed check_field(struct expr_ctx *x, const uint32_t *decls, uint32_t n_decls,
                         const struct ast_name *first, struct span span);
/* Slot of the field `name` in a declaration, -1 without. */
/* `format …` of a declaration whose fields stand. */
void check_format(struct checker *c, const struct ast_event *ast, struct schema_decl *d);
int32_t decl_find_field(const struct schema_decl *d, struct slice name);
struct slice path_text(struct checker *c, const struct ast_name *first);
/* What a name of one word means as a declaration; NULL when it is an alias, a field or nothing. */
const struct symbol *path_symbol(struct expr_ctx *x, const struct ast_path *path);
/* The slot of an alias, -1 if there is none of this name. */
int32_t rule_find_name(const struct rule_ctx *r, struct slice name);
int32_t rule_common_group(const struct rule_ctx *r, int32_t a, int32_t b);

/* check_call.c, check_aggregate.c */
struct typed check_call(struct expr_ctx *x, const struct ast_expr *e);
struct aggregate;
struct typed check_aggregate(struct expr_ctx *x, const struct ast_expr *e,
                             const struct aggregate *agg);
/* The constant argument of nth and percentile, the last one; NULL without. */
const struct expr *check_aggregate_constant(struct expr_ctx *x, const struct ast_expr *e,
                                            const struct aggregate *agg, bool *ok);
/* Type of the aggregate over values like v; false after an error. */
bool check_aggregate_type(struct expr_ctx *x, const struct aggregate *agg, struct typed v,
                          struct typed *t);

/* check_profile.c, check_measure.c */
void check_profiles_declare(struct checker *c);
void check_profiles(struct checker *c);
/* NULL: there is none of this name. */
const struct profile *profile_named(struct checker *c, struct slice name);
void check_measure(struct checker *c, const struct ast_measure *ast, const struct ast_filter *filter,
                   const uint32_t *decls, uint32_t n_decls, struct measure *m);
/* How many leaves it may come to have. */
uint32_t measure_room(const struct ast_measure *ast);
/* What reading a measure gives. */
struct typed measure_typed(struct checker *c, const struct measure *m, struct span span);
/* An aggregate, a field of the source in the value of a measure. */
struct typed check_measure_aggregate(struct measure_ctx *k, const struct ast_expr *e);
struct typed check_measure_field(struct measure_ctx *k, const struct ast_path *path);
struct typed check_profile_read(struct expr_ctx *x, const struct symbol *s,
                                const struct ast_name *measure, struct span span);
struct typed check_profile_by_key(struct expr_ctx *x, const struct symbol *s,
                                  const struct ast_expr *index, const struct ast_name *measure,
                                  struct span span);
void rule_find_profiles(struct rule_ctx *r);

/* check_ops.c, check_member.c */
struct typed check_binary(struct expr_ctx *x, const struct ast_expr *e);
struct typed check_negation(struct expr_ctx *x, const struct ast_expr *e);
struct typed check_percent_of(struct expr_ctx *x, const struct ast_expr *e);
struct typed check_arith(struct checker *c, enum ast_binary_op op, struct span op_span,
                         struct typed a, struct typed b, struct span span);
struct typed check_between(struct expr_ctx *x, const struct ast_expr *e);
struct typed check_test_op(struct expr_ctx *x, const struct ast_expr *e);

/* check_lookup.c: `list NAME` after `in`, `~`, …; `NAME[key]`; geoip(ip).FIELD */
struct typed check_named_list(struct expr_ctx *x, const struct ast_expr *e);
struct typed check_lookup(struct expr_ctx *x, const struct ast_expr *e, const struct symbol *s);
/* The list or lookup of this name; NULL after an error. */
const struct symbol *table_symbol(struct checker *c, const struct ast_name *name,
                                  enum symbol_kind kind);
bool is_geoip(const struct ast_expr *e);
struct typed check_geoip(struct expr_ctx *x, const struct ast_expr *e,
                         const struct ast_name *field);

/* check_literal.c */
struct typed check_literal(struct expr_ctx *x, const struct ast_literal *lit);

/* types.c: what a value must become */
struct want {
    enum value_kind kind;
    enum value_kind item;
    const struct schema_field *enum_of;
};

/* check_constant.c: a value that needs no event, nor lists and lookups. `what` names the place. */
bool check_constant(struct expr_ctx *x, const struct ast_expr *e, struct want want,
                    const char *what, struct value *ret);

/* Converts to what is wanted (literals by their text, int to decimal and float) or reports `code`
 * and gives unknown. `what` names the place: "`amount`". */
struct typed type_convert(struct checker *c, struct typed t, struct want want, const char *what);
struct typed type_address(struct checker *c, struct typed t);
/* Could be converted; nothing is reported. */
bool type_fits(struct typed t, struct want want);
/* Brings two operands to one type; false after an error. */
bool type_unify(struct checker *c, struct typed *a, struct typed *b, struct span op_span,
                const char *op);
const char *type_text(struct checker *c, struct typed t);
const char *want_text(struct checker *c, struct want w);
static inline bool kind_is_number(enum value_kind k)
{
    return k == VAL_INT || k == VAL_DECIMAL || k == VAL_FLOAT;
}
static inline bool kind_is_ordered(enum value_kind k)
{
    return kind_is_number(k) || k == VAL_STRING || k == VAL_TIMESTAMP || k == VAL_DURATION ||
           k == VAL_IP;
}

/* expr_build.c */
/* Operands of one node: nfa/expr.h counts them in 16 bits. */
#define EXPR_MAX_KIDS 65535
struct expr *expr_new(struct checker *c, enum expr_op op, enum value_kind kind, uint32_t n_kids);
struct expr *expr_const(struct checker *c, struct value v);
const struct expr *expr_conjunction(struct checker *c, const struct expr *a,
                                    const struct expr *b);
const struct expr *expr_constant_list(struct checker *c, const struct expr *e);
const struct expr *expr_fold(struct checker *c, const struct expr *e);
/* What the expression looks at, aggregates' inner parts left out. */
enum expr_reads {
    READS_SELF = 1,
    READS_BOUND = 2,
    READS_KEY = 4,
    READS_OUTPUT = 8,
    READS_ENV = 16, /* lists, lookups, geoip */
};
unsigned expr_reads(const struct expr *e);
/* Splits at top-level `and`: own reads the event alone, joint the rest; each or NULL. */
void expr_split(struct checker *c, const struct expr *e, const struct expr **own,
                const struct expr **joint);

/* -------------------------------------------------------------------- declarations, rules */

/* check_event.c, check_computed.c, check_topic.c */
void check_events_declare(struct checker *c); /* declarations, fields, topics */
void check_events_finish(struct checker *c);  /* conditions and computed fields */
/* Computed fields of a declaration, each behind those that it reads. */
uint32_t *computed_order(struct checker *c, const struct schema_decl *d, uint32_t *ret_n);
bool check_type(struct checker *c, const struct ast_type *type, struct schema_field *f);
void check_topics(struct checker *c);

/* A set keeps the first of equal values. */
struct value check_set_of(struct value list, struct arena *arena);

/* check_table.c, check_table_content.c: types first, because consts may read lookups; content after the consts */
void check_tables_declare(struct checker *c);
void check_tables_fill(struct checker *c);
/* What a key or value of this type must be. */
struct want table_want(const struct schema_field *f);
/* The content of `given list`, `given lookup` and of declarations; NULL after an error. */
const struct table *check_list_content(struct checker *c, const struct table_decl *t,
                                       const struct ast_expr *array);
const struct table *check_lookup_content(struct checker *c, const struct table_decl *t,
                                         const struct ast_map *map);

/* conditions.c: what the author wrote at a place, and the conjuncts of a condition */
struct slice condition_text(struct checker *c, struct span span);
struct rule_condition *conditions_of(struct checker *c, const struct ast_expr *ast,
                                     const struct expr *e, uint32_t *ret_n);

/* check_source.c */
const struct event_source *source_resolve(struct checker *c, const struct ast_name *name);
void check_lets(struct checker *c);
/* The alternative as NAME `let` with the filter's condition narrows it. */
struct source_alt source_narrow(struct checker *c, const struct source_alt *from,
                                const struct ast_filter *filter, struct slice let);
uint64_t rule_add_roles(struct rule_ctx *r, const struct event_source *s, bool counted,
                        struct span span);
void rule_add_keys(struct rule_ctx *r);

/* check_dur.c */
bool check_dur(struct checker *c, const struct ast_dur *dur, struct duration *ret);
bool check_timed(struct checker *c, const struct ast_timed *timed, struct duration *ret);
void check_consts(struct checker *c);
/* The value of a const used at `use`, folded; `x` is where it is used. */
struct typed check_const(struct expr_ctx *x, struct symbol *s, struct span use);

/* collect.c: tests, names, groups of the pattern, before any expression is looked at */
void rule_collect(struct rule_ctx *r);
int32_t rule_test_of(const struct rule_ctx *r, const struct ast_event_test *ast);

/* capture.c: what of a condition must be kept with events that pass `tests` (nfa/capture.h). For
 * outputs only what stands inside aggregates. */
const struct expr *rule_capture_condition(struct rule_ctx *r, const struct expr *e, uint64_t tests);
const struct expr *rule_capture_output(struct rule_ctx *r, const struct expr *e);

/* lower_pattern.c */
void rule_lower_pattern(struct rule_ctx *r);
/* check_pattern.c, check_bounds.c, check_last.c: the meaning errors of a pattern */
void rule_check_pattern(struct rule_ctx *r);
void rule_check_bounds(struct rule_ctx *r);
bool part_can_be_empty(const struct ast_part *p);
bool pattern_can_be_empty(const struct ast_pattern *p);

/* check_rule.c, check_meta.c, check_emit.c */
void check_rule(struct checker *c, const struct ast_decl *decl, struct rule *rule);
/* rule_order.c: all rules, those that derive events before those that read them */
void check_rules(struct checker *c);
void rule_check_meta(struct rule_ctx *r);
void rule_check_outputs(struct rule_ctx *r);
/* lint_predicate.c: the condition of a let. */
void lint_let(struct checker *c, const struct expr *filter, struct span span);
/* lint_unused.c: what nothing uses, rules that nothing tests. */
void lint_unused(struct checker *c);
void lint_untested(struct checker *c);
/* The expression names the i-th part of the rule's key: bare, or through a step's key field. */
bool rule_is_key_part(const struct rule_ctx *r, const struct expr *e, uint32_t i);
void rule_lint(struct rule_ctx *r);
/* A counted step whose own condition can never hold for the first event (E0416). */
void rule_check_starts(struct rule_ctx *r);

/* check_test.c */
struct compiled_tests *check_tests(struct checker *c);

/* ruleset_text.c: canonical text and plan hash of a finished rule */
void measure_canonical(const struct ruleset *rs, struct measure *m, struct arena *arena);
void rule_canonical(const struct ruleset *rs, struct rule *rule, struct arena *arena);

#endif
