/* The next items of a pass: what they ask of their rules by themselves is found before their turn, so that
 * only what somebody will look at is fetched from memory, and an event that no rule wants costs no more. */
#ifndef FYKE_ENGINE_COMING_H
#define FYKE_ENGINE_COMING_H

#include "engine/shard.h"

#define COMING_USES 16
#define COMING_ITEMS 64

/* An item that some rule may want. */
struct coming {
    const struct shard_item *item;
    const struct key_group *group;
    const struct key_variant *variant; /* where it is known: the item's only one */
    const uint64_t *tests; /* of uses that are `by_event`: what the event passes */
    uint64_t wanted;       /* bit u: use u of its variant takes the event, as far as that is known by the event alone */
    bool known;            /* false: the rules are asked when it comes */
    bool begins;           /* false: who keeps nothing of its key keeps nothing of it either */
};

/* Those taken in stand in a row; when few are left of it they go to its front, and others follow. What they need is
 * fetched so many of them ahead; an item that no rule wants is counted when it is met, and takes no time. */
struct coming_items {
    size_t next;    /* first item that is not taken in yet */
    uint32_t at, n; /* in the row: the next one, and how many there are */
    uint32_t turn;  /* of `tests` */
    struct coming row[COMING_ITEMS];
    struct key_fetch keys[COMING_ITEMS]; /* theirs; rule_bits: key_rule_bit() of those whose instances it will look at */
    uint64_t tests[COMING_ITEMS][COMING_USES]; /* in turns */
};

/* The row is written before it is read. */
static inline void coming_begin(struct coming_items *c)
{
    c->next = 0;
    c->at = c->n = c->turn = 0;
}

/* The next one, until the next call; *ret_key: its key. Those behind it are taken in, and fetched. NULL: none is left,
 * and those that no rule wants have been counted. */
const struct coming *coming_next(struct coming_items *c, struct shard *s, const struct shard_pass *pass,
                                 const struct nfa_call *call, const struct key_fetch **ret_key);

#endif
