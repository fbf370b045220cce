/* An alert as the `expect` statement of a test that asks for it. */
#ifndef FYKE_LIB_EXPECTATION_H
#define FYKE_LIB_EXPECTATION_H

#include "base/buf.h"
#include "base/clock.h"
#include "dsl/compiled_test.h"
#include "lib/json_view.h"
#include "nfa/rule.h"

struct expectation {
    struct etime origin;           /* what 0s is in the test */
    const struct test_stmt *model; /* it stands in its place and names what it named; NULL: everything */
    const struct rule *rule;       /* what its fields are; of others the JSON value is written */
    const struct slice *left_out;  /* fields that it does not ask for */
    size_t n_left_out;
};

/* A name as it must be written where one is expected: in backticks if it needs them. */
void expectation_put_name(struct slice name, struct buf *out);

/* `alert`: the root of a view. A step is written by its name or, as #2, by its number. */
void expectation_put(const struct expectation *e, struct json_span alert, struct buf *out);

/* A value of that kind, `item`: of what a list holds. False: the language has no literal of it. */
bool expectation_put_value(enum value_kind kind, enum value_kind item, struct value v,
                           struct buf *out);

/* "3m" from the origin; before it the time itself. */
void expectation_put_moment(struct etime at, struct etime origin, struct buf *out);

#endif
