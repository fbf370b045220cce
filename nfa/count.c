/* N of X: a run of n that ends at an event begins at the n-th last X. The index of the retained
 * events is the ring: where that one stands is known without counting. */
#include "nfa/detect.h"
#include "nfa/instance.h"

void count_session(struct instance *in, uint32_t item, const struct detect_event *e)
{
    const struct pattern *p = in->rule->detect->items[item].node;
    struct detect_session *s = &in->detector->more->sessions[item];
    if (!(e->tests & (UINT64_C(1) << p->test))) {
        return;
    }
    bool joined = etime_diff(e->time, s->time).ns <= p->each_within.ns &&
                  (p->adjacency != ADJ_IN_A_ROW || e->position == s->position + 1);
    s->first = joined && s->n ? s->first : e->serial;
    s->n = joined && s->n < UINT32_MAX ? s->n + 1 : 1;
    s->time = e->time;
    s->position = e->position;
}

uint64_t count_latest(struct instance *in, uint32_t item, const struct detect_event *e)
{
    const struct detect_item *it = &in->rule->detect->items[item];
    if (in->detector->more->sessions[item].n < it->min) {
        return 0;
    }
    /* The event at hand is the last retained one, except while the detector is made again. */
    uint32_t i = e->index;
    if (it->min > 1) {
        i = retained_nth_before(&in->events, it->node->test, e->index + 1, it->min, detector_work(in));
    }
    if (i == UINT32_MAX || i < in->lowest) {
        return 0;
    }
    struct duration took = etime_diff(e->time, retained_at(&in->events, i)->time);
    return took.ns > it->node->span.ns ? 0 : in->events.first_serial + i + 1;
}
