#include "nfa/expr_need.h"

#include <string.h>

/* A field of which fewer values are named may have others. */
#define LEAST_VALUES 8

/* ---- one comparison ----------------------------------------------------------------------- */

/* The slot of a plain field in events of the declaration. */
static bool slot_of(const struct expr *e, uint32_t decl, uint32_t *ret)
{
    if (e->op != EX_FIELD || e->field == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < e->field->n; i++) {
        if (e->field->alt[i].decl == decl) {
            *ret = e->field->alt[i].slot;
            return true;
        }
    }
    return false;
}

/* An ip is in a network that it does not equal. */
static bool is_plain(struct value v)
{
    return v.kind != VAL_CIDR && v.kind != VAL_IP && v.kind != VAL_LIST;
}

/* Of these the order of values is that of `<`. */
static bool is_counted(struct value v)
{
    return v.kind == VAL_INT || v.kind == VAL_DECIMAL;
}

static bool equality_want(const struct expr *e, uint32_t decl, struct expr_want *ret)
{
    for (uint32_t i = 0; i < 2; i++) {
        const struct expr *field = e->kids[i], *constant = e->kids[1 - i];
        if (constant->op == EX_CONST && slot_of(field, decl, &ret->slot)) {
            ret->values = &constant->value;
            ret->n = value_is_missing(constant->value) ? 0 : 1;
            return ret->n == 0 || is_plain(constant->value);
        }
    }
    return false;
}

static bool order_want(const struct expr *e, uint32_t decl, struct expr_want *ret)
{
    bool rises = e->op == EX_GT || e->op == EX_GE;
    for (uint32_t i = 0; i < 2; i++) {
        const struct expr *field = e->kids[i], *constant = e->kids[1 - i];
        if (constant->op == EX_CONST && is_counted(constant->value) && slot_of(field, decl, &ret->slot)) {
            ret->kind = rises == (i == 0) ? WANT_LEAST : WANT_MOST;
            ret->values = &constant->value;
            ret->n = 1;
            return true;
        }
    }
    return false;
}

static bool member_want(const struct expr *e, uint32_t decl, struct arena *arena,
                        struct expr_want *ret)
{
    const struct expr *list = e->kids[1];
    if (list->op != EX_CONST || list->value.kind != VAL_LIST ||
        !slot_of(e->kids[0], decl, &ret->slot)) {
        return false;
    }
    struct value *values = ARENA_ARRAY(arena, struct value, list->value.len);
    for (uint32_t i = 0; i < list->value.len; i++) {
        struct value item = list->value.u.items[i];
        if (value_is_missing(item)) {
            continue;
        }
        if (!is_plain(item)) {
            return false;
        }
        values[ret->n++] = item;
    }
    ret->values = values;
    return true;
}

static bool want_of(const struct expr *e, uint32_t decl, struct arena *arena, struct expr_want *ret)
{
    *ret = (struct expr_want){0};
    switch (e->op) {
    case EX_EQ: return equality_want(e, decl, ret);
    case EX_IN: return member_want(e, decl, arena, ret);
    case EX_LT:
    case EX_LE:
    case EX_GT:
    case EX_GE: return order_want(e, decl, ret);
    default: return false;
    }
}

/* ---- conditions --------------------------------------------------------------------------- */

/* The share of events that hold what is wanted, guessed. */
static double share(const struct expr_want *w, const struct slot_values *known)
{
    if (w->kind != WANT_VALUE || w->n == 0) {
        return w->n == 0 ? 0 : 0.5;
    }
    uint32_t values = w->slot < known->n_slots ? known->n[w->slot] : 0;
    values = values < LEAST_VALUES ? LEAST_VALUES : values;
    return (double)w->n / (w->values[0].kind == VAL_BOOL ? 2 : values);
}

static double need_share(const struct expr_need *need, const struct slot_values *known)
{
    double sum = 0;
    for (uint32_t i = 0; i < need->n; i++) {
        sum += share(&need->any[i], known);
    }
    return sum;
}

static bool all_need(const struct expr *e, uint32_t decl, const struct slot_values *known,
                     struct arena *arena, struct expr_need *ret)
{
    bool found = false;
    for (uint32_t i = 0; i < e->n_kids; i++) {
        struct expr_need need;
        if (expr_need(e->kids[i], decl, known, arena, &need) &&
            (!found || need_share(&need, known) < need_share(ret, known))) {
            *ret = need;
            found = true;
        }
    }
    return found;
}

static bool any_need(const struct expr *e, uint32_t decl, const struct slot_values *known,
                     struct arena *arena, struct expr_need *ret)
{
    for (uint32_t i = 0; i < e->n_kids; i++) {
        struct expr_need need;
        if (!expr_need(e->kids[i], decl, known, arena, &need)) {
            return false;
        }
        struct expr_want *both = ARENA_ARRAY(arena, struct expr_want, ret->n + need.n + 1);
        memcpy(both, ret->any, ret->n * sizeof(*both));
        memcpy(both + ret->n, need.any, need.n * sizeof(*both));
        *ret = (struct expr_need){both, ret->n + need.n};
    }
    return e->n_kids > 0;
}

bool expr_need(const struct expr *e, uint32_t decl, const struct slot_values *known,
               struct arena *arena, struct expr_need *ret)
{
    struct expr_want want;
    *ret = (struct expr_need){.any = ARENA_NEW(arena, struct expr_want)};
    if (e == NULL) {
        return false;
    }
    if (e->op == EX_AND) {
        return all_need(e, decl, known, arena, ret);
    }
    if (e->op == EX_OR) {
        return any_need(e, decl, known, arena, ret);
    }
    if (!want_of(e, decl, arena, &want)) {
        return false;
    }
    struct expr_want *one = ARENA_NEW(arena, struct expr_want);
    *one = want;
    *ret = (struct expr_need){one, want.n > 0};
    return true;
}

void expr_each_want(const struct expr *e, uint32_t decl, struct arena *arena,
                    void (*fn)(void *ctx, const struct expr_want *want), void *ctx)
{
    struct expr_want want;
    if (e == NULL) {
        return;
    }
    for (uint32_t i = 0; i < e->n_kids && (e->op == EX_AND || e->op == EX_OR); i++) {
        expr_each_want(e->kids[i], decl, arena, fn, ctx);
    }
    if (want_of(e, decl, arena, &want)) {
        fn(ctx, &want);
    }
}
