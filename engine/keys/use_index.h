/* Which rules of a variant an event may concern, found by its values: what a rule asks of an event alone
 * often begins with `field = constant` or `field > constant`, and of ten thousand such rules an event concerns
 * a few.
 *
 * A rule that is left out would have said that none of its tests holds, or, when the `where` of its `let` is
 * what is missing, that the event is none of its own; nothing of the key would have been looked at. Rules that
 * count events (`next`, `in a row`) are besides found by what they keep of the key (`counting`): where they
 * keep nothing, a counted event is nothing to them. What a condition could not compute is not counted where it was not asked.
 *
 * Immutable, a part of the key table. */
#ifndef FYKE_ENGINE_KEYS_USE_INDEX_H
#define FYKE_ENGINE_KEYS_USE_INDEX_H

#include "base/arena.h"
#include "nfa/rule.h"
#include "nfa/value_index.h"

struct key_use;
struct key_variant;

/* In the order of the values. */
struct use_bounds {
    struct use_bound {
        struct value value;
        uint32_t use;
    } *items;
    uint32_t n;
};

/* What uses need of one field. */
struct use_field {
    uint32_t slot;
    struct use_bounds least, most; /* the event holds no less, no more */
    const struct value_index *lists; /* value → number of its list; NULL: none */
    struct use_list {
        const uint32_t *uses; /* indices in key_variant.uses */
        uint32_t n;
    } *by_value;
};

/* A set of uses: 64 in a word, and behind these a bit for each word that is not 0, so that a few of
 * ten thousand are found without a look at all words. */
struct use_index {
    uint32_t number;   /* among those of the key table */
    uint32_t n_words;  /* of uses */
    uint32_t n_groups; /* of words, 64 in a group */
    uint64_t *always;  /* a set: uses that every event concerns */
    uint64_t *handed;  /* a set: uses that count every event as handed to them, found or not */
    uint32_t *counting; /* per unit: its use + 1, if it counts events that no test of it lets pass; NULL: none does */
    struct use_field *fields; /* ascending by slot */
    uint32_t n_fields;
};

/* NULL: too few rules, or too few of them ask for a value. */
struct use_index *use_index_new(const struct ruleset *rs, const struct key_variant *v,
                                struct arena *arena);
/* Adds the uses that the event may concern; `set` is empty: n_words + n_groups times 0. */
void use_index_find(const struct use_index *index, const struct event *e, uint64_t *set);
void use_index_add(const struct use_index *index, uint64_t *set, uint32_t use);
/* Takes the first word that is not 0 out of the set; *ret_at: its place. 0: the set is empty. */
static inline uint64_t use_index_take(const struct use_index *index, uint64_t *set, uint32_t *ret_at)
{
    uint64_t *groups = set + index->n_words;
    for (uint32_t g = 0; g < index->n_groups; g++) {
        if (groups[g] != 0) {
            uint32_t w = g * 64 + (uint32_t)__builtin_ctzll(groups[g]);
            uint64_t word = set[w];
            groups[g] &= groups[g] - 1;
            set[w] = 0;
            *ret_at = w;
            return word;
        }
    }
    return 0;
}

#endif
