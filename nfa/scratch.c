#include "nfa/scratch.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "nfa/finder.h"

struct nfa_scratch *nfa_scratch_new(const struct ruleset *rs, struct nfa_limits limits)
{
    struct nfa_scratch *s = xcalloc(1, sizeof(*s));
    s->rules = rs;
    s->limits = limits;
    if (s->limits.max_steps == 0) {
        s->limits.max_steps = NFA_DEFAULT_STEPS;
    }
    s->looks_at_few = !s->limits.general && s->limits.max_steps >= NFA_DEFAULT_STEPS;
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        const struct rule *r = &rs->rules[i];
        if (r->n_groups > s->max_groups) {
            s->max_groups = r->n_groups;
        }
        if (r->n_caches > s->n_caches) {
            s->n_caches = r->n_caches;
        }
    }
    s->slots = xcalloc(RULE_MAX_TESTS, sizeof(*s->slots));
    s->iter_start = xcalloc(s->max_groups, sizeof(*s->iter_start));
    for (uint32_t g = 0; g < s->max_groups; g++) {
        s->iter_start[g] = xcalloc(RULE_MAX_TESTS, sizeof(uint32_t));
    }
    s->turn = xcalloc(s->max_groups, sizeof(*s->turn));
    s->caches = agg_caches_new(s->n_caches);
    s->memo = memo_new();
    s->eval.counters = &s->counters.eval;
    s->eval.scratch = &s->arena;
    s->own.counters = &s->counters.eval;
    s->own.scratch = &s->arena;
    return s;
}

void nfa_scratch_free(struct nfa_scratch *s)
{
    if (!s) {
        return;
    }
    for (uint32_t i = 0; i < RULE_MAX_TESTS; i++) {
        free(s->slots[i].events);
    }
    for (uint32_t g = 0; g < s->max_groups; g++) {
        free(s->iter_start[g]);
    }
    agg_caches_free(s->caches, s->n_caches);
    eval_release(&s->eval);
    arena_release(&s->arena);
    free(s->slots);
    free(s->iter_start);
    free(s->turn);
    free(s->bound);
    free(s->absent);
    free(s->stack);
    free(s->taken);
    free(s->failed);
    memo_free(s->memo);
    free(s->run);
    free(s->ranges);
    free(s->skip);
    free(s->best);
    free(s->best_absent);
    free(s->capacity);
    free(s->reached);
    free(s->evidence);
    free(s->absent_out);
    free(s->seen);
    free(s);
}

void nfa_scratch_set_env(struct nfa_scratch *s, const struct eval_env *env)
{
    s->eval.env = env;
}

struct nfa_work nfa_scratch_work(const struct nfa_scratch *s)
{
    return s->work;
}

struct nfa_counters *nfa_scratch_counters(struct nfa_scratch *s)
{
    return &s->counters;
}

/* One that is added is missing below until it is summed, too. */
_Static_assert(sizeof(struct eval_counters) == 4 * sizeof(uint64_t), "");
_Static_assert(sizeof(struct nfa_counters) == 13 * sizeof(uint64_t), "");

void eval_counters_add(struct eval_counters *to, const struct eval_counters *from)
{
    to->division_by_zero += from->division_by_zero;
    to->overflow += from->overflow;
    to->not_a_number += from->not_a_number;
    to->regex_limit += from->regex_limit;
}

void nfa_counters_add(struct nfa_counters *to, const struct nfa_counters *from)
{
    to->detector_calls += from->detector_calls;
    to->finder_calls += from->finder_calls;
    to->matches += from->matches;
    to->timeouts += from->timeouts;
    to->suppressed += from->suppressed;
    to->capped += from->capped;
    to->exhausted += from->exhausted;
    to->unremembered += from->unremembered;
    to->truncated += from->truncated;
    eval_counters_add(&to->eval, &from->eval);
}

struct eval *nfa_scratch_eval(struct nfa_scratch *s)
{
    struct eval *ev = &s->eval;
    arena_reset(&s->arena);
    ev->self = NULL;
    ev->slots = NULL;
    ev->n_slots = ev->n_key = ev->n_caches = ev->n_captures = 0;
    ev->measures = NULL;
    return ev;
}

void scratch_begin(struct nfa_scratch *s, const struct rule *rule, uint32_t n_candidates)
{
    for (uint32_t i = 0; i < rule->n_slots; i++) {
        s->slots[i].n = 0;
        s->slots[i].cut++;
    }
    for (uint32_t g = 0; g < rule->n_groups; g++) {
        memset(s->iter_start[g], 0, rule->n_slots * sizeof(uint32_t));
        s->turn[g] = 0;
    }
    s->n_bound = s->n_absent = s->n_stack = 0;
    if (n_candidates > s->cap_taken) {
        size_t cap = s->cap_taken;
        s->taken = xgrow(s->taken, &s->cap_taken, n_candidates, 1);
        memset(s->taken + cap, 0, s->cap_taken - cap);
    }
    if (n_candidates > s->cap_skip) {
        size_t cap = s->cap_skip;
        s->skip = xgrow(s->skip, &s->cap_skip, n_candidates, sizeof(*s->skip));
        memset(s->skip + cap, 0, (s->cap_skip - cap) * sizeof(*s->skip));
    }
    struct eval *ev = &s->eval;
    ev->self = NULL;
    ev->slots = s->slots;
    ev->n_slots = rule->n_slots;
    ev->iter_start = (uint32_t *const *)s->iter_start;
    ev->caches = s->caches;
    ev->n_caches = s->n_caches;
    ev->visible_until = NULL;
    ev->n_captures = rule->n_captures;
}

void scratch_forget_failures(struct nfa_scratch *s, size_t marks)
{
    memo_forget(s->memo);
    if (marks > s->cap_failed) {
        size_t cap = s->cap_failed;
        s->failed = xgrow(s->failed, &s->cap_failed, marks, sizeof(*s->failed));
        memset(s->failed + cap, 0, (s->cap_failed - cap) * sizeof(*s->failed));
    }
    if (++s->epoch == 0) {
        memset(s->failed, 0, s->cap_failed * sizeof(*s->failed));
        if (s->skip) {
            memset(s->skip, 0, s->cap_skip * sizeof(*s->skip));
        }
        s->epoch = 1;
    }
}
