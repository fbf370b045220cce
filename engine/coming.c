#include "engine/coming.h"

#include <assert.h>

#include "nfa/quick_set.h"

/* A pass holds more events than the nearest memory does. */
#define EVENTS_AHEAD 4
/* One wanted item lies between two steps from the table of keys to what an instance keeps. */
#define KEYS_AHEAD KEYSPACE_PREFETCH_STEPS
/* Asking many one after the other is faster than in between. */
#define TAKEN_IN 16

static_assert(KEYS_AHEAD + TAKEN_IN + 1 < COMING_ITEMS, "the item at hand is not written over");

/* The event passes some of the tests, or is counted nevertheless. */
static inline bool takes(const struct key_use *use, uint64_t tests, const struct ruleset *rs)
{
    return tests != 0 || rule_counts(&rs->rules[use->rule], use->roles);
}

/* Returns key_rule_bit() of those whose uses take the event. */
static uint64_t ask_many(struct coming *c, const struct key_variant *v, uint64_t holds, const struct ruleset *rs,
                         const struct event *e, const struct nfa_call *call)
{
    uint64_t wanted = 0, rule_bits = 0;
    const struct key_use *use = v->uses;
    c->begins = false;
    for (uint32_t u = 0, n = v->n_uses; u < n; u++, use++) {
        if (use->by_event) {
            c->tests[u] = use->needs != NULL
                              ? quick_needs_met(use->needs, use->n_needs, holds)
                              : rule_own_tests(&rs->rules[use->rule], e, use->roles, call);
            if (!takes(use, c->tests[u], rs)) {
                continue;
            }
        }
        c->begins |= !use->by_event || (c->tests[u] & use->begin_tests) != 0;
        wanted |= UINT64_C(1) << u;
        rule_bits |= key_rule_bit(use->rule);
    }
    c->wanted = wanted;
    return rule_bits;
}

/* The same of an only use that asks for comparisons alone. */
static inline uint64_t ask_one(struct coming *c, const struct key_use *use, uint64_t holds,
                               const struct ruleset *rs)
{
    uint64_t tests = quick_needs_met(use->needs, use->n_needs, holds);
    bool wanted = takes(use, tests, rs);
    c->tests[0] = tests;
    c->begins = (tests & use->begin_tests) != 0;
    c->wanted = wanted;
    return wanted ? key_rule_bit(use->rule) : 0;
}

static inline uint64_t ask_uses(struct coming *c, const struct key_variant *v, const struct ruleset *rs,
                                const struct event *e, const struct nfa_call *call)
{
    uint64_t holds = quick_set_ask(v->asks, e);
    return v->n_uses == 1 && v->uses->needs != NULL ? ask_one(c, v->uses, holds, rs)
                                                    : ask_many(c, v, holds, rs, e, call);
}

static bool is_known(const struct shard_item *item, const struct key_variant *v, const struct nfa_call *call)
{
    return item->variants.next == NULL && v->index == NULL && v->n_uses <= COMING_USES &&
           !nfa_scratch_is_watched(call->scratch);
}

/* Returns key_rule_bit() of the rules whose instances it will look at; 0: no use wants it, nor a profile. */
static inline uint64_t find(struct coming *c, const struct shard_pass *pass, const struct shard_item *item,
                            const struct nfa_call *call)
{
    const struct key_table *keys = pass->keys;
    const struct key_group *g = &keys->groups[item->key.key_group];
    c->item = item;
    c->group = g;
    c->known = false;
    c->begins = true;
    if (item->derived != NULL && item->derived->ask != NULL) {
        return UINT64_MAX; /* goes to no rule's step */
    }
    const struct key_variant *v = c->variant = &g->variants[item->variants.variant];
    if (!is_known(item, v, call)) {
        return UINT64_MAX;
    }
    uint64_t rule_bits = ask_uses(c, v, keys->rs, item->event, call);
    c->known = true;
    if (v->n_follows > 0 || item->came_after) {
        c->begins = true;
        return UINT64_MAX;
    }
    return rule_bits;
}

static void fetch_later(const struct shard_item *item)
{
    event_prefetch(item->event);
    __builtin_prefetch(item->key.canonical.ptr);
    __builtin_prefetch(item->key.values);
}

static void pass_over(struct shard *s, const struct key_variant *v)
{
    for (uint32_t u = 0; u < v->n_uses; u++) {
        s->costs[v->uses[u].rule].events++;
    }
}

static inline void take_in(struct coming_items *c, struct shard *s, const struct shard_pass *pass,
                           const struct nfa_call *call)
{
    const struct shard_item *item = &s->items[c->next];
    if (c->next + EVENTS_AHEAD < s->n_items) {
        fetch_later(item + EVENTS_AHEAD);
    }
    c->next++;
    size_t at = c->n_taken % COMING_ITEMS;
    struct coming *in = &c->ring[at];
    uint64_t rule_bits = find(in, pass, item, call);
    if (rule_bits == 0 && in->group->n_measures == 0) {
        pass_over(s, in->variant);
        return;
    }
    struct key_fetch *f = &c->keys[at];
    f->hash = item->key.hash;
    f->rule_bits = rule_bits;
    f->entry = NULL;
    in->key = f;
    c->n_taken++;
}

const struct coming *coming_next(struct coming_items *c, struct shard *s, const struct shard_pass *pass,
                                 const struct nfa_call *call)
{
    size_t i = c->n_done;
    if (c->n_taken <= i + KEYS_AHEAD) {
        while (c->next < s->n_items && c->n_taken <= i + KEYS_AHEAD + TAKEN_IN) {
            take_in(c, s, pass, call);
        }
        if (i == c->n_taken) {
            return NULL;
        }
    }
    size_t end = i + 1 + KEYS_AHEAD < c->n_taken ? i + 1 + KEYS_AHEAD : c->n_taken;
    keyspace_prefetch_ring(s->keyspace, c->keys, COMING_ITEMS, i + 1, end);
    c->n_done = i + 1;
    return &c->ring[i % COMING_ITEMS];
}
