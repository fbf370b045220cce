#include "engine/coming.h"

#include <assert.h>

#include "nfa/quick_set.h"

/* A pass holds more events than the nearest memory does. */
#define EVENTS_AHEAD 4
/* One wanted item lies between two steps from the table of keys to what an instance keeps. */
#define KEYS_AHEAD KEYSPACE_PREFETCH_STEPS
/* Asking many one after the other is faster than in between. */
#define TAKEN_IN 16

static_assert(KEYS_AHEAD + TAKEN_IN < COMING_ITEMS, "a wanted item is in the ring before its key is fetched");

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
    for (uint32_t u = 0, n = v->n_uses; u < n; u++, use++) {
        if (use->by_event) {
            c->tests[u] = use->needs != NULL
                              ? quick_needs_met(use->needs, use->n_needs, holds)
                              : rule_own_tests(&rs->rules[use->rule], e, use->roles, call);
            if (!takes(use, c->tests[u], rs)) {
                continue;
            }
        }
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
    c->tests[0] = quick_needs_met(use->needs, use->n_needs, holds);
    c->wanted = takes(use, c->tests[0], rs);
    return c->wanted ? key_rule_bit(use->rule) : 0;
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

static void find(struct coming *c, const struct shard_pass *pass, const struct shard_item *item,
                 const struct nfa_call *call)
{
    const struct key_table *keys = pass->keys;
    const struct key_group *g = &keys->groups[item->key.key_group];
    bool asks_quiet = item->derived != NULL && item->derived->ask != NULL; /* goes to no rule's step */
    const struct key_variant *v = asks_quiet ? NULL : &g->variants[item->variants.variant];
    uint64_t rule_bits = UINT64_MAX;
    bool known = v != NULL && is_known(item, v, call);
    if (known) {
        uint64_t found = ask_uses(c, v, keys->rs, item->event, call);
        rule_bits = v->n_follows > 0 || item->came_after ? UINT64_MAX : found;
    }
    c->known = known;
    c->rule_bits = rule_bits;
    c->group = g;
    c->variant = v;
}

static void fetch_later(const struct shard_item *item)
{
    event_prefetch(item->event);
    __builtin_prefetch(item->key.canonical.ptr);
    __builtin_prefetch(item->key.values);
}

static void take_in(struct coming_items *c, const struct shard *s, const struct shard_pass *pass,
                    const struct nfa_call *call)
{
    size_t i = c->next++;
    struct coming *in = &c->ring[i % COMING_ITEMS];
    const struct shard_item *item = &s->items[i];
    if (i + EVENTS_AHEAD < s->n_items) {
        fetch_later(item + EVENTS_AHEAD);
    }
    find(in, pass, item, call);
    if (in->rule_bits != 0) {
        struct key_fetch *f = &c->wanted[c->n_wanted++ % COMING_ITEMS];
        f->hash = item->key.hash;
        f->rule_bits = in->rule_bits;
        f->entry = NULL;
    }
}

static void fetch_keys(struct coming_items *c, const struct keyspace *ks)
{
    size_t end = c->n_done + 1 + KEYS_AHEAD < c->n_wanted ? c->n_done + 1 + KEYS_AHEAD : c->n_wanted;
    keyspace_prefetch_ring(ks, c->wanted, COMING_ITEMS, c->n_done + 1, end);
}

const struct coming *coming_go_on(struct coming_items *c, const struct shard *s, const struct shard_pass *pass,
                                  const struct nfa_call *call, size_t i)
{
    size_t end = i + COMING_ITEMS < s->n_items ? i + COMING_ITEMS : s->n_items;
    if (c->next < end && c->n_wanted <= c->n_done + KEYS_AHEAD) {
        while (c->next < end && c->n_wanted <= c->n_done + KEYS_AHEAD + TAKEN_IN) {
            take_in(c, s, pass, call);
        }
    }
    const struct coming *at = &c->ring[i % COMING_ITEMS];
    c->fetched = NULL;
    if (at->rule_bits != 0) {
        fetch_keys(c, s->keyspace);
        c->fetched = &c->wanted[c->n_done++ % COMING_ITEMS];
    }
    return at;
}
