#include "engine/coming.h"

#include <assert.h>

/* A pass holds more events than the nearest memory does. */
#define EVENTS_AHEAD 4
/* So many items lie between two steps from the table of keys to what an instance keeps. */
#define ITEMS_PER_STEP 2
#define KEYS_AHEAD (ITEMS_PER_STEP * KEYSPACE_PREFETCH_STEPS)

static_assert(KEYS_AHEAD < COMING_ITEMS, "an item is in the ring before its key is fetched");

static void ask_uses(struct coming *c, const struct key_variant *v, const struct ruleset *rs,
                     const struct event *e, const struct nfa_call *call)
{
    for (uint32_t u = 0; u < v->n_uses; u++) {
        const struct key_use *use = &v->uses[u];
        const struct rule *rule = &rs->rules[use->rule];
        if (use->by_event) {
            c->tests[u] = rule_own_tests(rule, e, use->roles, call);
            if (c->tests[u] == 0 && !rule_counts(rule, use->roles)) {
                continue;
            }
        }
        c->wanted |= UINT64_C(1) << u;
        c->rule_bits |= key_rule_bit(use->rule);
    }
}

static void find(struct coming *c, const struct shard_pass *pass, const struct shard_item *item,
                 const struct nfa_call *call)
{
    if (item->derived != NULL && item->derived->ask != NULL) { /* goes to no rule's step */
        c->known = false;
        c->rule_bits = UINT64_MAX;
        return;
    }
    const struct key_group *g = &pass->keys->groups[item->key.key_group];
    const struct key_variant *v = &g->variants[item->variants.variant];
    c->known = item->variants.next == NULL && v->index == NULL && v->n_uses <= COMING_USES &&
               !nfa_scratch_is_watched(call->scratch);
    c->wanted = c->rule_bits = 0;
    if (c->known) {
        ask_uses(c, v, pass->keys->rs, item->event, call);
    }
    if (!c->known || v->n_follows > 0 || item->came_after) {
        c->rule_bits = UINT64_MAX;
    }
}

static void fetch_key(const struct coming_items *c, const struct shard *s, size_t i)
{
    for (uint32_t step = 0; step < KEYSPACE_PREFETCH_STEPS; step++) {
        size_t ahead = i + ITEMS_PER_STEP * (KEYSPACE_PREFETCH_STEPS - step);
        uint64_t rule_bits = ahead < s->n_items ? coming_of(c, ahead)->rule_bits : 0;
        if (rule_bits != 0) {
            keyspace_prefetch(s->keyspace, s->items[ahead].key.hash, rule_bits, step);
        }
    }
}

void coming_go_on(struct coming_items *c, const struct shard *s, const struct shard_pass *pass,
                  const struct nfa_call *call, size_t i)
{
    for (; c->next < s->n_items && c->next <= i + KEYS_AHEAD; c->next++) {
        if (c->next + EVENTS_AHEAD < s->n_items) {
            event_prefetch(s->items[c->next + EVENTS_AHEAD].event);
        }
        find(&c->ring[c->next % COMING_ITEMS], pass, &s->items[c->next], call);
    }
    fetch_key(c, s, i);
}
