/* Runs the events of a test through a part of its rule and tells what was asked (nfa/watch.h). */
#ifndef FYKE_LIB_RULE_TEST_PROBE_H
#define FYKE_LIB_RULE_TEST_PROBE_H

#include "connectors/memory.h"
#include "lib/rule_test_parts.h"
#include "nfa/watch.h"

/* After test_arrivals(). The first `n_items` items of the tested rule instead of it; 0: the rule as it
 * is. Restarts and reloads are left out. False: it could not run. */
bool test_probe(struct test_run *r, uint32_t n_items, const struct nfa_watch *watch,
                struct memory_sink *sink);

#endif
