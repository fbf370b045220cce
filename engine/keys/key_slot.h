/* What a record holds per slot: a rule's instance, or the state of a profile's measure. The rest of
 * the keyspace treats both alike. */
#ifndef FYKE_ENGINE_KEYS_KEY_SLOT_H
#define FYKE_ENGINE_KEYS_KEY_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "nfa/measure.h"
#include "nfa/state.h"

/* The rules that share an instance, as places in their kin (kin_table.h). */
struct key_slot_set {
    uint32_t n, n_words;
    uint64_t words[];
};

/* What is asked of every slot whenever one of them has changed stands in the slot, so that the others
 * need not be looked at. One cache line. */
struct key_slot {
    uint32_t leader; /* by which it is found: that of the rule's kin, or `rule` */
    uint32_t rule; /* ruleset index; from n_units on: key_table.measures[rule - n_units]; of several the one
                      that allows most */
    struct key_slot_set *set; /* NULL: one rule */
    struct instance *instance; /* one of the two */
    struct measure_state *measure;
    struct etime next; /* when something is due */
    uint64_t bytes;    /* of memory, as if no event were shared */
    uint64_t outside;  /* of them, what does not lie in the pool */
    uint32_t events;   /* kept, of one of the rules */
    bool stale;        /* these are to be asked anew */
};
_Static_assert(sizeof(struct key_slot) == 64, "one per rule that keeps something of a key");

static inline uint32_t key_slot_rules(const struct key_slot *s)
{
    return s->set == NULL ? 1 : s->set->n;
}

void key_slot_free(const struct key_slot *s, struct pool *pool);
/* The same when the pool goes as a whole: what lies in it stays where it is. */
void key_slot_abandon(const struct key_slot *s);
/* Nothing of what stands in it has changed since it was settled; a measure may have moved by being read. */
static inline bool key_slot_is_settled(const struct key_slot *s)
{
    return s->instance != NULL && (!s->stale || instance_is_told(s->instance));
}
/* After a change. Returns false when nothing is left in it. */
bool key_slot_settle(struct key_slot *s);
/* Events kept, of one of the rules. */
uint64_t key_slot_retained(const struct key_slot *s);

void key_slot_encode_head(const struct key_slot *s, const struct event_near *near, struct buf *out);
uint32_t key_slot_segments(const struct key_slot *s, uint64_t *ret_first_id);
bool key_slot_segment_dirty(const struct key_slot *s, uint32_t i);
void key_slot_encode_segment(const struct key_slot *s, uint32_t i, const struct event_near *near,
                             struct buf *out);
void key_slot_saved(const struct key_slot *s);

#endif
