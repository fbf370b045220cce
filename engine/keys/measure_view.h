/* What expressions see of profiles while a record is at hand (nfa/expr.h, struct measure_reader).
 *
 * Thread rule: belongs to the thread that runs the shard. */
#ifndef FYKE_ENGINE_KEYS_MEASURE_VIEW_H
#define FYKE_ENGINE_KEYS_MEASURE_VIEW_H

#include "engine/keys/key_profile.h"
#include "engine/keys/keyspace.h"

struct measure_view {
    struct measure_reader reader;
    const struct key_table *keys;
    const struct profiles_given *given; /* NULL: profiles follow their events */
    const struct measure_watch *watch;  /* NULL: nobody looks on */
    struct key_record *rec;             /* NULL: the key has none */
    bool moved; /* reading has dropped what is too old: the record's bytes changed */
};

/* The view must stay where it is: the reader points to it. */
void measure_view_init(struct measure_view *v, const struct key_table *keys,
                       const struct profiles_given *given);

/* The event feeds the measures of a profile, after the rules of this key have seen it. Returns
 * true iff it did. */
bool measure_view_follow(struct measure_view *v, struct keyspace *ks,
                         const struct key_follow *follow, const struct event *e,
                         struct nfa_scratch *scratch);
/* It is an event of the profile's source through one of these roles. */
bool profile_takes(const struct profile *p, uint64_t roles, const struct event *e,
                   struct nfa_scratch *scratch);

#endif
