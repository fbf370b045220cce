/* Builders: what the actions of grammar.y call, one call each. Nothing here looks at the text or
 * decides about syntax; arguments that may be absent are NULL. */
#ifndef FYKE_DSL_AST_BUILD_H
#define FYKE_DSL_AST_BUILD_H

#include "base/arena.h"
#include "dsl/ast.h"
#include "dsl/diag.h"
#include "dsl/token.h"

/* The run of one parser. */
struct parse {
    struct arena *arena;
    struct diags *diags;
    const struct token_list *tokens;
    struct ast_file *file;
    const struct token *current; /* being fed */
    bool too_deep;               /* E0224 was reported; the driver gives the declaration up */
};

/* Reports E0224 at the current token, once per declaration. */
void parse_too_deep(struct parse *P);

#define BUILD_APPEND(list, node)                                                                   \
    do {                                                                                           \
        if ((list)->last) {                                                                        \
            (list)->last->next = (node);                                                           \
        } else {                                                                                   \
            (list)->first = (node);                                                                \
        }                                                                                          \
        (list)->last = (node);                                                                     \
        (list)->n++;                                                                               \
    } while (0)

/* Lists and pairs that only live on the parser's stack. */
#define BUILD_LIST_TYPE(name, type)                                                                \
    struct name {                                                                                  \
        struct type *first;                                                                        \
        struct type *last;                                                                         \
        uint32_t n;                                                                                \
    }
BUILD_LIST_TYPE(ast_items, ast_item);
BUILD_LIST_TYPE(ast_filters, ast_filter);
BUILD_LIST_TYPE(ast_measures, ast_measure);
BUILD_LIST_TYPE(ast_metas, ast_meta);
BUILD_LIST_TYPE(ast_tags, ast_tag);
BUILD_LIST_TYPE(ast_withouts, ast_event_test);
BUILD_LIST_TYPE(ast_outputs, ast_emit);
BUILD_LIST_TYPE(ast_tests, ast_test);
BUILD_LIST_TYPE(ast_stmts, ast_stmt);
BUILD_LIST_TYPE(ast_patterns, ast_pattern);

struct ast_cond {
    struct ast_clause *where;
    struct ast_adj *adj;
};
struct ast_suffix {
    struct ast_guard *guard;
    struct ast_timed *within;
};
struct ast_test_sign {
    enum ast_test_op op;
    bool ignore_case;
    struct span span;
};

typedef const struct token *tok;

static inline struct span build_span(const struct parse *P, tok t)
{
    return token_span(P->tokens, t);
}
struct ast_name *build_name(struct parse *P, tok t);

/* build_expr.c */
struct ast_expr *build_literal(struct parse *P, struct ast_literal *lit);
struct ast_expr *build_ref(struct parse *P, tok name);
struct ast_expr *build_call(struct parse *P, tok name, struct ast_exprs *args,
                            struct ast_clause *where, tok close);
struct ast_expr *build_member(struct parse *P, struct ast_expr *base, tok name);
struct ast_expr *build_index(struct parse *P, struct ast_expr *base, struct ast_expr *index,
                             tok close);
struct ast_expr *build_items_expr(struct parse *P, enum ast_expr_kind kind, tok open,
                                  struct ast_exprs *items, tok close);
struct ast_expr *build_named_list(struct parse *P, tok keyword, tok name);
struct ast_expr *build_paren(struct parse *P, tok open, struct ast_expr *inner, tok close);
struct ast_expr *build_unary(struct parse *P, enum ast_unary_op op, tok sign,
                             struct ast_expr *operand);
struct ast_expr *build_percent_of(struct parse *P, tok percent, tok of, struct ast_expr *operand);
struct ast_expr *build_binary(struct parse *P, enum ast_binary_op op, tok sign,
                              struct ast_expr *left, struct ast_expr *right);
struct ast_expr *build_between(struct parse *P, tok negation, tok sign, struct ast_expr *value,
                               struct ast_expr *low, struct ast_expr *high);
struct ast_test_sign *build_test_op(struct parse *P, enum ast_test_op op, tok first, tok last,
                                    tok tilde);
struct ast_expr *build_member_test(struct parse *P, tok negation, struct ast_test_sign *sign,
                                   struct ast_expr *value, struct ast_expr *operand);
struct ast_expr *build_is(struct parse *P, tok is, tok negation, tok what, struct ast_expr *value,
                          bool present);
struct ast_expr *build_if(struct parse *P, tok keyword, struct ast_expr *test, struct ast_expr *yes,
                          struct ast_expr *no);
struct ast_exprs *build_exprs(struct parse *P, struct ast_exprs *list, struct ast_expr *e);
void build_root_expr(struct parse *P, struct ast_expr *e);

struct ast_path *build_path(struct parse *P, struct ast_path *path, tok name);
struct ast_paths *build_paths(struct parse *P, struct ast_paths *list, struct ast_path *path);
struct ast_literal *build_literal_copy(struct parse *P, const struct ast_literal *lit);
struct ast_literals *build_literals(struct parse *P, struct ast_literals *list,
                                    struct ast_literal *lit);
struct ast_clause *build_clause(struct parse *P, tok keyword, struct ast_expr *e);
struct ast_dur *build_dur(struct parse *P, tok t);
struct ast_timed *build_timed(struct parse *P, tok first, tok last, struct ast_dur *value);
struct ast_body *build_body(struct parse *P, tok open, struct ast_body *assigns, tok close);
struct ast_body *build_assigns(struct parse *P, struct ast_body *list, struct ast_assign *a);
struct ast_assign *build_assign(struct parse *P, struct ast_path *path, struct ast_expr *value);
struct ast_map *build_map(struct parse *P, tok open, struct ast_map *entries, tok close);
struct ast_map *build_entries(struct parse *P, struct ast_map *list, struct ast_map_entry *e);
struct ast_map_entry *build_entry(struct parse *P, struct ast_literal *key, struct ast_expr *value);

/* build_pattern.c */
struct ast_pattern *build_pattern(struct parse *P, struct ast_pattern *list, struct ast_elem *e);
struct ast_patterns *build_patterns(struct parse *P, struct ast_patterns *list,
                                    struct ast_pattern *p);
struct ast_elem *build_step(struct parse *P, struct ast_link *link, struct ast_part *part);
struct ast_elem *build_absence(struct parse *P, tok then, tok no, struct ast_event_test *event,
                               struct ast_timed *for_time);
struct ast_elem *build_next_no(struct parse *P, tok then, tok next, tok no,
                               struct ast_event_test *event);
struct ast_elem *build_lead(struct parse *P, tok no, struct ast_event_test *event,
                            struct ast_timed *for_time, tok assume, tok quiet, tok then);
struct ast_link *build_link(struct parse *P, tok then, struct ast_link *rest);
struct ast_link *build_link_kind(struct parse *P, enum ast_link_kind kind, tok keyword,
                                 struct ast_link *gap);
struct ast_link *build_gap(struct parse *P, struct ast_timed *within, struct ast_timed *after);
struct ast_part *build_optional(struct parse *P, tok keyword, struct ast_part *part);
struct ast_part *build_event_part(struct parse *P, struct ast_event_test *event);
struct ast_part *build_counted(struct parse *P, struct ast_count *count,
                               struct ast_event_test *named, struct ast_cond *cond,
                               struct ast_timed *pace, struct ast_clause *until,
                               struct ast_clause *having, struct ast_suffix *suffix);
struct ast_part *build_repeated(struct parse *P, struct ast_count *count, struct ast_pattern *group,
                                tok close, struct ast_adj *adj, struct ast_timed *pace,
                                struct ast_clause *having, struct ast_suffix *suffix);
struct ast_part *build_group(struct parse *P, tok open, struct ast_pattern *group, tok close,
                             struct ast_suffix *suffix);
struct ast_part *build_choice(struct parse *P, enum ast_choice_kind kind, tok first, tok of,
                              struct ast_patterns *parts, tok close, struct ast_suffix *suffix);
struct ast_count *build_count(struct parse *P, tok from, tok to, tok more);
struct ast_event_test *build_named(struct parse *P, tok source, tok alias);
struct ast_event_test *build_event_where(struct parse *P, struct ast_event_test *event,
                                         struct ast_clause *where);
struct ast_cond *build_cond(struct parse *P, struct ast_clause *where, struct ast_adj *adj);
struct ast_adj *build_adj(struct parse *P, enum ast_adj_kind kind, tok keyword);
struct ast_suffix *build_suffix(struct parse *P, struct ast_guard *guard, struct ast_timed *within);
struct ast_guard *build_guard(struct parse *P, tok with, tok no, struct ast_event_test *event);

/* build_rule.c */
struct ast_decl *build_rule(struct parse *P, tok keyword, tok name, struct ast_rule *body,
                            tok close);
struct ast_rule *build_rule_body(struct parse *P, struct ast_metas *metas, struct ast_head *head,
                                 tok when, struct ast_pattern *pattern,
                                 struct ast_withouts *withouts, struct ast_policy *policy,
                                 struct ast_quiet *quiet, struct ast_outputs *outputs,
                                 struct ast_tests *tests);
struct ast_metas *build_metas(struct parse *P, struct ast_metas *list, struct ast_meta *m);
struct ast_meta *build_meta_string(struct parse *P, enum ast_meta_kind kind, tok keyword, tok s);
struct ast_meta *build_meta_more(struct parse *P, struct ast_meta *m, tok s);
struct ast_meta *build_meta_name(struct parse *P, enum ast_meta_kind kind, tok keyword, tok name);
struct ast_meta *build_meta_number(struct parse *P, enum ast_meta_kind kind, tok keyword, tok n);
struct ast_meta *build_meta_tags(struct parse *P, tok keyword, struct ast_tags *tags);
struct ast_tags *build_tags(struct parse *P, struct ast_tags *list, struct ast_tag *t);
struct ast_tag *build_tag(struct parse *P, tok t);
struct ast_tag *build_tag_part(struct parse *P, struct ast_tag *tag, tok part);
struct ast_head *build_head(struct parse *P, tok for_kw, tok each, struct ast_keys *keys,
                            struct ast_timed *within);
struct ast_keys *build_keys(struct parse *P, struct ast_keys *list, struct ast_key *key);
struct ast_key *build_key(struct parse *P, struct ast_key *key, struct ast_path *path);
struct ast_withouts *build_withouts(struct parse *P, struct ast_withouts *list,
                                    struct ast_event_test *event);
struct ast_policy *build_policy(struct parse *P, enum ast_policy_kind kind, tok keyword, tok last,
                                tok name);
struct ast_quiet *build_quiet(struct parse *P, struct ast_timed *time, tok per,
                              struct ast_paths *paths);
struct ast_outputs *build_outputs(struct parse *P, struct ast_outputs *list, struct ast_emit *e);
struct ast_emit *build_emit(struct parse *P, tok emit, tok kind, tok name, struct ast_body *body);
struct ast_emit *build_on_timeout(struct parse *P, tok on, struct ast_emit *emit);

/* build_decl.c */
void build_version(struct parse *P, tok number);
void build_decl(struct parse *P, struct ast_decl *decl);
struct ast_decl *build_decl_new(struct parse *P, enum ast_decl_kind kind, tok keyword,
                                struct span end);
struct ast_decl *build_import(struct parse *P, tok keyword, tok path);
struct ast_decl *build_const(struct parse *P, tok keyword, tok name, struct ast_expr *value);
struct ast_decl *build_event(struct parse *P, tok keyword, tok name, struct ast_event *source,
                             struct ast_items *items, tok close);
struct ast_event *build_event_source(struct parse *P, tok from, tok topic,
                                     struct ast_literals *topics, struct ast_format *format,
                                     struct ast_clause *where);
struct ast_format *build_format(struct parse *P, tok keyword, tok name, tok schema, tok message);
struct ast_items *build_items(struct parse *P, struct ast_items *list, struct ast_item *item);
struct ast_item *build_field(struct parse *P, struct ast_path *path, struct ast_type *type);
struct ast_item *build_option(struct parse *P, struct ast_item *field, enum ast_option_kind kind,
                              tok first, tok last);
struct ast_item *build_computed(struct parse *P, struct ast_path *path, struct ast_type *type,
                                struct ast_expr *value);
struct ast_item *build_clock_item(struct parse *P, enum ast_item_kind kind, struct ast_timed *time);
struct ast_item *build_idle(struct parse *P, struct ast_timed *time, tok follow, tok clock);
struct ast_item *build_watermark_per(struct parse *P, tok keyword, struct ast_path *path);
struct ast_item *build_ahead(struct parse *P, struct ast_timed *time, tok ahead);
struct ast_type *build_type(struct parse *P, enum ast_type_kind kind, tok first, tok name,
                            tok unit);
struct ast_type *build_enum(struct parse *P, tok keyword, struct ast_literals *values, tok close);
struct ast_origin *build_origin(struct parse *P, enum ast_origin_kind kind, tok from, tok place,
                                struct ast_timed *refresh);
struct ast_decl *build_list(struct parse *P, tok keyword, tok name, struct ast_type *type,
                            struct ast_origin *origin, struct ast_expr *array);
struct ast_decl *build_lookup(struct parse *P, tok keyword, tok name, struct ast_type *key,
                              struct ast_type *value, struct ast_origin *origin,
                              struct ast_map *map);
struct ast_filter *build_filter(struct parse *P, tok source, struct ast_clause *where);
struct ast_filters *build_filters(struct parse *P, struct ast_filters *list, struct ast_filter *f);
struct ast_decl *build_let(struct parse *P, tok keyword, tok name, struct ast_filter *filter);
struct ast_decl *build_let_any(struct parse *P, tok keyword, tok name, tok any, tok of,
                               struct ast_filters *filters, tok close);
struct ast_decl *build_profile(struct parse *P, tok keyword, tok name, struct ast_keys *keys,
                               struct ast_filter *filter, struct ast_measures *measures, tok close);
struct ast_measures *build_measures(struct parse *P, struct ast_measures *list,
                                    struct ast_measure *m);
struct ast_measure *build_measure(struct parse *P, tok name, struct ast_expr *value,
                                  struct ast_timed *over);
struct ast_measure *build_measure_time(struct parse *P, struct ast_measure *m,
                                       struct ast_timed *time, bool every);
struct ast_measure *build_measure_max(struct parse *P, struct ast_measure *m, tok keyword, tok n);

/* build_test.c */
struct ast_test *build_test(struct parse *P, tok keyword, tok title, tok rule,
                            struct ast_stmts *stmts, tok close);
struct ast_decl *build_test_decl(struct parse *P, struct ast_test *test);
struct ast_tests *build_tests(struct parse *P, struct ast_tests *list, struct ast_test *test);
struct ast_stmts *build_stmts(struct parse *P, struct ast_stmts *list, struct ast_stmt *s);
struct ast_stmt *build_given_list(struct parse *P, tok given, tok name, struct ast_expr *array);
struct ast_stmt *build_given_lookup(struct parse *P, tok given, tok name, struct ast_map *map);
struct ast_stmt *build_given_profile(struct parse *P, tok given, tok name,
                                     struct ast_literals *keys, struct ast_body *body);
struct ast_stmt *build_moment_stmt(struct parse *P, enum ast_stmt_kind kind, tok keyword,
                                   struct ast_literal *moment);
struct ast_stmt *build_word_stmt(struct parse *P, enum ast_stmt_kind kind, tok keyword, tok string);
struct ast_stmt *build_at(struct parse *P, tok keyword, struct ast_literal *moment, tok name,
                          struct ast_body *body, tok times, struct ast_timed *every);
struct ast_stmt *build_late(struct parse *P, tok keyword, struct ast_stmt *at);
struct ast_stmt *build_shuffle(struct parse *P, tok keyword, tok seed, struct ast_timed *within);
struct ast_stmt *build_expect(struct parse *P, tok keyword, struct ast_literal *moment,
                              struct ast_stmt *expectation);
struct ast_stmt *build_expect_none(struct parse *P, tok keyword, tok match);
struct ast_stmt *build_expect_match(struct parse *P, tok count, tok word, struct ast_body *body);
struct ast_stmt *build_expect_timeout(struct parse *P, tok keyword, tok step,
                                      struct ast_body *body);

#endif
