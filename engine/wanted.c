#include "engine/wanted.h"

#include "nfa/quick_set.h"
#include "nfa/value_short.h"

/* One thread asks for all shards: with more comparisons the shards do it, each for its own. */
#define MOST_COMPARISONS 4
/* So many are asked to find out whether it pays. */
#define ROUND 256

/* The rules that the variant leads to say of an event by itself that they want nothing of it. An event without a key
 * is counted, so the key must be there to see; one that reaches a key through two variants comes to a rule once. */
static bool tells(const struct key_group *g, const struct key_variant *v, const struct ruleset *rs)
{
    for (uint32_t i = 0; i < g->n_variants; i++) {
        if (&g->variants[i] != v && g->variants[i].decl == v->decl) {
            return false;
        }
    }
    for (uint32_t i = 0; i < v->n_uses; i++) {
        const struct key_use *use = &v->uses[i];
        if (use->needs == NULL || rule_counts(&rs->rules[use->rule], use->roles)) {
            return false;
        }
    }
    return v->is_field && v->index == NULL && v->n_follows == 0 && quick_set_size(v->asks) <= MOST_COMPARISONS;
}

static void add_routes(const struct key_table *keys, const struct key_routes *routes, struct wanted_ask *ask)
{
    for (uint32_t i = 0; i < routes->n; i++) {
        const struct key_group *g = &keys->groups[routes->items[i].key_group];
        const struct key_variant *v = &g->variants[routes->items[i].variant];
        ask->always |= !tells(g, v, keys->rs);
        ask->variants[ask->n++] = v;
    }
}

static void init_ask(const struct key_table *keys, const struct clock_group *cg, uint32_t decl,
                     struct arena *arena, struct wanted_ask *ask)
{
    uint32_t n = 0;
    for (uint32_t level = 0; level < cg->n_levels; level++) {
        n += key_table_routes(keys, cg->first_stage + level, decl)->n;
    }
    /* Of a group that waits, what is left unseen is counted. */
    *ask = (struct wanted_ask){.variants = ARENA_ARRAY(arena, const struct key_variant *, n + 1), .always = cg->waits};
    for (uint32_t level = 0; level < cg->n_levels; level++) {
        add_routes(keys, key_table_routes(keys, cg->first_stage + level, decl), ask);
    }
}

void wanted_init(struct wanted *w, const struct key_table *keys, struct arena *arena)
{
    const struct ruleset *rs = keys->rs;
    w->n_decls = rs->n_decls;
    w->asks = ARENA_ARRAY(arena, struct wanted_ask, (size_t)rs->n_clock_groups * rs->n_decls + 1);
    for (uint32_t g = 0; g < rs->n_clock_groups; g++) {
        for (uint32_t d = 0; d < rs->n_decls; d++) {
            init_ask(keys, &rs->clock_groups[g], d, arena, &w->asks[(size_t)g * rs->n_decls + d]);
        }
    }
}

static bool variant_wants(const struct key_variant *v, const struct event *e)
{
    if (v->slot >= e->n_values || !value_is_short_text(&e->values[v->slot])) {
        return true;
    }
    uint64_t holds = quick_set_ask(v->asks, e);
    for (uint32_t i = 0; i < v->n_uses; i++) {
        if (quick_needs_met(v->uses[i].needs, v->uses[i].n_needs, holds) != 0) {
            return true;
        }
    }
    return false;
}

static bool any_wants(const struct wanted_ask *ask, const struct event *e)
{
    for (uint32_t i = 0; i < ask->n; i++) {
        if (variant_wants(ask->variants[i], e)) {
            return true;
        }
    }
    return false;
}

bool wanted_ask_rules(struct wanted_ask *ask, const struct event *e)
{
    bool wanted = any_wants(ask, e);
    ask->refused += !wanted;
    if (++ask->asked == ROUND) {
        ask->unasked = ask->refused < ROUND / 8 ? 32 * ROUND : 0;
        ask->asked = ask->refused = 0;
    }
    return wanted;
}
