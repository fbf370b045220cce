#include "nfa/value_set.h"

#include <stdlib.h>

#include "base/xalloc.h"

static size_t slot_of(const struct value_set *set, struct value v)
{
    size_t mask = set->slot_count - 1;
    size_t i = (size_t)value_hash(v) & mask;
    while (set->slots[i] && !value_equal(set->items[set->slots[i] - 1], v)) {
        i = (i + 1) & mask;
    }
    return i;
}

/* At most half full, so that a search ends soon. */
static void grow_slots(struct value_set *set)
{
    size_t count = set->slot_count ? set->slot_count * 2 : 16;
    free(set->slots);
    set->slots = xcalloc(count, sizeof(*set->slots));
    set->slot_count = count;
    for (size_t i = 0; i < set->n; i++) {
        set->slots[slot_of(set, set->items[i])] = (uint32_t)i + 1;
    }
}

bool value_set_add(struct value_set *set, struct value v)
{
    if (set->n * 2 >= set->slot_count) {
        grow_slots(set);
    }
    size_t at = slot_of(set, v);
    if (set->slots[at]) {
        return false;
    }
    VEC_PUSH(set->items, set->n, set->cap) = v;
    set->slots[at] = (uint32_t)set->n;
    return true;
}

void value_set_clear(struct value_set *set)
{
    if (set->n) {
        memset(set->slots, 0, set->slot_count * sizeof(*set->slots));
    }
    set->n = 0;
}

void value_set_release(struct value_set *set)
{
    free(set->items);
    free(set->slots);
    *set = (struct value_set){0};
}
