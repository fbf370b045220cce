/* "Did you mean": the candidate nearest to what was written. */
#ifndef FYKE_DSL_SUGGEST_H
#define FYKE_DSL_SUGGEST_H

#include <stddef.h>

#include "base/slice.h"

/* Larger distances are no suggestion. */
#define SUGGEST_MAX_DISTANCE 2

/* Edit distance (insert, delete, replace, swap of neighbours), or SUGGEST_MAX_DISTANCE + 1 when it
 * is larger. */
unsigned suggest_distance(struct slice a, struct slice b);

/* Collects the best candidate: `struct suggest s = suggest_for(word); suggest_try(&s, c); …`. The
 * first of equally near ones wins, so the order of trying must not depend on hashes. */
struct suggest {
    struct slice word;
    struct slice best; /* ptr == NULL: none */
    unsigned distance;
};

struct suggest suggest_for(struct slice word);
void suggest_try(struct suggest *s, struct slice candidate);

#endif
