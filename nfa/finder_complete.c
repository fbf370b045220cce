/* Is the assignment at hand a match that is complete at this point? What trailing absences say, `without`,
 * the head window. */
#include "base/xalloc.h"
#include "nfa/finder.h"

static uint32_t last_bound(const struct finder *f)
{
    uint32_t last = 0;
    for (size_t i = 0; i < f->scratch->n_bound; i++) {
        if (f->scratch->bound[i].index > last) {
            last = f->scratch->bound[i].index;
        }
    }
    return last;
}

uint32_t first_bound(const struct finder *f)
{
    uint32_t first = NONE;
    for (size_t i = 0; i < f->scratch->n_bound; i++) {
        if (f->scratch->bound[i].index < first) {
            first = f->scratch->bound[i].index;
        }
    }
    return first;
}

static void note_absent(struct finder *f, uint32_t test, struct etime from, struct etime to)
{
    struct nfa_scratch *s = f->scratch;
    VEC_PUSH(s->absent, s->n_absent, s->cap_absent) = (struct absent_span){test, from, to};
}

bool none_until(struct finder *f, const struct pending *p, uint32_t after, struct etime from,
                struct etime to)
{
    uint32_t test = p->absence->test;
    for (uint32_t i = next_with(f, after + 1, f->n, test); i < f->n && cand_time(f, i).ns <= to.ns;
         i = next_with(f, i + 1, f->n, test)) {
        if (cand_time(f, i).ns > from.ns && absence_hit(f, p, i)) {
            return false;
        }
    }
    return true;
}

/* When the trailing absences let the match be complete: at an event, at a deadline, or both (the
 * later one counts). */
struct settled {
    uint32_t event;         /* the event after a `next no`; NONE */
    struct etime deadline;  /* ETIME_MIN: none */
    bool came;              /* the event after a `next no` has come, here or before */
};

/* A `next no M` at the end: the next counted event is not M, or none comes until the head window
 * closes. Counted events that pass no test are not retained, but they are counted. */
static bool settle_next_no(struct finder *f, const struct entry *e, const struct pending *p,
                           struct etime window_end, struct settled *s)
{
    uint32_t test = p->absence->test;
    uint64_t want = cand(f, e->prev)->position + 1;
    for (uint32_t i = e->prev + 1; i < f->n; i++) {
        if (cand(f, i)->position == want) {
            if (absence_hit(f, p, i)) {
                return false;
            }
            s->event = i;
            s->came = true;
            note_absent(f, test, cand_time(f, e->prev), cand_time(f, i));
            return true;
        }
    }
    if (f->positions >= want) {
        s->came = true;
        return true;
    }
    if (s->deadline.ns < window_end.ns) {
        s->deadline = window_end;
    }
    note_absent(f, test, cand_time(f, e->prev), window_end);
    return true;
}

/* False if an absence is broken. */
static bool settle_absences(struct finder *f, const struct entry *e, struct settled *s)
{
    struct etime window_end = etime_add(cand_time(f, f->first), f->rule->window);
    struct etime begin = cand_time(f, e->prev);
    struct etime base = etime_lt(begin, e->after) ? e->after : begin;
    for (const struct pending *p = e->pending; p; p = p->up) {
        const struct pattern_absence *a = p->absence;
        struct etime to = window_end, from = ETIME_MIN;
        switch (a->kind) {
        case ABSENT_FOR:
            to = etime_add(base, a->length);
            from = e->after; /* a part that ended at its deadline: it begins there */
            break;
        case ABSENT_OPEN: break;
        case ABSENT_NEXT:
            if (!settle_next_no(f, e, p, window_end, s)) {
                return false;
            }
            continue;
        case ABSENT_LEAD: continue;
        }
        if (to.ns > f->now.ns || !none_until(f, p, e->prev, from, to)) {
            return false;
        }
        if (s->deadline.ns < to.ns) {
            s->deadline = to;
        }
        note_absent(f, a->test, begin, to);
    }
    return true;
}

/* `without M`: strictly after the first bound event, strictly before the completing one, up to and
 * including the deadline. Names bound later than the M event are missing in M. */
bool killed(struct finder *f, uint32_t first, uint32_t last, struct etime completed)
{
    const struct rule *r = f->rule;
    if (!r->without) {
        return false;
    }
    for (uint32_t i = retained_next(f->events, first + 1, f->n, r->without, f->work); i < f->n;
         i = retained_next(f->events, i + 1, f->n, r->without, f->work)) {
        const struct candidate *c = cand(f, i);
        if (f->by_deadline ? c->time.ns > completed.ns : i >= last) {
            break;
        }
        uint64_t hits = c->tests & r->without;
        for (; hits; hits &= hits - 1) {
            uint32_t test = (uint32_t)__builtin_ctzll(hits);
            f->eval->visible_until = c->event;
            bool hit = test_holds(f, test, i);
            f->eval->visible_until = NULL;
            if (hit) {
                return true;
            }
        }
    }
    return false;
}

/* Where the completed assignment is decided; false: not at this point. */
static bool decided_here(struct finder *f, const struct entry *e, uint32_t last,
                         uint32_t *deciding)
{
    struct settled s = {.event = NONE, .deadline = e->after};
    if (!settle_absences(f, e, &s)) {
        return false;
    }
    *deciding = s.event != NONE && s.event > last ? s.event : last;
    f->by_deadline = s.deadline.ns >= cand_time(f, *deciding).ns;
    f->completed = f->by_deadline ? s.deadline : cand_time(f, *deciding);
    f->decided_by = !f->by_deadline && *deciding != last ? *deciding : NONE;
    if (f->by_deadline) {
        return f->at_deadline && f->completed.ns == f->now.ns;
    }
    if (s.came && s.event == NONE) {
        return false; /* decided when that event came */
    }
    return !f->at_deadline && *deciding == f->point;
}

bool completes_here(struct finder *f, const struct entry *e)
{
    uint32_t deciding;
    if (!decided_here(f, e, last_bound(f), &deciding) || first_bound(f) != f->first) {
        return false;
    }
    if (etime_diff(f->completed, cand_time(f, f->first)).ns > f->rule->window.ns) {
        return false;
    }
    /* An exhausted search has left tests out: what looks complete need not be. */
    return !killed(f, f->first, deciding, f->completed) && !f->exhausted;
}
