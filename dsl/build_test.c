#include "dsl/ast_build.h"

struct ast_test *build_test(struct parse *P, tok keyword, tok title, tok rule,
                            struct ast_stmts *stmts, tok close)
{
    struct ast_test *t = ARENA_NEW(P->arena, struct ast_test);
    t->keyword = build_span(P, keyword);
    t->span = span_join(t->keyword, build_span(P, close));
    t->title = title->literal;
    t->rule = rule ? build_name(P, rule) : NULL;
    if (stmts) {
        t->first = stmts->first;
        t->last = stmts->last;
        t->n = stmts->n;
    }
    return t;
}

struct ast_decl *build_test_decl(struct parse *P, struct ast_test *test)
{
    struct ast_decl *d = ARENA_NEW(P->arena, struct ast_decl);
    d->kind = AST_DECL_TEST;
    d->keyword = test->keyword;
    d->span = test->span;
    d->test = test;
    return d;
}

struct ast_tests *build_tests(struct parse *P, struct ast_tests *list, struct ast_test *test)
{
    struct ast_tests *l = list ? list : ARENA_NEW(P->arena, struct ast_tests);
    BUILD_APPEND(l, test);
    return l;
}

struct ast_stmts *build_stmts(struct parse *P, struct ast_stmts *list, struct ast_stmt *s)
{
    struct ast_stmts *l = list ? list : ARENA_NEW(P->arena, struct ast_stmts);
    BUILD_APPEND(l, s);
    return l;
}

static struct ast_stmt *stmt_new(struct parse *P, enum ast_stmt_kind kind, tok keyword)
{
    struct ast_stmt *s = ARENA_NEW(P->arena, struct ast_stmt);
    s->kind = kind;
    s->keyword = s->span = build_span(P, keyword);
    return s;
}

static void extend(struct ast_stmt *s, struct span by)
{
    s->span = span_join(s->span, by);
}

static void set_body(struct ast_stmt *s, struct ast_body *body)
{
    s->body = body;
    if (body) {
        extend(s, body->span);
    }
}

struct ast_stmt *build_given_list(struct parse *P, tok given, tok name, struct ast_expr *array)
{
    struct ast_stmt *s = stmt_new(P, AST_STMT_GIVEN_LIST, given);
    s->name = build_name(P, name);
    s->array = array;
    extend(s, array->span);
    return s;
}

struct ast_stmt *build_given_lookup(struct parse *P, tok given, tok name, struct ast_map *map)
{
    struct ast_stmt *s = stmt_new(P, AST_STMT_GIVEN_LOOKUP, given);
    s->name = build_name(P, name);
    s->map = map;
    extend(s, map->span);
    return s;
}

struct ast_stmt *build_given_profile(struct parse *P, tok given, tok name,
                                     struct ast_literals *keys, struct ast_body *body)
{
    struct ast_stmt *s = stmt_new(P, AST_STMT_GIVEN_PROFILE, given);
    s->name = build_name(P, name);
    s->keys = *keys;
    extend(s, keys->last->span);
    set_body(s, body);
    return s;
}

struct ast_stmt *build_moment_stmt(struct parse *P, enum ast_stmt_kind kind, tok keyword,
                                   struct ast_literal *moment)
{
    struct ast_stmt *s = stmt_new(P, kind, keyword);
    s->moment = moment;
    extend(s, moment->span);
    return s;
}

struct ast_stmt *build_word_stmt(struct parse *P, enum ast_stmt_kind kind, tok keyword, tok string)
{
    struct ast_stmt *s = stmt_new(P, kind, keyword);
    if (string) {
        s->string = string->literal;
        extend(s, s->string->span);
    }
    return s;
}

struct ast_stmt *build_at(struct parse *P, tok keyword, struct ast_literal *moment, tok name,
                          struct ast_body *body, tok times, struct ast_timed *every)
{
    struct ast_stmt *s = build_moment_stmt(P, AST_STMT_AT, keyword, moment);
    s->name = build_name(P, name);
    extend(s, s->name->span);
    set_body(s, body);
    if (times) {
        s->times = times->literal;
        extend(s, build_span(P, times));
    }
    s->every = every;
    if (every) {
        extend(s, every->span);
    }
    return s;
}

struct ast_stmt *build_late(struct parse *P, tok keyword, struct ast_stmt *at)
{
    at->late = true;
    at->keyword = build_span(P, keyword);
    extend(at, at->keyword);
    return at;
}

struct ast_stmt *build_shuffle(struct parse *P, tok keyword, tok seed, struct ast_timed *within)
{
    struct ast_stmt *s = stmt_new(P, AST_STMT_SHUFFLE, keyword);
    s->seed = seed ? seed->literal : NULL;
    s->within = within;
    extend(s, within->span);
    return s;
}

struct ast_stmt *build_expect(struct parse *P, tok keyword, struct ast_literal *moment,
                              struct ast_stmt *expectation)
{
    expectation->keyword = build_span(P, keyword);
    expectation->expect.at_moment = moment;
    extend(expectation, expectation->keyword);
    return expectation;
}

struct ast_stmt *build_expect_none(struct parse *P, tok keyword, tok match)
{
    struct ast_stmt *s = stmt_new(P, AST_STMT_EXPECT, keyword);
    s->expect.kind = AST_EXPECT_NO_MATCH;
    extend(s, build_span(P, match));
    return s;
}

struct ast_stmt *build_expect_match(struct parse *P, tok count, tok word, struct ast_body *body)
{
    struct ast_stmt *s = stmt_new(P, AST_STMT_EXPECT, word);
    s->expect.kind = AST_EXPECT_MATCH;
    s->expect.count = count ? count->literal : NULL;
    set_body(s, body);
    return s;
}

struct ast_stmt *build_expect_timeout(struct parse *P, tok keyword, tok step, struct ast_body *body)
{
    struct ast_stmt *s = stmt_new(P, AST_STMT_EXPECT, keyword);
    s->expect.kind = AST_EXPECT_TIMEOUT;
    if (step->kind == TK_INT) {
        s->expect.step = step->literal;
    } else {
        s->expect.step_name = build_name(P, step);
    }
    extend(s, build_span(P, step));
    set_body(s, body);
    return s;
}
