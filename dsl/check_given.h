/* What tests set up; between check_given.c and check_test.c. */
#ifndef FYKE_DSL_CHECK_GIVEN_H
#define FYKE_DSL_CHECK_GIVEN_H

#include "dsl/check.h"

/* Evaluates a constant of the wanted type; false after an error. */
typedef bool (*given_value)(void *ctx, const struct ast_expr *e, struct want want,
                            const char *what, struct value *ret);

bool check_given_profile(struct checker *c, const struct rule *rule, const struct ast_stmt *s,
                         given_value value, void *ctx, struct profile_given *g);
/* Every profile that the rule reads must be given, for some key. */
void check_all_given(struct checker *c, const struct rule *rule, const struct ast_test *ast);

/* check_expect.c: whether the expectations of a test go together, and whether it asks anything. */
void check_expectations(struct checker *c, const struct ast_test *test);

/* Whatever lies there: "", ".", "a/..", "a/". */
bool check_names_folder(struct slice path);

#endif
