/* `on timeout emit …`: what goes out when the head window of a first event closes without a match
 * (language.md section 4, Timeout). */
#include "nfa/report.h"

void timeouts_begin(struct timeouts *ts, struct instance *in, struct etime t,
                    const struct nfa_call *call)
{
    ts->due = etime_sub(t, in->rule->window);
    ts->report = (struct report){.in = in, .call = call, .kind = MATCH_TIMEOUT};
    finder_begin(&ts->finder, &ts->report, t, true);
}

static bool is_due(const struct timeouts *ts, uint32_t start)
{
    const struct instance *in = ts->report.in;
    const struct candidate *c = retained_at(&in->events, start);
    return c->time.ns == ts->due.ns && instance_is_start(in, start) && !c->matched &&
           !c->shown;
}

/* Under the default policy an event that was shown has no timeout of its own. */
static void remember(struct instance *in, const struct bound *sorted, size_t n)
{
    for (size_t i = 0; i < n && in->rule->policy == SKIP_PAST_LAST; i++) {
        struct candidate *c = retained_at(&in->events, sorted[i].index);
        if (c->tests & in->rule->first_tests) {
            c->shown = true;
            retained_touch(&in->events, sorted[i].index);
        }
    }
}

static void tell(struct timeouts *ts)
{
    struct finder *f = &ts->finder;
    struct report *r = &ts->report;
    const struct bound *sorted = bound_in_order(f);
    size_t n = f->scratch->n_bound;
    struct match m = {.step = sorted[n - 1].test};
    report_fill(f, r, sorted, f->now, &m);
    remember(r->in, sorted, n);
    f->scratch->counters.timeouts++;
    r->call->on_match(r->call->ctx, &m);
}

bool timeouts_try(struct timeouts *ts, uint32_t start)
{
    struct finder *f = &ts->finder;
    struct instance *in = ts->report.in;
    if (!is_due(ts, start) || f->exhausted) {
        return false;
    }
    f->first = start;
    f->lowest = in->lowest;
    if (finder_search_partial(f)) {
        tell(ts);
        finder_partial_done(f);
    }
    if (f->exhausted) {
        caps_after_exhaustion(in, f->now, ts->report.call);
    }
    return true;
}

bool report_timeouts(struct instance *in, struct etime t, const struct nfa_call *call)
{
    struct timeouts ts;
    bool changed = false;
    if (!in->rule->n_timeouts) {
        return false;
    }
    timeouts_begin(&ts, in, t, call);
    uint32_t n = retained_count(&in->events);
    for (uint32_t i = retained_at_or_after(&in->events, ts.due); i < n; i++) {
        if (etime_lt(ts.due, retained_at(&in->events, i)->time)) {
            break;
        }
        changed |= timeouts_try(&ts, i);
    }
    return changed;
}
