#include "nfa/rule_sources.h"

#include <assert.h>
#include <string.h>

#include "nfa/profile.h"

struct rule_list {
    uint32_t *items;
    size_t n, cap;
};

/* What is known of a rule as written, and where it stands. */
struct reading {
    struct rule_sources sources;
    bool known;
    bool waits; /* reads what deadlines derive */
    bool read;  /* another rule reads what it derives */
    struct rule_list producers; /* ascending: rules that derive what it reads */
    struct rule_list groups;    /* clock groups in which it has its unit or a copy */
};

struct placing {
    struct ruleset *rs;
    struct reading *readings; /* per rule as written */
    struct rule_list *by_decl; /* per declaration: the rules that derive it */
    size_t cap_units;
};

static void add_once(struct placing *p, struct rule_list *l, uint32_t item)
{
    size_t at = 0;
    while (at < l->n && l->items[at] < item) {
        at++;
    }
    if (at < l->n && l->items[at] == item) {
        return;
    }
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 4;
        uint32_t *items = ARENA_ARRAY(&p->rs->arena, uint32_t, cap);
        if (l->n > 0) {
            memcpy(items, l->items, l->n * sizeof(*items));
        }
        l->items = items;
        l->cap = cap;
    }
    memmove(l->items + at + 1, l->items + at, (l->n - at) * sizeof(*l->items));
    l->items[at] = item;
    l->n++;
}

static void note_derived(struct placing *p, const struct emit_plan *plans, uint32_t n,
                         uint32_t rule)
{
    for (uint32_t i = 0; i < n; i++) {
        if (plans[i].is_event) {
            add_once(p, &p->by_decl[plans[i].decl], rule);
        }
    }
}

static bool any_event(const struct emit_plan *plans, uint32_t n, bool is_event)
{
    for (uint32_t i = 0; i < n; i++) {
        if (plans[i].is_event == is_event) {
            return true;
        }
    }
    return false;
}

static bool speaks_at_deadlines(const struct rule *rule)
{
    return rule->n_tails > 0 || rule->to_window_end;
}

/* Its alerts ask a unit of their own whether they may go out. */
static bool needs_quiet_unit(const struct rule *rule)
{
    return rule->quiet.apart && any_event(rule->emits, rule->n_emits, false);
}

bool rule_derives_later(const struct rule *rule)
{
    return (speaks_at_deadlines(rule) && any_event(rule->emits, rule->n_emits, true)) ||
           any_event(rule->timeouts, rule->n_timeouts, true);
}

/* Rules of which others are copies. */
static uint32_t written(const struct ruleset *rs)
{
    return rs->n_rules + rs->n_draining;
}

/* ---- topics, levels ------------------------------------------------------------------------- */

static void add_topic(struct rule_sources *s, uint32_t topic)
{
    uint32_t at = 0;
    while (at < s->n_topics && s->topics[at] < topic) {
        at++;
    }
    if (at < s->n_topics && s->topics[at] == topic) {
        return;
    }
    memmove(s->topics + at + 1, s->topics + at, (s->n_topics - at) * sizeof(*s->topics));
    s->topics[at] = topic;
    s->n_topics++;
}

static void read_rule(struct placing *p, uint32_t index);

/* What derives for the rule: its topics are waited for too. */
static void read_producers(struct placing *p, struct rule *rule, struct reading *r)
{
    for (size_t i = 0; i < r->producers.n; i++) {
        const struct rule *by = &p->rs->rules[r->producers.items[i]];
        struct reading *from = &p->readings[by->index];
        read_rule(p, by->index);
        from->read = true;
        for (uint32_t t = 0; t < from->sources.n_topics; t++) {
            add_topic(&r->sources, from->sources.topics[t]);
        }
        r->waits |= from->waits || rule_derives_later(by);
        rule->level = by->level >= rule->level ? by->level + 1 : rule->level;
    }
}

static void read_roles(struct placing *p, uint32_t index, const struct rule_role *roles, uint32_t n)
{
    struct reading *r = &p->readings[index];
    for (uint32_t i = 0; i < n; i++) {
        const struct schema_decl *d = &p->rs->decls[roles[i].decl];
        const struct rule_list *by = &p->by_decl[roles[i].decl];
        for (uint32_t t = 0; t < d->n_topics; t++) {
            add_topic(&r->sources, d->topics[t]);
        }
        for (size_t k = 0; k < by->n; k++) {
            assert(by->items[k] != index); /* the compiler refuses circles */
            add_once(p, &r->producers, by->items[k]);
        }
    }
}

static void read_rule(struct placing *p, uint32_t index)
{
    struct reading *r = &p->readings[index];
    struct rule *rule = &p->rs->rules[index];
    if (r->known) {
        return;
    }
    r->known = true;
    r->waits = needs_quiet_unit(rule) && speaks_at_deadlines(rule);
    r->sources.topics = ARENA_ARRAY(&p->rs->arena, uint32_t, p->rs->n_topics + 1);
    read_roles(p, index, rule->roles, rule->n_roles);
    for (uint32_t i = 0; i < rule->n_profiles; i++) {
        const struct profile *profile = &p->rs->profiles[rule->profiles[i]];
        read_roles(p, index, profile->roles, profile->n_roles);
    }
    read_producers(p, rule, r);
}

/* ---- clock groups --------------------------------------------------------------------------- */

static bool same_topics(const struct clock_group *g, const struct rule_sources *s)
{
    return g->n_topics == s->n_topics &&
           (s->n_topics == 0 ||
            memcmp(g->topics, s->topics, s->n_topics * sizeof(*s->topics)) == 0);
}

static uint32_t group_of(struct placing *p, const struct reading *r)
{
    struct ruleset *rs = p->rs;
    for (uint32_t g = 0; g < rs->n_clock_groups; g++) {
        if (rs->clock_groups[g].waits == r->waits && same_topics(&rs->clock_groups[g], &r->sources)) {
            return g;
        }
    }
    rs->clock_groups[rs->n_clock_groups] = (struct clock_group){
        .topics = r->sources.topics,
        .n_topics = r->sources.n_topics,
        .waits = r->waits,
    };
    return rs->n_clock_groups++;
}

/* ---- units ---------------------------------------------------------------------------------- */

static void grow_units(struct placing *p)
{
    struct ruleset *rs = p->rs;
    size_t cap = p->cap_units * 2;
    struct rule *rules = ARENA_ARRAY(&rs->arena, struct rule, cap);
    struct rule_sources *sources = ARENA_ARRAY(&rs->arena, struct rule_sources, cap);
    uint32_t *groups = ARENA_ARRAY(&rs->arena, uint32_t, cap);
    memcpy(rules, rs->rules, rs->n_units * sizeof(*rules));
    memcpy(sources, rs->sources, rs->n_units * sizeof(*sources));
    memcpy(groups, rs->clock_group_of_rule, rs->n_units * sizeof(*groups));
    rs->rules = rules;
    rs->sources = sources;
    rs->clock_group_of_rule = groups;
    p->cap_units = cap;
}

static uint32_t add_unit(struct placing *p, uint32_t rule)
{
    struct ruleset *rs = p->rs;
    if (rs->n_units == p->cap_units) {
        grow_units(p);
    }
    uint32_t unit = rs->n_units++;
    rs->rules[unit] = rs->rules[rule];
    rs->rules[unit].index = unit;
    rs->sources[unit] = p->readings[rule].sources;
    return unit;
}

/* A copy only derives; what it would say beside that the original says. */
static uint32_t add_copy(struct placing *p, uint32_t rule)
{
    uint32_t unit = add_unit(p, rule);
    p->rs->rules[unit].quiet = (struct quiet_plan){0};
    return unit;
}

/* False: it stands there already. */
static bool place_in(struct placing *p, uint32_t rule, uint32_t group)
{
    struct rule_list *groups = &p->readings[rule].groups;
    size_t before = groups->n;
    add_once(p, groups, group);
    if (groups->n == before) {
        return false;
    }
    uint32_t unit = before == 0 ? rule : add_copy(p, rule);
    p->rs->clock_group_of_rule[unit] = group;
    return true;
}

static void place_producers(struct placing *p, uint32_t rule, uint32_t group)
{
    const struct rule_list *producers = &p->readings[rule].producers;
    for (size_t i = 0; i < producers->n; i++) {
        if (place_in(p, producers->items[i], group)) {
            place_producers(p, producers->items[i], group);
        }
    }
}

/* A rule that says nothing itself needs no place of its own when others read it; a leading absence
 * looks at the history of the rule's own sources. */
static bool needs_own_place(const struct rule *rule, const struct reading *r)
{
    return !r->read || any_event(rule->emits, rule->n_emits, false) ||
           any_event(rule->timeouts, rule->n_timeouts, false) || rule->lead_tests != 0;
}

static void place_rules(struct placing *p)
{
    struct ruleset *rs = p->rs;
    for (uint32_t i = 0; i < written(rs); i++) {
        if (needs_own_place(&rs->rules[i], &p->readings[i])) {
            place_in(p, i, group_of(p, &p->readings[i]));
        }
    }
    for (uint32_t i = 0; i < written(rs); i++) {
        if (needs_own_place(&rs->rules[i], &p->readings[i])) {
            place_producers(p, i, rs->clock_group_of_rule[i]);
        }
    }
}

/* Behind the rule, under its clock: what asks arrives in the pass in which it was decided. */
static void add_quiet_unit(struct placing *p, uint32_t rule)
{
    struct ruleset *rs = p->rs;
    uint32_t unit = add_unit(p, rule);
    struct rule *u = &rs->rules[unit];
    u->keeps_quiet = true;
    u->level++;
    u->key_names = u->quiet.names;
    u->key_kinds = u->quiet.kinds;
    u->n_key = u->quiet.n_per;
    u->n_roles = 0;
    u->n_profiles = 0;
    rs->clock_group_of_rule[unit] = rs->clock_group_of_rule[rule];
    rs->rules[rule].quiet.unit = unit;
}

static void add_quiet_units(struct placing *p)
{
    for (uint32_t i = 0; i < written(p->rs); i++) {
        if (needs_quiet_unit(&p->rs->rules[i])) {
            add_quiet_unit(p, i);
        }
    }
}

static void fill_groups(struct ruleset *rs)
{
    for (uint32_t i = 0; i < rs->n_units; i++) {
        struct clock_group *g = &rs->clock_groups[rs->clock_group_of_rule[i]];
        g->n_rules++;
        g->n_levels = rs->rules[i].level >= g->n_levels ? rs->rules[i].level + 1 : g->n_levels;
    }
    for (uint32_t i = 0; i < rs->n_clock_groups; i++) {
        struct clock_group *g = &rs->clock_groups[i];
        g->rules = ARENA_ARRAY(&rs->arena, uint32_t, g->n_rules + 1);
        g->n_rules = 0;
        g->first_stage = rs->n_stages;
        rs->n_stages += g->n_levels;
        rs->n_levels = g->n_levels > rs->n_levels ? g->n_levels : rs->n_levels;
    }
    for (uint32_t i = 0; i < rs->n_units; i++) {
        struct clock_group *g = &rs->clock_groups[rs->clock_group_of_rule[i]];
        g->rules[g->n_rules++] = i;
    }
}

void ruleset_find_sources(struct ruleset *rs)
{
    size_t n = (size_t)written(rs) + 1;
    struct placing p = {.rs = rs, .cap_units = n};
    rs->sources = ARENA_ARRAY(&rs->arena, struct rule_sources, n);
    rs->clock_groups = ARENA_ARRAY(&rs->arena, struct clock_group, n);
    rs->clock_group_of_rule = ARENA_ARRAY(&rs->arena, uint32_t, n);
    p.readings = ARENA_ARRAY(&rs->arena, struct reading, n);
    p.by_decl = ARENA_ARRAY(&rs->arena, struct rule_list, rs->n_decls + 1);
    rs->n_units = written(rs);
    for (uint32_t i = 0; i < written(rs); i++) {
        struct rule *rule = &rs->rules[i];
        rule->index = rule->original = i;
        note_derived(&p, rule->emits, rule->n_emits, i);
        note_derived(&p, rule->timeouts, rule->n_timeouts, i);
    }
    for (uint32_t i = 0; i < written(rs); i++) {
        read_rule(&p, i);
        rs->sources[i] = p.readings[i].sources;
    }
    place_rules(&p);
    add_quiet_units(&p);
    fill_groups(rs);
}
