/* Which profiles the rules of a key group read, and which events feed them. */
#include "engine/keys/key_profile.h"

#include <stdlib.h>

#include "base/xalloc.h"

static void note_measure(void *ctx, uint32_t measure)
{
    bool *read = ctx;
    read[measure] = true;
}

static void keep_measure(struct key_table *t, struct key_group *g, uint32_t measure, size_t *cap)
{
    size_t n = t->n_measures++;
    VEC_PUSH(t->measures, n, *cap) = (struct key_measure){.measure = measure,
                                                          .key_group = g->index};
    g->n_measures++;
}

/* Of a computed measure its leaves are kept. */
static void keep_profile(struct key_table *t, struct key_group *g, const struct profile *p,
                         const bool *read, size_t *cap)
{
    const struct measure *m = &t->rs->measures[p->first_measure];
    for (uint32_t i = 0; i < p->n_measures; i++) {
        if (read[m[i].index] && m[i].value == NULL) {
            keep_measure(t, g, m[i].index, cap);
        }
    }
    for (uint32_t i = 0; i < p->n_measures; i++) {
        for (uint32_t k = 0; read[m[i].index] && k < m[i].n_leaves; k++) {
            keep_measure(t, g, m[i].first_leaf + k, cap);
        }
    }
}

/* The measures that some rule of the group reads, by profile; others cost nothing. */
static void add_measures(struct key_table *t, struct key_group *g, size_t *cap)
{
    bool *read = xcalloc(t->rs->n_measures + 1, sizeof(*read));
    for (uint32_t i = 0; i < g->n_rules; i++) {
        rule_each_measure(&t->rs->rules[g->rules[i]], note_measure, read);
    }
    g->first_measure = t->n_measures;
    for (uint32_t i = 0; i < t->rs->n_profiles; i++) {
        keep_profile(t, g, &t->rs->profiles[i], read, cap);
    }
    free(read);
}

static uint32_t place_of_part(const struct profile *p, struct slice name)
{
    uint32_t i = 0;
    while (i + 1 < p->n_key && !slice_eq(p->key_names[i], name)) {
        i++;
    }
    return i;
}

/* The parts of the profile's key in the order of the group's. */
static const struct expr **key_in_order(struct key_table *t, const struct key_group *g,
                                        const struct profile *p, const struct rule_role *role)
{
    const struct expr **exprs = ARENA_ARRAY(&t->arena, const struct expr *, g->n_values + 1);
    for (uint32_t i = 0; i < g->n_values; i++) {
        exprs[i] = role->key[place_of_part(p, g->names[i])];
    }
    return exprs;
}

/* The rules' own variant if it is the only way to a key of the group, so that the key is computed
 * once; else one of its own behind all others: a profile takes an event after the rules of that key
 * have seen it. */
static struct key_variant *variant_for(struct key_group *g, size_t *cap,
                                       uint32_t decl, const struct expr **exprs)
{
    struct key_variant *only = NULL, *own = NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n_variants; i++) {
        struct key_variant *v = &g->variants[i];
        n += v->decl == decl && v->n_uses > 0;
        if (v->decl == decl && key_same_exprs(v->exprs, exprs, g->n_values)) {
            *(v->n_uses > 0 ? &only : &own) = v;
        }
    }
    if (own == NULL && only != NULL && n == 1) {
        return only;
    }
    if (own == NULL) {
        size_t count = g->n_variants++;
        own = &VEC_PUSH(g->variants, count, *cap);
        *own = (struct key_variant){.decl = decl, .exprs = exprs};
    }
    return own;
}

static void variant_follow(struct key_table *t, struct key_variant *v, struct key_follow follow)
{
    if (v->n_follows > 0 && v->follows[v->n_follows - 1].profile == follow.profile) {
        v->follows[v->n_follows - 1].roles |= follow.roles;
        return;
    }
    if (v->follows == NULL) {
        v->follows = ARENA_ARRAY(&t->arena, struct key_follow, t->rs->n_profiles);
    }
    v->follows[v->n_follows++] = follow;
}

void key_group_add_profiles(struct key_table *t, struct key_group *g, size_t *cap_measures,
                            size_t *cap_variants)
{
    add_measures(t, g, cap_measures);
    for (uint32_t i = 0; i < g->n_measures;) {
        uint32_t first = g->first_measure + i, n = 0;
        uint32_t profile = t->rs->measures[t->measures[first].measure].profile;
        while (i < g->n_measures &&
               t->rs->measures[t->measures[g->first_measure + i].measure].profile == profile) {
            n++;
            i++;
        }
        const struct profile *p = &t->rs->profiles[profile];
        for (uint32_t k = 0; k < p->n_roles; k++) {
            const struct expr **exprs = key_in_order(t, g, p, &p->roles[k]);
            struct key_variant *v = variant_for(g, cap_variants, p->roles[k].decl, exprs);
            variant_follow(t, v, (struct key_follow){profile, UINT64_C(1) << k, first, n});
        }
    }
}

uint32_t key_group_measure(const struct key_table *t, const struct key_group *g, uint32_t measure)
{
    for (uint32_t i = 0; i < g->n_measures; i++) {
        if (t->measures[g->first_measure + i].measure == measure) {
            return g->first_measure + i;
        }
    }
    return KEY_NO_MEASURE;
}
