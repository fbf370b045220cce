/* Which roles an event has and which tests it passes, as far as that reads the event, the key and profiles
 * alone: the same for every instance of the key. */
#include "nfa/capture.h"
#include "nfa/instance.h"
#include "nfa/quick_test.h"
#include "nfa/scratch.h"
#include "nfa/watch.h"

static uint64_t bit(uint32_t i)
{
    return UINT64_C(1) << i;
}

uint64_t rule_roles_of(const struct rule *rule, const struct event *e, struct nfa_scratch *scratch)
{
    uint64_t roles = 0;
    struct eval ev = {.self = e,
                      .scratch = &scratch->arena,
                      .counters = &scratch->counters.eval,
                      .regex = scratch->eval.regex,
                      .env = scratch->eval.env};
    const struct nfa_watch *watch = scratch->limits.watch;
    arena_reset(&scratch->arena); /* an event without a role leaves nothing behind either */
    for (uint32_t i = 0; i < rule->n_roles; i++) {
        if (rule->roles[i].decl != e->decl) {
            continue;
        }
        if (watch && watch->filtered) {
            watch->filtered(watch->ctx, rule, i, &ev);
        }
        roles |= expr_true(rule->roles[i].filter, &ev) ? bit(i) : 0;
    }
    scratch->eval.regex = ev.regex; /* made at the first `matches`, lives as long as the scratch */
    return roles;
}

uint64_t own_tests(const struct rule *rule, const struct event **e, uint64_t roles,
                   const struct nfa_call *call)
{
    struct nfa_scratch *s = call->scratch;
    struct eval *ev = &s->own;
    ev->self = *e;
    ev->key = call->key;
    ev->n_key = rule->n_key;
    ev->now = (*e)->time;
    ev->measures = call->measures;
    ev->regex = s->eval.regex;
    ev->env = s->eval.env;
    uint64_t tests = 0;
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        const struct rule_test *test = &rule->tests[t];
        if ((test->roles & roles) && s->limits.watch) {
            s->limits.watch->asked(s->limits.watch->ctx, rule, t, *e, ev, false);
        }
        if ((test->roles & roles) && expr_true(test->own, ev)) {
            tests |= bit(t);
        }
    }
    if (rule->n_captures) {
        *e = capture_event(rule, *e, tests, ev);
    }
    s->eval.regex = ev->regex;
    return tests;
}

bool rule_asks_alone(const struct rule *rule, const struct nfa_scratch *scratch)
{
    return rule->n_captures == 0 && rule->n_profiles == 0 && !scratch->limits.watch;
}

bool nfa_scratch_is_watched(const struct nfa_scratch *scratch)
{
    return scratch->limits.watch != NULL;
}

static uint64_t quick_own_tests(const struct rule *rule, const struct event *e, uint64_t roles)
{
    uint64_t tests = 0;
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        const struct rule_test *test = &rule->tests[t];
        if ((test->roles & roles) && quick_test_true(test->quick, e)) {
            tests |= bit(t);
        }
    }
    return tests;
}

uint64_t rule_own_tests(const struct rule *rule, const struct event *e, uint64_t roles,
                        const struct nfa_call *call)
{
    if (rule->quick_tests) {
        return quick_own_tests(rule, e, roles);
    }
    arena_reset(&call->scratch->arena);
    return own_tests(rule, &e, roles, call);
}

bool rule_begins(const struct rule *rule, uint64_t tests)
{
    return (tests & (rule->first_tests | rule->lead_tests)) != 0;
}

bool rule_counts(const struct rule *rule, uint64_t roles)
{
    return rule->uses_counted && (roles & rule->counted_roles) != 0;
}
