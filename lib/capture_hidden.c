/* Values of an alert that are made of hidden ones: with pseudonyms they are others, and the test does not
 * ask for them. */
#include "base/xalloc.h"
#include "lib/capture_parts.h"
#include "nfa/expr.h"

static bool reads_hidden(const struct capture *c, const struct rule *rule, const struct expr *e);
static bool measure_hidden(const struct capture *c, const struct measure *m);

/* What is derived may hold a hidden value in any of its fields. */
static bool field_hidden(const struct capture *c, uint32_t decl, uint32_t slot)
{
    const struct schema_decl *d = &c->rs->decls[decl];
    const struct schema_field *f = &d->fields[slot];
    if (f->origin == ORIGIN_COMPUTED && f->computed) {
        return reads_hidden(c, NULL, f->computed);
    }
    return c->kinds[decl][slot].len > 0 || (d->is_derived && c->pseudonyms.n > 0);
}

static bool key_hidden(const struct capture *c, const struct rule *rule, uint32_t part)
{
    for (uint32_t i = 0; i < rule->n_roles; i++) {
        if (reads_hidden(c, NULL, rule->roles[i].key[part])) {
            return true;
        }
    }
    return false;
}

/* `rule`: what EX_KEY is the key of; NULL: a declaration's own. */
static bool reads_hidden(const struct capture *c, const struct rule *rule, const struct expr *e)
{
    bool any = false;
    if (!e) {
        return false;
    }
    if (e->op == EX_KEY && rule) {
        return key_hidden(c, rule, (uint32_t)e->slot);
    }
    for (uint32_t i = 0; e->field && i < e->field->n && !any; i++) {
        any = field_hidden(c, e->field->alt[i].decl, e->field->alt[i].slot);
    }
    uint32_t n = e->op == EX_AGG ? 3 : e->n_kids;
    for (uint32_t i = 0; i < n && !any; i++) {
        any = reads_hidden(c, rule, e->kids[i]);
    }
    return any || (e->op == EX_PROFILE && measure_hidden(c, &c->rs->measures[e->slot]));
}

/* ---- profiles -------------------------------------------------------------------------------- */

/* Numbers of events say nothing of their values. */
static bool shows_values(const struct expr *agg)
{
    return agg->agg != AGG_COUNT && agg->agg != AGG_COUNT_DISTINCT && agg->agg != AGG_GAP_AVERAGE &&
           agg->agg != AGG_GAP_STDDEV;
}

static bool measure_hidden(const struct capture *c, const struct measure *m)
{
    bool any = false;
    for (uint32_t i = 0; m->value && i < m->n_leaves && !any; i++) {
        any = measure_hidden(c, &c->rs->measures[m->first_leaf + i]);
    }
    return any || (m->agg && shows_values(m->agg) && reads_hidden(c, NULL, m->agg->kids[0]));
}

/* The kind of a hidden field; empty: it is none. */
static struct slice kind_of(const struct capture *c, const struct expr *e)
{
    bool is_field = e && (e->op == EX_FIELD || e->op == EX_BOUND || e->op == EX_ITER);
    for (uint32_t i = 0; is_field && e->field && i < e->field->n; i++) {
        struct slice kind = c->kinds[e->field->alt[i].decl][e->field->alt[i].slot];
        if (kind.len > 0) {
            return kind;
        }
    }
    return (struct slice){0};
}

/* An aggregate that gives values as they are. */
static bool gives_values(enum agg_op op)
{
    return op == AGG_MIN || op == AGG_MAX || op == AGG_FIRST || op == AGG_LAST || op == AGG_NTH ||
           op == AGG_DISTINCT || op == AGG_COLLECT;
}

bool capture_measure_kind(const struct capture *c, const struct measure *m, struct slice *ret)
{
    *ret = (struct slice){0};
    if (!measure_hidden(c, m)) {
        return true;
    }
    if (m->agg && !m->nested && gives_values((enum agg_op)m->agg->agg)) {
        *ret = kind_of(c, m->agg->kids[0]);
    }
    return ret->len > 0;
}

bool capture_profile_key_kind(const struct capture *c, const struct profile *p, uint32_t part,
                              struct slice *ret)
{
    bool made = false;
    *ret = (struct slice){0};
    for (uint32_t i = 0; i < p->n_roles && ret->len == 0; i++) {
        *ret = kind_of(c, p->roles[i].key[part]);
        made = made || reads_hidden(c, NULL, p->roles[i].key[part]);
    }
    return ret->len > 0 || !made;
}

/* A value as an event, the key of the match or a lookup has it. */
static struct slice kind_as_it_is(const struct capture *c, const struct expr *e)
{
    const struct rule *rule = c->events.rule;
    struct slice kind = {0};
    if (e->op == EX_KEY) {
        for (uint32_t i = 0; i < rule->n_roles && kind.len == 0; i++) {
            kind = kind_of(c, rule->roles[i].key[e->slot]);
        }
        return kind;
    }
    if (e->op == EX_CAPTURE || (e->op == EX_AGG && gives_values((enum agg_op)e->agg))) {
        return kind_as_it_is(c, e->kids[0]);
    }
    return e->op == EX_LOOKUP ? c->table_kinds[e->table->index] : kind_of(c, e);
}

bool capture_question_kind(const struct capture *c, const struct expr *key, struct slice *ret)
{
    *ret = kind_as_it_is(c, key);
    return ret->len > 0 || key->op == EX_LOOKUP || !reads_hidden(c, c->events.rule, key);
}

/* ---- fields of the alert --------------------------------------------------------------------- */

bool capture_made_of_hidden(const struct capture *c, const struct rule *rule, bool timeout,
                            struct slice name)
{
    const struct emit_plan *plans = timeout ? rule->timeouts : rule->emits;
    uint32_t n = timeout ? rule->n_timeouts : rule->n_emits;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t f = 0; f < plans[i].n_fields; f++) {
            if (slice_eq(plans[i].fields[f].name, name) &&
                reads_hidden(c, rule, plans[i].fields[f].value)) {
                return true;
            }
        }
    }
    return false;
}

void capture_leave_out(struct capture *c, struct slice name)
{
    for (size_t i = 0; i < c->n_left_out; i++) {
        if (slice_eq(c->left_out[i], name)) {
            return;
        }
    }
    VEC_PUSH(c->left_out, c->n_left_out, c->cap_left_out) = arena_copy(&c->result->arena, name);
}

void capture_list_left_out(struct capture *c)
{
    FYKE_CLEANUP(buf_release) struct buf list = BUF_INIT;
    for (size_t i = 0; i < c->n_left_out; i++) {
        buf_printf(&list, "%s%.*s", i ? ", " : "", SLICE_ARG(c->left_out[i]));
    }
    c->result->left_out = arena_copy(&c->result->arena, buf_slice(&list));
}
