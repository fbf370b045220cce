/* Deadlines at which a match may complete or a first event time out: every trailing absence length
 * after an event of a step, and the head window's end after a possible first event. Candidates stand in order of time, so
 * one cursor per length finds the next one; nothing is stored. */
#include "nfa/instance.h"

static uint32_t cursors(const struct rule *r)
{
    return r->n_tails + (r->to_window_end || r->n_timeouts ? 1 : 0);
}

bool rule_has_deadlines(const struct rule *rule)
{
    return cursors(rule) > 0;
}

static struct duration length_of(const struct rule *r, uint32_t i)
{
    return i < r->n_tails ? r->tails[i] : r->window;
}

/* Moves past candidates that begin no deadline of this kind. */
static uint32_t settle(const struct instance *in, uint32_t i)
{
    const struct rule *r = in->rule;
    uint64_t tests = i < r->n_tails ? r->step_tests : r->first_tests;
    uint32_t c = instance_cursor(in)[i];
    uint32_t n = retained_count(&in->events);
    while (c < n && (c < in->lowest || !(retained_at(&in->events, c)->tests & tests))) {
        c++;
    }
    return c;
}

struct etime deadline_next(const struct instance *in)
{
    struct etime next = ETIME_MAX;
    for (uint32_t i = 0; i < cursors(in->rule); i++) {
        uint32_t c = instance_cursor(in)[i] = settle(in, i);
        if (c < retained_count(&in->events)) {
            struct etime t =
                etime_add(retained_at(&in->events, c)->time, length_of(in->rule, i));
            next = etime_lt(t, next) ? t : next;
        }
    }
    return next;
}

void deadline_passed(struct instance *in, struct etime t)
{
    in->fired = t;
    for (uint32_t i = 0; i < cursors(in->rule); i++) {
        uint32_t c = instance_cursor(in)[i];
        struct duration length = length_of(in->rule, i);
        while (c < retained_count(&in->events) &&
               etime_add(retained_at(&in->events, c)->time, length).ns <= t.ns) {
            c++;
        }
        instance_cursor(in)[i] = c;
    }
}

void deadline_shift(struct instance *in, uint32_t dropped)
{
    for (uint32_t i = 0; i < cursors(in->rule); i++) {
        uint32_t *c = &instance_cursor(in)[i];
        *c = *c > dropped ? *c - dropped : 0;
    }
}
