/* Values in order of first occurrence, each once. Memory comes from malloc; text and items are
 * borrowed. Not thread-safe. */
#ifndef FYKE_NFA_VALUE_SET_H
#define FYKE_NFA_VALUE_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "nfa/value.h"

struct value_set {
    struct value *items;
    size_t n, cap;
    uint32_t *slots; /* item index + 1; 0 = free */
    size_t slot_count; /* power of two, or 0 before the first item */
};

/* True iff the value was not there. */
bool value_set_add(struct value_set *set, struct value v);
void value_set_clear(struct value_set *set); /* keeps the memory */
void value_set_release(struct value_set *set);

#endif
