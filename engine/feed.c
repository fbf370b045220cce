#include "engine/feed.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/engine_parts.h"
#include "engine/keys/measure_view.h"

void feed_release(struct feed *f)
{
    free(f->inputs);
    derived_list_release(&f->derived);
}

/* ---- keys --------------------------------------------------------------------------------- */

static bool reads_profile(const struct rule *rule, uint32_t profile)
{
    for (uint32_t i = 0; i < rule->n_profiles; i++) {
        if (rule->profiles[i] == profile) {
            return true;
        }
    }
    return false;
}

/* Of the rules that do not take the event themselves, those that read a profile that would. */
static void count_missing_in_profiles(struct engine *e, const struct key_group *g,
                                      const struct key_variant *v, const struct event *ev)
{
    struct nfa_scratch *scratch = workers_scratch(e->workers);
    for (uint32_t i = 0; v->n_follows > 0 && i < g->n_rules; i++) {
        const struct rule *rule = &e->rs->rules[g->rules[i]];
        bool left_out = false;
        for (uint32_t k = 0; k < v->n_follows && !left_out && !rule_is_copy(rule); k++) {
            const struct key_follow *f = &v->follows[k];
            left_out = reads_profile(rule, f->profile) &&
                       profile_takes(&e->rs->profiles[f->profile], f->roles, ev, scratch);
        }
        e->missing_key += left_out && rule_roles_of(rule, ev, scratch) == 0;
    }
}

static void count_missing(struct engine *e, const struct key_group *g, const struct key_variant *v,
                          const struct event *ev)
{
    struct nfa_scratch *scratch = workers_scratch(e->workers);
    for (uint32_t i = 0; i < v->n_uses; i++) {
        const struct rule *rule = &e->rs->rules[v->uses[i].rule];
        if (!rule_is_copy(rule) && (rule_roles_of(rule, ev, scratch) & v->uses[i].roles) != 0) {
            e->missing_key++;
        }
    }
    count_missing_in_profiles(e, g, v, ev);
}

/* False: the event is without a key there. */
static inline bool find_key(struct engine *e, const struct key_route *route, const struct event *ev,
                            struct key_ref *ret)
{
    const struct key_group *g = &e->keys.groups[route->key_group];
    const struct key_variant *v = &g->variants[route->variant];
    if (!key_of(g, v, ev, &e->key_eval, ret)) {
        count_missing(e, g, v, ev);
        return false;
    }
    if (e->options.keyed != NULL && v->n_uses > 0) {
        e->options.keyed(e->options.keyed_ctx, g, ret->values, ev);
    }
    return true;
}

/* A division takes as long as the rest of it. */
static inline struct shard *shard_of(const struct engine *e, struct hash128 key)
{
    uint32_t n = e->n_shards;
    return &e->shards[(n & (n - 1)) == 0 ? key.hi & (n - 1) : key.hi % n];
}

static void send(struct engine *e, const struct key_routes *routes, const struct shard_event *ev)
{
    struct key_ref key;
    for (uint32_t i = 0, n = routes->n; i < n; i++) {
        const struct key_route *route = &routes->items[i];
        if (!find_key(e, route, ev->event, &key)) {
            continue;
        }
        if (i == 0) {
            shard_add_event(shard_of(e, key.hash), ev, key, route->variant);
        } else {
            shard_add_event_more(shard_of(e, key.hash), ev, key, route->variant, &e->key_eval.scratch);
        }
    }
}

/* What nearly all are: one route, and a key that stands in the event. False: it is something else. */
static inline bool send_short(struct engine *e, const struct key_routes *routes, const struct shard_event *ev)
{
    const struct key_route *route = &routes->items[0];
    const struct key_group *g = &e->keys.groups[route->key_group];
    const struct value *text = key_short_text(&g->variants[route->variant], ev->event);
    if (routes->n != 1 || text == NULL || e->options.keyed != NULL) {
        return false;
    }
    struct key_ref key = key_of_short_text(g, text, &e->key_eval);
    shard_add_event(shard_of(e, key.hash), ev, key, route->variant);
    return true;
}

static const struct key_routes *routes_of(const struct engine *e, uint32_t clock_group,
                                          uint32_t level, const struct event *event)
{
    uint32_t stage = e->rs->clock_groups[clock_group].first_stage + level;
    return key_table_routes(&e->keys, stage, event->decl);
}

static struct shard_event event_of_input(const struct order_item *item, bool came_after)
{
    return (struct shard_event){
        .event = item->event,
        .due = item->time,
        .record = item->record,
        .came_after = came_after,
    };
}

/* The event is made anew: one whose address is handed out stands in memory, on the short way too. */
static FYKE_NOINLINE void send_input(struct engine *e, const struct key_routes *routes, const struct order_item *item,
                                     bool came_after)
{
    struct shard_event in = event_of_input(item, came_after);
    send(e, routes, &in);
}

/* Until the pass is over. */
static void hold(struct engine *e, struct event_block *block)
{
    if (e->n_held > 0 && e->held[e->n_held - 1].block == block) {
        e->held[e->n_held - 1].n++;
    } else {
        VEC_PUSH(e->held, e->n_held, e->cap_held) = (struct held_block){block, 1};
    }
}

void engine_count_unwanted(struct engine *e, const struct wanted_ask *ask)
{
    for (uint32_t i = 0; i < ask->n; i++) {
        for (uint32_t k = 0; k < ask->variants[i]->n_uses; k++) {
            e->shards[0].costs[ask->variants[i]->uses[k].rule].events++;
        }
    }
}

/* With reads_once it was asked when it came. */
static inline bool is_asked(const struct engine *e, bool came_after)
{
    return !e->reads_once && !e->shows_all && !came_after;
}

/* Then it is counted, and that is all. */
static bool is_passed_by(struct engine *e, uint32_t clock_group, const struct order_item *item)
{
    struct wanted_ask *ask = wanted_ask_of(&e->wanted, clock_group, item->event->decl);
    if (wanted_ask(ask, item->event)) {
        return false;
    }
    engine_count_unwanted(e, ask);
    event_block_unhold(item->block);
    return true;
}

void feed_event(struct engine *e, uint32_t clock_group, const struct order_item *item,
                bool came_after)
{
    const struct clock_group *cg = &e->rs->clock_groups[clock_group];
    const struct key_routes *routes = routes_of(e, clock_group, 0, item->event);
    e->evaluated += e->topic_groups[item->event->at.topic].groups[0] == clock_group;
    if (is_asked(e, came_after) && is_passed_by(e, clock_group, item)) {
        return;
    }
    hold(e, item->block);
    if (routes->n > 0) {
        struct shard_event in = event_of_input(item, came_after);
        if (!send_short(e, routes, &in)) {
            send_input(e, routes, item, came_after);
        }
    }
    if (cg->n_levels > 1) {
        struct feed *f = &e->feeds[clock_group];
        VEC_PUSH(f->inputs, f->n_inputs, f->cap_inputs) = (struct feed_input){*item, came_after};
    }
}

/* ---- levels ------------------------------------------------------------------------------- */

/* To what keeps the quiet time, on the level above. Never refused, whatever its key has seen. */
static void send_ask(struct engine *e, uint32_t level, const struct derived *d)
{
    if (e->rs->rules[d->ask->unit].level != level) {
        return;
    }
    const struct key_group *g = &e->keys.groups[e->keys.group_of_unit[d->ask->unit]];
    struct shard_item item = {
        .event = d->event,
        .key = key_of_values(g, d->ask->per, &e->key_eval),
        .derived = d,
    };
    shard_add(shard_of(e, item.key.hash), &item);
}

static void send_derived(struct engine *e, uint32_t clock_group, uint32_t level,
                         const struct derived *d)
{
    if (d->ask != NULL) {
        send_ask(e, level, d);
        return;
    }
    const struct shard_event ev = {
        .event = d->event,
        .derived = d,
        .came_after = place_cmp(d->at, d->root) != 0 ||
                      place_cmp(d->root, e->clocks[clock_group].before) < 0,
    };
    send(e, routes_of(e, clock_group, level, d->event), &ev);
}

static void feed_group(struct engine *e, uint32_t clock_group, uint32_t level)
{
    const struct feed *f = &e->feeds[clock_group];
    size_t i = 0, k = 0;
    while (i < f->n_inputs || k < f->derived.n) {
        if (k == f->derived.n ||
            (i < f->n_inputs &&
             derived_is_behind(f->derived.items[k], order_item_place(&f->inputs[i].item)))) {
            const struct feed_input *in = &f->inputs[i++];
            struct shard_event ev = event_of_input(&in->item, in->came_after);
            send(e, routes_of(e, clock_group, level, ev.event), &ev);
        } else {
            send_derived(e, clock_group, level, f->derived.items[k++]);
        }
    }
}

void feed_level(struct engine *e, uint32_t level)
{
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        if (level < e->rs->clock_groups[g].n_levels) {
            feed_group(e, g, level);
        }
    }
}

/* Several shards derive at once: only the order of the list tells which comes first. */
void feed_gather(struct engine *e)
{
    for (uint32_t i = 0; i < e->n_shards; i++) {
        struct derived_list *from = &e->shards[i].emitter.derived;
        for (size_t k = 0; k < from->n; k++) {
            const struct rule *rule = from->items[k]->rule;
            e->derived += !rule_is_copy(rule) && from->items[k]->ask == NULL;
            derived_list_add(&e->feeds[e->rs->clock_group_of_rule[rule->index]].derived,
                             from->items[k]);
        }
        from->n = 0;
    }
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        derived_list_sort(&e->feeds[g].derived);
    }
}

void feed_end(struct engine *e)
{
    for (size_t i = 0; i < e->n_held; i++) {
        event_block_unhold_many(e->held[i].block, e->held[i].n);
    }
    e->n_held = 0;
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        e->feeds[g].n_inputs = 0;
        e->feeds[g].derived.n = 0;
    }
    for (uint32_t i = 0; i < e->n_shards; i++) {
        arena_reset(&e->shards[i].emitter.store.arena);
    }
    arena_reset(&e->key_eval.scratch);
}
