#include "engine/coming.h"

#include <string.h>

#include "base/attr.h"
#include "base/prefetch.h"
#include "nfa/quick_set.h"

/* A pass holds more events than the nearest memory does. */
#define EVENTS_AHEAD 8
/* One wanted item lies between two steps from the table of keys to what an instance keeps. Asking many one after the
 * other is faster than in between. */
#define KEYS_AHEAD KEYSPACE_PREFETCH_STEPS

/* The event passes some of the tests, or is counted nevertheless. */
static inline bool takes(const struct key_use *use, uint64_t tests, const struct ruleset *rs)
{
    return tests != 0 || rule_counts(&rs->rules[use->rule], use->roles);
}

static inline uint64_t tests_met(const struct key_use *use, uint64_t holds)
{
    return use->shift != QUICK_NO_SHIFT ? quick_needs_shifted(use->tests, use->shift, holds)
                                        : quick_needs_met(use->needs, use->n_needs, holds);
}

/* Returns key_rule_bit() of those whose uses take the event. */
static uint64_t ask_many(struct coming *c, uint64_t *tests, const struct key_variant *v, uint64_t holds,
                         const struct ruleset *rs, const struct event *e, const struct nfa_call *call)
{
    uint64_t wanted = 0, rule_bits = 0;
    const struct key_use *use = v->uses;
    c->begins = false;
    for (uint32_t u = 0, n = v->n_uses; u < n; u++, use++) {
        if (use->by_event) {
            tests[u] = use->needs != NULL ? tests_met(use, holds)
                                          : rule_own_tests(&rs->rules[use->rule], e, use->roles, call);
            if (!takes(use, tests[u], rs)) {
                continue;
            }
        }
        c->begins |= !use->by_event || (tests[u] & use->begin_tests) != 0;
        wanted |= UINT64_C(1) << u;
        rule_bits |= key_rule_bit(use->rule);
    }
    c->wanted = wanted;
    return rule_bits;
}

/* The same of an only use that asks for comparisons alone. */
static inline uint64_t ask_one(struct coming *c, uint64_t *tests, const struct key_use *use, uint64_t holds,
                               const struct ruleset *rs)
{
    uint64_t met = tests_met(use, holds);
    bool wanted = takes(use, met, rs);
    tests[0] = met;
    c->begins = (met & use->begin_tests) != 0;
    c->wanted = wanted;
    return wanted ? key_rule_bit(use->rule) : 0;
}

static inline uint64_t ask_uses(struct coming *c, uint64_t *tests, const struct key_variant *v,
                                const struct ruleset *rs, const struct event *e, const struct nfa_call *call)
{
    uint64_t holds = quick_set_ask(v->asks, e);
    return v->n_uses == 1 && v->uses->needs != NULL ? ask_one(c, tests, v->uses, holds, rs)
                                                    : ask_many(c, tests, v, holds, rs, e, call);
}

static bool is_known(const struct shard_item *item, const struct key_variant *v, const struct nfa_call *call)
{
    return item->variants.next == NULL && v->asks != NULL && v->n_uses <= COMING_USES &&
           !nfa_scratch_is_watched(call->scratch);
}

/* Returns key_rule_bit() of the rules whose instances it will look at; 0: no use wants it, nor a profile. */
static inline uint64_t find(struct coming *c, uint64_t *tests, const struct shard_pass *pass, const struct shard_item *item,
                            const struct nfa_call *call)
{
    const struct key_table *keys = pass->keys;
    const struct key_group *g = &keys->groups[item->key.key_group];
    c->item = item;
    c->group = g;
    c->tests = tests;
    c->known = false;
    c->begins = true;
    if (item->derived != NULL && item->derived->ask != NULL) {
        return UINT64_MAX; /* goes to no rule's step */
    }
    const struct key_variant *v = c->variant = &g->variants[item->variants.variant];
    if (!is_known(item, v, call)) {
        return UINT64_MAX;
    }
    uint64_t rule_bits = ask_uses(c, tests, v, keys->rs, item->event, call);
    c->known = true;
    if (v->n_follows > 0 || item->came_after) {
        c->begins = true;
        return UINT64_MAX;
    }
    return rule_bits;
}

static inline void fetch_later(const struct shard_item *item)
{
    event_prefetch(item->event);
    line_prefetch(item->key.canonical.ptr);
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
    struct coming *in = &c->row[c->n];
    uint64_t rule_bits = find(in, c->tests[c->turn % COMING_ITEMS], pass, item, call);
    if (rule_bits == 0 && in->group->n_measures == 0) {
        pass_over(s, in->variant);
        return;
    }
    struct key_fetch *f = &c->keys[c->n++];
    f->hash = item->key.hash;
    f->rule_bits = rule_bits;
    f->entry = NULL;
    c->turn++;
}

static FYKE_NOINLINE void fill_up(struct coming_items *c, struct shard *s, const struct shard_pass *pass,
                                  const struct nfa_call *call)
{
    uint32_t left = c->n - c->at;
    memmove(c->row, c->row + c->at, left * sizeof(*c->row));
    memmove(c->keys, c->keys + c->at, left * sizeof(*c->keys));
    c->at = 0;
    c->n = left;
    while (c->next < s->n_items && c->n < COMING_ITEMS) {
        take_in(c, s, pass, call);
    }
}

const struct coming *coming_next(struct coming_items *c, struct shard *s, const struct shard_pass *pass,
                                 const struct nfa_call *call, const struct key_fetch **ret_key)
{
    if (c->n - c->at <= KEYS_AHEAD && c->next < s->n_items) {
        fill_up(c, s, pass, call);
    }
    if (c->at == c->n) {
        return NULL;
    }
    struct key_fetch *key = &c->keys[c->at];
    uint32_t behind = c->n - c->at - 1;
    keyspace_prefetch_row(s->keyspace, key + 1, behind < KEYS_AHEAD ? behind : KEYS_AHEAD);
    *ret_key = key;
    return &c->row[c->at++];
}
