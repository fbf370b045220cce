#include "engine/keys/measure_view.h"

/* A profile is kept for keys that have its names (language.md 2.23). */
static const struct value *given_key_part(const struct key_group *g, const struct key_record *rec,
                                          struct slice name)
{
    for (uint32_t i = 0; i < g->n_values; i++) {
        if (slice_eq(g->names[i], name)) {
            return &rec->values[i];
        }
    }
    return NULL;
}

/* Frozen values of a test; what is not given is missing. */
static struct value read_given(const struct measure_view *v, const struct measure *m)
{
    const struct profile *p = &v->keys->rs->profiles[m->profile];
    const struct key_group *g = &v->keys->groups[v->rec->key_group];
    for (uint32_t i = 0; i < v->given->n; i++) {
        const struct profile_given *given = &v->given->items[i];
        bool same = given->profile == p->index;
        for (uint32_t k = 0; k < p->n_key && same; k++) {
            const struct value *part = given_key_part(g, v->rec, p->key_names[k]);
            same = part != NULL && value_equal(*part, given->key[k]);
        }
        if (same) {
            return given->measures[m->index - p->first_measure];
        }
    }
    return VALUE_MISSING;
}

static struct measure_state *state_of(const struct measure_view *v, const struct measure *m)
{
    uint32_t at = key_group_measure(v->keys, &v->keys->groups[v->rec->key_group], m->index);
    return keyspace_measure(v->rec, v->keys->rs->n_units + at);
}

/* All leaves began with the same event: one speaks for all. */
static struct value compute(struct measure_view *v, const struct measure *m, struct eval *ev)
{
    const struct measure *leaf = &v->keys->rs->measures[m->first_leaf];
    struct measure_state *s = state_of(v, leaf);
    bool warm = !m->warm.ns || measure_is_warm(leaf, s, ev->now, ev);
    v->moved |= s != NULL && measure_moved(s);
    /* cold: missing, whatever the expression makes of missing values */
    return warm ? expr_eval(m->value, ev) : VALUE_MISSING;
}

static struct value read_followed(struct measure_view *v, const struct measure *m, struct eval *ev)
{
    if (m->value != NULL) {
        return compute(v, m, ev);
    }
    struct measure_state *s = state_of(v, m);
    struct value value = measure_read(m, s, ev->now, ev);
    v->moved |= s != NULL && measure_moved(s);
    return value;
}

static void tell(const struct measure_view *v, const struct measure *m, struct value value,
                 struct eval *ev)
{
    const struct profile *p = &v->keys->rs->profiles[m->profile];
    const struct key_group *g = &v->keys->groups[v->rec->key_group];
    struct value *key = ARENA_ARRAY(ev->scratch, struct value, p->n_key + 1u);
    for (uint32_t k = 0; k < p->n_key; k++) {
        key[k] = *given_key_part(g, v->rec, p->key_names[k]);
    }
    v->watch->read(v->watch->ctx, m, key, ev->now, value);
}

static struct value read_measure(void *ctx, uint32_t measure, struct eval *ev)
{
    struct measure_view *v = ctx;
    const struct measure *m = &v->keys->rs->measures[measure];
    if (v->rec == NULL) {
        return VALUE_MISSING;
    }
    struct value value = v->given != NULL ? read_given(v, m) : read_followed(v, m, ev);
    if (v->watch != NULL) {
        tell(v, m, value, ev);
    }
    return value;
}

void measure_view_init(struct measure_view *v, const struct key_table *keys,
                       const struct profiles_given *given)
{
    *v = (struct measure_view){.keys = keys};
    v->watch = given ? given->watch : NULL;
    v->given = v->watch && given->items == NULL ? NULL : given;
    v->reader = (struct measure_reader){read_measure, v};
}

bool profile_takes(const struct profile *p, uint64_t roles, const struct event *e,
                   struct nfa_scratch *scratch)
{
    struct eval *ev = nfa_scratch_eval(scratch);
    ev->self = e;
    for (uint32_t i = 0; i < p->n_roles; i++) {
        if ((roles >> i & 1) && p->roles[i].decl == e->decl && expr_true(p->roles[i].filter, ev)) {
            return true;
        }
    }
    return false;
}

bool measure_view_follow(struct measure_view *v, struct keyspace *ks,
                         const struct key_follow *follow, const struct event *e,
                         struct nfa_scratch *scratch)
{
    const struct ruleset *rs = v->keys->rs;
    struct eval *ev = nfa_scratch_eval(scratch);
    for (uint32_t i = 0; i < follow->n_measures; i++) {
        uint32_t at = follow->first_measure + i;
        struct measure_state *s = keyspace_measure(v->rec, rs->n_units + at);
        if (s == NULL) {
            s = keyspace_add_measure(ks, v->rec, rs->n_units + at,
                                     &rs->measures[v->keys->measures[at].measure]);
        }
        measure_apply(s, e, ev);
        measure_moved(s);
    }
    return follow->n_measures > 0;
}
