/* What a rule costs per event must not grow with the partial matches that overlap: operations are
 * counted, not time. Each row is a class with a stream in which nothing completes and one in which a
 * match completes every so often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/instance_world.h"

#define PROBES 300
#define MAX_SIZES 5 /* 10 to 100,000 partial matches */

struct row {
    const char *name;
    const char *rule;
    /* n partial matches, then PROBES more events; `rare`: now and then a match completes. */
    void (*fill)(struct instance_world *w, int64_t n, int64_t *ms);
    void (*probe)(struct instance_world *w, int64_t i, bool rare, int64_t *ms);
};

static void fill_a(struct instance_world *w, int64_t n, int64_t *ms)
{
    for (int64_t i = 0; i < n; i++) {
        world_push(w, 'A', ++*ms, 1000000 + i);
    }
}

/* As many Bs, each behind every A. */
static void fill_ab(struct instance_world *w, int64_t n, int64_t *ms)
{
    fill_a(w, n, ms);
    for (int64_t i = 0; i < n; i++) {
        world_push(w, 'B', ++*ms, 1000000 + i);
    }
}

/* A single event that fits, rarely. */
static void probe_single(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    world_push(w, 'A', ++*ms, rare && i % 50 == 49 ? 7 : 1);
}

/* As and what no step takes; rarely A, B and C one after the other. */
static void probe_abc(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    char plain = i % 2 ? 'A' : 'D';
    world_push(w, rare && i % 50 >= 47 ? "ABC"[i % 50 - 47] : plain, ++*ms, 1);
}

/* A and B in turn; C completes. */
static void probe_chain(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    world_push(w, rare && i % 50 == 49 ? 'C' : i % 2 ? 'A' : 'D', ++*ms, 1);
}

/* Bs with values of their own, Cs that look for one that is not there (or, rarely, is). */
static void probe_value(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    if (i % 2) {
        world_push(w, 'B', ++*ms, 5000000 + i);
    } else {
        world_push(w, 'C', ++*ms, rare && i % 50 == 48 ? 5000000 + i - 1 : 7);
    }
}

/* The same for first events. */
static void probe_first(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    if (i % 3 == 0) {
        world_push(w, 'A', ++*ms, 5000000 + i);
    } else if (i % 3 == 1) {
        world_push(w, 'B', ++*ms, 0);
    } else {
        world_push(w, 'C', ++*ms, rare && i % 60 == 59 ? 5000000 + i - 2 : 7);
    }
}

/* Values above every one that waits: C.v > B.v is asked with something below all of them. */
static void probe_less(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    if (i % 2) {
        world_push(w, 'B', ++*ms, 1000000 + i);
    } else {
        world_push(w, 'C', ++*ms, rare && i % 50 == 48 ? 1000001 : 7);
    }
}

/* The run's values are above what C asks for; rarely not. */
static void probe_run(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    if (i % 2) {
        world_push(w, 'A', ++*ms, 1000 + i % 5);
    } else {
        world_push(w, 'C', ++*ms, rare && i % 50 == 48 ? 1000000000 : 20 + i % 5);
    }
}

static void fill_run(struct instance_world *w, int64_t n, int64_t *ms)
{
    for (int64_t i = 0; i < n; i++) {
        world_push(w, 'A', ++*ms, 1000 + i % 5);
    }
}

/* Hops from one to the next, rarely a long one. */
static void probe_hop(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    world_push(w, 'A', ++*ms, rare && i % 50 == 49 ? 5000 : i % 5);
}

static void probe_count(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    /* never three within 2 ms, unless rarely */
    bool burst = rare && i % 50 >= 47;
    *ms += burst ? 0 : 5;
    world_push(w, 'A', *ms, 1);
}

/* Three within 2 ms and then C, rarely. */
static void probe_count_then(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    bool burst = rare && i % 50 >= 46;
    *ms += burst ? 0 : 5;
    world_push(w, burst && i % 50 == 49 ? 'C' : 'A', *ms, 1);
}

static void fill_slow_a(struct instance_world *w, int64_t n, int64_t *ms)
{
    for (int64_t i = 0; i < n; i++) {
        *ms += 5;
        world_push(w, 'A', *ms, 1);
    }
}

/* Deadlines, most of them broken in time. */
static void probe_absence(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    *ms += 5;
    if (i % 3 == 2) {
        world_push(w, rare && i % 60 == 59 ? 'C' : 'M', *ms, 1);
    } else {
        world_push(w, 'A', *ms, 1);
    }
}

static void fill_absence(struct instance_world *w, int64_t n, int64_t *ms)
{
    for (int64_t i = 0; i < n; i++) {
        world_push(w, 'A', *ms, 1);
    }
    world_push(w, 'M', ++*ms, 1);
}

static void probe_sum(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    world_push(w, 'A', ++*ms, rare && i % 100 == 99 ? 100000000 : i % 5);
}

static void probe_sum_then(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    world_push(w, rare && i % 100 == 99 ? 'C' : 'A', ++*ms,
               rare && i % 100 == 98 ? 100000000 : i % 5);
}

static void fill_sum(struct instance_world *w, int64_t n, int64_t *ms)
{
    for (int64_t i = 0; i < n; i++) {
        world_push(w, 'A', ++*ms, i % 5);
    }
}

/* One value all the time; C has it too, and rarely another. */
static void fill_same(struct instance_world *w, int64_t n, int64_t *ms)
{
    for (int64_t i = 0; i < n; i++) {
        world_push(w, 'A', ++*ms, 1);
    }
}

static void probe_same(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    world_push(w, i % 2 ? 'C' : 'A', ++*ms, rare && i % 50 == 49 ? 2 : 1);
}

/* Windows that close over starts without a match; rarely one has its match. */
static void probe_timeout(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    *ms += 2;
    world_push(w, rare && i % 60 == 59 ? 'C' : 'A', *ms, 1);
}

/* All of them at one time, then what no step takes. */
static void fill_at_once(struct instance_world *w, int64_t n, int64_t *ms)
{
    for (int64_t i = 0; i < n; i++) {
        world_push(w, 'A', *ms, 1);
    }
    world_advance(w, *ms += 20);
}

/* Ms in front of As: a leading absence that is broken, rarely not. */
static void probe_leading(struct instance_world *w, int64_t i, bool rare, int64_t *ms)
{
    *ms += rare && i % 50 == 49 ? 50 : 1;
    world_push(w, i % 2 ? 'A' : 'M', *ms, 1);
}

static void fill_m(struct instance_world *w, int64_t n, int64_t *ms)
{
    for (int64_t i = 0; i < n; i++) {
        world_push(w, 'M', ++*ms, 1);
    }
}

#define HEAD "rule r { for each k within 1h when "
#define TAIL " emit alert }"
#define NEXT " after match skip to next emit alert }"
#define EVERY " after match no skip emit alert }"

static const struct row rows[] = {
    {"single", HEAD "A as a where v = 7" TAIL, fill_a, probe_single},
    {"chain", HEAD "A as a then B as b then C as c" TAIL, fill_a, probe_abc},
    {"chain, skip to next", HEAD "A as a then B as b then C as c" NEXT, fill_a, probe_abc},
    {"chain, completes", HEAD "A as a then C as c" TAIL, fill_a, probe_chain},
    {"chain, completes, skip to next", HEAD "A as a then C as c" NEXT, fill_a, probe_chain},
    {"chain with a gap", HEAD "A as a then within 1ms B as b then C as c" TAIL, fill_ab,
     probe_abc},
    {"count", HEAD "3 or more A as a within 2ms" TAIL, fill_slow_a, probe_count},
    {"count, skip to next", HEAD "3 or more A as a within 2ms" NEXT, fill_slow_a, probe_count},
    {"count then", HEAD "3 or more A as a within 2ms then C as c" TAIL, fill_slow_a, probe_count_then},
    {"by value", HEAD "A as a then B as b then C as c where v = b.v" TAIL, fill_ab, probe_value},
    {"by value, skip to next", HEAD "A as a then B as b then C as c where v = b.v" NEXT, fill_ab,
     probe_value},
    {"by value of the first", HEAD "A as a then B as b then C as c where v = a.v" TAIL, fill_ab,
     probe_first},
    {"by value of the first, skip to next",
     HEAD "A as a then B as b then C as c where v = a.v" NEXT, fill_ab, probe_first},
    {"staircase", HEAD "A as a then B as b then C as c where v > b.v" TAIL, fill_ab, probe_less},
    {"staircase, skip to next", HEAD "A as a then B as b then C as c where v > b.v" NEXT, fill_ab,
     probe_less},
    {"staircase over the first", HEAD "A as a then B as b then C as c where v > a.v" TAIL, fill_ab,
     probe_less},
    {"absence", "rule r { for each k when A as a then no M for 10ms" TAIL, fill_absence,
     probe_absence},
    {"absence, skip to next", "rule r { for each k when A as a then no M for 10ms" NEXT,
     fill_absence, probe_absence},
    {"absence between", HEAD "A as a then no M then C as c" TAIL, fill_a, probe_absence},
    {"all of", HEAD "all of (A as a, B as b, C as c) within 10m" TAIL, fill_ab, probe_absence},
    {"registers", HEAD "1 or more A as a until sum(a.v) > 50000000" TAIL, fill_sum, probe_sum},
    {"registers, distinct", HEAD "1 or more A as a until count_distinct(a.v) >= 6" TAIL, fill_sum,
     probe_sum},
    {"registers, max", HEAD "2 or more A as a until max(a.v) >= 7 within 10m" TAIL, fill_sum, probe_sum},
    {"having", HEAD "2 or more A as a having sum(a.v) > 50000000" TAIL, fill_sum, probe_sum},
    {"until then", HEAD "1 or more A as a until sum(a.v) > 50000000 then C as c" TAIL, fill_sum, probe_sum_then},
    {"new value", HEAD "3 or more A as a within 20m then C as c where v not in distinct(a.v)" TAIL,
     fill_same, probe_same},
    {"without", HEAD "A as a then C as c without M" TAIL, fill_a, probe_absence},
    {"any of", HEAD "A as a then any of (B as b, M as m) then C as c" TAIL, fill_ab, probe_abc},
    {"next", HEAD "A as a then next B as b then C as c" TAIL, fill_a, probe_abc},
    {"first", HEAD "A as a then first B as b then C as c" TAIL, fill_ab, probe_abc},
    {"card testing", HEAD "5 or more A as a within 10m then C as c where v > 20 * max(a.v)" TAIL, fill_run, probe_run},
    {"below the least of a run", HEAD "3 or more A as a then C as c where 0 - v < 0 - 5 * max(a.v)" TAIL,
     fill_run, probe_run},
    {"more than a run's sum", HEAD "3 or more A as a then C as c where v > 2 * sum(a.v)" TAIL, fill_run, probe_run},
    {"more than a run's average", HEAD "3 or more A as a then C as c where v > 3 * average(a.v)" TAIL, fill_run,
     probe_run},
    {"impossible travel", HEAD "A as a then next A as c where abs(v - a.v) > 900" NEXT, fill_sum, probe_hop},
    {"staircase over the first, skip to next", HEAD "A as a then B as b then C as c where v > a.v" NEXT, fill_ab,
     probe_less},
    {"no skip", HEAD "A as a then B as b then C as c where v = a.v" EVERY, fill_a, probe_first},
    {"no skip, by value", HEAD "A as a then C as c where v = a.v" EVERY, fill_a, probe_first},
    {"no skip, a step between", HEAD "A as a then next B as b then C as c where v = a.v" EVERY, fill_a,
     probe_first},
    {"timeout", "rule r { for each k within 10ms when A as a then C as c "
     "on timeout emit alert emit alert }", fill_at_once, probe_timeout},
    {"absence to the end", "rule r { for each k within 10ms when A as a then no M" TAIL, fill_absence,
     probe_absence},
    {"leading absence", HEAD "no M for 10ms assume quiet then A as a" TAIL, fill_m, probe_leading},
};

/* Operations per event while n partial matches wait, of which none completes. */
static double waiting_cost(const struct row *r, int64_t n)
{
    struct instance_world w;
    int64_t ms = 0;
    world_open(&w, r->rule, false, 1000000);
    w.quiet = true;
    r->fill(&w, n, &ms);
    for (int64_t i = 0; i < 120; i++) { /* what is done once per event that was kept */
        r->probe(&w, i, false, &ms);
    }
    uint64_t before = world_work(&w);
    for (int64_t i = 120; i < 120 + PROBES; i++) {
        r->probe(&w, i, false, &ms);
    }
    uint64_t spent = world_work(&w) - before;
    assert_int_equal(w.matches, 0);
    world_close(&w);
    return (double)spent / PROBES;
}

/* Operations per event and match over a whole stream with n partial matches at its begin and as many
 * events behind them, of which one in fifty or so completes a match. */
static double completing_cost(const struct row *r, int64_t n, uint64_t *matches)
{
    struct instance_world w;
    int64_t ms = 0, probes = n > PROBES ? n : PROBES;
    world_open(&w, r->rule, false, 1000000);
    w.quiet = true;
    r->fill(&w, n, &ms);
    for (int64_t i = 0; i < probes; i++) {
        r->probe(&w, i, true, &ms);
    }
    *matches = w.matches;
    double cost = (double)world_work(&w) / (double)(w.offset + (int64_t)w.matches);
    world_close(&w);
    return cost;
}

/* 10 to 10,000; to 100,000 with an argument, which takes a minute with sanitizers. */
static int sizes = MAX_SIZES - 1;

static void check(bool completing)
{
    bool all = true;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t matches = 0;
        double at[MAX_SIZES] = {0};
        int64_t n = 10;
        for (int k = 0; k < sizes; k++, n *= 10) {
            at[k] = completing ? completing_cost(&rows[i], n, &matches)
                               : waiting_cost(&rows[i], n);
            assert_true(matches > 0 || !completing);
        }
        bool flat = at[sizes - 1] <= 2 * at[0] + 10;
        printf("%-38s %8.1f %8.1f %8.1f %8.1f %8.1f   %llu matches%s\n", rows[i].name, at[0], at[1],
               at[2], at[3], at[4], (unsigned long long)matches, flat ? "" : "   grows");
        all = all && flat;
    }
    assert_true(all);
}

static void test_flat_when_nothing_completes(void **state)
{
    (void)state;
    check(false);
}

static void test_flat_when_a_match_completes_now_and_then(void **state)
{
    (void)state;
    check(true);
}

int main(int argc, char **argv)
{
    (void)argv;
    sizes += argc > 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flat_when_nothing_completes),
        cmocka_unit_test(test_flat_when_a_match_completes_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
