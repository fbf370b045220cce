/* A sequence of single events whose last one asks for a field of an earlier one (`device = a.device`), where few events
 * are kept: whether one of them has the value is looked up where they stand, and the search does the rest. What the
 * detector keeps would have to be made of all of them first, and most of these keys never have a match. */
#include "nfa/detect.h"
#include "nfa/instance.h"
#include "nfa/scratch.h"

/* So few events and items that no search is given up; so few that they are looked at until a search is in vain. */
#define FEW_EVENTS 128
#define FEW_ALWAYS 32
#define FEW_ITEMS 3
/* Of more than FEW_ALWAYS. */
#define FEW_LOOKS 4
#define NO_MORE_LOOKS UINT8_MAX

const struct detect_join *few_join(const struct detect_plan *plan, const struct rule *rule)
{
    if (plan->n == 0 || plan->n > FEW_ITEMS || !plan->at_events || plan->has_more || rule->policy != SKIP_PAST_LAST) {
        return NULL;
    }
    const struct detect_item *last = &plan->items[plan->n - 1];
    if (!last->ends || last->optional) {
        return NULL;
    }
    for (uint32_t i = 0; i < plan->n_joins; i++) {
        const struct detect_join *j = &plan->joins[i];
        if (j->at == plan->n - 1 && !plan->items[j->of].optional && join_is_of_fields(j)) {
            return j;
        }
    }
    return NULL;
}

/* Where an event is often asked for in vain the walk takes the events once, and answers each time at once. */
bool few_are_kept(const struct instance *in, const struct nfa_call *call)
{
    uint32_t n = retained_count(&in->events) - in->lowest;
    bool few = in->looks < FEW_LOOKS ? n <= FEW_EVENTS : in->looks != NO_MORE_LOOKS && n <= FEW_ALWAYS;
    return few && in->rule->detect->few != NULL && call->scratch->looks_at_few;
}

void few_one_more(struct instance *in, uint64_t tests)
{
    bool asks = (tests & in->rule->last_tests) != 0;
    in->looks = in->looks == NO_MORE_LOOKS || asks ? in->looks : 0;
}

void few_searched_in_vain(struct instance *in)
{
    in->looks = NO_MORE_LOOKS;
}

void few_all_gone(struct instance *in)
{
    in->looks = 0;
}

bool few_asks_alike(const struct detect_plan *plan)
{
    const struct detect_item *second = &plan->items[1];
    return plan->n == FEW_ITEMS && !second->optional && second->asks != NULL && second->asks->marked &&
           second->asks->n == 1 && plan->few->marked && plan->few->n == 1;
}

/* An event that the second item can bind. Where it asks as the last one does (few_alike) all first events that have the
 * value are the same to it, and the earliest one has most events behind it: no other need be tried. */
static bool any_between(struct instance *in, uint32_t first, uint32_t last, const struct nfa_call *call)
{
    const struct detect_item *second = &in->rule->detect->items[1];
    const struct event *bound = retained_at(&in->events, first)->event;
    for (uint32_t i = first + 1; i < last; i++) {
        const struct candidate *c = retained_at(&in->events, i);
        call->scratch->work.visits++;
        if ((c->tests & second->first) && join_fits(second->asks, c->event, bound)) {
            return true;
        }
    }
    if (last - first > FEW_ALWAYS) {
        few_searched_in_vain(in);
    }
    return false;
}

bool few_allow(struct instance *in, const struct nfa_call *call)
{
    const struct detect_join *j = in->rule->detect->few;
    uint64_t tests = in->rule->detect->items[j->of].first;
    uint32_t last = retained_count(&in->events) - 1;
    const struct event *self = retained_at(&in->events, last)->event;
    uint16_t asked = sift_asked(j, self);
    in->looks = in->looks < FEW_LOOKS ? (uint8_t)(in->looks + 1) : in->looks;
    for (uint32_t i = instance_first_start(in); i < last; i++) {
        const struct candidate *c = retained_at(&in->events, i);
        call->scratch->work.visits++;
        if ((c->tests & tests) && !sift_differs(asked, c->mark) && join_fits(j, self, c->event)) {
            return !in->rule->detect->few_alike || any_between(in, i, last, call);
        }
    }
    return false;
}
