#include "lib/rule_test.h"

#include <stdlib.h>

#include "connectors/memory.h"
#include "lib/rule_test_parts.h"

void rule_test_run(const struct compilation *c, const struct compiled_test *test,
                   const struct rule_test_options *options, struct rule_test_result *ret)
{
    *ret = (struct rule_test_result){0};
    struct test_run r = {.c = c,
                         .test = test,
                         .geoip = options->geoip,
                         .shuffle = options->shuffle,
                         .clock = ETIME_MIN,
                         .decided = ETIME_MIN,
                         .problem = &ret->problem};
    struct memory_sink sink;
    memory_sink_init(&sink);
    test_rules_first(&r);
    test_arrivals(&r);
    if (ret->problem.len == 0) {
        test_evaluate(&r, &sink);
    }
    if (ret->problem.len == 0) {
        rule_test_compare(c, test, &sink, ret);
    }
    memory_sink_release(&sink);
    test_rules_release(&r);
    arena_release(&r.arena);
    free(r.arrived);
    free(r.later);
    free(r.turns);
}

bool rule_test_has_reload(const struct compiled_test *test)
{
    for (uint32_t i = 0; i < test->n_stmts; i++) {
        if (test->stmts[i].kind == TEST_STMT_RELOAD) {
            return true;
        }
    }
    return false;
}

void rule_test_result_release(struct rule_test_result *r)
{
    for (size_t i = 0; i < r->n_expected; i++) {
        buf_release(&r->expected[i].text);
        buf_release(&r->expected[i].json);
    }
    for (size_t i = 0; i < r->n_got; i++) {
        buf_release(&r->got[i].text);
        buf_release(&r->got[i].json);
    }
    free(r->expected);
    free(r->got);
    buf_release(&r->problem);
}
