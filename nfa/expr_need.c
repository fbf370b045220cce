#include "nfa/expr_need.h"

#include <string.h>

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

static bool equality_need(const struct expr *e, uint32_t decl, struct expr_need *ret)
{
    for (uint32_t i = 0; i < 2; i++) {
        const struct expr *field = e->kids[i], *constant = e->kids[1 - i];
        if (constant->op == EX_CONST && slot_of(field, decl, &ret->slot)) {
            ret->values = &constant->value;
            ret->n = value_is_missing(constant->value) ? 0 : 1;
            ret->weak = constant->value.kind == VAL_BOOL;
            return ret->n == 0 || is_plain(constant->value);
        }
    }
    return false;
}

static bool member_need(const struct expr *e, uint32_t decl, struct arena *arena,
                        struct expr_need *ret)
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
        ret->weak |= item.kind == VAL_BOOL;
        values[ret->n++] = item;
    }
    ret->values = values;
    return true;
}

static bool is_better(const struct expr_need *a, const struct expr_need *b)
{
    return a->weak != b->weak ? b->weak : a->n < b->n;
}

static bool all_need(const struct expr *e, uint32_t decl, struct arena *arena,
                     struct expr_need *ret)
{
    bool found = false;
    for (uint32_t i = 0; i < e->n_kids; i++) {
        struct expr_need need;
        if (expr_need(e->kids[i], decl, arena, &need) && (!found || is_better(&need, ret))) {
            *ret = need;
            found = true;
        }
    }
    return found;
}

static bool any_need(const struct expr *e, uint32_t decl, struct arena *arena,
                     struct expr_need *ret)
{
    if (e->n_kids == 0 || !expr_need(e->kids[0], decl, arena, ret)) {
        return false;
    }
    for (uint32_t i = 1; i < e->n_kids; i++) {
        struct expr_need need;
        if (!expr_need(e->kids[i], decl, arena, &need) ||
            !expr_need_either(ret, &need, arena, ret)) {
            return false;
        }
    }
    return true;
}

bool expr_need_either(const struct expr_need *a, const struct expr_need *b, struct arena *arena,
                      struct expr_need *ret)
{
    if (a->slot != b->slot) {
        return false;
    }
    struct value *values = ARENA_ARRAY(arena, struct value, a->n + b->n);
    memcpy(values, a->values, a->n * sizeof(*values));
    memcpy(values + a->n, b->values, b->n * sizeof(*values));
    *ret = (struct expr_need){a->slot, a->weak || b->weak, values, a->n + b->n};
    return true;
}

bool expr_need(const struct expr *e, uint32_t decl, struct arena *arena, struct expr_need *ret)
{
    *ret = (struct expr_need){0};
    if (e == NULL) {
        return false;
    }
    if (e->op == EX_EQ) {
        return equality_need(e, decl, ret);
    }
    if (e->op == EX_IN) {
        return member_need(e, decl, arena, ret);
    }
    if (e->op == EX_AND) {
        return all_need(e, decl, arena, ret);
    }
    return e->op == EX_OR && any_need(e, decl, arena, ret);
}
