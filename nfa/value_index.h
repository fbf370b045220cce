/* A constant list or map made searchable: built when a rule set is compiled, immutable then.
 *
 * Membership costs one hash look-up; an ip is looked for in networks with one look-up per distinct
 * prefix length in the list, however many networks it holds. */
#ifndef FYKE_NFA_VALUE_INDEX_H
#define FYKE_NFA_VALUE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "nfa/value.h"

struct value_index;

/* `list` is a VAL_LIST; its items are borrowed and outlive the index. */
const struct value_index *value_index_new(struct value list, struct arena *arena);
/* Keys and values side by side; of equal keys the last one counts. */
const struct value_index *value_index_map(const struct value *keys, const struct value *values,
                                          uint32_t n, struct arena *arena);

/* x equals an item, or is an ip inside a network of the list. `x` is not missing. */
bool value_index_has(const struct value_index *index, struct value x);
/* Some item is missing: then "not found" is unknown. */
bool value_index_has_missing(const struct value_index *index);
/* The value of a key; for an ip also that of the longest network around it. Missing when absent. */
struct value value_index_get(const struct value_index *index, struct value key);

/* Every key that a look-up finds, once, with its value (missing in lists), in no stated order. */
void value_index_each(const struct value_index *index,
                      void (*fn)(void *ctx, struct value key, struct value value), void *ctx);

#endif
