/* The tests of several rules that compare fields with constants (quick_test.h), of one event: what they have in
 * common is compared once.
 *
 *   comparisons   result = "failure" · result = "success" · amount > 4900.00
 *   needs         per test of a rule, which of them must hold
 */
#ifndef FYKE_NFA_QUICK_SET_H
#define FYKE_NFA_QUICK_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "nfa/quick_test.h"
#include "nfa/rule.h"

#define QUICK_SET_MAX 64

struct quick_set {
    uint32_t decl; /* of the events */
    uint32_t n;
    const struct quick_comparison *comparisons[QUICK_SET_MAX];
};

/* One test of a rule. */
struct quick_need {
    uint64_t test;        /* its bit */
    uint64_t comparisons; /* bits in the set */
};

/* Puts what the tests with these roles ask into the set; `ret` has room for rule->n_tests. Tests that no event of
 * the declaration passes are left out. Returns how many there are, UINT32_MAX if the set is full. Every test of
 * the rule is quick. */
uint32_t quick_set_add(struct quick_set *s, const struct rule *rule, uint64_t roles, struct quick_need *ret);

/* Which comparisons hold. */
uint64_t quick_set_ask(const struct quick_set *s, const struct event *e);

/* The tests that pass: rule_own_tests(). */
static inline uint64_t quick_needs_met(const struct quick_need *needs, uint32_t n, uint64_t holds)
{
    uint64_t tests = 0;
    for (uint32_t i = 0; i < n; i++) {
        tests |= (needs[i].comparisons & ~holds) == 0 ? needs[i].test : 0;
    }
    return tests;
}

#endif
