/* How far a failed test came: its events in order, with the steps that took them, and why the nearest
 * partial match went no further. */
#ifndef FYKE_LIB_RULE_TEST_NEAREST_H
#define FYKE_LIB_RULE_TEST_NEAREST_H

#include "lib/rule_test_parts.h"

/* Fills ret->timeline and ret->nearest; `ret` has been compared and failed. */
void rule_test_nearest(struct test_run *r, struct rule_test_result *ret);

#endif
