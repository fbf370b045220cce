/* What a single event must respect before it is bound: place, window, link, gap, absences. */
#include <assert.h>

#include "base/xalloc.h"
#include "nfa/finder.h"
#include "nfa/watch.h"

bool test_holds(struct finder *f, uint32_t test, uint32_t index)
{
    const struct candidate *c = cand(f, index);
    if (!(c->tests & (UINT64_C(1) << test))) {
        return false;
    }
    if (f->steps_left == 0) {
        f->exhausted = true;
        return false;
    }
    f->steps_left--;
    f->work->tests++;
    const struct expr *joint = f->rule->tests[test].joint;
    if (!joint) {
        return true;
    }
    f->eval->self = c->event;
    const struct nfa_watch *watch = f->scratch->limits.watch;
    if (watch) {
        watch->asked(watch->ctx, f->rule, test, c->event, f->eval, true);
    }
    return expr_true(joint, f->eval);
}

bool clause_holds(struct finder *f, const struct expr *e, uint32_t index)
{
    const struct nfa_watch *watch = f->scratch->limits.watch;
    f->eval->self = cand(f, index)->event;
    if (watch && watch->judged) {
        watch->judged(watch->ctx, f->rule, e, f->eval);
    }
    return expr_true(e, f->eval);
}

bool absence_hit(struct finder *f, const struct pending *p, uint32_t index)
{
    if (p->marks == NO_MARKS) {
        return test_holds(f, p->absence->test, index);
    }
    uint32_t *marks[RULE_MAX_TESTS];
    for (uint32_t g = 0; g < f->rule->n_groups; g++) {
        marks[g] = f->scratch->stack + p->marks + (size_t)g * f->rule->n_slots;
    }
    uint32_t *const *now = f->eval->iter_start;
    f->eval->iter_start = marks;
    bool hit = test_holds(f, p->absence->test, index);
    f->eval->iter_start = now;
    return hit;
}

/* What binds last is known from the point, mostly: nothing before it needs a look. */
uint32_t entry_begin(const struct finder *f, const struct entry *e, bool last)
{
    uint32_t begin = e->prev == NONE ? f->first : e->prev + 1;
    return last && begin < f->last_begin ? f->last_begin : begin;
}

/* First candidate later than `limit`. */
static uint32_t later_than(const struct finder *f, uint32_t lo, struct etime limit)
{
    uint32_t hi = f->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (cand_time(f, mid).ns <= limit.ns) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

uint32_t entry_end(const struct finder *f, const struct entry *e, bool last)
{
    if (e->prev == NONE && f->all_depth == 0) {
        return f->first + 1;
    }
    struct etime limit = etime_add(cand_time(f, f->first), f->rule->window);
    for (const struct pending_link *l = e->links; l && e->prev != NONE; l = l->up) {
        struct etime gap = etime_add(cand_time(f, e->prev), l->link->within);
        limit = etime_lt(gap, limit) ? gap : limit;
    }
    uint32_t end = later_than(f, e->prev == NONE ? f->first : e->prev, limit);
    return last && end > f->last_end ? f->last_end : end;
}

/* The event that binds last is known from the point, mostly: the event itself, the one before a
 * deciding event, or the one whose trailing absence ends at the deadline. */
static bool last_fits(const struct finder *f, uint32_t index)
{
    if (f->at_deadline) {
        return !f->tail_known || etime_add(cand_time(f, index), f->tail).ns == f->now.ns;
    }
    return !f->last_is_point || index == f->point;
}

bool may_bind(const struct finder *f, const struct entry *e, uint32_t index, bool last)
{
    if (index < f->lowest || f->scratch->taken[index]) {
        return false;
    }
    if (e->prev == NONE && f->all_depth == 0 && index != f->first) {
        return false;
    }
    if (etime_diff(cand_time(f, index), cand_time(f, f->first)).ns > f->rule->window.ns) {
        return false;
    }
    if (e->after.ns != INT64_MIN && cand_time(f, index).ns <= e->after.ns) {
        return false;
    }
    return !last || last_fits(f, index);
}

bool may_bind_last(const struct finder *f, uint32_t index, bool last)
{
    return !last || last_fits(f, index);
}

void bind_event(struct finder *f, uint32_t test, uint32_t index)
{
    struct nfa_scratch *s = f->scratch;
    const struct rule_test *t = &f->rule->tests[test];
    struct bound *b = &VEC_PUSH(s->bound, s->n_bound, s->cap_bound);
    *b = (struct bound){.index = index, .test = test};
    for (int32_t g = t->group; g >= 0; g = f->rule->groups[g].parent) {
        assert(b->n_turns < PATTERN_MAX_REPEATS);
        for (uint32_t i = b->n_turns; i > 0; i--) {
            b->turns[i] = b->turns[i - 1];
        }
        b->turns[0] = f->turn[g];
        b->n_turns++;
    }
    struct slot_binding *slot = &s->slots[t->slot];
    if (slot->n == slot->cap) {
        uint32_t cap = slot->cap ? slot->cap * 2 : 16;
        slot->events = xrealloc(slot->events, cap * sizeof(*slot->events));
        slot->cap = cap;
    }
    slot->events[slot->n++] = cand(f, index)->event;
    s->taken[index] = 1;
}

void unbind_event(struct finder *f)
{
    struct nfa_scratch *s = f->scratch;
    const struct bound *b = &s->bound[--s->n_bound];
    struct slot_binding *slot = &s->slots[f->rule->tests[b->test].slot];
    slot->n--;
    slot->cut++;
    s->taken[b->index] = 0;
}

/* ---- links and absences ------------------------------------------------------------------- */

/* `then first B`: no earlier candidate since the look began satisfies B's own test. */
static bool is_first(struct finder *f, const struct entry *e, uint32_t test, uint32_t index)
{
    for (uint32_t i = next_with(f, e->prev + 1, index, test); i < index;
         i = next_with(f, i + 1, index, test)) {
        if (cand_time(f, i).ns > e->after.ns && test_holds(f, test, i)) {
            return false;
        }
    }
    return true;
}

/* `then next B`: B is the very next counted event, counted from where the look begins. */
static bool is_next(struct finder *f, const struct entry *e, uint32_t index)
{
    uint64_t mine = cand(f, index)->position;
    if (e->after.ns == INT64_MIN) {
        return mine == cand(f, e->prev)->position + 1;
    }
    for (uint32_t i = e->prev + 1; i < index; i++) {
        if (cand(f, i)->position && cand_time(f, i).ns > e->after.ns) {
            return false;
        }
    }
    return true;
}

static bool gap_fits(struct finder *f, const struct entry *e, const struct pattern_link *link,
                     uint32_t index)
{
    struct duration gap = etime_diff(cand_time(f, index), cand_time(f, e->prev));
    return gap.ns <= link->within.ns && gap.ns >= link->after.ns;
}

static bool link_allows(struct finder *f, const struct entry *look,
                        const struct pattern_link *link, uint32_t test, uint32_t index)
{
    if (!gap_fits(f, look, link, index)) {
        return false;
    }
    switch (link->kind) {
    case LINK_LATER: return true;
    case LINK_FIRST: return is_first(f, look, test, index);
    case LINK_NEXT: return is_next(f, look, index);
    }
    return true;
}

static bool open_absence_holds(struct finder *f, const struct pending *p, uint32_t prev,
                               uint32_t index)
{
    uint32_t test = p->absence->test;
    for (uint32_t i = next_with(f, prev + 1, index, test); i < index;
         i = next_with(f, i + 1, index, test)) {
        if (absence_hit(f, p, i)) {
            return false;
        }
    }
    return true;
}

/* A part that ended at its deadline (e->after): the absence begins there. */
static bool absence_for_holds(struct finder *f, const struct pending *p, const struct entry *e,
                              struct etime end, uint32_t index)
{
    if (cand_time(f, index).ns <= end.ns) {
        return false;
    }
    uint32_t test = p->absence->test;
    for (uint32_t i = next_with(f, e->prev + 1, index, test);
         i < index && cand_time(f, i).ns <= end.ns; i = next_with(f, i + 1, index, test)) {
        if (cand_time(f, i).ns > e->after.ns && absence_hit(f, p, i)) {
            return false;
        }
    }
    return true;
}

/* `next no M` with a part behind it: the next counted event is not M. */
static bool next_no_holds(struct finder *f, const struct pending *p, uint32_t prev,
                          uint32_t index)
{
    uint64_t want = cand(f, prev)->position + 1;
    for (uint32_t i = prev + 1; i <= index; i++) {
        if (cand(f, i)->position == want) {
            return !absence_hit(f, p, i);
        }
    }
    return true; /* not retained: it passes no test */
}

static void note(struct finder *f, const struct pattern_absence *a, struct etime from,
                 struct etime to)
{
    struct nfa_scratch *s = f->scratch;
    VEC_PUSH(s->absent, s->n_absent, s->cap_absent) = (struct absent_span){a->test, from, to};
}

/* Where the absences and the look of `first` and `next` begin and end. */
static bool absences_allow(struct finder *f, struct entry *e, uint32_t index)
{
    struct etime begin = cand_time(f, e->prev);
    struct etime base = etime_lt(begin, e->after) ? e->after : begin;
    for (const struct pending *p = e->pending; p; p = p->up) {
        const struct pattern_absence *a = p->absence;
        struct etime to = cand_time(f, index);
        bool holds = true;
        switch (a->kind) {
        case ABSENT_OPEN: holds = open_absence_holds(f, p, e->prev, index); break;
        case ABSENT_FOR:
            to = etime_add(base, a->length);
            holds = absence_for_holds(f, p, e, to, index);
            break;
        case ABSENT_NEXT: holds = next_no_holds(f, p, e->prev, index); break;
        case ABSENT_LEAD: continue;
        }
        if (!holds) {
            return false;
        }
        note(f, a, begin, to);
    }
    for (const struct pending *p = e->pending; p; p = p->up) {
        const struct pattern_absence *a = p->absence;
        if (a->kind == ABSENT_FOR) {
            struct etime end = etime_add(base, a->length);
            e->after = etime_lt(e->after, end) ? end : e->after;
        }
    }
    return true;
}

bool entry_allows(struct finder *f, const struct entry *e, uint32_t test, uint32_t index)
{
    if (e->prev == NONE) {
        return true;
    }
    struct entry look = *e;
    if (!absences_allow(f, &look, index)) {
        return false;
    }
    for (const struct pending_link *l = e->links; l; l = l->up) {
        if (!link_allows(f, &look, l->link, test, index)) {
            return false;
        }
    }
    return true;
}

bool lead_allows(struct finder *f, const struct entry *e, uint32_t index)
{
    for (const struct pending *p = e->pending; p; p = p->up) {
        const struct pattern_absence *a = p->absence;
        if (a->kind != ABSENT_LEAD) {
            continue;
        }
        struct etime at = cand_time(f, index);
        struct etime from = etime_sub(at, a->length);
        if (!a->assume_quiet && from.ns < f->history_begin.ns) {
            return false;
        }
        uint64_t m = UINT64_C(1) << a->test;
        for (uint32_t i = retained_prev(f->events, index, m, f->work);
             i != NONE && cand_time(f, i).ns >= from.ns; i = retained_prev(f->events, i, m, f->work)) {
            if (test_holds(f, a->test, i)) {
                return false;
            }
        }
        note(f, a, from, at);
    }
    return true;
}

/* ---- parts -------------------------------------------------------------------------------- */

bool part_allows(struct finder *f, const struct pattern *p, uint32_t from, struct etime end)
{
    const struct nfa_scratch *s = f->scratch;
    uint32_t first = NONE, last = 0;
    for (size_t i = from; i < s->n_bound; i++) {
        uint32_t x = s->bound[i].index;
        first = x < first ? x : first;
        last = x > last ? x : last;
    }
    struct etime until = cand_time(f, last);
    bool deadline = end.ns >= until.ns; /* a deadline stands behind the events of its time */
    until = deadline ? end : until;
    if (etime_diff(until, cand_time(f, first)).ns > p->span.ns) {
        return false;
    }
    if (p->guard_test == NO_TEST) {
        return true;
    }
    for (uint32_t i = next_with(f, first + 1, f->n, p->guard_test); i < f->n;
         i = next_with(f, i + 1, f->n, p->guard_test)) {
        if (deadline ? cand_time(f, i).ns > until.ns : i >= last) {
            break;
        }
        if (test_holds(f, p->guard_test, i)) {
            return false;
        }
    }
    return true;
}
