/* Other values in place of those that nobody shall read: the same for the same one wherever it stands
 * in a field of its kind, and of its type.
 *
 * Without a secret they are numbered in the order of the values, so what was smaller stays smaller; they
 * mean something within one set only. With one they are keyed hashes: the same in every set made
 * with it, in no order. */
#ifndef FYKE_LIB_PSEUDONYM_H
#define FYKE_LIB_PSEUDONYM_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "nfa/schema.h"
#include "nfa/value.h"

#define PSEUDONYM_LEAST_SECRET 16 /* bytes */

struct pseudonym {
    struct slice kind;
    struct value real, stands; /* stands: once sealed */
};

struct pseudonyms {
    struct slice secret; /* empty: none */
    struct arena arena;
    struct pseudonym *items; /* sealed: by kind, then value */
    size_t n, cap;
};

void pseudonyms_init(struct pseudonyms *p, struct slice secret);
void pseudonyms_release(struct pseudonyms *p);

/* Texts, whole numbers and addresses. */
bool pseudonym_type(enum field_type type);

/* Copies; the items of a list one by one. Missing is none. */
void pseudonyms_add(struct pseudonyms *p, struct slice kind, struct value v);
/* All are there. ERR_LIMIT: two values would stand as the same. */
enum err pseudonyms_seal(struct pseudonyms *p, struct error *err) FYKE_MUST_USE;

/* What stands in its place; it was added. Lists come from `arena`. */
struct value pseudonym_of(const struct pseudonyms *p, struct slice kind, struct value v,
                          struct arena *arena);
/* In any kind, as JSON. */
bool pseudonym_stands_for(const struct pseudonyms *p, struct slice real, struct slice stands);

#endif
