#include "base/say.h"
#include "base/xalloc.h"
#include "lib/drain_parts.h"
#include "nfa/rule_link.h"

/* The rules to be linked, and which they are. */
struct listing {
    struct arena arena;
    struct map seen; /* state belongs to (name, plan): one rule has it */
    struct link_rule *rules;
    struct old_place *places;
    uint32_t n;
};

static void list_rule(struct drain *d, struct listing *l, const struct map *in_force,
                      const struct rule *was, struct old_place at)
{
    struct old_set *s = &d->sets[at.set];
    struct buf id = BUF_INIT;
    const struct rule *is = map_get(in_force, was->name);
    buf_put_slice(&id, was->name);
    buf_put_u64be(&id, was->plan);
    if (map_add(&l->seen, arena_copy(&l->arena, buf_slice(&id)), s)) {
        l->places[l->n] = at;
        l->rules[l->n++] = (struct link_rule){
            .from = s->rules->compilation->ruleset, .rule = was->index, .in_force = is->index};
    } else {
        drain_forget(s, at.rule);
    }
    buf_release(&id);
}

static void list_set(struct drain *d, struct listing *l, const struct map *in_force, size_t set)
{
    struct old_set *s = &d->sets[set];
    struct map old;
    drain_index(rules_ruleset(s->rules), &old);
    for (size_t i = 0; i < s->n; i++) {
        if (!s->old[i].gone) {
            const struct rule *was = map_get(&old, slice_of(s->old[i].name));
            list_rule(d, l, in_force, was, (struct old_place){set, i});
        }
    }
    map_release(&old);
}

static void refuse(struct drain *d, const struct link_rule *rule, struct old_place at)
{
    struct old_set *s = &d->sets[at.set];
    drain_say(d, SAY_WARNING "reload: rule %s: the old version cannot finish what it has open: %s; it is "
        "dropped", s->old[at.rule].name, rule->refused);
    d->figures.dropped++;
    drain_forget(s, at.rule);
}

static void link_listed(struct drain *d, struct listing *l)
{
    d->linked = ruleset_link(d->base, l->rules, l->n);
    d->places = xcalloc(d->linked->n_draining + 1u, sizeof(*d->places));
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->rules[i].refused) {
            refuse(d, &l->rules[i], l->places[i]);
        } else {
            d->places[l->rules[i].unit - d->base->n_rules] = l->places[i];
        }
    }
}

void drain_link(struct drain *d, const struct map *in_force)
{
    struct listing l = {0};
    size_t most = 0;
    for (size_t i = 0; i < d->n_sets; i++) {
        most += d->sets[i].draining;
    }
    if (most == 0) {
        return;
    }
    arena_init(&l.arena);
    map_init(&l.seen, MAP_BORROW_KEYS);
    l.rules = ARENA_ARRAY(&l.arena, struct link_rule, most);
    l.places = ARENA_ARRAY(&l.arena, struct old_place, most);
    for (size_t i = 0; i < d->n_sets; i++) {
        list_set(d, &l, in_force, i);
    }
    link_listed(d, &l);
    map_release(&l.seen);
    arena_release(&l.arena);
}
