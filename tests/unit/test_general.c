/* Rules of the class general: what their searches may cost. Operations are counted, not time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/instance_world.h"

/* A stream of n partial matches in which nothing completes, then the event that asks for all of them. */
struct row {
    const char *name;
    const char *pattern;
    const char *types; /* in turn */
    char asks;
    int64_t mod;       /* v = i % mod */
};

static const struct row rows[] = {
    {"group", "1 or more M as m then 2 or more times (A as a then B as b where v > a.v) then C as c where v > sum(m.v) + 1000", "ABA", 'C', 7},
    {"group in a row", "1 or more M as m then 2 or more times (A as a then B as b where v > a.v) in a row then C as c where v > sum(m.v) + sum(b.v)", "AB", 'C', 7},
    {"nested groups",
     "1 or more M as m then 2 or more times (2 or more times (A as a then B as b where v > a.v) then D as d) then C as c where v > sum(m.v) + 1000", "ABD", 'C', 7},
    {"all of", "all of (A as a, B as b where v = a.v + 100, C as c where v = b.v + 100, D as d where v = c.v + 100)", "ABC", 'D', 50},
    {"all of, weak", "all of (A as a, B as b where v + 0 > a.v, C as c where v + 0 > b.v, D as d where v > c.v + 1000)", "ABC", 'D', 50},
    {"all of, one source", "all of (A as a, A as b where v + 0 > a.v, A as c where v + 0 > b.v, D as d where v > c.v + 100)", "A", 'D', 50},
    {"having two", "2 or more A as a having sum(a.v) > 5 then 2 or more B as b having sum(b.v) > sum(a.v) then C as c where v > sum(b.v)", "AB", 'C', 2},
    {"three counts", "1 or more A as a then 1 or more B as b then 1 or more D as d then C as c where v > sum(a.v) + sum(b.v) + sum(d.v)", "ABD", 'C', 2},
    {"three counts, last", "1 or more A as a then 1 or more B as b then 1 or more D as d then C as c where v > sum(d.v) + 1000", "ABD", 'C', 2},
    {"optionals", "1 or more M as a then optional B as b where v > sum(a.v) then optional D as d where v > sum(a.v) then optional B as e where v > sum(a.v) then optional D as f where v > sum(a.v) then C as c where v > sum(a.v) + 1000", "ABD", 'C', 7},
    {"chain", "A as a then B as b where v + 0 > a.v then D as d where v + 0 > b.v then B as e where v + 0 > d.v then C as c where v > 1000 * e.v + 1000", "ABD", 'C', 17},
    {"chain of three", "A as a then B as b where v + a.v > 3 then D as d where v + b.v + a.v > 3 then C as c where v > sqrt(a.v * b.v * d.v + 1000) + 1000", "ABD", 'C', 17},
    {"two of", "2 of (A as a, B as b where v + 0 > a.v, D as d where v + 0 > a.v) then 2 of (A as e, B as f where v > e.v + 0, D as g where v > e.v + 0) then C as c where v > e.v + 1000", "ABD", 'C', 7},
    {"until average", "1 or more A as a until average(a.v) > 1000 then 1 or more B as b until average(b.v) > average(a.v) then C as c", "AB", 'C', 7},
};

static double cost(const struct row *r, int64_t n, bool general, uint64_t *exhausted)
{
    struct instance_world w;
    char rule[1024];
    snprintf(rule, sizeof(rule), "rule r { for each k within 1h when %s emit alert }", r->pattern);
    world_open(&w, rule, general, 1000000);
    w.quiet = true;
    world_push(&w, 'M', 0, 1);
    for (int64_t i = 0; i < n; i++) {
        for (const char *t = r->types; *t; t++) {
            world_push(&w, *t, 1 + i, i % r->mod);
        }
    }
    uint64_t before = world_work(&w);
    world_push(&w, r->asks, n + 1, 500);
    uint64_t spent = world_work(&w) - before;
    *exhausted = nfa_scratch_counters(w.scratch)->exhausted;
    world_close(&w);
    return (double)spent;
}

/* Per event of a stream in which nothing completes, behind n events of each kind. */
struct stream {
    const char *name;
    const char *pattern;
    const char *fill, *probe;
};

static const struct stream streams[] = {
    {"card testing", "5 or more A as p where v < 200 within 1h then C as c where v > 300 and v > 20 * max(p.v)", "A", "CA"},
    {"travel", "A as a then next A as b where abs(v - a.v) > 1000000 after match skip to next", "A", "A"},
    {"pair", "A as a then C as c where abs(v - a.v) > 1000000", "A", "AC"},
    {"pair in the middle", "A as a then B as b where abs(v - a.v) > 1000000 then C as c", "AB", "ABC"},
    {"two pairs", "A as a then B as b where abs(v - a.v) > 5 then C as c where abs(v - b.v) > 1000000", "AB", "ABC"},
    {"three", "A as a then B as b where abs(v - a.v) > 5 then C as c where abs(v - b.v - a.v) > 1000000", "AB", "ABC"},
    {"average", "3 or more A as a then C as c where v > 100 * average(a.v)", "A", "AC"},
    {"sum", "3 or more A as a then C as c where v > 100000000 + sum(a.v)", "A", "AC"},
    {"count", "3 or more A as a then C as c where v > 1000000 * count(a)", "A", "AC"},
    {"max below", "3 or more A as a then C as c where v + 1000000 < max(a.v)", "A", "AC"},
    {"absence", "A as a then no M where v > a.v - 1000000 then C as c", "AM", "C"},
    {"without", "A as a then C as c without M where v > a.v - 1000000", "AM", "C"},
    {"all of", "all of (A as a, C as c where v > a.v + 1000000)", "A", "AC"},
    {"all of three", "all of (A as a, B as b, C as c where v > a.v + b.v + 1000000)", "AB", "ABC"},
};

static double stream_cost(const struct stream *r, int64_t n, bool general, uint64_t *exhausted)
{
    struct instance_world w;
    char rule[1024];
    snprintf(rule, sizeof(rule), "rule r { for each k within 1h when %s emit alert }", r->pattern);
    world_open(&w, rule, general, 1000000);
    w.quiet = true;
    int64_t ms = 0;
    for (int64_t i = 0; i < n; i++) {
        for (const char *t = r->fill; *t; t++) {
            world_push(&w, *t, ms++, 100 + i % 31);
        }
    }
    uint64_t before = 0;
    for (int64_t i = 0; i < 24; i++) {
        if (i == 12) {
            before = world_work(&w);
        }
        world_push(&w, r->probe[(size_t)i % strlen(r->probe)], ms++, 100 + i % 31);
    }
    uint64_t spent = world_work(&w) - before;
    *exhausted = nfa_scratch_counters(w.scratch)->exhausted;
    if (w.matches) printf("matches %d ", (int)w.matches);
    world_close(&w);
    return (double)spent / 12;
}

static void test_streams(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        printf("%-20s", streams[i].name);
        for (int64_t n = 10; n <= 10000; n *= 10) {
            uint64_t ex;
            double c = stream_cost(&streams[i], n, false, &ex);
            printf(" %10.0f%s", c, ex ? "!" : " ");
            fflush(stdout);
            if (ex) break;
        }
        printf("\n");
    }
}

static void test_costs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        printf("%-20s", rows[i].name);
        for (int64_t n = 4; n <= 64; n *= 2) {
            uint64_t ex;
            double c = cost(&rows[i], n, false, &ex);
            printf(" %10.0f%s", c, ex ? "!" : " ");
            fflush(stdout);
            if (ex) break;
        }
        printf("\n");
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_costs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
