/* An item on its way through the rules of its key group. For shard.c and kin.c alone. */
#ifndef FYKE_ENGINE_DELIVERY_H
#define FYKE_ENGINE_DELIVERY_H

#include "engine/coming.h"
#include "engine/keys/measure_view.h"
#include "engine/shard.h"

/* The state of one item on its way through the rules of its key group. */
struct delivery {
    struct shard *shard;
    const struct shard_item *item;
    const struct coming *coming; /* the item's */
    const struct key_fetch *key; /* the item's */
    struct cause *cause; /* the item's, the emitter's own */
    const struct shard_pass *pass;
    const struct ruleset *rs;
    struct etime clock; /* of the item's key group */
    struct nfa_call call;
    struct measure_view view;
    struct key_record *rec; /* NULL until a rule or a profile takes the event */
    struct key_record *known; /* once `looked`: what there is of the key; NULL: nothing */
    bool looked;
    bool changed;
    struct shared_event shared;
};

/* What there is of the key, with its deadlines in front of the event fired: d->known. */
enum err deliver_look(struct delivery *d, struct error *err) FYKE_MUST_USE;
/* The key's record, d->rec, made when there is none. */
enum err deliver_open(struct delivery *d, struct error *err) FYKE_MUST_USE;
/* The event leaves nothing behind in so many rules. */
void deliver_pass_by(struct delivery *d, uint32_t rules);
/* Hands the event to an instance; what that costs is the rule's. */
void deliver_feed(struct delivery *d, uint32_t rule, struct instance *in, uint64_t roles,
                   uint64_t tests);

/* ---- kin.c ---------------------------------------------------------------------------------- */

/* To all rules of a kin. */
enum err deliver_to_kin(struct delivery *d, const struct kin *kin, uint64_t roles,
                        struct error *err) FYKE_MUST_USE;

#endif
