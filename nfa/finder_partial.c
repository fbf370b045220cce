/* The longest part of a match that was still alive when its window closed (language.md section 4,
 * Timeout).
 *
 * The finder walks the pattern as for a match, in order of preference. Wherever it would have to
 * bind one more event it may also stop: what is bound then is a part. A part is dead if an event up
 * to now has killed it: an absence that waits behind its last event, a counted event where `next`
 * or `in a row` asks for the very next one, a `with no` of a part of the pattern that has not
 * ended, a `without`. Gaps, spans and `first` kill nothing: they are about time, or about which
 * event was taken. The first of the longest is kept, so ties go by preference.
 *
 * What keeps it cheap: a bound on how many events can still be bound, and for parts of the pattern
 * that read no name bound before them the length with which each place was reached. */
#include <string.h>

#include "base/xalloc.h"
#include "nfa/finder.h"

/* ---- killed? ------------------------------------------------------------------------------ */

/* The counted event after a `next no` has come and is M. */
static bool next_is_hit(struct finder *f, const struct pending *p, uint32_t prev)
{
    uint64_t want = cand(f, prev)->position + 1;
    for (uint32_t i = prev + 1; i < f->n; i++) {
        if (cand(f, i)->position == want) {
            return absence_hit(f, p, i);
        }
    }
    return false;
}

static bool absences_hold(struct finder *f, const struct entry *e)
{
    struct etime begin = cand_time(f, e->prev);
    struct etime base = etime_lt(begin, e->after) ? e->after : begin;
    for (const struct pending *p = e->pending; p; p = p->up) {
        const struct pattern_absence *a = p->absence;
        struct etime to = f->now, from = ETIME_MIN;
        switch (a->kind) {
        case ABSENT_FOR:
            to = etime_add(base, a->length);
            to = etime_lt(to, f->now) ? to : f->now;
            from = e->after;
            break;
        case ABSENT_OPEN: break;
        case ABSENT_NEXT:
            if (next_is_hit(f, p, e->prev)) {
                return false;
            }
            continue;
        case ABSENT_LEAD: continue;
        }
        if (!none_until(f, p, e->prev, from, to)) {
            return false;
        }
    }
    return true;
}

/* From where on `next` looks: behind the absences with a length. */
static struct etime look_from(const struct finder *f, const struct entry *e)
{
    struct etime begin = cand_time(f, e->prev), look = e->after;
    struct etime base = etime_lt(begin, e->after) ? e->after : begin;
    for (const struct pending *p = e->pending; p; p = p->up) {
        struct etime end = etime_add(base, p->absence->length);
        if (p->absence->kind == ABSENT_FOR && etime_lt(look, end)) {
            look = end;
        }
    }
    return look;
}

/* A `next` waits and the very next counted event has come. */
static bool next_has_come(const struct finder *f, const struct entry *e)
{
    bool next = false;
    for (const struct pending_link *l = e->links; l; l = l->up) {
        next |= l->link->kind == LINK_NEXT;
    }
    if (!next) {
        return false;
    }
    struct etime look = look_from(f, e);
    if (look.ns == INT64_MIN) {
        return f->positions > cand(f, e->prev)->position;
    }
    for (uint32_t i = e->prev + 1; i < f->n; i++) {
        if (cand(f, i)->position && cand_time(f, i).ns > look.ns) {
            return true;
        }
    }
    return false;
}

/* What is bound of a part that has not ended lies within its span, and nothing has come that its
 * guard forbids. */
static bool open_part_holds(struct finder *f, const struct open_part *o)
{
    const struct nfa_scratch *s = f->scratch;
    uint32_t first = NONE, last = 0;
    for (size_t i = o->from; i < s->n_bound; i++) {
        first = s->bound[i].index < first ? s->bound[i].index : first;
        last = s->bound[i].index > last ? s->bound[i].index : last;
    }
    if (first == NONE) {
        return true;
    }
    if (etime_diff(cand_time(f, last), cand_time(f, first)).ns > o->part->span.ns) {
        return false;
    }
    uint32_t test = o->part->guard_test;
    if (test == NO_TEST) {
        return true;
    }
    for (uint32_t i = next_with(f, first + 1, f->n, test); i < f->n;
         i = next_with(f, i + 1, f->n, test)) {
        if (test_holds(f, test, i)) {
            return false;
        }
    }
    return true;
}

bool still_alive(struct finder *f, const struct entry *e, const struct open_part *outer)
{
    if (e->prev != NONE && (next_has_come(f, e) || !absences_hold(f, e))) {
        return false;
    }
    for (const struct open_part *o = f->open; o != outer; o = o->up) {
        if (!open_part_holds(f, o)) {
            return false;
        }
    }
    return true;
}

/* ---- how long can it become? --------------------------------------------------------------- */

/* An upper bound of the events that the part can bind, none of them before the first event. */
static uint64_t most_of(const struct finder *f, const struct pattern *p)
{
    uint64_t sum = 0, best = 0, n = f->n - f->first;
    if (p->kind == PAT_STEP || p->kind == PAT_COUNT) {
        uint64_t max = p->kind == PAT_STEP ? 1 : p->max;
        bool any = next_with(f, f->first, f->n, p->test) < f->n;
        return !any ? 0 : max < n ? max : n;
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        uint64_t k = p->items[i].node ? most_of(f, p->items[i].node) : 0;
        sum += k;
        best = k > best ? k : best;
    }
    sum = p->kind == PAT_ANY ? best : sum;
    sum = p->kind == PAT_REPEAT ? sum * p->max : sum;
    return sum < n ? sum : n;
}

/* capacity[i]: for the root's items from i on. */
static void measure_root(struct finder *f)
{
    struct nfa_scratch *s = f->scratch;
    const struct pattern *root = f->rule->root;
    uint64_t sum = 0;
    s->capacity = xgrow(s->capacity, &s->cap_capacity, root->n_items + 1, sizeof(*s->capacity));
    s->capacity[root->n_items] = 0;
    for (uint32_t i = root->n_items; i-- > 0;) {
        sum += root->items[i].node ? most_of(f, root->items[i].node) : 0;
        s->capacity[i] = (uint32_t)(sum < f->n ? sum : f->n);
    }
    size_t cells = (size_t)root->n_items * f->n + 1;
    if (cells > s->cap_reached) {
        size_t cap = s->cap_reached;
        s->reached = xgrow(s->reached, &s->cap_reached, cells, sizeof(*s->reached));
        memset(s->reached + cap, 0, (s->cap_reached - cap) * sizeof(*s->reached));
    }
    s->partial_search++;
}

bool not_longer(const struct finder *f, size_t more)
{
    return f->scratch->n_bound + more + f->behind <= f->scratch->n_best;
}

bool rest_not_longer(const struct finder *f, const struct entry *e)
{
    const struct nfa_scratch *s = f->scratch;
    return e->prev != NONE && s->n_bound + (f->n - 1 - e->prev) <= s->n_best;
}

/* Has a part that is no shorter come to item i behind e->prev? Remembers how long this one is. */
static bool came_no_shorter(struct finder *f, uint32_t i, const struct entry *e)
{
    struct nfa_scratch *s = f->scratch;
    if (!f->rule->closed[i] || e->prev == NONE || e->pending || e->after.ns != INT64_MIN ||
        f->rule->has_all) {
        return false;
    }
    struct reached *r = &s->reached[(size_t)i * f->n + e->prev];
    if (r->search == s->partial_search && r->bound >= s->n_bound) {
        return true;
    }
    *r = (struct reached){s->partial_search, (uint32_t)s->n_bound};
    return false;
}

bool item_not_longer(struct finder *f, uint32_t i, const struct entry *e)
{
    const struct nfa_scratch *s = f->scratch;
    uint32_t left = f->n - (e->prev == NONE ? f->first : e->prev + 1);
    uint32_t most = s->capacity[i] < left ? s->capacity[i] : left;
    return (s->n_bound + most <= s->n_best && s->n_best > 0) || came_no_shorter(f, i, e);
}

void item_enter(struct finder *f, uint32_t i)
{
    const struct nfa_scratch *s = f->scratch;
    const struct pattern_item *item = &f->rule->root->items[i];
    /* A count at the top knows itself how long it is; inside of groups that is not so clear. */
    bool counted = item->node && item->node->kind == PAT_COUNT;
    f->behind = counted ? s->capacity[i + 1] : s->capacity[i] + s->capacity[0];
}

/* ---- stops -------------------------------------------------------------------------------- */

bool stop_here(struct finder *f, const struct entry *e)
{
    size_t absent = f->scratch->n_absent;
    bool stop = f->stop->run(f, f->stop, e);
    f->scratch->n_absent = absent;
    return stop;
}

bool stop_in_run(struct finder *f, const struct pattern *p, uint32_t last)
{
    if (p->adjacency == ADJ_IN_A_ROW && f->positions > cand(f, last)->position) {
        return false;
    }
    struct entry e = entry_after(last);
    return stop_here(f, &e);
}

/* An optional part that is left before anything of it is bound comes behind the one that is skipped:
 * a later step that is bound is preferred to one that is not. */
struct optional_stop {
    struct stop stop;
    const struct stop *outer;
    size_t from; /* events bound before it */
};

static bool optional_stopped(struct finder *f, const struct stop *stop, const struct entry *e)
{
    const struct optional_stop *o = (const struct optional_stop *)stop;
    if (f->scratch->n_bound == o->from) {
        return false;
    }
    f->stop = o->outer;
    bool ended = stop_here(f, e);
    f->stop = stop;
    return ended;
}

bool match_begun(struct finder *f, const struct pattern *p, const struct entry *e,
                 const struct cont *k)
{
    struct optional_stop o = {{optional_stopped}, f->stop, f->scratch->n_bound};
    f->stop = &o.stop;
    bool ended = match_node(f, p, e, k);
    f->stop = o.outer;
    return ended;
}

static void keep(struct finder *f)
{
    struct nfa_scratch *s = f->scratch;
    s->best = xgrow(s->best, &s->cap_best, s->n_bound, sizeof(*s->best));
    memcpy(s->best, s->bound, s->n_bound * sizeof(*s->best));
    s->n_best = s->n_bound;
    s->best_absent =
        xgrow(s->best_absent, &s->cap_best_absent, s->n_absent + 1, sizeof(*s->best_absent));
    if (s->n_absent) {
        memcpy(s->best_absent, s->absent, s->n_absent * sizeof(*s->best_absent));
    }
    s->n_best_absent = s->n_absent;
}

/* True ends the search: it is given up. */
static bool root_stopped(struct finder *f, const struct stop *stop, const struct entry *e)
{
    (void)stop;
    if (f->scratch->n_bound <= f->scratch->n_best) {
        return false;
    }
    if (f->steps_left == 0) {
        f->exhausted = true;
        return true;
    }
    f->steps_left--;
    if (first_bound(f) == f->first && still_alive(f, e, NULL) &&
        !killed(f, f->first, NONE, f->now) && !f->exhausted) {
        keep(f);
    }
    return f->exhausted;
}

/* ---- the search --------------------------------------------------------------------------- */

static void bind_best(struct finder *f)
{
    struct nfa_scratch *s = f->scratch;
    for (size_t i = 0; i < s->n_best; i++) {
        bind_event(f, s->best[i].test, s->best[i].index);
        s->bound[i] = s->best[i]; /* with the iterations as they were */
    }
    s->n_absent = 0;
    for (size_t i = 0; i < s->n_best_absent; i++) {
        VEC_PUSH(s->absent, s->n_absent, s->cap_absent) = s->best_absent[i];
    }
}

bool finder_search_partial(struct finder *f)
{
    static const struct stop root = {root_stopped};
    struct nfa_scratch *s = f->scratch;
    f->partial = true;
    f->by_deadline = true; /* for `without` */
    f->tail_known = false;
    f->last_begin = 0;
    f->last_end = f->n;
    f->item_of_test = NULL;
    f->has_ranges = false;
    f->skip_test = NO_TEST;
    f->avoid_test = NO_TEST;
    f->limited_test = NO_TEST;
    f->early = 0;
    f->stop = &root;
    s->n_best = s->n_best_absent = 0;
    measure_root(f);
    match_root(f);
    if (f->exhausted || s->n_best == 0) {
        return false;
    }
    bind_best(f);
    return true;
}

void finder_partial_done(struct finder *f)
{
    while (f->scratch->n_bound) {
        unbind_event(f);
    }
    f->scratch->n_absent = 0;
}
