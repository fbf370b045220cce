/* The next items of a pass: what they ask of their rules by themselves is found before their turn, so that
 * only what somebody will look at is fetched from memory, and an event that no rule wants costs no more. */
#ifndef FYKE_ENGINE_COMING_H
#define FYKE_ENGINE_COMING_H

#include "engine/shard.h"

#define COMING_USES 16
#define COMING_ITEMS 32 /* power of two */

/* An item that some rule may want. */
struct coming {
    const struct shard_item *item;
    const struct key_group *group;
    const struct key_variant *variant; /* where it is known: the item's only one */
    const struct key_fetch *key;       /* the item's, in struct coming_items */
    uint64_t wanted;             /* bit u: use u of its variant takes the event, as far as that is known by the event alone */
    bool known;                  /* false: the rules are asked when it comes */
    bool begins;                 /* false: who keeps nothing of its key keeps nothing of it either */
    uint64_t tests[COMING_USES]; /* of uses that are `by_event`: what the event passes */
};

/* What they need is fetched so many of them ahead; the others are counted and take no time. */
struct coming_items {
    size_t next;            /* first item that is not taken in yet */
    size_t n_taken, n_done; /* of those that somebody may want: taken in; handed out */
    struct coming ring[COMING_ITEMS];
    struct key_fetch keys[COMING_ITEMS]; /* rule_bits: key_rule_bit() of those whose instances it will look at */
};

/* The rings are written before they are read. */
static inline void coming_begin(struct coming_items *c)
{
    c->next = c->n_taken = c->n_done = 0;
}

/* The next one, with those behind it taken in, and fetched; valid until the next call. NULL: none is
 * left. Those that no rule wants have been counted. */
const struct coming *coming_next(struct coming_items *c, struct shard *s, const struct shard_pass *pass,
                                 const struct nfa_call *call);

#endif
