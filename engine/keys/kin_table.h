/* Which rules of a key group can share an instance (nfa/kin.h): one of them, the leader, is asked by events for
 * all. Immutable, a part of the key table. */
#ifndef FYKE_ENGINE_KEYS_KIN_TABLE_H
#define FYKE_ENGINE_KEYS_KIN_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "nfa/kin.h"
#include "nfa/rule.h"

/* A place is an index in `rules`. */
struct kin {
    uint32_t leader;       /* the least unit */
    const uint32_t *rules; /* units; the one that allows most first */
    const struct kin_span *spans; /* of each */
    const uint32_t *says;  /* of each: rules with the same number say the same of a match; 0: none else does */
    uint32_t n;
    uint32_t n_words;      /* of a set of places */
};

struct kin_table {
    struct kin **of_unit; /* NULL: the rule shares with none */
    uint32_t *place;      /* per unit with kin */
    uint32_t n_words;     /* the most */
};

void kin_table_init(struct kin_table *t, const struct ruleset *rs, struct arena *arena);
/* Finds kin among the rules of a key group. */
void kin_table_add(struct kin_table *t, const struct ruleset *rs, const uint32_t *rules,
                   uint32_t n, struct arena *arena);

/* The rule by which what the unit keeps is found; units beyond those of the rule set are their own. */
static inline uint32_t kin_leader(const struct kin_table *t, uint32_t n_units, uint32_t unit)
{
    return unit < n_units && t->of_unit[unit] != NULL ? t->of_unit[unit]->leader : unit;
}

#endif
