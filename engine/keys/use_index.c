#include "engine/keys/use_index.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/keys/key.h"
#include "nfa/expr_need.h"

/* Below that asking each rule costs no more than looking values up. */
#define MIN_USES 8

static void set_add(const struct use_index *index, uint64_t *set, uint32_t i)
{
    uint32_t w = i / 64;
    set[w] |= UINT64_C(1) << i % 64;
    set[index->n_words + w / 64] |= UINT64_C(1) << w % 64;
}

/* ---- what a rule needs -------------------------------------------------------------------- */

/* One value that one use needs of one field; a use needs any of its own. */
struct need {
    uint32_t slot;
    struct value value;
    uint32_t use;
};

struct needs {
    struct need *items;
    size_t n, cap;
};

static void needs_add(struct needs *to, const struct expr_need *need, uint32_t use)
{
    for (uint32_t i = 0; i < need->n; i++) {
        VEC_PUSH(to->items, to->n, to->cap) = (struct need){need->slot, need->values[i], use};
    }
}

/* A role of the rule has a filter: without any role the event is none of the rule's. */
static bool filters_need(const struct rule *rule, const struct key_use *use, uint32_t decl,
                         uint32_t at, struct arena *arena, struct needs *to)
{
    for (uint32_t r = 0; r < rule->n_roles; r++) {
        struct expr_need need;
        if (!(use->roles & UINT64_C(1) << r)) {
            continue;
        }
        if (!expr_need(rule->roles[r].filter, decl, arena, &need)) {
            return false;
        }
        needs_add(to, &need, at);
    }
    return true;
}

/* No role has a filter: without any test that holds a rule that asks alone does nothing, unless the
 * event counts for itself. */
static bool tests_need(const struct rule *rule, const struct key_use *use, uint32_t decl,
                       uint32_t at, struct arena *arena, struct needs *to)
{
    if (rule->drains || rule->n_captures > 0 || rule->n_profiles > 0 ||
        (rule->uses_counted && (use->roles & rule->counted_roles) != 0)) {
        return false;
    }
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        struct expr_need need;
        if (!(rule->tests[t].roles & use->roles)) {
            continue;
        }
        if (!expr_need(rule->tests[t].own, decl, arena, &need)) {
            return false;
        }
        needs_add(to, &need, at);
    }
    return true;
}

/* ---- building ----------------------------------------------------------------------------- */

static int by_field(const void *x, const void *y)
{
    const struct need *a = x, *b = y;
    if (a->slot != b->slot) {
        return a->slot < b->slot ? -1 : 1;
    }
    if (a->value.kind != b->value.kind) {
        return a->value.kind < b->value.kind ? -1 : 1;
    }
    int c = value_compare(a->value, b->value);
    return c != 0 ? c : a->use < b->use ? -1 : a->use > b->use;
}

/* One field: needs that stand together, values in order. */
static struct use_field field_of(const struct need *needs, size_t n, struct arena *arena)
{
    struct value *keys = ARENA_ARRAY(arena, struct value, n);
    struct value *numbers = ARENA_ARRAY(arena, struct value, n);
    struct use_field f = {.slot = needs[0].slot,
                          .by_value = ARENA_ARRAY(arena, struct use_list, n)};
    uint32_t *uses = ARENA_ARRAY(arena, uint32_t, n);
    uint32_t n_values = 0;
    for (size_t i = 0; i < n; uses += f.by_value[n_values - 1].n) {
        struct use_list list = {uses, 0};
        size_t first = i;
        for (; i < n && value_equal(needs[i].value, needs[first].value); i++) {
            if (list.n == 0 || uses[list.n - 1] != needs[i].use) {
                uses[list.n++] = needs[i].use;
            }
        }
        keys[n_values] = needs[first].value;
        numbers[n_values] = value_int(n_values);
        f.by_value[n_values++] = list;
    }
    f.lists = value_index_map(keys, numbers, n_values, arena);
    return f;
}

static void add_fields(struct use_index *index, const struct needs *needs, struct arena *arena)
{
    index->fields = ARENA_ARRAY(arena, struct use_field, needs->n);
    for (size_t i = 0; i < needs->n;) {
        size_t first = i;
        while (i < needs->n && needs->items[i].slot == needs->items[first].slot) {
            i++;
        }
        index->fields[index->n_fields++] = field_of(&needs->items[first], i - first, arena);
    }
}

struct use_index *use_index_new(const struct ruleset *rs, const struct key_variant *v,
                                struct arena *arena)
{
    if (v->n_uses < MIN_USES) {
        return NULL;
    }
    struct use_index *index = ARENA_NEW(arena, struct use_index);
    struct needs needs = {0};
    uint32_t found = 0;
    index->n_words = (v->n_uses + 63) / 64;
    index->n_groups = (index->n_words + 63) / 64;
    index->always = ARENA_ARRAY(arena, uint64_t, index->n_words + index->n_groups);
    index->handed = ARENA_ARRAY(arena, uint64_t, index->n_words + index->n_groups);
    for (uint32_t i = 0; i < v->n_uses; i++) {
        const struct key_use *use = &v->uses[i];
        const struct rule *rule = &rs->rules[use->rule];
        size_t before = needs.n;
        bool knows = use->filtered ? filters_need(rule, use, v->decl, i, arena, &needs)
                                   : tests_need(rule, use, v->decl, i, arena, &needs);
        needs.n = knows ? needs.n : before;
        found += knows;
        if (!knows) {
            set_add(index, index->always, i);
        } else if (!use->filtered) {
            set_add(index, index->handed, i);
        }
    }
    if (needs.n > 0) {
        qsort(needs.items, needs.n, sizeof(*needs.items), by_field);
        add_fields(index, &needs, arena);
    }
    free(needs.items);
    return found >= MIN_USES ? index : NULL;
}

/* ---- finding ------------------------------------------------------------------------------ */

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
        if (f->slot >= e->n_values || value_is_missing(e->values[f->slot])) {
            continue;
        }
        struct value number = value_index_get(f->lists, e->values[f->slot]);
        if (value_is_missing(number)) {
            continue;
        }
        const struct use_list *list = &f->by_value[number.u.i];
        for (uint32_t k = 0; k < list->n; k++) {
            set_add(index, set, list->uses[k]);
        }
    }
}
