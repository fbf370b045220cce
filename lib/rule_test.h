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
};

struct rule_test_result {
    bool ok;
    struct buf problem; /* the test could not be carried out; empty mostly */
    struct rule_test_line *expected, *got;
    size_t n_expected, cap_expected, n_got, cap_got;
};

/* `c->ruleset` is there. `geoip`: the databases of addresses, NULL without. */
struct geoip_files;
void rule_test_run(const struct compilation *c, const struct compiled_test *test,
                   const struct geoip_files *geoip,
                   struct rule_test_result *ret);
void rule_test_result_release(struct rule_test_result *r);

/* Compares what came with what was expected. `alerts`: JSON lines of the tested rule. */
struct memory_sink;
void rule_test_compare(const struct compilation *c, const struct compiled_test *test,
                       const struct memory_sink *alerts, struct rule_test_result *ret);

#endif
