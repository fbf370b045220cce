/* fyke test --coverage: what the tests have exercised of each rule. */
#ifndef FYKE_CLI_TEST_COVERAGE_H
#define FYKE_CLI_TEST_COVERAGE_H

#include "cli/test_args.h"

/* Runs the selected tests once more, looking on. CLI_OK, CLI_FINDINGS below the threshold, CLI_IO. */
int test_coverage(const struct test_args *a, const struct compilation *c);

#endif
