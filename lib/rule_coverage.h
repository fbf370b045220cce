/* Which part of each rule's automaton its tests have exercised (docs/tests-of-rules.md).
 *
 *   states      how far a test came: one per item of the pattern
 *   edges       event tests (steps, absences, guards, `without`) that an event passed
 *   conditions  once true and once false: each conjunct of a `where`, of the `let`s in front of it, of `until` and
 *               `having`; and where one is an `or`, each of its sides
 *
 * What the rules of a `reload` are asked counts as far as the rule is the same there; an old version that finishes
 * what it has open is the rule. */
#ifndef FYKE_LIB_RULE_COVERAGE_H
#define FYKE_LIB_RULE_COVERAGE_H

#include "lib/rule_test.h"

enum { OUTCOME_TRUE = 1, OUTCOME_FALSE = 2 };

/* A condition: of a test, of a role's lets, or of a clause (nfa/rule.h). */
enum cover_of { COVER_TEST, COVER_ROLE, COVER_CLAUSE };
struct cover_place {
    enum cover_of of;
    uint32_t index, condition;
    int32_t side;  /* of an `or`; -1: the whole */
    uint8_t seen;  /* OUTCOME_… */
};

struct rule_cover {
    const struct rule *rule;
    bool *states;      /* per item of the root */
    bool *edges;       /* per test of the rule */
    struct cover_place *places; /* in the order of the tests, roles, clauses */
    uint32_t n_places;
    uint32_t n_tests;  /* that ran */
};

struct rule_coverage {
    struct rule_cover *rules; /* per rule as written */
    uint32_t n;
    struct arena arena;
};

struct cover_count {
    unsigned states, states_all, edges, edges_all, outcomes, outcomes_all;
};

void rule_coverage_init(struct rule_coverage *v, const struct ruleset *rs);
void rule_coverage_release(struct rule_coverage *v);
/* Runs the test and notes what it exercises; tests that cannot run exercise nothing. */
void rule_coverage_add(struct rule_coverage *v, const struct compilation *c,
                       const struct compiled_test *test, const struct rule_test_options *options);
void rule_cover_count(const struct rule_cover *r, struct cover_count *ret);
/* Adds to *sum. */
void cover_count_add(struct cover_count *sum, const struct cover_count *c);
/* Of everything that there is, rounded down; 100 where there is nothing. */
unsigned cover_percent(const struct cover_count *c);
/* What was never exercised, one call per line of text: "step 2 (ok) was never reached". */
void rule_cover_gaps(const struct rule_cover *r, void (*fn)(void *ctx, struct slice line),
                     void *ctx);
/* The automaton with what was exercised in green, half of it in orange, the rest in red. */
void rule_cover_graphviz(const struct rule_cover *r, struct buf *out);

#endif
