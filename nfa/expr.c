/* The evaluator: dispatch, references and the three-valued connectives. Arithmetic, text tests and
 * aggregates have files of their own. Recursion is bounded by the parser's nesting limit. */
#include "nfa/expr.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "nfa/eval_env.h"
#include "nfa/expr_internal.h"
#include "nfa/regex.h"
#include "nfa/table.h"

/* More arguments than this go through the scratch arena. */
#define ARGS_ON_STACK 8

void eval_release(struct eval *ev)
{
    regex_scratch_free(ev->regex);
    ev->regex = NULL;
}

struct value eval_float(struct eval *ev, double f)
{
    if (isnan(f)) {
        ev->counters->not_a_number++;
        return VALUE_MISSING;
    }
    return isinf(f) ? eval_overflow(ev) : value_float(f);
}

/* ---- references --------------------------------------------------------------------------- */

static struct value field_of(const struct field_ref *ref, const struct event *e)
{
    if (!e) {
        return VALUE_MISSING;
    }
    if (!ref) {
        return value_timestamp(e->time);
    }
    for (uint32_t i = 0; i < ref->n; i++) {
        if (ref->alt[i].decl == e->decl) {
            uint32_t slot = ref->alt[i].slot;
            return slot < e->n_values ? e->values[slot] : VALUE_MISSING;
        }
    }
    return VALUE_MISSING;
}

static const struct event *bound_event(const struct expr *e, const struct eval *ev)
{
    if (!ev->slots || e->slot < 0 || (uint32_t)e->slot >= ev->n_slots) {
        return NULL;
    }
    const struct slot_binding *slot = &ev->slots[e->slot];
    uint32_t at = 0;
    if (e->op == EX_ITER && e->scope >= 0 && ev->iter_start) {
        at = ev->iter_start[e->scope][e->slot];
    }
    if (at >= slot->n) {
        return NULL;
    }
    const struct event *event = slot->events[at];
    if (ev->visible_until && event_is_later(event, ev->visible_until)) {
        return NULL;
    }
    return event;
}

static struct value key_value(const struct expr *e, const struct eval *ev)
{
    if (e->slot < 0 || (uint32_t)e->slot >= ev->n_key) {
        return VALUE_MISSING;
    }
    return ev->key[e->slot];
}

static struct value member_value(const struct expr *e, struct eval *ev)
{
    struct value base = expr_eval(e->kids[0], ev);
    if (value_is_missing(base)) {
        return VALUE_MISSING;
    }
    switch ((enum expr_member)e->member) {
    case MEMBER_LAT:
        return value_float(base.u.geo.lat);
    case MEMBER_LON:
        return value_float(base.u.geo.lon);
    case MEMBER_ITEM: {
        struct value i = expr_eval(e->kids[1], ev);
        if (i.kind != VAL_INT || i.u.i < 0 || i.u.i >= base.len) {
            return VALUE_MISSING;
        }
        return base.u.items[i.u.i];
    }
    }
    return VALUE_MISSING;
}

/* ---- truth -------------------------------------------------------------------------------- */

/* Kleene: for `and` a false decides, for `or` a true; else an unknown makes it unknown. */
static struct value connective(const struct expr *e, struct eval *ev, enum truth decides)
{
    bool unknown = false;
    for (uint32_t i = 0; i < e->n_kids; i++) {
        enum truth t = truth_of(expr_eval(e->kids[i], ev));
        if (t == decides) {
            return truth_value(t);
        }
        unknown |= t == TRUTH_UNKNOWN;
    }
    return unknown ? VALUE_MISSING : value_bool(decides == TRUTH_FALSE);
}

static struct value negation(const struct expr *e, struct eval *ev)
{
    enum truth t = truth_of(expr_eval(e->kids[0], ev));
    return t == TRUTH_UNKNOWN ? VALUE_MISSING : value_bool(t == TRUTH_FALSE);
}

static bool holds(enum expr_op op, struct value a, struct value b)
{
    if (op == EX_EQ || op == EX_NE) {
        return value_equal(a, b) == (op == EX_EQ);
    }
    int c = value_compare(a, b);
    if (op == EX_LT) {
        return c < 0;
    }
    if (op == EX_LE) {
        return c <= 0;
    }
    return op == EX_GT ? c > 0 : c >= 0;
}

static enum truth compare_values(enum expr_op op, struct value a, struct value b)
{
    if (value_is_missing(a) || value_is_missing(b)) {
        return TRUTH_UNKNOWN;
    }
    assert(a.kind == b.kind);
    return holds(op, a, b) ? TRUTH_TRUE : TRUTH_FALSE;
}

/* What a comparison reads without computing anything; NULL: it must compute. */
static const struct value *operand(const struct expr *e, const struct eval *ev)
{
    if (e->op == EX_CONST) {
        return &e->value;
    }
    const struct event *from = NULL;
    if (e->op == EX_FIELD) {
        from = ev->self;
    } else if (e->op == EX_BOUND) {
        from = bound_event(e, ev);
    }
    if (!from || !e->field || e->field->n != 1 || e->field->alt[0].decl != from->decl ||
        e->field->alt[0].slot >= from->n_values) {
        return NULL;
    }
    return &from->values[e->field->alt[0].slot];
}

static enum truth compare_operands(enum expr_op op, const struct value *a, const struct value *b)
{
    if (a->kind == VAL_STRING && b->kind == VAL_STRING && (op == EX_EQ || op == EX_NE)) {
        bool same = a->len == b->len && (a->len == 0 || memcmp(a->u.str, b->u.str, a->len) == 0);
        return same == (op == EX_EQ) ? TRUTH_TRUE : TRUTH_FALSE;
    }
    return compare_values(op, *a, *b);
}

bool expr_compares(enum expr_op op, const struct value *a, const struct value *b)
{
    return compare_operands(op, a, b) == TRUTH_TRUE;
}

static struct value comparison(const struct expr *e, struct eval *ev)
{
    const struct value *x = operand(e->kids[0], ev), *y = operand(e->kids[1], ev);
    if (x && y) {
        return truth_value(compare_operands((enum expr_op)e->op, x, y));
    }
    struct value a = expr_eval(e->kids[0], ev);
    if (value_is_missing(a)) {
        return VALUE_MISSING;
    }
    return truth_value(compare_values((enum expr_op)e->op, a, expr_eval(e->kids[1], ev)));
}

/* low <= x and x <= high, so one bound alone can make it false. */
static struct value between(const struct expr *e, struct eval *ev)
{
    struct value x = expr_eval(e->kids[0], ev);
    enum truth low = compare_values(EX_GE, x, expr_eval(e->kids[1], ev));
    if (low == TRUTH_FALSE) {
        return value_bool(false);
    }
    enum truth high = compare_values(EX_LE, x, expr_eval(e->kids[2], ev));
    return truth_value(high == TRUTH_FALSE || low == TRUTH_TRUE ? high : TRUTH_UNKNOWN);
}

/* ---- the rest ----------------------------------------------------------------------------- */

static struct value arithmetic(const struct expr *e, struct eval *ev)
{
    struct value a = expr_eval(e->kids[0], ev);
    if (value_is_missing(a)) {
        return VALUE_MISSING;
    }
    if (e->op == EX_NEG) {
        return arith_negate(a, ev);
    }
    struct value b = expr_eval(e->kids[1], ev);
    return value_is_missing(b) ? b : arith_apply((enum expr_op)e->op, a, b, ev);
}

/* A condition that is unknown is not true: the else part. */
static struct value choice(const struct expr *e, struct eval *ev)
{
    bool yes = truth_of(expr_eval(e->kids[0], ev)) == TRUTH_TRUE;
    return expr_eval(e->kids[yes ? 1 : 2], ev);
}

static struct value list_literal(const struct expr *e, struct eval *ev)
{
    struct value *items = ARENA_ARRAY(ev->scratch, struct value, e->n_kids ? e->n_kids : 1u);
    for (uint32_t i = 0; i < e->n_kids; i++) {
        items[i] = expr_eval(e->kids[i], ev);
    }
    return value_list(items, e->n_kids);
}

static struct value call(const struct expr *e, struct eval *ev)
{
    struct value stack[ARGS_ON_STACK];
    struct value *args = stack;
    if (e->n_kids > ARGS_ON_STACK) {
        args = ARENA_ARRAY(ev->scratch, struct value, e->n_kids);
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        args[i] = expr_eval(e->kids[i], ev);
        if (value_is_missing(args[i]) && !e->takes_missing) {
            return VALUE_MISSING;
        }
    }
    return e->fn(ev, args, e->n_kids);
}

static struct value widen(const struct expr *e, struct eval *ev)
{
    struct value v = expr_eval(e->kids[0], ev);
    if (v.kind != VAL_INT) {
        return v; /* missing, or what it shall become already */
    }
    return e->op == EX_TO_DECIMAL ? value_decimal(decimal_from_int64(v.u.i))
                                  : value_float((double)v.u.i);
}

static struct value measure_value(const struct expr *e, struct eval *ev)
{
    return ev->measures ? ev->measures->read(ev->measures->ctx, (uint32_t)e->slot, ev)
                        : VALUE_MISSING;
}

/* Retained events have what was captured behind their fields. */
static struct value captured_value(const struct expr *e, struct eval *ev)
{
    if (!ev->n_captures) {
        return expr_eval(e->kids[0], ev);
    }
    if (!ev->self || ev->self->n_values < ev->n_captures) {
        return VALUE_MISSING;
    }
    return ev->self->values[ev->self->n_values - ev->n_captures + (uint32_t)e->slot];
}

const struct table *eval_table(const struct expr *e, const struct eval *ev)
{
    assert(ev->env && e->table->index < ev->env->n_tables);
    return ev->env->tables[e->table->index];
}

const struct table *eval_asked_table(const struct expr *question, struct value key,
                                     const struct eval *ev)
{
    const struct expr *named = question->op == EX_IN ? question->kids[1] : question;
    const struct table *t = eval_table(named, ev);
    if (ev->env->watch) {
        ev->env->watch->asked(ev->env->watch->ctx, question, t, key);
    }
    return t;
}

static struct value lookup(const struct expr *e, struct eval *ev)
{
    struct value key = expr_eval(e->kids[0], ev);
    return value_is_missing(key) ? key : table_get(eval_asked_table(e, key, ev), key);
}

static struct value geoip(const struct expr *e, struct eval *ev)
{
    struct value ip = expr_eval(e->kids[0], ev);
    const struct geoip *geo = ev->env ? ev->env->geoip : NULL;
    if (value_is_missing(ip) || !geo) {
        return VALUE_MISSING;
    }
    return geo->find(geo->ctx, value_as_ip(ip), (enum geoip_field)e->member, ev->scratch);
}

struct value expr_eval(const struct expr *e, struct eval *ev)
{
    switch ((enum expr_op)e->op) {
    case EX_CONST:
        return e->value;
    case EX_FIELD:
        return field_of(e->field, ev->self);
    case EX_BOUND:
    case EX_ITER:
        return field_of(e->field, bound_event(e, ev));
    case EX_AGG:
        return aggregate_eval(e, ev);
    case EX_KEY:
        return key_value(e, ev);
    case EX_FIRST_AT:
        return value_timestamp(ev->first_at);
    case EX_LAST_AT:
        return value_timestamp(ev->last_at);
    case EX_DETECTED_AT:
        return value_timestamp(ev->detected_at);
    case EX_NOT:
        return negation(e, ev);
    case EX_AND:
        return connective(e, ev, TRUTH_FALSE);
    case EX_OR:
        return connective(e, ev, TRUTH_TRUE);
    case EX_EQ:
    case EX_NE:
    case EX_LT:
    case EX_LE:
    case EX_GT:
    case EX_GE:
        return comparison(e, ev);
    case EX_BETWEEN:
        return between(e, ev);
    case EX_IN:
    case EX_GLOB:
    case EX_LIKE:
    case EX_MATCHES:
    case EX_CONTAINS:
    case EX_STARTS_WITH:
    case EX_ENDS_WITH:
        return truth_value(text_test(e, ev));
    case EX_IS_MISSING:
        return value_bool(value_is_missing(expr_eval(e->kids[0], ev)));
    case EX_IS_PRESENT:
        return value_bool(!value_is_missing(expr_eval(e->kids[0], ev)));
    case EX_NEG:
    case EX_ADD:
    case EX_SUB:
    case EX_MUL:
    case EX_DIV:
        return arithmetic(e, ev);
    case EX_IF:
        return choice(e, ev);
    case EX_LIST:
        return list_literal(e, ev);
    case EX_CALL:
        return call(e, ev);
    case EX_TO_DECIMAL:
    case EX_TO_FLOAT:
        return widen(e, ev);
    case EX_MEMBER:
        return member_value(e, ev);
    case EX_TABLE:
        return eval_table(e, ev)->keys;
    case EX_LOOKUP:
        return lookup(e, ev);
    case EX_GEOIP:
        return geoip(e, ev);
    case EX_PROFILE:
        return measure_value(e, ev);
    case EX_CAPTURE:
        return captured_value(e, ev);
    case EX_OP_COUNT:
        break;
    }
    return VALUE_MISSING;
}

bool expr_true(const struct expr *e, struct eval *ev)
{
    return !e || truth_of(expr_eval(e, ev)) == TRUTH_TRUE;
}

struct value expr_emit(const struct expr *e, struct eval *ev)
{
    struct value v = expr_eval(e, ev);
    bool cut = e->op == EX_PROFILE ||
               (e->op == EX_AGG && (e->agg == AGG_DISTINCT || e->agg == AGG_COLLECT));
    if (cut && v.kind == VAL_LIST && v.len > EMIT_LIST_MAX) {
        v.len = EMIT_LIST_MAX;
    }
    return v;
}

bool expr_is_unary(const struct expr *e)
{
    switch ((enum expr_op)e->op) {
    case EX_BOUND:
    case EX_ITER:
    case EX_AGG:
    case EX_KEY:
    case EX_FIRST_AT:
    case EX_LAST_AT:
    case EX_DETECTED_AT:
    case EX_PROFILE:
        return false;
    case EX_CONST: case EX_FIELD: case EX_NOT: case EX_AND: case EX_OR: case EX_EQ: case EX_NE:
    case EX_LT: case EX_LE: case EX_GT: case EX_GE: case EX_BETWEEN: case EX_IN: case EX_GLOB:
    case EX_LIKE: case EX_MATCHES: case EX_CONTAINS: case EX_STARTS_WITH: case EX_ENDS_WITH:
    case EX_IS_MISSING: case EX_IS_PRESENT: case EX_NEG: case EX_ADD: case EX_SUB: case EX_MUL:
    case EX_DIV: case EX_IF: case EX_LIST: case EX_CALL: case EX_TO_DECIMAL: case EX_TO_FLOAT:
    case EX_MEMBER: case EX_TABLE: case EX_LOOKUP: case EX_GEOIP: case EX_OP_COUNT:
        break;
    case EX_CAPTURE: /* of the event, like a field */
        return true;
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (e->kids[i] && !expr_is_unary(e->kids[i])) {
            return false;
        }
    }
    return true;
}
