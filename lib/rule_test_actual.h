/* What a condition read: "country was "NL", f.user was "bob"". */
#ifndef FYKE_LIB_RULE_TEST_ACTUAL_H
#define FYKE_LIB_RULE_TEST_ACTUAL_H

#include "base/buf.h"
#include "nfa/rule.h"

/* Appends name and value of each field, bound name, aggregate, measure and lookup of the condition,
 * evaluated with *ev; each once. */
void rule_test_put_actual(const struct expr *e, const struct rule *rule, const struct ruleset *rs,
                          struct eval *ev, struct buf *out);

#endif
