/* Conditions on two events that are no comparison of one with the other (`speed_kmh(a.place, a.at, place,
 * at) > 900`): the later event asks those that wait, the latest first, until one fulfils it. Each pair is
 * asked once, when the later event comes; what is found then says which of the events are worth a search.
 * A later one lives longer, so the latest is the one to know. */
#include "nfa/detect.h"
#include "nfa/instance.h"

/* What stands directly before the item bounds how far back there is anything to ask. */
static bool too_far(const struct instance *in, const struct detect_join *j, uint32_t index,
                    const struct detect_event *e)
{
    const struct detect_item *it = &in->rule->detect->items[j->at];
    const struct candidate *c = retained_at(&in->events, index);
    if (j->at != j->of + 1) {
        return false;
    }
    return etime_diff(e->time, c->time).ns > it->gap.ns ||
           (it->next && c->position && c->position + 1 < e->position);
}

/* Able to be bound, and for `next` the very one before. */
static bool is_asked(const struct instance *in, const struct detect_join *j, uint32_t index,
                     const struct detect_event *e)
{
    bool next = in->rule->detect->items[j->at].next && j->at == j->of + 1;
    return join_can_wait(in, j, index) &&
           (!next || retained_at(&in->events, index)->position + 1 == e->position);
}

uint64_t pair_latest(struct instance *in, const struct detect_join *j, uint64_t end,
                     const struct detect_event *e)
{
    uint64_t first = in->events.first_serial;
    uint64_t test = UINT64_C(1) << in->rule->detect->items[j->of].node->test;
    uint32_t start = instance_first_start(in);
    if (end <= first) {
        return 0;
    }
    uint32_t stop = (uint32_t)(end - first);
    for (uint32_t i = retained_prev(&in->events, stop, test, detector_work(in));
         i != UINT32_MAX && i >= start;
         i = retained_prev(&in->events, i, test, detector_work(in))) {
        if (too_far(in, j, i, e)) {
            break;
        }
        if (!is_asked(in, j, i, e)) {
            continue;
        }
        detector_work(in)->tests++;
        if (join_holds(in, j, i, e->index)) {
            return first + i + 1;
        }
    }
    return 0;
}
