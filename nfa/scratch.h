/* Working memory of one thread: bindings, accumulators, stacks. Sized once per rule set, so that
 * matching an event allocates nothing in the steady state. Private to nfa/. */
#ifndef FYKE_NFA_SCRATCH_H
#define FYKE_NFA_SCRATCH_H

#include "base/arena.h"
#include "nfa/expr.h"
#include "nfa/rule.h"
#include "nfa/state.h"

struct bound;
struct detect_range;

struct absent_span {
    uint32_t test;
    struct etime from, to;
};

/* How many events were bound when a search last tried an item behind a candidate. */
struct reached {
    uint64_t search;
    uint32_t bound;
};

struct skip {
    uint32_t epoch;  /* refused iff it is the scratch's */
    uint32_t passed; /* the same: not refused */
    uint32_t next;
};

struct nfa_scratch {
    const struct ruleset *rules;
    struct nfa_limits limits;
    bool looks_at_few; /* few.c: no search of so few reaches the limits */
    struct nfa_counters counters;
    struct nfa_work work;
    struct arena arena; /* reset per call into an instance */
    struct eval eval;
    struct eval own;            /* of tests on one event: no bindings; its regex is eval's */
    struct slot_binding *slots; /* RULE_MAX_TESTS */
    struct slot_binding probe[RULE_MAX_TESTS]; /* detectors: one event at a time; empty between */
    struct detect_range *ranges; /* detectors: of the event fed last, at most one per join */
    size_t n_ranges, cap_ranges;
    const struct event **run;   /* detectors: the events of a run */
    size_t cap_run;
    struct eval_counters ignored; /* what detectors cannot compute: the finder counts it */
    uint32_t **iter_start;      /* per group, per slot */
    uint32_t max_groups;
    struct agg_cache *caches;
    uint32_t n_caches;
    struct bound *bound; /* events bound so far, in binding order */
    size_t n_bound, cap_bound;
    struct absent_span *absent; /* absences that held so far */
    size_t n_absent, cap_absent;
    uint32_t *stack; /* candidate lists of counted steps; LIFO */
    size_t n_stack, cap_stack;
    uint8_t *taken; /* per candidate: bound in the match at hand; all 0 between searches */
    size_t cap_taken;
    uint32_t *failed; /* closed root items: [item][candidate]; failed iff it is the epoch */
    size_t cap_failed;
    struct skip *skip; /* per candidate: finder_skip.c */
    size_t cap_skip;
    uint32_t epoch;
    struct finder_memo *memo; /* failures of other parts */
    /* Partial search. */
    struct bound *best; /* the longest part so far */
    size_t n_best, cap_best;
    struct absent_span *best_absent;
    size_t n_best_absent, cap_best_absent;
    uint32_t *capacity; /* per root item: events that it and what follows can bind at most */
    size_t cap_capacity;
    struct reached *reached; /* [item][candidate] */
    size_t cap_reached;
    uint64_t partial_search; /* number of the search at hand */
    uint32_t *turn;
    struct match_evidence *evidence;
    size_t cap_evidence;
    struct match_absent *absent_out;
    size_t cap_absent_out;
    struct hash128 *seen; /* no skip: matches of this point */
    size_t n_seen, cap_seen;
};

/* Ready for a rule: bindings empty, caches forgotten. */
void scratch_begin(struct nfa_scratch *s, const struct rule *rule, uint32_t n_candidates);
/* Forgets the failures that searches have noted; room for those of `marks` places. */
void scratch_forget_failures(struct nfa_scratch *s, size_t marks);

#endif
