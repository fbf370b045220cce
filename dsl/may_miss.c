/* May a value of an output be missing? A derived event's field is optional then (language.md 3.14).
 * Seen from the finished pattern: a step that is skipped, not chosen or not reached is missing, an
 * aggregate over events that are there is not. What overflows is not asked for. */
#include "dsl/check_derived.h"

#include "nfa/profile.h"

static uint64_t bound_always(const struct rule *rule, const struct pattern *p);

static uint64_t bound_in_items(const struct rule *rule, const struct pattern *p)
{
    bool all = p->kind != PAT_ANY && (p->kind != PAT_ALL || p->min == p->n_items);
    uint64_t slots = all ? 0 : UINT64_MAX;
    for (uint32_t i = 0; i < p->n_items; i++) {
        uint64_t s = p->items[i].node ? bound_always(rule, p->items[i].node) : 0;
        slots = all ? slots | s : slots & s;
    }
    return slots;
}

/* Slots that hold an event in every match. A name may stand in all alternatives of an `any of`. */
static uint64_t bound_always(const struct rule *rule, const struct pattern *p)
{
    if (p->optional) {
        return 0;
    }
    switch (p->kind) {
    case PAT_STEP:
    case PAT_COUNT: return UINT64_C(1) << rule->tests[p->test].slot;
    case PAT_SEQ:
    case PAT_REPEAT:
    case PAT_ANY:
    case PAT_ALL: break;
    }
    return bound_in_items(rule, p);
}

struct asking {
    const struct ruleset *rs;
    uint64_t bound;
};

static bool any_kid(const struct asking *a, const struct expr *e);
static bool may_miss(const struct asking *a, const struct expr *e);

static bool field_may_miss(const struct asking *a, const struct expr *e)
{
    for (uint32_t i = 0; e->field && i < e->field->n; i++) {
        const struct schema_decl *d = &a->rs->decls[e->field->alt[i].decl];
        if (d->fields[e->field->alt[i].slot].optional) {
            return true;
        }
    }
    return false;
}

static bool is_bound(const struct asking *a, const struct expr *e)
{
    return e->slot >= 0 && (a->bound >> e->slot & 1);
}

static bool aggregate_may_miss(const struct asking *a, const struct expr *e)
{
    switch ((enum agg_op)e->agg) {
    case AGG_COUNT:
    case AGG_SUM: return false;
    case AGG_STDDEV:
    case AGG_NTH:
    case AGG_GAP_AVERAGE:
    case AGG_GAP_STDDEV: return true;
    case AGG_MIN:
    case AGG_MAX:
    case AGG_AVERAGE:
    case AGG_FIRST:
    case AGG_LAST:
    case AGG_COUNT_DISTINCT:
    case AGG_DISTINCT:
    case AGG_COLLECT:
    case AGG_PERCENTILE:
    case AGG_OP_COUNT: break;
    }
    return !is_bound(a, e) || e->kids[1] || (e->kids[0] && may_miss(a, e->kids[0]));
}

static bool all_kids(const struct asking *a, const struct expr *e)
{
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (!may_miss(a, e->kids[i])) {
            return false;
        }
    }
    return true;
}

static bool any_kid(const struct asking *a, const struct expr *e)
{
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (e->kids[i] && may_miss(a, e->kids[i])) {
            return true;
        }
    }
    return false;
}

static bool may_miss(const struct asking *a, const struct expr *e)
{
    switch ((int)e->op) {
    case EX_CONST: return value_is_missing(e->value);
    case EX_KEY:
    case EX_FIRST_AT:
    case EX_LAST_AT:
    case EX_DETECTED_AT:
    case EX_IS_MISSING:
    case EX_IS_PRESENT: return false;
    case EX_FIELD: return field_may_miss(a, e); /* inside an aggregate */
    case EX_BOUND:
    case EX_ITER: return !is_bound(a, e) || field_may_miss(a, e);
    case EX_AGG: return aggregate_may_miss(a, e);
    case EX_DIV: return e->kids[1]->op != EX_CONST || any_kid(a, e);
    case EX_IF: return may_miss(a, e->kids[1]) || may_miss(a, e->kids[2]);
    case EX_CALL: return e->takes_missing ? all_kids(a, e) : any_kid(a, e);
    case EX_MEMBER: return e->member == MEMBER_ITEM || any_kid(a, e);
    case EX_PROFILE: return measure_may_miss(a->rs, &a->rs->measures[e->slot]);
    case EX_LOOKUP:
    case EX_CAPTURE: return true;
    default: return any_kid(a, e);
    }
}

/* In tests every measure that is not given is missing; that is no matter of types. */
bool measure_may_miss(const struct ruleset *rs, const struct measure *m)
{
    struct asking a = {.rs = rs};
    if (m->warm.ns) {
        return true;
    }
    return m->value ? may_miss(&a, m->value) : m->agg->agg != AGG_COUNT && m->agg->agg != AGG_SUM;
}

bool output_may_miss(const struct rule_ctx *r, const struct expr *e, bool on_timeout)
{
    struct asking a = {.rs = r->c->rs};
    if (!on_timeout && r->rule->root) {
        a.bound = bound_always(r->rule, r->rule->root);
    }
    return e && may_miss(&a, e);
}
