/* fyke test --mutate: which changes of a rule its tests do not notice. */
#ifndef FYKE_CLI_TEST_MUTATE_H
#define FYKE_CLI_TEST_MUTATE_H

#include "cli/test_args.h"

/* The rules of which a selected test ran; those whose tests fail are left out. CLI_OK, CLI_FINDINGS
 * when changes survive, CLI_IO. */
int test_mutate(const struct test_args *a, const struct fyke_rules *rules);

#endif
