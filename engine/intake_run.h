/* A run of records of one partition of which nobody wants to know single ones: nothing is read again after a
 * restart, told of on its way or judged by a clock of its own, and one clock group reads the topic. What is
 * the same for all of them is looked up when the run begins; what does not fit goes the general way (intake.c),
 * behind which the run goes on or another begins. */
#ifndef FYKE_ENGINE_INTAKE_RUN_H
#define FYKE_ENGINE_INTAKE_RUN_H

#include "engine/engine_parts.h"

struct intake_run {
    struct partition *p; /* NULL: none has begun */
    uint32_t topic;      /* of p */
    int32_t partition;
    struct duration out_of_order;
    struct clock_state *clock;
    struct wanted_ask *asks; /* of its group, by declaration */
};

/* Behind a record of the partition. */
static inline struct intake_run intake_run_begin(struct engine *e, struct partition *p)
{
    const struct schema_topic *t = p->topic;
    const struct topic_groups *tg = &e->topic_groups[t->index];
    bool notes_time = t->idle_after.ns > 0 && !e->hold_back; /* idle_note_record() */
    if (!e->plain_intake || t->has_watermark_per || tg->n != 1 || notes_time || p->replay_until > 0 ||
        !p->has_time || e->more) {
        return (struct intake_run){0};
    }
    uint32_t clock_group = tg->groups[0];
    return (struct intake_run){p, t->index, p->id, t->out_of_order, &e->clocks[clock_group],
                               wanted_ask_of(&e->wanted, clock_group, 0)};
}

/* The next record of the run is at this place. */
static inline bool intake_run_goes_on(const struct intake_run *r, uint32_t topic, int32_t partition, int64_t offset)
{
    return r->p != NULL && r->topic == topic && r->partition == partition && offset >= r->p->next_offset;
}

static inline void intake_run_note(const struct intake_run *r, struct engine *e, int64_t offset)
{
    e->records++;
    r->p->read++;
    r->p->next_offset = offset + 1;
}

/* The only event of a record, in its block. False: it is late, and nothing is done. */
static inline bool intake_run_take(const struct intake_run *r, struct engine *e, struct event *event,
                                   struct event_block *block)
{
    struct partition *p = r->p;
    struct etime t = event->time;
    if (etime_lt(t, p->floor) || etime_lt(t, p->frontier)) {
        return false;
    }
    e->events++;
    if (etime_lt(p->max_time, t)) { /* else it tells the clock nothing new */
        p->max_time = t;
        partition_raise_frontier(p, etime_sub(t, r->out_of_order));
    }
    struct wanted_ask *ask = &r->asks[event->decl];
    if (engine_passes_by(e, r->clock, ask, event, t)) {
        if (ask->n > 0) {
            engine_count_unwanted(e, ask);
        }
        e->evaluated++;
        return true;
    }
    event_block_hold(block);
    order_push_event(&r->clock->order, event, block);
    return true;
}

#endif
