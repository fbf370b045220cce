#include "nfa/rule_same.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "nfa/payload.h"
#include "nfa/profile.h"
#include "nfa/rule_exprs.h"
#include "nfa/schema_shape.h"

/* ---- parts ---------------------------------------------------------------------------------- */

static bool same_expr(const struct ruleset *was, const struct expr *a, const struct ruleset *is,
                      const struct expr *b)
{
    FYKE_CLEANUP(buf_release) struct buf x = BUF_INIT, y = BUF_INIT;
    expr_canonical(a, was->decls, &x);
    expr_canonical(b, is->decls, &y);
    return slice_eq(buf_slice(&x), buf_slice(&y));
}

static bool same_emit(const struct ruleset *was, const struct emit_plan *a, const struct ruleset *is,
                      const struct emit_plan *b)
{
    if (a->is_event != b->is_event || !slice_eq(a->event_name, b->event_name) || a->n_fields != b->n_fields) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_fields; i++) {
        if (!slice_eq(a->fields[i].name, b->fields[i].name) ||
            !same_expr(was, a->fields[i].value, is, b->fields[i].value)) {
            return false;
        }
    }
    return true;
}

static bool same_emits(const struct ruleset *was, const struct emit_plan *a, uint32_t n_a,
                       const struct ruleset *is, const struct emit_plan *b, uint32_t n_b)
{
    bool same = n_a == n_b;
    for (uint32_t i = 0; same && i < n_a; i++) {
        same = same_emit(was, &a[i], is, &b[i]);
    }
    return same;
}

static bool same_quiet(const struct ruleset *was, const struct quiet_plan *a, const struct ruleset *is,
                       const struct quiet_plan *b)
{
    bool same = a->present == b->present && a->length.ns == b->length.ns && a->n_per == b->n_per &&
                a->apart == b->apart;
    for (uint32_t i = 0; same && i < a->n_per; i++) {
        same = same_expr(was, a->per[i], is, b->per[i]);
    }
    return same;
}

/* ---- what stands outside of the rule ---------------------------------------------------------- */

struct outside {
    const struct ruleset *was, *is;
    bool differs;
};

static const struct table_decl *table_named(const struct ruleset *rs, struct slice name)
{
    for (uint32_t i = 0; i < rs->n_tables; i++) {
        if (slice_eq(rs->tables[i].name, name)) {
            return &rs->tables[i];
        }
    }
    return NULL;
}

static bool same_content(const struct table_decl *a, const struct table_decl *b)
{
    if (a->origin == TABLE_TOPIC || b->origin == TABLE_TOPIC) {
        return a->origin == b->origin && slice_eq(a->place, b->place) && a->refresh.ns == b->refresh.ns;
    }
    return hash128_eq(a->table->generation, b->table->generation);
}

static void look_at_table(void *ctx, const struct expr *e)
{
    struct outside *o = ctx;
    if (e->table != NULL) {
        const struct table_decl *other = table_named(o->is, e->table->name);
        o->differs |= other == NULL || !same_content(e->table, other);
    }
}

static void look_at_measure_tables(void *ctx, uint32_t index)
{
    struct outside *o = ctx;
    const struct measure *m = &o->was->measures[index];
    const struct profile *p = &o->was->profiles[m->profile];
    expr_each(measure_result(m), look_at_table, o);
    for (uint32_t i = 0; i < m->n_leaves; i++) {
        expr_each(o->was->measures[m->first_leaf + i].agg, look_at_table, o);
    }
    for (uint32_t i = 0; i < p->n_roles; i++) {
        role_each_expr(&p->roles[i], p->n_key, look_at_table, o);
    }
}

bool rule_data_differ(const struct ruleset *was, const struct rule *a, const struct ruleset *is)
{
    struct outside o = {was, is, false};
    rule_each_expr(a, look_at_table, &o);
    rule_each_measure(a, look_at_measure_tables, &o);
    return o.differs;
}

static void look_at_measure(void *ctx, uint32_t index)
{
    struct outside *o = ctx;
    const struct measure *m = &o->was->measures[index];
    for (uint32_t i = 0; i < o->is->n_measures; i++) {
        const struct measure *other = &o->is->measures[i];
        if (slice_eq(other->full_name, m->full_name)) {
            o->differs |= !slice_eq(other->canonical, m->canonical);
            return;
        }
    }
    o->differs = true;
}

bool rules_tell_same(const struct ruleset *was, const struct rule *a, const struct ruleset *is, const struct rule *b)
{
    return same_emits(was, a->emits, a->n_emits, is, b->emits, b->n_emits) &&
           same_emits(was, a->timeouts, a->n_timeouts, is, b->timeouts, b->n_timeouts) &&
           same_quiet(was, &a->quiet, is, &b->quiet);
}

static bool says_same(const struct ruleset *was, const struct rule *a, const struct ruleset *is,
                      const struct rule *b)
{
    struct outside o = {was, is, rule_data_differ(was, a, is)};
    rule_each_measure(a, look_at_measure, &o);
    return !o.differs && slice_eq(a->canonical, b->canonical) &&
           rule_is_disabled(a) == rule_is_disabled(b) && rules_tell_same(was, a, is, b);
}

/* ---- derived events --------------------------------------------------------------------------- */

static bool derives(const struct rule *rule, struct slice event)
{
    for (uint32_t i = 0; i < rule->n_emits; i++) {
        if (rule->emits[i].is_event && slice_eq(rule->emits[i].event_name, event)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < rule->n_timeouts; i++) {
        if (rule->timeouts[i].is_event && slice_eq(rule->timeouts[i].event_name, event)) {
            return true;
        }
    }
    return false;
}

/* same[i]: of `was` the rule of `is`, back[k] the other way round. */
struct pairing {
    const struct ruleset *was, *is;
    uint32_t *same, *back;
};

static bool all_paired(const struct ruleset *rs, const uint32_t *with, struct slice event)
{
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (with[i] == RULE_NONE && derives(&rs->rules[i], event)) {
            return false;
        }
    }
    return true;
}

/* What derives these events says the same in both sets. */
static bool roles_agree(const struct pairing *p, const struct rule_role *roles, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct schema_decl *d = &p->was->decls[roles[i].decl];
        if (d->is_derived && !(all_paired(p->was, p->same, d->name) && all_paired(p->is, p->back, d->name))) {
            return false;
        }
    }
    return true;
}

static bool inputs_agree(const struct pairing *p, const struct rule *rule)
{
    bool agree = roles_agree(p, rule->roles, rule->n_roles);
    for (uint32_t i = 0; agree && i < rule->n_profiles; i++) {
        const struct profile *profile = &p->was->profiles[rule->profiles[i]];
        agree = roles_agree(p, profile->roles, profile->n_roles);
    }
    return agree;
}

/* Each round takes away what reads from those of the round before. */
static void part_readers(struct pairing *p)
{
    for (bool shrunk = true; shrunk;) {
        shrunk = false;
        for (uint32_t i = 0; i < p->was->n_rules; i++) {
            if (p->same[i] != RULE_NONE && !inputs_agree(p, &p->was->rules[i])) {
                p->back[p->same[i]] = RULE_NONE;
                p->same[i] = RULE_NONE;
                shrunk = true;
            }
        }
    }
}

static uint32_t rule_named(const struct ruleset *rs, struct slice name)
{
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (slice_eq(rs->rules[i].name, name)) {
            return i;
        }
    }
    return RULE_NONE;
}

void rulesets_find_same(const struct ruleset *was, const struct ruleset *is, uint32_t *ret)
{
    struct pairing p = {was, is, ret, xcalloc(is->n_rules + 1u, sizeof(*p.back))};
    for (uint32_t k = 0; k < is->n_rules; k++) {
        p.back[k] = RULE_NONE;
    }
    for (uint32_t i = 0; i < was->n_rules; i++) {
        uint32_t k = rule_named(is, was->rules[i].name);
        bool same = k != RULE_NONE && says_same(was, &was->rules[i], is, &is->rules[k]);
        ret[i] = same ? k : RULE_NONE;
        if (same) {
            p.back[k] = i;
        }
    }
    part_readers(&p);
    free(p.back);
}

/* ---- input ------------------------------------------------------------------------------------ */

static bool same_payload(const struct payload_schema *a, const struct payload_schema *b)
{
    return a && b ? a->format == b->format && hash128_eq(a->hash, b->hash) : a == b;
}

static bool same_topic(const struct schema_topic *a, const struct schema_topic *b)
{
    return slice_eq(a->name, b->name) && a->n_decls == b->n_decls && same_payload(a->payload, b->payload) &&
           a->out_of_order.ns == b->out_of_order.ns && a->idle_after.ns == b->idle_after.ns &&
           a->follow_clock == b->follow_clock && a->at_most_ahead.ns == b->at_most_ahead.ns &&
           a->has_watermark_per == b->has_watermark_per && a->watermark_per_slot == b->watermark_per_slot &&
           a->watermark_per_decl == b->watermark_per_decl;
}

static bool same_field(const struct schema_field *a, const struct schema_field *b)
{
    bool same = schema_field_shape(a) == schema_field_shape(b) && a->optional == b->optional &&
                a->is_key == b->is_key && a->is_event_time == b->is_event_time &&
                a->n_enum_values == b->n_enum_values;
    for (uint32_t i = 0; same && i < a->n_enum_values; i++) {
        same = slice_eq(a->enum_values[i], b->enum_values[i]);
    }
    return same;
}

static bool same_decl(const struct ruleset *x, const struct schema_decl *a, const struct ruleset *y,
                      const struct schema_decl *b)
{
    bool same = slice_eq(a->name, b->name) && a->n_topics == b->n_topics && a->is_derived == b->is_derived &&
                a->n_fields == b->n_fields && a->time_field == b->time_field &&
                same_payload(a->payload, b->payload) && same_expr(x, a->where, y, b->where);
    for (uint32_t i = 0; same && i < a->n_topics; i++) {
        same = a->topics[i] == b->topics[i];
    }
    for (uint32_t i = 0; same && i < a->n_fields; i++) {
        same = same_field(&a->fields[i], &b->fields[i]);
    }
    return same;
}

bool rulesets_read_alike(const struct ruleset *a, const struct ruleset *b)
{
    bool same = a->n_topics == b->n_topics && a->n_decls == b->n_decls;
    for (uint32_t i = 0; same && i < a->n_topics; i++) {
        same = same_topic(&a->topics[i], &b->topics[i]);
    }
    for (uint32_t i = 0; same && i < a->n_decls; i++) {
        same = same_decl(a, &a->decls[i], b, &b->decls[i]);
    }
    return same;
}
