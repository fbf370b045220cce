/* A counted step is judged event by event. If its own condition can never hold while nothing is
 * collected yet, no run ever starts (language.md 4): `3 X as x where v > last(x.v)`. */
#include "dsl/check.h"

/* What a condition can give while the slot `own` is empty. */
enum can {
    CAN_TRUE = 1,
    CAN_FALSE = 2,
    CAN_UNKNOWN = 4,
    CAN_ANY = 7,
};

struct probe {
    int32_t own;
};

static bool always_missing(const struct probe *p, const struct expr *e);

/* count and sum over nothing are 0, the other aggregates missing. */
static bool is_own_zero(const struct probe *p, const struct expr *e)
{
    return e->op == EX_AGG && e->slot == p->own && (e->agg == AGG_COUNT || e->agg == AGG_SUM);
}

static bool any_kid_missing(const struct probe *p, const struct expr *e)
{
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (e->kids[i] && always_missing(p, e->kids[i])) {
            return true;
        }
    }
    return false;
}

static bool always_missing(const struct probe *p, const struct expr *e)
{
    switch (e->op) {
    case EX_AGG:
        return e->slot == p->own && !is_own_zero(p, e);
    case EX_NEG:
    case EX_ADD:
    case EX_SUB:
    case EX_MUL:
    case EX_DIV:
    case EX_TO_DECIMAL:
    case EX_TO_FLOAT:
    case EX_MEMBER:
        return any_kid_missing(p, e);
    case EX_CALL:
        return !e->takes_missing && any_kid_missing(p, e);
    case EX_IF:
        return always_missing(p, e->kids[1]) && always_missing(p, e->kids[2]);
    default:
        return false;
    }
}

/* A number whose value is known while nothing is collected. */
static bool known_value(const struct probe *p, const struct expr *e, struct value *ret)
{
    if (is_own_zero(p, e)) {
        *ret = (struct value){.kind = e->kind};
        return true;
    }
    *ret = e->value;
    return e->op == EX_CONST;
}

static unsigned can_compare(const struct probe *p, const struct expr *e)
{
    struct value a, b;
    if (any_kid_missing(p, e)) {
        return CAN_UNKNOWN;
    }
    if (e->n_kids != 2 || !known_value(p, e->kids[0], &a) || !known_value(p, e->kids[1], &b) ||
        a.kind != b.kind) {
        return CAN_ANY;
    }
    int c = value_compare(a, b);
    bool yes = e->op == EX_EQ   ? c == 0
               : e->op == EX_NE ? c != 0
               : e->op == EX_LT ? c < 0
               : e->op == EX_LE ? c <= 0
               : e->op == EX_GT ? c > 0
                                : c >= 0;
    return yes ? CAN_TRUE : CAN_FALSE;
}

static unsigned can_be(const struct probe *p, const struct expr *e);

/* AND is true only if all can be; OR if one can be. Kids are taken as independent. */
static unsigned can_logic(const struct probe *p, const struct expr *e)
{
    bool all = e->op == EX_AND;
    unsigned every = CAN_ANY;
    unsigned some = 0;
    for (uint32_t i = 0; i < e->n_kids; i++) {
        unsigned k = can_be(p, e->kids[i]);
        every &= k;
        some |= k;
    }
    unsigned neutral = all ? CAN_TRUE : CAN_FALSE;
    unsigned dominant = all ? CAN_FALSE : CAN_TRUE;
    return (every & neutral) | (some & dominant) | (some & CAN_UNKNOWN);
}

static unsigned can_be(const struct probe *p, const struct expr *e)
{
    unsigned k;
    switch (e->op) {
    case EX_AND:
    case EX_OR:
        return can_logic(p, e);
    case EX_NOT:
        k = can_be(p, e->kids[0]);
        return (k & CAN_UNKNOWN) | (k & CAN_TRUE ? CAN_FALSE : 0) | (k & CAN_FALSE ? CAN_TRUE : 0);
    case EX_EQ:
    case EX_NE:
    case EX_LT:
    case EX_LE:
    case EX_GT:
    case EX_GE:
        return can_compare(p, e);
    case EX_BETWEEN:
    case EX_IN:
    case EX_GLOB:
    case EX_LIKE:
    case EX_MATCHES:
    case EX_CONTAINS:
    case EX_STARTS_WITH:
    case EX_ENDS_WITH:
        return any_kid_missing(p, e) ? CAN_UNKNOWN : CAN_ANY;
    case EX_IS_MISSING:
        return always_missing(p, e->kids[0]) ? CAN_TRUE : CAN_ANY;
    case EX_IS_PRESENT:
        return always_missing(p, e->kids[0]) ? CAN_FALSE : CAN_ANY;
    case EX_IF:
        k = can_be(p, e->kids[0]);
        return (k & CAN_TRUE ? can_be(p, e->kids[1]) : 0) |
               (k & CAN_FALSE ? can_be(p, e->kids[2]) : 0) | (k & CAN_UNKNOWN);
    default:
        return always_missing(p, e) ? CAN_UNKNOWN : CAN_ANY;
    }
}

void rule_check_starts(struct rule_ctx *r)
{
    for (uint32_t i = 0; i < r->rule->n_tests; i++) {
        const struct rule_test *t = &r->rule->tests[i];
        if (t->use != TEST_STEP || !t->joint || !r->names[t->slot].repeated) {
            continue;
        }
        struct probe p = {.own = t->slot};
        if (can_be(&p, t->joint) & CAN_TRUE) {
            continue;
        }
        struct slice name = r->names[t->slot].text;
        struct diag *d = check_error(r->c, "E0416", r->tests[i].ast->where->span,
                                     "this count never starts: nothing is collected before its "
                                     "first event");
        check_help(r->c, d, "let the first event in: `count(%.*s) = 0 or …`", SLICE_ARG(name));
    }
}
