#include "dsl/lint_facts.h"

#include "base/ip.h"

/* ---- the same expression -------------------------------------------------------------------- */

static bool same_field(const struct field_ref *a, const struct field_ref *b)
{
    if (!a || !b || a->n != b->n) {
        return a == b; /* both NULL: the event time */
    }
    for (uint32_t i = 0; i < a->n; i++) {
        if (a->alt[i].decl != b->alt[i].decl || a->alt[i].slot != b->alt[i].slot) {
            return false;
        }
    }
    return true;
}

static bool same_node(const struct expr *a, const struct expr *b)
{
    return a->op == b->op && a->kind == b->kind && a->n_kids == b->n_kids && a->agg == b->agg &&
           a->slot == b->slot && a->scope == b->scope && a->fold == b->fold &&
           a->member == b->member && a->fn == b->fn && a->regex == b->regex &&
           a->index == b->index && same_field(a->field, b->field) &&
           (a->op != EX_CONST || value_equal(a->value, b->value));
}

bool expr_same(const struct expr *a, const struct expr *b)
{
    if (a == b || !a || !b) {
        return a == b;
    }
    bool same = same_node(a, b);
    uint32_t n = a->op == EX_AGG ? 3 : a->n_kids;
    for (uint32_t i = 0; same && i < n; i++) {
        same = expr_same(a->kids[i], b->kids[i]);
    }
    return same;
}

/* ---- collecting ----------------------------------------------------------------------------- */

static void add(struct facts *f, const struct expr *subject, enum fact_op op, struct value value)
{
    if (f->n < MAX_FACTS && subject->op != EX_CONST) {
        f->items[f->n++] = (struct fact){subject, op, value};
    }
}

static enum fact_op negation(enum fact_op op)
{
    static const enum fact_op of[] = {
        [FACT_EQ] = FACT_NE,     [FACT_NE] = FACT_EQ,           [FACT_LT] = FACT_GE,
        [FACT_LE] = FACT_GT,     [FACT_GT] = FACT_LE,           [FACT_GE] = FACT_LT,
        [FACT_IN] = FACT_NOT_IN, [FACT_NOT_IN] = FACT_IN,       [FACT_MISSING] = FACT_PRESENT,
        [FACT_PRESENT] = FACT_MISSING,
    };
    return of[op];
}

/* `5 < x` is `x > 5`. */
static enum fact_op mirrored(enum fact_op op)
{
    switch (op) {
    case FACT_LT: return FACT_GT;
    case FACT_LE: return FACT_GE;
    case FACT_GT: return FACT_LT;
    case FACT_GE: return FACT_LE;
    case FACT_EQ:
    case FACT_NE:
    case FACT_IN:
    case FACT_NOT_IN:
    case FACT_MISSING:
    case FACT_PRESENT: break;
    }
    return op;
}

static void add_comparison(struct facts *f, const struct expr *e, bool negated)
{
    enum fact_op op = (enum fact_op)(FACT_EQ + (e->op - EX_EQ));
    const struct expr *a = e->kids[0];
    const struct expr *b = e->kids[1];
    op = negated ? negation(op) : op;
    if (b->op == EX_CONST) {
        add(f, a, op, b->value);
    } else if (a->op == EX_CONST) {
        add(f, b, mirrored(op), a->value);
    }
}

/* The content of a named list may be another one tomorrow. */
static void add_membership(struct facts *f, const struct expr *e, bool negated)
{
    const struct expr *list = e->kids[1];
    if (list->op == EX_CONST && list->value.kind == VAL_LIST && !list->fn_name && !list->changes) {
        add(f, e->kids[0], negated ? FACT_NOT_IN : FACT_IN, list->value);
    }
}

static void add_parts(struct facts *f, const struct expr *e, bool negated)
{
    for (uint32_t i = 0; i < e->n_kids; i++) {
        facts_add(f, e->kids[i], negated);
    }
}

void facts_add(struct facts *f, const struct expr *e, bool negated)
{
    if (!e) {
        return;
    }
    switch (e->op) {
    case EX_AND:
    case EX_OR:
        if ((e->op == EX_AND) != negated) {
            add_parts(f, e, negated);
        }
        break;
    case EX_NOT:
        facts_add(f, e->kids[0], !negated);
        break;
    case EX_EQ:
    case EX_NE:
    case EX_LT:
    case EX_LE:
    case EX_GT:
    case EX_GE:
        add_comparison(f, e, negated);
        break;
    case EX_BETWEEN:
        if (!negated && e->kids[1]->op == EX_CONST) {
            add(f, e->kids[0], FACT_GE, e->kids[1]->value);
        }
        if (!negated && e->kids[2]->op == EX_CONST) {
            add(f, e->kids[0], FACT_LE, e->kids[2]->value);
        }
        break;
    case EX_IN:
        add_membership(f, e, negated);
        break;
    case EX_IS_MISSING:
    case EX_IS_PRESENT:
        add(f, e->kids[0], (e->op == EX_IS_MISSING) != negated ? FACT_MISSING : FACT_PRESENT,
            VALUE_MISSING);
        break;
    case EX_FIELD:
    case EX_BOUND:
    case EX_ITER:
        if (e->kind == VAL_BOOL) {
            add(f, e, FACT_EQ, value_bool(!negated));
        }
        break;
    default:
        break;
    }
}

/* ---- can all be true? ----------------------------------------------------------------------- */

static bool is_item(struct value v, struct value item)
{
    if (v.kind == VAL_IP && item.kind == VAL_CIDR) {
        struct cidr net = value_as_cidr(item);
        struct ip ip = value_as_ip(v);
        return cidr_contains(&net, &ip);
    }
    return v.kind == item.kind && value_equal(v, item);
}

static bool in_list(struct value v, struct value list)
{
    for (uint32_t i = 0; i < list.len; i++) {
        if (is_item(v, list.u.items[i])) {
            return true;
        }
    }
    return false;
}

/* Unknown counts as "may hold". */
static bool may_hold(const struct fact *f, struct value v)
{
    if (f->op == FACT_IN || f->op == FACT_NOT_IN) {
        return in_list(v, f->value) == (f->op == FACT_IN);
    }
    if (f->op == FACT_MISSING || f->op == FACT_PRESENT) {
        return f->op == FACT_PRESENT;
    }
    if (f->value.kind != v.kind) {
        return true;
    }
    if (f->op == FACT_EQ || f->op == FACT_NE) {
        return value_equal(v, f->value) == (f->op == FACT_EQ);
    }
    int c = value_compare(v, f->value);
    return f->op == FACT_LT   ? c < 0
           : f->op == FACT_LE ? c <= 0
           : f->op == FACT_GT ? c > 0
                              : c >= 0;
}

/* All facts about the subject of fact `at` hold for `v`. */
static bool all_may_hold(const struct facts *f, uint32_t at, struct value v)
{
    for (uint32_t i = 0; i < f->n; i++) {
        if (expr_same(f->items[i].subject, f->items[at].subject) && !may_hold(&f->items[i], v)) {
            return false;
        }
    }
    return true;
}

static bool none_of_items(const struct facts *f, uint32_t at, struct value list)
{
    for (uint32_t i = 0; i < list.len; i++) {
        if (list.u.items[i].kind == VAL_CIDR || all_may_hold(f, at, list.u.items[i])) {
            return false;
        }
    }
    return true;
}

static const struct schema_field *declared_field(const struct facts *f, const struct expr *e)
{
    bool reads = e->op == EX_FIELD || e->op == EX_BOUND || e->op == EX_ITER;
    if (!f->rs || !reads || !e->field || e->field->n != 1) {
        return NULL;
    }
    return &f->rs->decls[e->field->alt[0].decl].fields[e->field->alt[0].slot];
}

/* The subject has few values, and no one satisfies what is said about it. */
static bool values_run_out(const struct facts *f, uint32_t at)
{
    const struct fact *x = &f->items[at];
    if (x->op == FACT_EQ) {
        return !all_may_hold(f, at, x->value);
    }
    if (x->op == FACT_IN) {
        return none_of_items(f, at, x->value);
    }
    if (x->subject->kind == VAL_BOOL) {
        return !all_may_hold(f, at, value_bool(true)) && !all_may_hold(f, at, value_bool(false));
    }
    const struct schema_field *field = declared_field(f, x->subject);
    if (!field || field->type != TYPE_ENUM || field->is_list) {
        return false;
    }
    for (uint32_t i = 0; i < field->n_enum_values; i++) {
        if (all_may_hold(f, at, value_string(field->enum_values[i]))) {
            return false;
        }
    }
    return true;
}

/* low says "at least", high says "at most": nothing lies between. */
static bool empty_range(const struct fact *low, const struct fact *high)
{
    if ((low->op != FACT_GT && low->op != FACT_GE) || (high->op != FACT_LT && high->op != FACT_LE) ||
        low->value.kind != high->value.kind) {
        return false;
    }
    int c = value_compare(low->value, high->value);
    bool open = low->op == FACT_GT || high->op == FACT_LT;
    bool neighbours = low->value.kind == VAL_INT && low->op == FACT_GT && high->op == FACT_LT &&
                      low->value.u.i != INT64_MAX && low->value.u.i + 1 == high->value.u.i;
    return c > 0 || (c == 0 && open) || neighbours;
}

static bool disjoint_networks(const struct fact *a, const struct fact *b)
{
    if (a->op != FACT_IN || b->op != FACT_IN) {
        return false;
    }
    for (uint32_t i = 0; i < a->value.len; i++) {
        for (uint32_t k = 0; k < b->value.len; k++) {
            struct value x = a->value.u.items[i];
            struct value y = b->value.u.items[k];
            if (x.kind != VAL_CIDR || y.kind != VAL_CIDR) {
                return false;
            }
            struct cidr n = value_as_cidr(x);
            struct cidr m = value_as_cidr(y);
            if (cidr_contains(&n, &m.ip) || cidr_contains(&m, &n.ip)) {
                return false;
            }
        }
    }
    return a->value.len > 0 && b->value.len > 0;
}

static bool conflict(const struct fact *a, const struct fact *b)
{
    if (!expr_same(a->subject, b->subject)) {
        return false;
    }
    if (a->op == FACT_MISSING || b->op == FACT_MISSING) {
        return a->op != b->op;
    }
    return empty_range(a, b) || empty_range(b, a) || disjoint_networks(a, b);
}

bool facts_contradict(const struct facts *f)
{
    for (uint32_t i = 0; i < f->n; i++) {
        if (f->items[i].op != FACT_MISSING && values_run_out(f, i)) {
            return true;
        }
        for (uint32_t k = i + 1; k < f->n; k++) {
            if (conflict(&f->items[i], &f->items[k])) {
                return true;
            }
        }
    }
    return false;
}
