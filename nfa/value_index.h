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
/* The value of a key; missing when absent. */
struct value value_index_get(const struct value_index *index, struct value key);

/* The content in a stated order (lists as given, maps by key), for canonical text. */
struct buf;
void value_index_canonical(const struct value_index *index, struct buf *out);

#endif
