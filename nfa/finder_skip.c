/* What is known about an event of a step whatever the match begins with: which serials can hold the
 * value that the last step asks for, and which events its condition has refused at this point. Many
 * starts are then searched without looking at the same events again. */
#include "base/xalloc.h"
#include "nfa/detect.h"
#include "nfa/finder.h"

void narrow(const struct finder *f, uint32_t test, uint32_t *begin, uint32_t *end)
{
    uint64_t first = f->events->first_serial + 1;
    for (size_t i = 0; f->has_ranges && i < f->scratch->n_ranges; i++) {
        const struct detect_range *r = &f->scratch->ranges[i];
        if (r->test != test) {
            continue;
        }
        uint32_t lo = r->first > first ? (uint32_t)(r->first - first) : 0;
        uint32_t hi = r->last >= first ? (uint32_t)(r->last - first) + 1 : 0;
        *begin = lo > *begin ? lo : *begin;
        *end = hi < *end ? hi : *end;
    }
}

/* skip[i]: where to go on from a refused candidate. Followed paths are shortened. */
uint32_t skip_refused(struct finder *f, uint32_t i, uint32_t end)
{
    struct skip *skip = f->scratch->skip;
    uint32_t epoch = f->scratch->epoch, from = i;
    while (i < end && skip[i].epoch == epoch) {
        f->work->visits++;
        i = next_with(f, skip[i].next, end, f->skip_test);
    }
    while (from < i && skip[from].epoch == epoch) {
        uint32_t next = next_with(f, skip[from].next, end, f->skip_test);
        skip[from].next = i;
        from = next;
    }
    return i;
}

void refuse(struct finder *f, uint32_t index)
{
    f->scratch->skip[index] = (struct skip){.epoch = f->scratch->epoch, .next = index + 1};
}

/* What the point asks of this event and of nothing else. */
static bool judge(struct finder *f, uint32_t test)
{
    const struct detect_plan *plan = f->rule->detect;
    for (uint32_t i = 0; i < plan->n_early; i++) {
        const struct detect_early *c = &plan->early[i];
        if (c->test != test || !c->alone) {
            continue;
        }
        f->work->tests++;
        f->eval->self = cand(f, f->point)->event;
        if (!expr_true(c->condition, f->eval)) {
            return false;
        }
    }
    return true;
}

bool fits_point(struct finder *f, uint32_t test, uint32_t index)
{
    struct skip *skip = &f->scratch->skip[index];
    if (test != f->skip_test || skip->passed == f->scratch->epoch) {
        return true;
    }
    if (f->steps_left == 0) {
        f->exhausted = true;
        return false;
    }
    f->steps_left--;
    bind_event(f, test, index);
    bool fits = judge(f, test);
    unbind_event(f);
    if (fits) {
        skip->passed = f->scratch->epoch;
    } else {
        refuse(f, index);
    }
    return fits;
}

void find_avoided(struct finder *f)
{
    const struct detect_plan *plan = f->rule->detect;
    const struct detect_item *last = plan->n ? &plan->items[plan->n - 1] : NULL;
    f->avoid = NULL;
    f->avoid_test = NO_TEST;
    for (uint32_t i = 0; i < plan->n_avoids && f->last_is_point; i++) {
        const struct detect_avoid *a = &plan->avoids[i];
        if (a->at + 1 == plan->n && last->ends && !last->optional) {
            f->avoid = a;
            f->avoid_test = plan->items[a->of].node->test;
            f->eval->self = cand(f, f->point)->event;
            f->avoid_value = expr_eval(a->mine, f->eval);
            return;
        }
    }
}

void find_run_limit(struct finder *f)
{
    const struct detect_plan *plan = f->rule->detect;
    const struct detect_item *last = plan->n ? &plan->items[plan->n - 1] : NULL;
    f->run_limit = NULL;
    f->limited_test = NO_TEST;
    for (uint32_t i = 0; i < plan->n_joins && f->last_is_point; i++) {
        const struct detect_join *j = &plan->joins[i];
        if (j->kind == JOIN_RUN && j->whole && j->at + 1 == plan->n && last->ends && !last->optional) {
            f->run_limit = j->whole;
            f->limited_test = plan->items[j->of].node->test;
            return;
        }
    }
}

bool run_is_over(struct finder *f, uint32_t test)
{
    if (test != f->limited_test) {
        return false;
    }
    f->work->tests++;
    f->eval->self = cand(f, f->point)->event;
    struct value v = expr_eval(f->run_limit, f->eval);
    return v.kind == VAL_BOOL && !v.u.b;
}

bool is_avoided(struct finder *f, uint32_t test, uint32_t index)
{
    if (test != f->avoid_test) {
        return false;
    }
    f->work->tests++;
    f->eval->self = cand(f, index)->event;
    struct value v = expr_eval(f->avoid->theirs, f->eval);
    return !value_is_missing(v) && value_equal(v, f->avoid_value);
}
