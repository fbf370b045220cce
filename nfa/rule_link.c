#include "nfa/rule_link.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "nfa/profile.h"
#include "nfa/rule_exprs.h"
#include "nfa/rule_sources.h"
#include "nfa/schema_shape.h"

#define GONE UINT32_MAX
/* Numbers that have been set already carry it until all are: expressions are shared. */
#define DONE UINT32_C(0x40000000)

/* What the numbers of one older set are in the set in force. */
struct renaming {
    struct ruleset *from;
    const struct ruleset *base;
    struct arena arena;
    uint32_t *decls, *tables, *profiles, *measures;
    bool missing; /* of the rule under test: it names something that is not there */
};

/* ---- what means the same -------------------------------------------------------------------- */

static bool same_topics(const struct ruleset *a, const struct schema_decl *x,
                        const struct ruleset *b, const struct schema_decl *y)
{
    for (uint32_t i = 0; i < x->n_topics && i < y->n_topics; i++) {
        if (!slice_eq(a->topics[x->topics[i]].name, b->topics[y->topics[i]].name)) {
            return false;
        }
    }
    return x->n_topics == y->n_topics;
}

static bool same_where(const struct schema_decl *x, const struct schema_decl *y)
{
    FYKE_CLEANUP(buf_release) struct buf a = BUF_INIT, b = BUF_INIT;
    if (x->where == NULL || y->where == NULL) {
        return x->where == y->where;
    }
    expr_canonical(x->where, NULL, &a);
    expr_canonical(y->where, NULL, &b);
    return slice_eq(buf_slice(&a), buf_slice(&b));
}

static bool same_decl(const struct renaming *r, const struct schema_decl *x,
                      const struct schema_decl *y)
{
    return slice_eq(x->name, y->name) && schema_shape(x) == schema_shape(y) &&
           same_topics(r->from, x, r->base, y) && x->is_derived == y->is_derived &&
           x->time_field == y->time_field && (x->payload == NULL) == (y->payload == NULL) &&
           same_where(x, y);
}

static bool same_table(const struct table_decl *x, const struct table_decl *y)
{
    return slice_eq(x->name, y->name) && x->is_lookup == y->is_lookup && x->origin == y->origin &&
           x->key.type == y->key.type && x->value.type == y->value.type &&
           x->value.is_list == y->value.is_list;
}

static bool same_profile(const struct profile *x, const struct profile *y)
{
    if (!slice_eq(x->name, y->name) || x->n_key != y->n_key) {
        return false;
    }
    for (uint32_t i = 0; i < x->n_key; i++) {
        if (!slice_eq(x->key_names[i], y->key_names[i]) || x->key_kinds[i] != y->key_kinds[i]) {
            return false;
        }
    }
    return true;
}

static bool same_measure(const struct measure *x, const struct measure *y)
{
    return slice_eq(x->full_name, y->full_name) && x->plan == y->plan &&
           x->n_leaves == y->n_leaves;
}

/* numbers[i]: the number in the set in force of item i of the older one; GONE: there is none. */
#define MAP_ITEMS(numbers, n_old, n_new, same)                \
    do {                                                      \
        for (uint32_t i = 0; i < (n_old); i++) {              \
            (numbers)[i] = GONE;                              \
            for (uint32_t k = 0; k < (n_new); k++) {          \
                if (same) {                                   \
                    (numbers)[i] = k;                         \
                    break;                                    \
                }                                             \
            }                                                 \
        }                                                     \
    } while (0)

static void renaming_init(struct renaming *r, struct ruleset *from, const struct ruleset *base)
{
    *r = (struct renaming){.from = from, .base = base};
    arena_init(&r->arena);
    r->decls = ARENA_ARRAY(&r->arena, uint32_t, from->n_decls + 1);
    r->tables = ARENA_ARRAY(&r->arena, uint32_t, from->n_tables + 1);
    r->profiles = ARENA_ARRAY(&r->arena, uint32_t, from->n_profiles + 1);
    r->measures = ARENA_ARRAY(&r->arena, uint32_t, from->n_measures + 1);
    MAP_ITEMS(r->decls, from->n_decls, base->n_decls,
              same_decl(r, &from->decls[i], &base->decls[k]));
    MAP_ITEMS(r->tables, from->n_tables, base->n_tables,
              same_table(&from->tables[i], &base->tables[k]));
    MAP_ITEMS(r->profiles, from->n_profiles, base->n_profiles,
              same_profile(&from->profiles[i], &base->profiles[k]));
    MAP_ITEMS(r->measures, from->n_measures, base->n_measures,
              same_measure(&from->measures[i], &base->measures[k]));
}

/* ---- may it run beside the others? ------------------------------------------------------------ */

static bool is_old_table(const struct renaming *r, const struct table_decl *t)
{
    return t != NULL && t >= r->from->tables && t < r->from->tables + r->from->n_tables;
}

/* What a rule before this one has changed already was there. */
static bool is_gone(const uint32_t *numbers, uint32_t n)
{
    return (n & DONE) == 0 && numbers[n] == GONE;
}

static void look_up(void *ctx, const struct expr *e)
{
    struct renaming *r = ctx;
    for (uint32_t i = 0; e->field != NULL && i < e->field->n; i++) {
        r->missing |= is_gone(r->decls, e->field->alt[i].decl);
    }
    r->missing |= is_old_table(r, e->table) && r->tables[e->table->index] == GONE;
    r->missing |= e->op == EX_PROFILE && is_gone(r->measures, (uint32_t)e->slot);
}

static bool derives_unknown(const struct renaming *r, const struct emit_plan *plans, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (plans[i].is_event && r->decls[plans[i].decl] == GONE) {
            return true;
        }
    }
    return false;
}

static const char *missing_of(struct renaming *r, const struct rule *rule)
{
    for (uint32_t i = 0; i < rule->n_roles; i++) {
        if (r->decls[rule->roles[i].decl] == GONE) {
            return "an event that it reads is declared otherwise now";
        }
    }
    if (derives_unknown(r, rule->emits, rule->n_emits) ||
        derives_unknown(r, rule->timeouts, rule->n_timeouts)) {
        return "an event that it derives is declared otherwise now";
    }
    for (uint32_t i = 0; i < rule->n_profiles; i++) {
        if (r->profiles[rule->profiles[i]] == GONE) {
            return "a profile that it reads is declared otherwise now";
        }
    }
    r->missing = false;
    rule_each_expr(rule, look_up, r);
    return r->missing ? "a list, lookup or profile that it reads is declared otherwise now" : NULL;
}

/* ---- circles ---------------------------------------------------------------------------------- */

/* The set while it grows; declarations by their numbers in the set in force. */
struct reach {
    const struct ruleset *rs;
    bool *decls; /* what the rule under test brings about */
};

static bool reads_reached(const struct reach *c, const struct rule_role *roles, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (c->decls[roles[i].decl]) {
            return true;
        }
    }
    return false;
}

static bool rule_reads_reached(const struct reach *c, const struct rule *rule)
{
    bool any = reads_reached(c, rule->roles, rule->n_roles);
    for (uint32_t i = 0; i < rule->n_profiles && !any; i++) {
        const struct profile *p = &c->rs->profiles[rule->profiles[i]];
        any = reads_reached(c, p->roles, p->n_roles);
    }
    return any;
}

static bool reach_from(struct reach *c, const struct emit_plan *plans, uint32_t n)
{
    bool grown = false;
    for (uint32_t i = 0; i < n; i++) {
        if (plans[i].is_event && !c->decls[plans[i].decl]) {
            c->decls[plans[i].decl] = true;
            grown = true;
        }
    }
    return grown;
}

static bool reach_from_rule(struct reach *c, const struct rule *rule)
{
    bool emits = reach_from(c, rule->emits, rule->n_emits);
    return reach_from(c, rule->timeouts, rule->n_timeouts) || emits;
}

/* Would the last rule of the set read what comes from itself? */
static bool makes_circle(const struct ruleset *rs)
{
    uint32_t last = rs->n_rules + rs->n_draining - 1;
    struct reach c = {rs, xcalloc(rs->n_decls + 1u, sizeof(*c.decls))};
    bool grown = reach_from_rule(&c, &rs->rules[last]);
    while (grown) {
        grown = false;
        for (uint32_t i = 0; i < last; i++) {
            if (rule_reads_reached(&c, &rs->rules[i])) {
                grown |= reach_from_rule(&c, &rs->rules[i]);
            }
        }
    }
    bool circle = rule_reads_reached(&c, &rs->rules[last]);
    free(c.decls);
    return circle;
}

/* ---- changing the numbers --------------------------------------------------------------------- */

static void set_number(uint32_t *at, const uint32_t *numbers)
{
    if ((*at & DONE) == 0) {
        *at = numbers[*at] | DONE;
    }
}

/* Expressions live in the older set's arena, which is ours to change. */
static void rename_expr(void *ctx, const struct expr *node)
{
    struct renaming *r = ctx;
    struct expr *e = (struct expr *)(uintptr_t)node;
    struct field_ref *f = (struct field_ref *)(uintptr_t)e->field;
    for (uint32_t i = 0; f != NULL && i < f->n; i++) {
        set_number(&f->alt[i].decl, r->decls);
    }
    if (is_old_table(r, e->table)) {
        e->table = &r->base->tables[r->tables[e->table->index]];
    }
    if (e->op == EX_PROFILE) {
        uint32_t n = (uint32_t)e->slot;
        set_number(&n, r->measures);
        e->slot = (int32_t)n;
    }
}

static void settle_expr(void *ctx, const struct expr *node)
{
    struct expr *e = (struct expr *)(uintptr_t)node;
    struct field_ref *f = (struct field_ref *)(uintptr_t)e->field;
    (void)ctx;
    for (uint32_t i = 0; f != NULL && i < f->n; i++) {
        f->alt[i].decl &= ~DONE;
    }
    if (e->op == EX_PROFILE) {
        e->slot &= (int32_t)~DONE;
    }
}

static void rename_emits(const struct renaming *r, struct emit_plan *plans, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (plans[i].is_event) {
            plans[i].decl = r->decls[plans[i].decl];
        }
    }
}

/* What belongs to the rule alone. */
static void rename_rule(struct renaming *r, struct rule *rule)
{
    for (uint32_t i = 0; i < rule->n_roles; i++) {
        rule->roles[i].decl = r->decls[rule->roles[i].decl];
    }
    for (uint32_t i = 0; i < rule->n_profiles; i++) {
        rule->profiles[i] = r->profiles[rule->profiles[i]];
    }
    rename_emits(r, rule->emits, rule->n_emits);
    rename_emits(r, rule->timeouts, rule->n_timeouts);
    rule_each_expr(rule, rename_expr, r);
}

/* ---- linking ---------------------------------------------------------------------------------- */

/* The rules as they were before ruleset_find_sources(), with room for `more`. */
static void copy_rules(struct ruleset *rs, const struct ruleset *base, uint32_t more)
{
    rs->rules = ARENA_ARRAY(&rs->arena, struct rule, (size_t)base->n_rules + more + 1);
    for (uint32_t i = 0; i < base->n_rules; i++) {
        rs->rules[i] = base->rules[i];
        rs->rules[i].level = 0;
        rs->rules[i].quiet.unit = 0;
    }
}

static void copy_decls(struct ruleset *rs, const struct ruleset *base)
{
    rs->decls = ARENA_ARRAY(&rs->arena, struct schema_decl, base->n_decls + 1);
    for (uint32_t i = 0; i < base->n_decls; i++) {
        struct schema_decl *d = &rs->decls[i];
        *d = base->decls[i];
        d->fields = ARENA_ARRAY(&rs->arena, struct schema_field, d->n_fields + 1);
        if (d->n_fields > 0) {
            memcpy(d->fields, base->decls[i].fields, d->n_fields * sizeof(*d->fields));
        }
    }
}

/* Fields that the older set names are kept with events too. */
static void keep_fields(struct ruleset *rs, const struct renaming *r)
{
    for (uint32_t i = 0; i < r->from->n_decls; i++) {
        for (uint32_t f = 0; r->decls[i] != GONE && f < r->from->decls[i].n_fields; f++) {
            rs->decls[r->decls[i]].fields[f].keep |= r->from->decls[i].fields[f].keep;
        }
    }
}

/* Puts the rule behind the others; its expressions still bear the old numbers. */
static const char *add_rule(struct ruleset *rs, struct renaming *r, struct link_rule *old)
{
    struct rule *rule = &r->from->rules[old->rule];
    const char *why = missing_of(r, rule);
    if (why != NULL) {
        return why;
    }
    rename_rule(r, rule);
    old->unit = rs->n_rules + rs->n_draining++;
    rs->rules[old->unit] = *rule;
    rs->rules[old->unit].level = 0;
    rs->rules[old->unit].quiet.unit = 0;
    rs->rules[old->unit].drains = true;
    rs->rules[old->unit].counts_as = old->in_force;
    if (makes_circle(rs)) {
        rs->n_draining--;
        return "it would derive events for itself with the rules in force";
    }
    rs->uses_geoip |= r->from->uses_geoip;
    return NULL;
}

/* All rules of one older set; they stand together in `old`. */
static uint32_t link_set(struct ruleset *rs, const struct ruleset *base, struct link_rule *old,
                         uint32_t n)
{
    struct renaming r;
    uint32_t end = 0;
    renaming_init(&r, old[0].from, base);
    for (; end < n && old[end].from == r.from; end++) {
        old[end].refused = add_rule(rs, &r, &old[end]);
    }
    for (uint32_t i = 0; i < end; i++) {
        rule_each_expr(&r.from->rules[old[i].rule], settle_expr, NULL);
    }
    keep_fields(rs, &r);
    arena_release(&r.arena);
    return end;
}

/* Sources are still to be found. */
static struct ruleset *link_all(const struct ruleset *base, struct link_rule *old, uint32_t n)
{
    struct ruleset *rs = xmalloc(sizeof(*rs));
    *rs = *base;
    arena_init(&rs->arena);
    rs->n_clock_groups = rs->n_stages = rs->n_levels = 0;
    copy_rules(rs, base, n);
    copy_decls(rs, base);
    for (uint32_t i = 0; i < n;) {
        i += link_set(rs, base, old + i, n - i);
    }
    return rs;
}

struct ruleset *ruleset_link(const struct ruleset *base, struct link_rule *old, uint32_t n)
{
    struct ruleset *rs = link_all(base, old, n);
    ruleset_find_sources(rs);
    return rs;
}

bool ruleset_may_link_beside(const struct ruleset *base, const struct link_rule *old, uint32_t n)
{
    bool may = true;
    for (uint32_t i = 0; i < n && may;) {
        struct renaming r;
        renaming_init(&r, old[i].from, base);
        for (; i < n && old[i].from == r.from && may; i++) {
            may = missing_of(&r, &r.from->rules[old[i].rule]) == NULL;
        }
        arena_release(&r.arena);
    }
    return may;
}

struct ruleset *ruleset_link_beside(const struct ruleset *base, struct link_rule *old, uint32_t n)
{
    struct ruleset *rs = link_all(base, old, n);
    for (uint32_t i = 0; i < rs->n_draining; i++) {
        rs->rules[rs->n_rules + i].drains = false;
    }
    rs->n_rules += rs->n_draining;
    rs->n_draining = 0;
    ruleset_find_sources(rs);
    return rs;
}
