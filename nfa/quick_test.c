#include "nfa/quick_test.h"

#include "base/arena.h"
#include "nfa/expr.h"

static bool is_comparison(uint8_t op)
{
    return op >= EX_EQ && op <= EX_GE;
}

static uint8_t mirrored(uint8_t op)
{
    switch (op) {
    case EX_LT: return EX_GT;
    case EX_LE: return EX_GE;
    case EX_GT: return EX_LT;
    case EX_GE: return EX_LE;
    default: return op;
    }
}

static bool put_comparison(const struct expr *e, struct quick_test *t)
{
    if (!is_comparison(e->op)) {
        return false;
    }
    bool turned = e->kids[0]->op == EX_CONST;
    const struct expr *field = e->kids[turned ? 1 : 0], *constant = e->kids[turned ? 0 : 1];
    if (field->op != EX_FIELD || constant->op != EX_CONST || !field->field ||
        field->field->n != 1 || field->kind != constant->value.kind ||
        constant->value.kind == VAL_LIST) {
        return false;
    }
    t->items[t->n++] = (struct quick_comparison){
        .decl = field->field->alt[0].decl,
        .slot = field->field->alt[0].slot,
        .op = turned ? mirrored(e->op) : e->op,
        .is_text = e->op == EX_EQ && constant->value.kind == VAL_STRING && constant->value.len > 0,
        .constant = constant->value,
    };
    return true;
}

static bool put_all(const struct expr *e, struct quick_test *t)
{
    if (e->op != EX_AND) {
        return put_comparison(e, t);
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (!put_all(e->kids[i], t)) {
            return false;
        }
    }
    return true;
}

static uint32_t count(const struct expr *e)
{
    uint32_t n = 0;
    for (uint32_t i = 0; e->op == EX_AND && i < e->n_kids; i++) {
        n += count(e->kids[i]);
    }
    return e->op == EX_AND ? n : 1;
}

const struct quick_test *quick_test_new(const struct expr *condition, struct arena *arena)
{
    uint32_t n = condition ? count(condition) : 0;
    struct quick_test *t =
        arena_alloc(arena, sizeof(*t) + n * sizeof(struct quick_comparison));
    return !condition || put_all(condition, t) ? t : NULL;
}

/* Of values of one kind. */
static int order_of(const struct value *a, const struct value *b)
{
    if (a->kind == VAL_DECIMAL) {
        return decimal_cmp(value_as_decimal(*a), value_as_decimal(*b));
    }
    return a->kind == VAL_INT ? (a->u.i > b->u.i) - (a->u.i < b->u.i) : value_compare(*a, *b);
}

bool quick_comparison_holds(const struct quick_comparison *c, const struct value *v)
{
    if (c->op == EX_EQ || c->op == EX_NE) {
        return value_equal(*v, c->constant) == (c->op == EX_EQ);
    }
    int order = order_of(v, &c->constant);
    switch (c->op) {
    case EX_LT: return order < 0;
    case EX_LE: return order <= 0;
    case EX_GT: return order > 0;
    default: return order >= 0;
    }
}
