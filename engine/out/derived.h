/* Derived events: `emit event` → events that rules of a higher level read in the same pass.
 *
 * Their order (language.md 3.14) is (time, place of the cause, rule name, key, number); the place of
 * a deadline is behind all that its rule reads of that time, so deadlines of one time stand by the
 * level of their rule. The cause may be a derived event itself: what an input event or a deadline
 * brings about directly comes first, then what that brings about, and so on. Nothing here outlives a
 * pass. */
#ifndef FYKE_ENGINE_OUT_DERIVED_H
#define FYKE_ENGINE_OUT_DERIVED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"
#include "engine/time/place.h"
#include "nfa/event.h"
#include "nfa/state.h"

struct out_alert;

/* An alert that asks what keeps its quiet time (rule.quiet.unit) whether it may go out. */
struct quiet_ask {
    struct out_alert *alert;
    uint32_t unit;
    const struct value *per;
    bool derives; /* the match has events too */
};

struct derived {
    struct event *event;
    const struct derived *cause; /* NULL: an input event or a deadline */
    struct place root;  /* where the input event was released that the chain began with; a deadline's */
    struct place at;    /* the event's own place: in front of root if its value came back */
    uint32_t depth;     /* causes above it that are derived events */
    uint32_t level;     /* depth 0 at a deadline: of the rule; else 0 */
    const struct rule *rule;
    const struct value *key; /* rule->n_key values */
    uint64_t number;    /* rises with the events of one rule and key */
    const struct quiet_ask *ask; /* NULL: an event; else only its time counts in `event` */
};

/* What a match that is being reported came from. */
struct cause {
    struct place root; /* as in struct derived */
    struct place at;
    const struct derived *derived; /* NULL: an input event */
};

/* Where a match stands among all that happens: two matches of one key never change places, however
 * the input is cut into passes and commits. */
struct standing {
    struct place root, at; /* as in struct derived */
    uint32_t rank;         /* how many derived events led to it; at a deadline the level of the rule */
};
struct standing match_standing(const struct match *m, const struct cause *cause);

/* Where one thread makes them. */
struct derived_store {
    struct arena arena; /* of the events; the owner of the pass resets it */
    uint64_t n;         /* made so far */
    const struct eval_env *env;    /* for computed fields; NULL: no lookups */
    struct eval_counters counters; /* of computed fields */
};

/* The events of a match, one per `emit event`, in the order as written. `add` is called for each. */
typedef void (*derived_add)(void *ctx, struct derived *d);
void derived_of_match(const struct ruleset *rs, const struct match *m, struct hash128 id,
                      const struct cause *cause, struct derived_store *store, derived_add add,
                      void *ctx);

/* The alert of a match, in the order of what the match derives. */
struct derived *derived_of_alert(const struct match *m, struct out_alert *alert,
                                 const struct cause *cause, struct derived_store *store);

int derived_cmp(const struct derived *a, const struct derived *b);
/* The input event released at this place stands in front of `d`. */
static inline bool derived_is_behind(const struct derived *d, struct place input)
{
    return place_cmp(input, d->root) <= 0;
}

/* Of one clock group in a pass. */
struct derived_list {
    struct derived **items;
    size_t n, cap;
};
void derived_list_release(struct derived_list *l);
void derived_list_add(struct derived_list *l, struct derived *d);
void derived_list_sort(struct derived_list *l);

#endif
