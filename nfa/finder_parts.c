/* Repeated groups, `all of` and `n of`. */
#include "base/xalloc.h"
#include "nfa/finder.h"

/* ---- repeated groups ---------------------------------------------------------------------- */

struct repeat {
    struct cont k; /* what runs after one iteration */
    const struct pattern *p;
    uint32_t total; /* iterations wanted */
    uint32_t done;
    /* Partial search: only the last of the iterations wanted may be left unfinished. */
    const struct stop *stop; /* who takes over then */
    uint32_t *deepest;       /* the last iteration that bound anything */
};

struct repeat_stop {
    struct stop stop;
    const struct repeat *r; /* as if the iteration were done */
    size_t from;            /* events bound before it */
};

static bool iteration_stopped(struct finder *f, const struct stop *stop, const struct entry *e)
{
    const struct repeat_stop *s = (const struct repeat_stop *)stop;
    if (f->scratch->n_bound == s->from) {
        return false; /* the iteration has not begun */
    }
    if (*s->r->deepest < s->r->done) {
        *s->r->deepest = s->r->done;
    }
    if (s->r->done < s->r->total) {
        return false;
    }
    f->stop = s->r->stop;
    bool ended = stop_here(f, e);
    f->stop = stop;
    return ended;
}

static bool repeat_next(struct finder *f, const struct repeat *r, const struct entry *e,
                        const struct cont *up);

/* An iteration renews the names inside the group: what they held before stays visible from
 * outside, and comes back when the search steps back. */
struct saved_iteration {
    uint32_t start[RULE_MAX_TESTS];
    uint32_t turn;
};

static void iteration_begin(struct finder *f, uint32_t group, uint32_t turn,
                            struct saved_iteration *save)
{
    struct nfa_scratch *s = f->scratch;
    uint64_t slots = f->rule->groups[group].slots;
    save->turn = f->turn[group];
    for (uint64_t b = slots; b; b &= b - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(b);
        save->start[slot] = s->iter_start[group][slot];
        s->iter_start[group][slot] = s->slots[slot].n;
        s->slots[slot].cut++;
    }
    f->turn[group] = turn;
}

static void iteration_restore(struct finder *f, uint32_t group, const struct saved_iteration *save)
{
    struct nfa_scratch *s = f->scratch;
    for (uint64_t b = f->rule->groups[group].slots; b; b &= b - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(b);
        s->iter_start[group][slot] = save->start[slot];
        s->slots[slot].cut++;
    }
    f->turn[group] = save->turn;
}

static bool having_holds(struct finder *f, const struct pattern *p, const struct entry *e)
{
    return !p->having || clause_holds(f, p->having, e->prev);
}

static const struct pattern_link next_link = {LINK_NEXT, {INT64_MAX}, {0}};

/* What follows is reached, or the next iteration waits to begin, or this one for the deadline that ends
 * it: what `having` asks of the finished part is open until then. */
static bool leave_iterations(struct finder *f, const struct repeat *r, const struct entry *e,
                             const struct cont *up)
{
    const struct stop *stop = f->stop;
    struct pending_link in_a_row = {&next_link, NULL};
    struct entry wait = *e;
    if (r->p->adjacency == ADJ_IN_A_ROW) {
        wait.links = &in_a_row;
    }
    f->stop = r->stop;
    bool ended = r->done >= r->p->min && having_holds(f, r->p, e) && up->run(f, up, e);
    ended = ended || (r->done < r->p->max && stop_here(f, &wait));
    ended = ended || (part_end(f, e).ns > f->now.ns && stop_here(f, e));
    f->stop = stop;
    return ended;
}

static bool iteration_done(struct finder *f, const struct cont *k, const struct entry *e)
{
    const struct repeat *r = (const struct repeat *)k;
    if (f->partial && *r->deepest < r->done) {
        *r->deepest = r->done;
    }
    if (r->done < r->total) {
        return repeat_next(f, r, e, k->up);
    }
    if (f->partial) {
        return leave_iterations(f, r, e, k->up);
    }
    return having_holds(f, r->p, e) && k->up->run(f, k->up, e);
}

/* How many iterations are behind is of no matter, apart from the link that leads into the next. */
static void put_repeat(struct finder *f, const struct cont *k, struct memo_key *key)
{
    const struct repeat *r = (const struct repeat *)k;
    (void)f;
    buf_put_varint(key->out, r->total - r->done);
}

static bool repeat_next(struct finder *f, const struct repeat *r, const struct entry *e,
                        const struct cont *up)
{
    uint64_t least = (uint64_t)r->p->items[0].least * (r->total - r->done);
    if (!f->partial && e->prev != NONE && least > f->n - 1 - e->prev) {
        return false; /* fewer events are left */
    }
    struct repeat next = *r;
    next.done++;
    next.k.up = up;
    next.k.last = up->last && next.done == next.total;
    struct pending_link in_a_row = {&next_link, NULL};
    struct entry enter = *e;
    if (next.done > 1 && r->p->adjacency == ADJ_IN_A_ROW) {
        enter.links = &in_a_row;
    }
    struct saved_iteration save;
    struct repeat_stop left = {{iteration_stopped}, &next, f->scratch->n_bound};
    const struct stop *outer = f->stop;
    f->stop = &left.stop;
    iteration_begin(f, r->p->group, next.done - 1, &save);
    struct memo memo = {.entry = NONE};
    if (enter.prev != NONE) {
        enum memo_place place = memo_place_of(&r->p->items[0], &enter);
        memo = memo_open(f, &r->p->items[0], &enter, &next.k, place);
    }
    bool stop = !memo.failed &&
                memo_close(f, &memo, match_node(f, r->p->items[0].node, &enter, &next.k));
    iteration_restore(f, r->p->group, &save);
    f->stop = outer;
    return stop;
}

/* An upper bound of the iterations that the remaining events allow. */
static uint32_t most_iterations(const struct finder *f, const struct pattern *p,
                                const struct entry *e)
{
    uint32_t begin = entry_begin(f, e, false);
    uint32_t left = begin < f->n ? f->n - begin : 0;
    if (!f->partial && p->items[0].least > 1) {
        left /= p->items[0].least; /* an unfinished one can have less */
    }
    return p->max < left ? p->max : left;
}

/* More iterations are preferred, an unfinished one included. Where none got beyond a number, no
 * larger one need be tried. */
static bool repeat_partial(struct finder *f, const struct pattern *p, const struct entry *e,
                           const struct cont *k)
{
    for (uint32_t total = most_iterations(f, p, e), deepest = 0; total > 0;
         total = deepest < total ? deepest : total - 1) {
        struct repeat r = {.k = {iteration_done, k, false, NULL}, .p = p, .total = total,
                           .stop = f->stop, .deepest = &deepest};
        deepest = 0;
        if (repeat_next(f, &r, e, k)) {
            return true;
        }
    }
    return stop_here(f, e);
}

bool match_repeat(struct finder *f, const struct pattern *p, const struct entry *e,
                  const struct cont *k)
{
    if (f->partial) {
        return repeat_partial(f, p, e, k);
    }
    for (uint32_t total = most_iterations(f, p, e); total >= p->min && total > 0 && f->jump == NONE;
         total--) {
        struct repeat r = {.k = {iteration_done, k, false, put_repeat}, .p = p, .total = total};
        if (repeat_next(f, &r, e, k)) {
            return true;
        }
    }
    return false;
}

/* ---- all of, n of ------------------------------------------------------------------------- */

/* Parts are tried in written order; each sees what the parts written before it have bound. Links
 * and absences that lead into the whole bind to its earliest event, known only at the end. */
struct all {
    struct cont k;
    const struct pattern *p;
    const struct entry *enter;
    uint32_t next;    /* part to try */
    uint32_t chosen;  /* parts bound so far */
    size_t from;      /* its events are bound[from …] */
    struct etime ends; /* latest deadline that ends a part; ETIME_MIN */
    bool inside;       /* a part is being bound: the one before `next` */
    /* Partial search: a part was left unfinished; who takes over when the whole is left. */
    bool unfinished;
    const struct stop *stop;
    const struct open_part *open;
};

static bool all_go_on(struct finder *f, const struct all *a);

/* Partial search: a part of the whole is left before its end; the parts behind it still come. */
struct all_stop {
    struct stop stop;
    const struct all *all; /* as if the part were bound */
    size_t from;           /* events bound before the part */
};

static bool all_part_stopped(struct finder *f, const struct stop *stop, const struct entry *e)
{
    const struct all_stop *s = (const struct all_stop *)stop;
    struct all next = *s->all;
    next.inside = false;
    if (f->scratch->n_bound == s->from || !still_alive(f, e, next.open)) {
        return false; /* nothing bound: the same as without it */
    }
    const struct open_part *open = f->open;
    f->open = next.open;
    next.unfinished = true;
    bool ended = all_go_on(f, &next);
    f->open = open;
    f->stop = stop;
    return ended;
}

static bool match_all_part(struct finder *f, const struct all *with, const struct pattern *part)
{
    struct all_stop stop = {{all_part_stopped}, with, f->scratch->n_bound};
    struct entry e = {.prev = with->enter->prev, .after = with->enter->after};
    f->stop = &stop.stop;
    bool ended = match_node(f, part, &e, &with->k);
    f->stop = with->stop;
    return ended;
}

/* The part ends with `no M for D`: nothing may satisfy M up to its deadline. */
static bool part_settles(struct finder *f, const struct entry *e, struct etime *ends)
{
    struct etime begin = cand_time(f, e->prev);
    *ends = e->after;
    for (const struct pending *p = e->pending; p; p = p->up) {
        const struct pattern_absence *x = p->absence;
        if (x->kind != ABSENT_FOR) {
            continue;
        }
        struct etime to = etime_add(begin, x->length);
        if (to.ns > f->now.ns) {
            return false;
        }
        for (uint32_t c = next_with(f, e->prev + 1, f->n, x->test);
             c < f->n && cand_time(f, c).ns <= to.ns; c = next_with(f, c + 1, f->n, x->test)) {
            if (absence_hit(f, p, c)) {
                return false;
            }
        }
        struct nfa_scratch *s = f->scratch;
        VEC_PUSH(s->absent, s->n_absent, s->cap_absent) =
            (struct absent_span){x->test, begin, to};
        *ends = etime_lt(*ends, to) ? to : *ends;
    }
    return true;
}

static bool all_part_done(struct finder *f, const struct cont *k, const struct entry *e)
{
    struct all next = *(const struct all *)k;
    next.inside = false;
    const struct stop *outer = f->stop;
    size_t absent = f->scratch->n_absent;
    struct etime ends;
    bool stop = false;
    if (part_settles(f, e, &ends)) {
        next.ends = etime_lt(next.ends, ends) ? ends : next.ends;
        stop = all_go_on(f, &next);
        f->stop = outer;
    } else if (f->partial) {
        stop = stop_here(f, e);
    }
    f->scratch->n_absent = absent;
    return stop;
}

/* What leads into the whole binds to its earliest event. The test of `first` is judged as when
 * that step begins: with nothing of its own bound yet. */
static bool enters_with(struct finder *f, const struct all *a, uint32_t test, uint32_t index)
{
    struct slot_binding *own = &f->scratch->slots[f->rule->tests[test].slot];
    uint32_t n = own->n, mine = 0;
    for (size_t i = a->from; i < f->scratch->n_bound; i++) {
        mine += f->rule->tests[f->scratch->bound[i].test].slot == f->rule->tests[test].slot;
    }
    own->n -= mine;
    own->cut++;
    bool allowed = entry_allows(f, a->enter, test, index);
    own->n = n;
    own->cut++;
    return allowed;
}

static bool all_is_whole(const struct all *a)
{
    return a->chosen == a->p->min && !a->unfinished;
}

static bool all_done(struct finder *f, const struct all *a)
{
    struct nfa_scratch *s = f->scratch;
    uint32_t first = NONE, last = 0, first_test = 0;
    if (s->n_bound == a->from) {
        return false;
    }
    for (size_t i = a->from; i < s->n_bound; i++) {
        uint32_t x = s->bound[i].index;
        if (x < first) {
            first = x;
            first_test = s->bound[i].test;
        }
        last = x > last ? x : last;
    }
    size_t absent = s->n_absent;
    uint32_t depth = f->all_depth;
    bool stop = false;
    if (enters_with(f, a, first_test, first) && lead_allows(f, a->enter, first)) {
        struct entry e = entry_after(last);
        e.after = a->ends;
        f->all_depth = depth - 1;
        f->stop = a->stop;
        stop = all_is_whole(a) ? a->k.up->run(f, a->k.up, &e) : stop_here(f, &e);
        f->all_depth = depth;
    }
    s->n_absent = absent;
    return stop;
}

/* The event that the match begins with must still be bound, by a part of the whole. */
static bool wants_first(const struct finder *f, const struct all *a)
{
    return f->all_depth == 1 && a->from == 0 && !f->scratch->taken[f->first];
}

/* The same for the event that completes it. */
static bool wants_point(const struct finder *f, const struct all *a)
{
    return f->all_depth == 1 && f->last_is_point && a->k.up->last && !f->scratch->taken[f->point];
}

/* No part from `next` on takes such an event. */
static bool is_out_of_reach(const struct finder *f, const struct all *a, uint32_t next)
{
    uint64_t left = next < a->p->n_items ? a->p->items[next].steps : 0;
    return (wants_first(f, a) && !(cand(f, f->first)->tests & left)) ||
           (wants_point(f, a) && !(cand(f, f->point)->tests & left));
}

/* The part is the last that can take the first event or the point: it is to take no other. */
static void pin_part(struct finder *f, const struct all *a)
{
    uint64_t left = a->next + 1 < a->p->n_items ? a->p->items[a->next + 1].steps : 0;
    f->pinned = a->p->items[a->next].node;
    while (f->pinned->kind == PAT_SEQ && f->pinned->n_items == 1 && f->pinned->items[0].node) {
        f->pinned = f->pinned->items[0].node;
    }
    f->pin_begin = 0;
    f->pin_end = f->n;
    if (wants_first(f, a) && !(cand(f, f->first)->tests & left)) {
        f->pin_end = f->first + 1;
    }
    if (wants_point(f, a) && !(cand(f, f->point)->tests & left)) {
        f->pin_begin = f->point;
    }
}

static bool all_choose(struct finder *f, const struct all *a);

static bool all_go_on(struct finder *f, const struct all *a)
{
    bool none_left = a->next == a->p->n_items;
    if (a->chosen == a->p->min || (f->partial && none_left)) {
        return all_done(f, a);
    }
    if (!f->partial && (a->p->n_items - a->next < a->p->min - a->chosen || is_out_of_reach(f, a, a->next))) {
        return false;
    }
    const struct pattern_item *item = &a->p->items[a->next];
    struct memo memo = memo_open(f, item, a->enter, &a->k, memo_place_of(item, a->enter));
    return !memo.failed && memo_close(f, &memo, all_choose(f, a));
}

/* The next part, or one behind it. */
static bool all_choose(struct finder *f, const struct all *a)
{
    struct all with = *a;
    with.k.run = all_part_done;
    with.k.last = false;
    with.inside = true;
    with.next = a->next + 1;
    with.chosen = a->chosen + 1;
    const struct pattern *pinned = f->pinned;
    uint32_t begin = f->pin_begin, end = f->pin_end;
    if (!f->partial) {
        pin_part(f, a);
    }
    bool stop = match_all_part(f, &with, a->p->items[a->next].node);
    f->pinned = pinned;
    f->pin_begin = begin;
    f->pin_end = end;
    if (stop) {
        return true;
    }
    struct all without = *a;
    without.next = a->next + 1;
    return all_go_on(f, &without);
}

static void put_all(struct finder *f, const struct cont *k, struct memo_key *key)
{
    const struct all *a = (const struct all *)k;
    bool first = key->first;
    buf_put_varint(key->out, a->next);
    buf_put_varint(key->out, a->chosen);
    buf_put_zigzag(key->out, a->ends.ns);
    key->first = false;
    memo_put_entry(f, key, a->enter);
    key->live |= key->first ? a->p->items[0].live : 0; /* judged when the whole is bound */
    key->first |= first;
    memo_put_taken(f, key, a->from, a->p->items[a->next - a->inside].steps);
    /* It begins with the first event and ends with the point: the one is known, and the other is one of the
     * match at hand, which matters to a leading absence, and to what its own span or guard reaches over:
     * behind a later first event less of it, so that what has failed may not fail again. */
    bool whole = f->all_depth == 1 && a->from == 0 && a->k.up->last && f->last_is_point &&
                 !a->enter->pending && a->p->guard_test == NO_TEST &&
                 duration_is_infinite(a->p->span);
    if (!whole) {
        memo_put_extent(f, key, a->from);
    }
}

bool match_all(struct finder *f, const struct pattern *p, const struct entry *e,
               const struct cont *k)
{
    struct all a = {.k = {all_part_done, k, false, put_all}, .p = p, .enter = e,
                    .from = f->scratch->n_bound, .ends = ETIME_MIN,
                    .stop = f->stop, .open = f->open};
    f->all_depth++;
    bool stop = all_go_on(f, &a);
    f->all_depth--;
    return stop || (f->partial && stop_here(f, e));
}
