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

/* From `c` on, the first candidate that begins a deadline of this kind. */
static uint32_t first_from(const struct instance *in, uint32_t i, uint32_t c)
{
    uint64_t tests = i < in->rule->n_tails ? in->rule->step_tests : in->rule->first_tests;
    const struct candidate *candidates = retained_at(&in->events, 0);
    uint32_t n = retained_count(&in->events);
    c = c < in->lowest ? in->lowest : c;
    while (c < n && !(candidates[c].tests & tests)) {
        c++;
    }
    return c;
}

struct etime deadline_of_events(const struct instance *in)
{
    struct etime next = ETIME_MAX;
    uint32_t *cursor = instance_cursor(in);
    for (uint32_t i = 0, n = cursors(in->rule); i < n; i++) {
        uint32_t c = cursor[i] = first_from(in, i, cursor[i]);
        if (c < retained_count(&in->events)) {
            struct etime t = etime_add(retained_at(&in->events, c)->time, length_of(in->rule, i));
            next = etime_lt(t, next) ? t : next;
        }
    }
    return next;
}

void deadline_passed(struct instance *in, struct etime t)
{
    in->fired = t;
    for (uint32_t i = 0, n = cursors(in->rule); i < n; i++) {
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
    for (uint32_t i = 0, n = cursors(in->rule); i < n; i++) {
        uint32_t *c = &instance_cursor(in)[i];
        *c = *c > dropped ? *c - dropped : 0;
    }
}

void deadline_all_gone(struct instance *in)
{
    for (uint32_t i = 0, n = cursors(in->rule); i < n; i++) {
        instance_cursor(in)[i] = 0;
    }
}
