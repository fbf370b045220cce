#include "nfa/rule_sources.h"

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

static void find_topics(struct ruleset *rs, const struct rule *rule, struct rule_sources *s)
{
    s->topics = ARENA_ARRAY(&rs->arena, uint32_t, rs->n_topics + 1);
    for (uint32_t i = 0; i < rule->n_roles; i++) {
        const struct schema_decl *d = &rs->decls[rule->roles[i].decl];
        for (uint32_t t = 0; t < d->n_topics; t++) {
            add_topic(s, d->topics[t]);
        }
    }
}

static bool same_topics(const struct clock_group *g, const struct rule_sources *s)
{
    return g->n_topics == s->n_topics &&
           (s->n_topics == 0 ||
            memcmp(g->topics, s->topics, s->n_topics * sizeof(*s->topics)) == 0);
}

void ruleset_find_sources(struct ruleset *rs)
{
    size_t n = (size_t)rs->n_rules + 1;
    rs->sources = ARENA_ARRAY(&rs->arena, struct rule_sources, n);
    rs->clock_groups = ARENA_ARRAY(&rs->arena, struct clock_group, n);
    rs->clock_group_of_rule = ARENA_ARRAY(&rs->arena, uint32_t, n);
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        find_topics(rs, &rs->rules[i], &rs->sources[i]);
        uint32_t g = 0;
        while (g < rs->n_clock_groups && !same_topics(&rs->clock_groups[g], &rs->sources[i])) {
            g++;
        }
        struct clock_group *group = &rs->clock_groups[g];
        if (g == rs->n_clock_groups) {
            rs->n_clock_groups++;
            group->topics = rs->sources[i].topics;
            group->n_topics = rs->sources[i].n_topics;
            group->rules = ARENA_ARRAY(&rs->arena, uint32_t, n);
        }
        group->rules[group->n_rules++] = i;
        rs->clock_group_of_rule[i] = g;
    }
}
