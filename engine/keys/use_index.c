#include "engine/keys/use_index.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/keys/key.h"
#include "nfa/expr_need.h"
#include "nfa/state.h"

/* Below that asking each rule costs no more than looking values up. */
#define MIN_USES 8

void use_index_add(const struct use_index *index, uint64_t *set, uint32_t i)
{
    uint32_t w = i / 64;
    set[w] |= UINT64_C(1) << i % 64;
    set[index->n_words + w / 64] |= UINT64_C(1) << w % 64;
}

/* ---- what a rule needs -------------------------------------------------------------------- */

/* One thing that one use needs of one field; a use needs any of its own. */
struct need {
    uint32_t slot;
    enum want_kind kind;
    struct value value;
    uint32_t use;
};

struct needs {
    struct need *items;
    size_t n, cap;
};

static void needs_add_want(struct needs *to, const struct expr_want *want, uint32_t use)
{
    for (uint32_t i = 0; i < want->n; i++) {
        VEC_PUSH(to->items, to->n, to->cap) = (struct need){want->slot, want->kind, want->values[i], use};
    }
}

static void needs_add(struct needs *to, const struct expr_need *need, uint32_t use)
{
    for (uint32_t i = 0; i < need->n; i++) {
        needs_add_want(to, &need->any[i], use);
    }
}

static int by_field(const void *x, const void *y)
{
    const struct need *a = x, *b = y;
    if (a->slot != b->slot) {
        return a->slot < b->slot ? -1 : 1;
    }
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    int c = value_compare(a->value, b->value);
    return c != 0 ? c : a->use < b->use ? -1 : a->use > b->use;
}

static void needs_sort(struct needs *needs)
{
    if (needs->n > 0) {
        qsort(needs->items, needs->n, sizeof(*needs->items), by_field);
    }
}

/* What a variant's uses are asked with. */
struct asking {
    const struct ruleset *rs;
    uint32_t decl;
    struct slot_values known;
    struct arena *arena;
};

/* A role of the rule has a filter: without any role the event is none of the rule's. */
static bool filters_need(const struct asking *a, const struct key_use *use, uint32_t at, struct needs *to)
{
    const struct rule *rule = &a->rs->rules[use->rule];
    for (uint32_t r = 0; r < rule->n_roles; r++) {
        struct expr_need need;
        if (!(use->roles & UINT64_C(1) << r)) {
            continue;
        }
        if (!expr_need(rule->roles[r].filter, a->decl, &a->known, a->arena, &need)) {
            return false;
        }
        needs_add(to, &need, at);
    }
    return true;
}

/* No role has a filter: without any test that holds a rule that asks alone does nothing but count. */
static bool tests_need(const struct asking *a, const struct key_use *use, uint32_t at, struct needs *to)
{
    const struct rule *rule = &a->rs->rules[use->rule];
    if (rule->drains || rule->n_captures > 0 || rule->n_profiles > 0) {
        return false;
    }
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        struct expr_need need;
        if (!(rule->tests[t].roles & use->roles)) {
            continue;
        }
        if (!expr_need(rule->tests[t].own, a->decl, &a->known, a->arena, &need)) {
            return false;
        }
        needs_add(to, &need, at);
    }
    return true;
}

static void note_want(void *ctx, const struct expr_want *want)
{
    if (want->kind == WANT_VALUE) {
        needs_add_want(ctx, want, 0);
    }
}

/* How many values the rules of a variant name, by slot. */
static struct slot_values named_values(const struct ruleset *rs, const struct key_variant *v, struct arena *arena)
{
    struct needs all = {0};
    for (uint32_t i = 0; i < v->n_uses; i++) {
        const struct rule *rule = &rs->rules[v->uses[i].rule];
        for (uint32_t t = 0; t < rule->n_tests; t++) {
            if (rule->tests[t].roles & v->uses[i].roles) {
                expr_each_want(rule->tests[t].own, v->decl, arena, note_want, &all);
            }
        }
    }
    needs_sort(&all);
    uint32_t n_slots = all.n > 0 ? all.items[all.n - 1].slot + 1 : 0;
    uint32_t *n = ARENA_ARRAY(arena, uint32_t, n_slots + 1);
    for (size_t i = 0; i < all.n; i++) {
        const struct need *x = &all.items[i];
        n[x->slot] += i == 0 || x[-1].slot != x->slot || !value_equal(x[-1].value, x->value);
    }
    free(all.items);
    return (struct slot_values){n, n_slots};
}

/* ---- building ----------------------------------------------------------------------------- */

/* Needs of one field that name values, in their order. */
static void add_values(struct use_field *f, const struct need *needs, size_t n, struct arena *arena)
{
    struct value *keys = ARENA_ARRAY(arena, struct value, n);
    struct value *numbers = ARENA_ARRAY(arena, struct value, n);
    uint32_t *uses = ARENA_ARRAY(arena, uint32_t, n);
    uint32_t n_values = 0;
    f->by_value = ARENA_ARRAY(arena, struct use_list, n);
    for (size_t i = 0; i < n; uses += f->by_value[n_values - 1].n) {
        struct use_list list = {uses, 0};
        size_t first = i;
        for (; i < n && value_equal(needs[i].value, needs[first].value); i++) {
            if (list.n == 0 || uses[list.n - 1] != needs[i].use) {
                uses[list.n++] = needs[i].use;
            }
        }
        keys[n_values] = needs[first].value;
        numbers[n_values] = value_int(n_values);
        f->by_value[n_values++] = list;
    }
    f->lists = value_index_map(keys, numbers, n_values, arena);
}

/* Of one kind, in the order of their values. */
static struct use_bounds bounds_of(const struct need *needs, size_t n, struct arena *arena)
{
    struct use_bounds b = {.items = ARENA_ARRAY(arena, struct use_bound, n), .n = (uint32_t)n};
    for (size_t i = 0; i < n; i++) {
        b.items[i] = (struct use_bound){needs[i].value, needs[i].use};
    }
    return b;
}

/* Needs of one field. */
static struct use_field field_of(const struct need *needs, size_t n, struct arena *arena)
{
    struct use_field f = {.slot = needs[0].slot};
    for (size_t i = 0; i < n;) {
        size_t first = i;
        while (i < n && needs[i].kind == needs[first].kind) {
            i++;
        }
        switch (needs[first].kind) {
        case WANT_VALUE: add_values(&f, &needs[first], i - first, arena); break;
        case WANT_LEAST: f.least = bounds_of(&needs[first], i - first, arena); break;
        case WANT_MOST: f.most = bounds_of(&needs[first], i - first, arena); break;
        }
    }
    return f;
}

static void add_fields(struct use_index *index, const struct needs *needs, struct arena *arena)
{
    index->fields = ARENA_ARRAY(arena, struct use_field, needs->n + 1);
    for (size_t i = 0; i < needs->n;) {
        size_t first = i;
        while (i < needs->n && needs->items[i].slot == needs->items[first].slot) {
            i++;
        }
        index->fields[index->n_fields++] = field_of(&needs->items[first], i - first, arena);
    }
}

static void add_counting(struct use_index *index, const struct ruleset *rs, const struct key_use *use,
                         uint32_t at, struct arena *arena)
{
    if (!rule_counts(&rs->rules[use->rule], use->roles)) {
        return;
    }
    if (index->counting == NULL) {
        index->counting = ARENA_ARRAY(arena, uint32_t, rs->n_units);
    }
    index->counting[use->rule] = at + 1;
}

struct use_index *use_index_new(const struct ruleset *rs, const struct key_variant *v,
                                struct arena *arena)
{
    if (v->n_uses < MIN_USES) {
        return NULL;
    }
    struct use_index *index = ARENA_NEW(arena, struct use_index);
    struct needs needs = {0};
    struct asking asking = {rs, v->decl, named_values(rs, v, arena), arena};
    uint32_t found = 0;
    index->n_words = (v->n_uses + 63) / 64;
    index->n_groups = (index->n_words + 63) / 64;
    index->always = ARENA_ARRAY(arena, uint64_t, index->n_words + index->n_groups);
    index->handed = ARENA_ARRAY(arena, uint64_t, index->n_words + index->n_groups);
    for (uint32_t i = 0; i < v->n_uses; i++) {
        const struct key_use *use = &v->uses[i];
        size_t before = needs.n;
        bool knows = use->filtered ? filters_need(&asking, use, i, &needs) : tests_need(&asking, use, i, &needs);
        needs.n = knows ? needs.n : before;
        found += knows;
        if (!knows) {
            use_index_add(index, index->always, i);
        } else if (!use->filtered) {
            use_index_add(index, index->handed, i);
            add_counting(index, rs, use, i, arena);
        }
    }
    needs_sort(&needs);
    add_fields(index, &needs, arena);
    free(needs.items);
    return found >= MIN_USES ? index : NULL;
}

/* ---- finding ------------------------------------------------------------------------------ */

static void find_by_value(const struct use_index *index, const struct use_field *f, struct value value,
                          uint64_t *set)
{
    struct value number = f->lists == NULL ? VALUE_MISSING : value_index_get(f->lists, value);
    if (value_is_missing(number)) {
        return;
    }
    const struct use_list *list = &f->by_value[number.u.i];
    for (uint32_t k = 0; k < list->n; k++) {
        use_index_add(index, set, list->uses[k]);
    }
}

static void find_by_bounds(const struct use_index *index, const struct use_field *f, struct value value,
                           uint64_t *set)
{
    for (uint32_t k = 0; k < f->least.n && value_compare(f->least.items[k].value, value) <= 0; k++) {
        use_index_add(index, set, f->least.items[k].use);
    }
    for (uint32_t k = f->most.n; k > 0 && value_compare(f->most.items[k - 1].value, value) >= 0; k--) {
        use_index_add(index, set, f->most.items[k - 1].use);
    }
}

void use_index_find(const struct use_index *index, const struct event *e, uint64_t *set)
{
    for (uint32_t g = 0; g < index->n_groups; g++) {
        set[index->n_words + g] = index->always[index->n_words + g];
        for (uint64_t left = set[index->n_words + g]; left != 0; left &= left - 1) {
            uint32_t w = g * 64 + (uint32_t)__builtin_ctzll(left);
            set[w] = index->always[w];
        }
    }
    for (uint32_t i = 0; i < index->n_fields; i++) {
        const struct use_field *f = &index->fields[i];
        if (f->slot < e->n_values && !value_is_missing(e->values[f->slot])) {
            find_by_value(index, f, e->values[f->slot], set);
            find_by_bounds(index, f, e->values[f->slot], set);
        }
    }
}
