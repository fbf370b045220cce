/* The order buffer, as the records stand: batch by batch in, and out what is not the batch's last. */
#include "bench/stages/stages.h"
#include "engine/time/order.h"

static size_t take_all_before(struct order *o, struct place limit)
{
    struct order_item one;
    const struct order_item *many;
    size_t taken = 0, n;
    while ((n = order_take(o, limit, PROCESS_EVERY, &many)) > 0) {
        taken += n;
    }
    while (order_pop(o, limit, &one)) {
        taken++;
    }
    return taken;
}

void stage_order(struct bench *b, struct measured *m)
{
    struct order o;
    struct decoded_input came;
    size_t taken = 0;
    input_decode(&b->in, b->rs, &came);
    order_init(&o);
    stage_begin(m);
    for (size_t i = 0; i < came.n; i++) {
        struct event *e = came.events[i];
        struct order_item item = {.time = e->time, .event = e};
        order_push(&o, &item);
        if (i % PROCESS_EVERY == PROCESS_EVERY - 1) {
            taken += take_all_before(&o, place_before_time(e->time));
        }
    }
    taken += take_all_before(&o, PLACE_MAX);
    stage_end(m);
    m->operations = came.n;
    if (taken != came.n) {
        die("order", "events are missing");
    }
    order_release(&o);
    decoded_release(&came);
}
