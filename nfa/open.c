/* What is open: the parts of matches that an instance is in, as somebody who looks at it wants to see
 * them. The same search that timeouts go by. */
#include "nfa/report.h"
#include "nfa/scratch.h"

struct instance_standing instance_standing(const struct instance *in, struct etime now)
{
    uint32_t needed = instance_needed_from(in, now);
    bool capped = !etime_lt(in->capped_until, now);
    struct instance_standing s = {.events = retained_count(&in->events) - needed,
                                  .starts = in->live_starts,
                                  .capped_until = capped ? in->capped_until : ETIME_MIN,
                                  .quiet_until = ETIME_MIN};
    for (uint32_t i = in->lowest; i < needed; i++) {
        s.starts -= instance_is_start(in, i);
    }
    s.anything = s.events > 0 || quiet_count(in) > 0 || s.capped_until.ns != INT64_MIN;
    for (uint32_t i = 0; i < quiet_count(in); i++) {
        const struct quiet_entry *q = &in->quiet->items[i];
        struct etime end = etime_add(q->last_at, in->rule->quiet.length);
        if (!q->ended) {
            s.held += q->held;
            s.quiet_until = etime_lt(s.quiet_until, end) ? end : s.quiet_until;
        }
    }
    return s;
}

/* ---- deadlines ------------------------------------------------------------------------------- */

static uint32_t bound_of(const struct match *m, uint32_t test)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n_evidence; i++) {
        n += m->evidence[i].test == test;
    }
    return n;
}

static struct etime first_of(const struct match *m, uint32_t test)
{
    for (uint32_t i = 0; i < m->n_evidence; i++) {
        if (m->evidence[i].test == test) {
            return m->evidence[i].event->time;
        }
    }
    return m->first_at;
}

static void add(struct open_match *o, const char *what, struct etime from, struct duration length)
{
    if (!duration_is_infinite(length)) {
        o->deadlines[o->n_deadlines++] =
            (struct open_deadline){.what = what, .at = etime_add(from, length)};
    }
}

/* `no M for D` in front of the next item; what has been kept by now is behind it. */
static void find_absences(const struct match *m, const struct pattern_item *next, struct etime now,
                          struct open_match *o)
{
    for (uint32_t i = 0, n = 0; i < next->n_absences && n < OPEN_MAX_ABSENT; i++) {
        const struct pattern_absence *a = &next->absences[i];
        struct etime end = etime_add(m->last_at, a->length);
        if (a->kind == ABSENT_FOR && !etime_lt(end, now)) {
            o->deadlines[o->n_deadlines++] =
                (struct open_deadline){"absent", m->rule->tests[a->test].label, end};
            n++;
        }
    }
}

/* Only what is sure: a count that has not got its events must get them within its span; behind an item
 * that is complete the next one must begin within the gap. Parts that may take more events, and
 * optional items, say nothing. */
static void find_deadlines(const struct match *m, struct etime now, struct open_match *o)
{
    const struct pattern *root = m->rule->root;
    uint32_t i = 0;
    add(o, "window", m->first_at, m->rule->window);
    while (i < root->n_items && !(root->items[i].node && pattern_has_step(root->items[i].node, m->step))) {
        i++;
    }
    const struct pattern *p = i < root->n_items ? root->items[i].node : NULL;
    if (!p || (p->kind != PAT_STEP && p->kind != PAT_COUNT)) {
        return;
    }
    bool whole = p->kind == PAT_STEP || bound_of(m, p->test) >= p->min;
    if (!whole) {
        add(o, "span", first_of(m, p->test), p->span);
    }
    const struct pattern_item *next = i + 1 < root->n_items ? &root->items[i + 1] : NULL;
    bool full = p->kind == PAT_STEP || bound_of(m, p->test) >= p->max;
    if (full && next && next->node && !next->node->optional && next->n_absences == 0) {
        add(o, "gap", m->last_at, next->link.within);
    }
    if (whole && next) {
        find_absences(m, next, now, o);
    }
}

static bool is_over(const struct open_match *o, struct etime now)
{
    for (uint32_t i = 0; i < o->n_deadlines; i++) {
        if (etime_lt(o->deadlines[i].at, now)) {
            return true;
        }
    }
    return false;
}

/* ---- parts ----------------------------------------------------------------------------------- */

static void look_at(struct finder *f, const struct report *r, struct etime now, open_fn fn, void *ctx)
{
    const struct bound *sorted = bound_in_order(f);
    struct match m = {.step = sorted[f->scratch->n_bound - 1].test};
    struct open_match o = {.match = &m};
    report_fill(f, r, sorted, f->now, &m);
    find_deadlines(&m, now, &o);
    m.detected_at = now;
    if (!is_over(&o, now)) {
        fn(ctx, &o);
    }
}

uint64_t instance_open(struct instance *in, struct etime now, uint32_t most,
                       const struct nfa_call *call, open_fn fn, void *ctx)
{
    /* As what is pending: profiles are read as they stand. */
    struct report r = {.in = in, .call = call, .kind = MATCH_PENDING};
    struct nfa_work work = call->scratch->work; /* what looking costs is not the rule's cost */
    uint64_t seen = 0;
    uint32_t n = retained_count(&in->events);
    /* At the end of an input events are evaluated that the clock has not passed. */
    struct etime last = n > 0 ? retained_at(&in->events, n - 1)->time : now;
    struct etime point = etime_lt(now, last) ? last : now;
    for (uint32_t i = in->lowest; i < n; i++) {
        struct finder f;
        if (!instance_is_start(in, i) ||
            etime_lt(etime_add(retained_at(&in->events, i)->time, in->rule->window), now) ||
            ++seen > most) {
            continue;
        }
        arena_reset(&call->scratch->arena);
        finder_begin(&f, &r, point, true);
        f.first = i;
        r.kind = MATCH_OPEN;
        if (finder_search_partial(&f)) {
            look_at(&f, &r, now, fn, ctx);
            finder_partial_done(&f);
        }
        r.kind = MATCH_PENDING;
    }
    call->scratch->work = work;
    return seen > most ? seen - most : 0;
}
