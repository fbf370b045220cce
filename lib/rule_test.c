#include "lib/rule_test.h"

#include <stdlib.h>

#include "connectors/memory.h"
#include "lib/rule_test_nearest.h"
#include "lib/rule_test_parts.h"

void test_run_begin(struct test_run *r, const struct compilation *c,
                    const struct compiled_test *test, const struct rule_test_options *options,
                    struct buf *problem)
{
    *r = (struct test_run){.c = c,
                           .test = test,
                           .geoip = options->geoip,
                           .mutant = options->mutant,
                           .shuffle = options->shuffle,
                           .clock = ETIME_MIN,
                           .decided = ETIME_MIN,
                           .problem = problem};
    test_rules_first(r);
    test_arrivals(r);
    test_rules_settle(r);
}

void test_run_end_at_change(struct test_run *r)
{
    size_t turn = 0, n = 0;
    while (turn < r->n_turns && !test_rules_differ(r, r->turns[turn].rules)) {
        turn++;
    }
    while (n < r->n_arrived && r->arrived[n].end_turn <= turn) {
        n++;
    }
    r->n_arrived = n;
}

void test_run_end(struct test_run *r)
{
    test_rules_release(r);
    arena_release(&r->arena);
    free(r->arrived);
    free(r->later);
    free(r->turns);
}

static void tell_late(size_t n, struct buf *out)
{
    if (n > 0) {
        buf_printf(out, "%s%zu event%s came later than the `out of order by` of %s source allows, and %s "
                   "dropped", out->len > 0 ? "\n" : "", n, n == 1 ? "" : "s", n == 1 ? "its" : "their",
                   n == 1 ? "was" : "were");
    }
}

void rule_test_run(const struct compilation *c, const struct compiled_test *test,
                   const struct rule_test_options *options, struct rule_test_result *ret)
{
    struct test_run r;
    struct memory_sink sink;
    *ret = (struct rule_test_result){0};
    memory_sink_init(&sink);
    test_run_begin(&r, c, test, options, &ret->problem);
    if (ret->problem.len == 0) {
        test_evaluate(&r, &(struct test_evaluation){.rules = r.first}, &sink);
    }
    if (ret->problem.len == 0) {
        rule_test_compare(c, test, &sink, ret);
    }
    if (ret->problem.len == 0 && !ret->ok && options->explain) {
        size_t late = r.dropped + (size_t)r.late;
        rule_test_nearest(&r, ret);
        tell_late(late, &ret->nearest);
    }
    memory_sink_release(&sink);
    test_run_end(&r);
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
    buf_release(&r->timeline);
    buf_release(&r->nearest);
}
