/* What the expectations of a test say together: a list of matches is complete, so it cannot hold
 * matches and say that there is none; and a test that asks nothing shows nothing. Which files it may name. */
#include "dsl/check_given.h"

static bool expects(const struct ast_stmt *s, enum ast_expect_kind kind)
{
    return s->kind == AST_STMT_EXPECT && s->expect.kind == kind;
}

static const struct ast_stmt *first_match(const struct ast_test *test)
{
    for (const struct ast_stmt *s = test->first; s; s = s->next) {
        if (expects(s, AST_EXPECT_MATCH)) {
            return s;
        }
    }
    return NULL;
}

static void check_contradiction(struct checker *c, const struct ast_test *test)
{
    const struct ast_stmt *match = first_match(test);
    for (const struct ast_stmt *s = test->first; match && s; s = s->next) {
        if (!expects(s, AST_EXPECT_NO_MATCH)) {
            continue;
        }
        struct diag *d = check_error(c, "E0433", s->span, "this test expects a match as well");
        check_second(c, d, match->span, "expected here");
        check_help(c, d, "leave one of them out: no match comes in the whole test but those that are "
                   "expected");
    }
}

static bool brings_events(const struct ast_test *test)
{
    for (const struct ast_stmt *s = test->first; s; s = s->next) {
        if (s->kind == AST_STMT_AT || s->kind == AST_STMT_EVENTS) {
            return true;
        }
    }
    return false;
}

static void lint_says_nothing(struct checker *c, const struct ast_test *test)
{
    bool asks = false, wants = false;
    for (const struct ast_stmt *s = test->first; s; s = s->next) {
        asks |= s->kind == AST_STMT_EXPECT;
        wants |= s->kind == AST_STMT_EXPECT && s->expect.kind != AST_EXPECT_NO_MATCH;
    }
    if (!asks) {
        struct diag *d = check_lint(c, DIAG_WARNING, "W0421", test->title->span,
                                    "this test has no `expect`");
        check_help(c, d, "write what comes, or `expect no match`");
    } else if (!wants && !brings_events(test)) { /* with a wish it cannot pass */
        struct diag *d = check_lint(c, DIAG_WARNING, "W0421", test->title->span,
                                    "no event comes in this test");
        check_help(c, d, "write some: `at 0s … { … }`, or `events \"FILE\"`");
    }
}

void check_expectations(struct checker *c, const struct ast_test *test)
{
    check_contradiction(c, test);
    lint_says_nothing(c, test);
}

bool check_names_folder(struct slice path)
{
    size_t at = path.len;
    while (at > 0 && path.ptr[at - 1] != '/') {
        at--;
    }
    struct slice last = slice_from(path.ptr + at, path.len - at);
    return last.len == 0 || slice_eq_str(last, ".") || slice_eq_str(last, "..");
}
