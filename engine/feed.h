/* What the shards get to do in a pass: events with their keys, level by level.
 *
 * Level 0 gets input events as they are released. Level n gets the input events that its rules
 * read, and what the levels below have derived, in one total order. */
#ifndef FYKE_ENGINE_FEED_H
#define FYKE_ENGINE_FEED_H

#include "engine/out/derived.h"
#include "engine/time/order.h"

struct engine;

struct feed_input {
    struct order_item item;
    bool came_after;
};

/* What a clock group with several levels has in a pass. */
struct feed {
    struct feed_input *inputs; /* in the order of release */
    size_t n_inputs, cap_inputs;
    struct derived_list derived;
};

void feed_release(struct feed *f);

/* An input event that has been released, to level 0; higher levels get it later. */
void feed_event(struct engine *e, uint32_t clock_group, const struct order_item *item,
                bool came_after);
/* Items of a level above 0. */
void feed_level(struct engine *e, uint32_t level);
/* Takes what the shards have derived. */
void feed_gather(struct engine *e);
/* The pass is over: lets go of its events. */
void feed_end(struct engine *e);

#endif
