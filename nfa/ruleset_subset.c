#include "nfa/ruleset_subset.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "nfa/profile.h"
#include "nfa/rule_sources.h"

struct subset {
    const struct ruleset *rs;
    bool *wanted;      /* per rule as written */
    bool *decl_wanted; /* per declaration: what derives it is wanted */
    bool grown;
};

static void want_roles(struct subset *s, const struct rule_role *roles, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        bool *decl = &s->decl_wanted[roles[i].decl];
        s->grown |= !*decl && s->rs->decls[roles[i].decl].is_derived;
        *decl = true;
    }
}

static void want_rule(struct subset *s, uint32_t index)
{
    const struct rule *rule = &s->rs->rules[index];
    s->wanted[index] = true;
    want_roles(s, rule->roles, rule->n_roles);
    for (uint32_t i = 0; i < rule->n_profiles; i++) {
        const struct profile *p = &s->rs->profiles[rule->profiles[i]];
        want_roles(s, p->roles, p->n_roles);
    }
}

static bool derives_wanted(const struct subset *s, const struct emit_plan *plans, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (plans[i].is_event && s->decl_wanted[plans[i].decl]) {
            return true;
        }
    }
    return false;
}

/* Each round adds what derives for those of the round before; there are at most RULE_MAX_LEVELS. */
static void want_producers(struct subset *s)
{
    while (s->grown) {
        s->grown = false;
        for (uint32_t i = 0; i < s->rs->n_rules; i++) {
            const struct rule *r = &s->rs->rules[i];
            if (!s->wanted[i] && (derives_wanted(s, r->emits, r->n_emits) ||
                                  derives_wanted(s, r->timeouts, r->n_timeouts))) {
                want_rule(s, i);
            }
        }
    }
}

/* The rules that are wanted, in their order. */
static void take_wanted(const struct subset *s, uint32_t rule, const struct rule *instead,
                        struct ruleset *ret)
{
    const struct ruleset *rs = s->rs;
    uint32_t n = 0;
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        n += s->wanted[i];
    }
    *ret = *rs;
    arena_init(&ret->arena);
    ret->rules = ARENA_ARRAY(&ret->arena, struct rule, n + 1);
    ret->n_rules = 0;
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (s->wanted[i]) {
            struct rule *to = &ret->rules[ret->n_rules++];
            *to = i == rule && instead ? *instead : rs->rules[i];
            to->status = i == rule ? (struct slice){0} : to->status;
            to->level = 0;
            to->quiet.unit = 0;
        }
    }
    ret->n_clock_groups = ret->n_stages = ret->n_levels = 0;
    ruleset_find_sources(ret);
}

static void make_subset(const struct ruleset *rs, uint32_t rule, const struct rule *instead,
                        const bool *also, struct ruleset *ret)
{
    struct subset s = {.rs = rs};
    s.wanted = xcalloc(rs->n_rules + 1u, sizeof(*s.wanted));
    s.decl_wanted = xcalloc(rs->n_decls + 1u, sizeof(*s.decl_wanted));
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (i == rule || (also && also[i])) {
            want_rule(&s, i);
        }
    }
    want_producers(&s);
    take_wanted(&s, rule, instead, ret);
    free(s.wanted);
    free(s.decl_wanted);
}

void ruleset_subset(const struct ruleset *rs, uint32_t rule, const struct rule *instead,
                    struct ruleset *ret)
{
    make_subset(rs, rule, instead, NULL, ret);
}

void ruleset_subset_also(const struct ruleset *rs, uint32_t rule, const bool *also,
                         struct ruleset *ret)
{
    make_subset(rs, rule, NULL, also, ret);
}

void ruleset_subset_release(struct ruleset *subset)
{
    arena_release(&subset->arena);
}
