/* Between the files of rule_test: a test being carried out.
 *
 *   statements → arrivals (rule_test_arrivals.c) → engine (rule_test_engine.c) → comparison
 *
 * Events are made once, by the declarations of the set that the test stands in; rules that come with
 * a `reload` get them as their own declarations have them (rule_test_rules.c). */
#ifndef FYKE_LIB_RULE_TEST_PARTS_H
#define FYKE_LIB_RULE_TEST_PARTS_H

#include "base/arena.h"
#include "engine/engine.h"
#include "lib/rule_test.h"
#include "lib/rules.h"
#include "nfa/eval_env.h"
#include "nfa/profile.h"

/* Rules in force during a part of the test: the tested rule, and what derives for it. */
struct test_rules {
    struct fyke_rules *owned;    /* of a `reload`; NULL: the set that the test stands in */
    const struct ruleset *whole;
    const struct compilation *compilation; /* of `whole` */
    struct ruleset rs;
    const uint32_t *topic_of;    /* per topic of the test's own set; UINT32_MAX: not read */
    const struct table **tables; /* given: per table; NULL: none */
    struct profiles_given given;
    struct eval_env env;
    struct test_rules *before;   /* the list of all of them */
};

/* A restart or a reload: the engine is closed and opened again with these rules. */
struct test_turn {
    const struct test_rules *rules;
    struct etime decided; /* by `watermark` statements before it; ETIME_MIN: nothing */
};

struct test_event {
    struct event *event;
    struct etime arrival; /* order of arrival under `shuffle` */
    size_t number;
    size_t first_turn, end_turn; /* of test_run.turns: what happens before it arrives */
};

struct test_run {
    const struct compilation *c;
    const struct compiled_test *test;
    const struct geoip_files *geoip; /* NULL: none */
    const struct rule_mutant *mutant; /* NULL: none */
    struct arena arena;
    struct test_rules *first; /* of the test's own set */
    struct test_rules *now;   /* as of the statement at hand; all others by `before` */
    struct test_event *arrived; /* in order of arrival */
    size_t n_arrived, cap_arrived;
    struct test_event *later; /* repetitions whose time has not come, by time */
    size_t n_later, cap_later;
    struct test_turn *turns;
    size_t n_turns, cap_turns, turns_taken; /* taken: they belong to an event */
    struct etime clock;   /* ETIME_MIN: nothing happened yet */
    struct etime decided; /* `watermark T`: everything up to and including it */
    uint64_t shuffle; /* of the options; 0: as written */
    bool shuffled;
    size_t dropped; /* by the test's clock: too late */
    uint64_t late;  /* by the engine, in the evaluation before */
    char state_dir[64]; /* "" without turns */
    struct buf *problem;
};

void test_run_fail(struct test_run *r, const char *text);

/* ---- rule_test_rules.c ---- */

void test_rules_first(struct test_run *r);
/* `reload "PATH"`: r->now becomes the rules there, or the run fails. */
void test_rules_reload(struct test_run *r, const char *path);
/* Has this set another rule in place of the tested one, or none? */
bool test_rules_differ(const struct test_run *r, const struct test_rules *t);
/* Does a reload bring another rule in place of the tested one? */
bool test_rules_change(const struct test_run *r);
/* Every set is loaded: each gets the rules of the others' parts as well. What is open of a rule when it comes
 * into force, and what derives for an old version, runs in all of them. */
void test_rules_settle(struct test_run *r);
void test_rules_release(struct test_run *r);
/* The event as the declarations of `rules` have it; NULL: they do not read it. */
const struct event *test_rules_event(struct test_run *r, const struct test_rules *rules,
                                     const struct event *e);
/* Fills what the declaration computes. */
void test_rules_compute(struct test_run *r, const struct test_rules *rules, struct event *e);

/* ---- rule_test_arrivals.c ---- */

/* Carries out the statements: r->arrived. */
void test_arrivals(struct test_run *r);

/* ---- rule_test_engine.c ---- */

struct nfa_watch;
struct test_evaluation {
    const struct test_rules *rules; /* to begin with */
    const struct nfa_watch *watch;  /* NULL: nobody looks on */
    bool straight;                  /* without restarts and reloads */
};

/* Pushes what arrived through an engine; alerts go to `sink`. */
struct memory_sink;
void test_evaluate(struct test_run *r, const struct test_evaluation *how, struct memory_sink *sink);

/* ---- rule_test_drain.c ---- */

/* Old versions of rules that a reload has changed: they finish what they have open, as in a running engine. */
struct test_drain {
    const struct test_run *r;
    const struct test_rules *rules; /* in force */
    struct fyke_rules **copies;     /* older sets, compiled for one linking */
    size_t n_copies;
    struct ruleset *linked; /* NULL: nothing drains */
    struct engine_old_rules hooks;
};

void test_drain_init(struct test_drain *d, const struct test_run *r);
/* An engine is about to be opened with these rules; the one before is closed. */
void test_drain_opening(struct test_drain *d, const struct test_rules *rules);
void test_drain_release(struct test_drain *d);

/* ---- rule_test.c ---- */

/* Up to what arrived; problems go to `problem`. */
void test_run_begin(struct test_run *r, const struct compilation *c,
                    const struct compiled_test *test, const struct rule_test_options *options,
                    struct buf *problem);
/* Nothing arrives behind the first reload that changes the tested rule. */
void test_run_end_at_change(struct test_run *r);
void test_run_end(struct test_run *r);

#endif
