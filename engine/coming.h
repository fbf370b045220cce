/* The next items of a pass: what they ask of their rules by themselves is found before their turn, so that
 * only what somebody will look at is fetched from memory, and an event that no rule wants costs no more. */
#ifndef FYKE_ENGINE_COMING_H
#define FYKE_ENGINE_COMING_H

#include "engine/shard.h"

#define COMING_USES 16
#define COMING_ITEMS 64 /* power of two */

struct coming {
    bool known;         /* false: the rules are asked when it comes */
    uint64_t wanted;    /* bit u: use u of its variant takes the event, as far as that is known by the event alone */
    uint64_t rule_bits; /* key_rule_bit() of those whose instances it will look at; 0: no use wants it, nor a profile */
    const struct key_group *group;
    const struct key_variant *variant; /* where it is known: the item's only one */
    uint64_t tests[COMING_USES]; /* of uses that are `by_event`: what the event passes */
};

/* Those that some rule may want have numbers of their own: what they need is fetched so many of them ahead, for the
 * others take no time. */
struct coming_items {
    size_t next; /* first item that is not in the ring yet */
    struct coming ring[COMING_ITEMS];
    size_t n_wanted, n_done;     /* taken in; begun with */
    struct key_fetch wanted[COMING_ITEMS]; /* by number; rule_bits as in struct coming */
    const struct key_fetch *fetched;       /* of the item at hand; NULL: nobody will look at its key */
};

/* The rings are written before they are read. */
static inline void coming_begin(struct coming_items *c)
{
    c->next = c->n_wanted = c->n_done = 0;
}

/* Before item i is delivered: takes in those that follow, and fetches. Returns what is known of item i. */
const struct coming *coming_go_on(struct coming_items *c, const struct shard *s, const struct shard_pass *pass,
                                  const struct nfa_call *call, size_t i);

#endif
