/* Carries out one test of a rule in virtual time (language.md 3.15).
 *
 * One engine per test, with every rule of the set. Events arrive in written order; repetitions
 * (`x3 every 40s`) when their time has come; the clock stands at T after `at T`. The end of the
 * test decides everything up to and including the last moment. */
#ifndef FYKE_LIB_RULE_TEST_H
#define FYKE_LIB_RULE_TEST_H

#include "base/buf.h"
#include "dsl/compile.h"

struct rule_test_line {
    struct buf text; /* for people */
    struct buf json; /* got: the alert; empty for expected ones */
    bool met;        /* it has its counterpart */
    size_t of;       /* got: the expected line that it fulfils; SIZE_MAX: none */
    const struct test_stmt *stmt; /* expected: as written */
};

struct rule_test_result {
    bool ok;
    struct buf problem; /* the test could not be carried out; empty mostly */
    struct buf timeline; /* failed: its events, one per line, with the steps that took them */
    struct buf nearest;  /* failed, something is missing: how far it came and why no further */
    struct rule_test_line *expected, *got;
    size_t n_expected, cap_expected, n_got, cap_got;
};

/* The tested rule is changed: where a `reload` has the rule as it was, it has the same change. */
struct rule_changes;
struct rule_mutant {
    uint64_t plan; /* as it was */
    const struct rule_changes *changes;
    size_t number; /* which of them */
};

struct geoip_files;
struct rule_test_options {
    const struct rule_mutant *mutant; /* NULL: none */
    const struct geoip_files *geoip; /* databases of addresses; NULL: none */
    bool explain;     /* timeline and nearest match of a test that fails */
    uint64_t shuffle; /* not 0: events arrive as late as their sources allow, by this seed */
};

/* `c->ruleset` is there. */
void rule_test_run(const struct compilation *c, const struct compiled_test *test,
                   const struct rule_test_options *options, struct rule_test_result *ret);
/* `shuffle` would change what it means: at a `reload` other events would be waiting. */
bool rule_test_has_reload(const struct compiled_test *test);
void rule_test_result_release(struct rule_test_result *r);

/* Compares what came with what was expected. `alerts`: JSON lines of the tested rule. */
struct memory_sink;
void rule_test_compare(const struct compilation *c, const struct compiled_test *test,
                       const struct memory_sink *alerts, struct rule_test_result *ret);

#endif
