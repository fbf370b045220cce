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

static void ask_uses(struct coming *c, const struct key_variant *v, const struct ruleset *rs,
                     const struct event *e, const struct nfa_call *call)
{
    uint64_t holds = quick_set_ask(v->asks, e), wanted = 0, rule_bits = 0;
    for (uint32_t u = 0, n = v->n_uses; u < n; u++) {
        const struct key_use *use = &v->uses[u];
        if (use->by_event) {
            const struct rule *rule = &rs->rules[use->rule];
            uint64_t tests = use->needs != NULL ? quick_needs_met(use->needs, use->n_needs, holds)
                                                : rule_own_tests(rule, e, use->roles, call);
            c->tests[u] = tests;
            if (tests == 0 && !rule_counts(rule, use->roles)) {
                continue;
            }
        }
        wanted |= UINT64_C(1) << u;
        rule_bits |= key_rule_bit(use->rule);
    }
    c->wanted = wanted;
    c->rule_bits = rule_bits;
}

static void find(struct coming *c, const struct shard_pass *pass, const struct shard_item *item,
                 const struct nfa_call *call)
{
    const struct key_group *g = c->group = &pass->keys->groups[item->key.key_group];
    c->known = false;
    c->rule_bits = UINT64_MAX;
    if (item->derived != NULL && item->derived->ask != NULL) { /* goes to no rule's step */
        return;
    }
    const struct key_variant *v = c->variant = &g->variants[item->variants.variant];
    if (item->variants.next != NULL || v->index != NULL || v->n_uses > COMING_USES ||
        nfa_scratch_is_watched(call->scratch)) {
        return;
    }
    c->known = true;
    ask_uses(c, v, pass->keys->rs, item->event, call);
    if (v->n_follows > 0 || item->came_after) {
        c->rule_bits = UINT64_MAX;
    }
}

static void take_in(struct coming_items *c, const struct shard *s, const struct shard_pass *pass,
                    const struct nfa_call *call)
{
    struct coming *in = &c->ring[c->next % COMING_ITEMS];
    if (c->next + EVENTS_AHEAD < s->n_items) {
        const struct shard_item *ahead = &s->items[c->next + EVENTS_AHEAD];
        event_prefetch(ahead->event);
        __builtin_prefetch(ahead->key.canonical.ptr);
        __builtin_prefetch(ahead->key.values);
    }
    const struct shard_item *item = &s->items[c->next];
    find(in, pass, item, call);
    if (in->rule_bits != 0) {
        c->wanted[c->n_wanted++ % COMING_ITEMS] = (struct key_fetch){item->key.hash, in->rule_bits, NULL};
    }
    c->next++;
}

static void fetch_keys(struct coming_items *c, const struct keyspace *ks)
{
    size_t end = c->n_done + 1 + KEYS_AHEAD < c->n_wanted ? c->n_done + 1 + KEYS_AHEAD : c->n_wanted;
    keyspace_prefetch_ring(ks, c->wanted, COMING_ITEMS, c->n_done + 1, end);
}

void coming_go_on(struct coming_items *c, const struct shard *s, const struct shard_pass *pass,
                  const struct nfa_call *call, size_t i)
{
    size_t end = i + COMING_ITEMS < s->n_items ? i + COMING_ITEMS : s->n_items;
    if (c->next < end && c->n_wanted <= c->n_done + KEYS_AHEAD) {
        while (c->next < end && c->n_wanted <= c->n_done + KEYS_AHEAD + TAKEN_IN) {
            take_in(c, s, pass, call);
        }
    }
    c->fetched = NULL;
    if (coming_of(c, i)->rule_bits != 0) {
        fetch_keys(c, s->keyspace);
        c->fetched = &c->wanted[c->n_done++ % COMING_ITEMS];
    }
}
