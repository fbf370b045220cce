#include "lib/rule_test_probe.h"

#include "nfa/rule_prefix.h"
#include "nfa/ruleset_subset.h"

bool test_probe(struct test_run *r, uint32_t n_items, const struct nfa_watch *watch,
                struct memory_sink *sink)
{
    struct arena arena = ARENA_INIT;
    struct test_rules rules = *r->first;
    struct rule prefix;
    FYKE_CLEANUP(buf_release) struct buf problem = BUF_INIT;
    struct buf *own = r->problem;
    if (n_items > 0) {
        rule_prefix(&r->c->ruleset->rules[r->test->rule], n_items, &arena, &prefix);
    }
    ruleset_subset(rules.whole, r->test->rule, n_items ? &prefix : NULL, &rules.rs);
    r->problem = &problem;
    test_evaluate(r, &(struct test_evaluation){&rules, watch, true}, sink);
    r->problem = own;
    ruleset_subset_release(&rules.rs);
    arena_release(&arena);
    return problem.len == 0;
}
