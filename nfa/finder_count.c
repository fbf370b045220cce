/* Counted steps: runs that leave nothing out, and `anywhere`, where any subset may be chosen. */
#include "base/xalloc.h"
#include "nfa/finder.h"

/* A run that begins at one event: every later event that satisfies the step's own test belongs to
 * it (language.md: none is left out), until a limit ends it. */
struct run {
    const struct pattern *p;
    uint32_t start;
    struct etime limit; /* no event of the run is later */
    uint32_t last;      /* bound last */
    uint32_t n;         /* bound so far */
    bool settled;       /* `until` became true with the last one */
};

static struct etime run_limit(const struct finder *f, const struct pattern *p, uint32_t start)
{
    struct etime window = etime_add(cand_time(f, f->first), f->rule->window);
    struct etime span = etime_add(cand_time(f, start), p->span);
    return etime_lt(span, window) ? span : window;
}

static bool until_holds(struct finder *f, const struct run *r)
{
    if (!r->p->until || r->n < r->p->min) {
        return false;
    }
    return clause_holds(f, r->p->until, r->last);
}

static void run_push(struct finder *f, struct run *r, uint32_t index)
{
    bind_event(f, r->p->test, index);
    r->n++;
    r->last = index;
    r->settled = until_holds(f, r);
}

/* Binds the first event if it may begin a run here. */
static bool run_begin(struct finder *f, struct run *r, const struct pattern *p,
                      const struct entry *e, uint32_t start)
{
    *r = (struct run){.p = p, .start = start};
    if (!(cand(f, start)->tests & (UINT64_C(1) << p->test)) || !may_bind(f, e, start, false) ||
        is_avoided(f, p->test, start) || !test_holds(f, p->test, start) || !entry_allows(f, e, p->test, start)) {
        return false;
    }
    r->limit = run_limit(f, p, start);
    run_push(f, r, start);
    return true;
}

/* May event i follow the run's last event? A miss ends the run. */
static bool run_continues(const struct finder *f, const struct run *r, uint32_t i)
{
    if (f->scratch->taken[i]) {
        return false;
    }
    if (r->p->adjacency == ADJ_IN_A_ROW &&
        cand(f, i)->position != cand(f, r->last)->position + 1) {
        return false;
    }
    return etime_diff(cand_time(f, i), cand_time(f, r->last)).ns <= r->p->each_within.ns;
}

/* Binds the next event of the run; false when it ends here. */
static bool run_more(struct finder *f, struct run *r)
{
    uint32_t test = r->p->test;
    if (r->settled || r->n == r->p->max) {
        return false;
    }
    for (uint32_t i = next_with(f, r->last + 1, f->n, test);
         i < f->n && cand_time(f, i).ns <= r->limit.ns; i = next_with(f, i + 1, f->n, test)) {
        if (test_holds(f, test, i)) {
            if (!run_continues(f, r, i) || is_avoided(f, test, i)) {
                return false;
            }
            run_push(f, r, i);
            return true;
        }
    }
    return false;
}

static void run_drop(struct finder *f, struct run *r)
{
    for (; r->n; r->n--) {
        unbind_event(f);
    }
}

/* Complete as a step: long enough, and where there is an `until`, at the event that settled it. */
static bool run_complete(const struct run *r)
{
    return r->n >= r->p->min && (!r->p->until || r->settled);
}

/* The events bound so far are one way to match the step: go on with the rest of the pattern. */
static bool count_try(struct finder *f, const struct pattern *p, uint32_t start, uint32_t last,
                      const struct entry *e, const struct cont *k)
{
    if (!may_bind_last(f, last, k->last) || !could_end_item(f, p->test, last)) {
        return false;
    }
    if (p->having && !clause_holds(f, p->having, last)) {
        return false;
    }
    size_t absent = f->scratch->n_absent;
    struct entry next = entry_after(last);
    bool stop = lead_allows(f, e, start) && k->run(f, k, &next);
    f->scratch->n_absent = absent;
    return stop;
}

/* Larger counts are preferred, then earlier events. Every start is walked once with a growing run,
 * which keeps its aggregates incremental, asking only whether the rest can be matched; the best
 * (length, start) is then taken for real. */
static bool count_preferred(struct finder *f, const struct pattern *p, const struct entry *e,
                            const struct cont *k, uint32_t begin, uint32_t end)
{
    bool was_dry = f->dry;
    size_t absent = f->scratch->n_absent;
    uint32_t best_n = 0, best_start = 0;
    struct run r;
    f->dry = true;
    for (uint32_t i = next_with(f, begin, end, p->test); i < end && !(was_dry && best_n) && f->jump == NONE;
         i = next_with(f, i + 1, end, p->test)) {
        bool more = run_begin(f, &r, p, e, i);
        for (; more && !(was_dry && best_n) && f->jump == NONE; more = run_more(f, &r)) {
            if (run_is_over(f, p->test)) {
                break;
            }
            if (r.n > best_n && run_complete(&r) && count_try(f, p, i, r.last, e, k)) {
                best_n = r.n;
                best_start = i;
            }
        }
        run_drop(f, &r);
        f->scratch->n_absent = absent;
    }
    f->dry = was_dry;
    if (was_dry || best_n == 0) {
        return best_n > 0;
    }
    /* An exhausted search may not get there again. */
    for (bool more = run_begin(f, &r, p, e, best_start); more && r.n < best_n;
         more = run_more(f, &r)) {
    }
    bool stop = r.n == best_n && count_try(f, p, best_start, r.last, e, k);
    run_drop(f, &r);
    f->scratch->n_absent = absent;
    return stop;
}

/* How far the run from each start goes, on the scratch stack; returns the longest. */
static uint32_t measure_runs(struct finder *f, const struct pattern *p, const struct entry *e,
                             uint32_t begin, uint32_t end)
{
    struct nfa_scratch *s = f->scratch;
    size_t absent = s->n_absent;
    uint32_t longest = 0;
    for (uint32_t i = begin; i < end; i++) {
        struct run r;
        for (bool more = run_begin(f, &r, p, e, i); more; more = run_more(f, &r)) {
        }
        uint32_t n = p->until && !r.settled && !f->partial ? 0 : r.n;
        run_drop(f, &r);
        s->n_absent = absent;
        VEC_PUSH(s->stack, s->n_stack, s->cap_stack) = n;
        longest = n > longest ? n : longest;
    }
    return longest;
}

/* `no skip`: every length from every start, in order of preference. */
static bool count_all(struct finder *f, const struct pattern *p, const struct entry *e,
                      const struct cont *k, uint32_t begin, uint32_t end)
{
    struct nfa_scratch *s = f->scratch;
    size_t base = s->n_stack, absent = s->n_absent;
    bool stop = false;
    for (uint32_t n = measure_runs(f, p, e, begin, end);
         !stop && n >= p->min && n > 0 && f->jump == NONE; n--) {
        for (uint32_t i = begin; !stop && i < end && f->jump == NONE; i++) {
            uint32_t length = s->stack[base + i - begin];
            if (length < n || (p->until && length != n)) {
                continue;
            }
            struct run r;
            for (bool more = run_begin(f, &r, p, e, i); more && r.n < n; more = run_more(f, &r)) {
            }
            stop = r.n == n && count_try(f, p, i, r.last, e, k);
            run_drop(f, &r);
            s->n_absent = absent;
        }
    }
    s->n_stack = base;
    return stop;
}

/* Partial search: a run may also end before it is complete. Larger counts first. */
static bool stop_or_go_on(struct finder *f, const struct run *r, const struct entry *e,
                          const struct cont *k)
{
    size_t absent = f->scratch->n_absent;
    if (run_complete(r) && count_try(f, r->p, r->start, r->last, e, k)) {
        return true;
    }
    bool grows = !r->settled && r->n < r->p->max;
    bool stop = grows && lead_allows(f, e, r->start) && stop_in_run(f, r->p, r->last);
    f->scratch->n_absent = absent;
    return stop;
}

static bool count_partial(struct finder *f, const struct pattern *p, const struct entry *e,
                          const struct cont *k, uint32_t begin, uint32_t end)
{
    struct nfa_scratch *s = f->scratch;
    size_t base = s->n_stack, absent = s->n_absent;
    bool stop = false;
    for (uint32_t n = measure_runs(f, p, e, begin, end); n > 0 && !stop && !not_longer(f, n); n--) {
        for (uint32_t i = begin; !stop && i < end; i++) {
            if (s->stack[base + i - begin] < n) {
                continue;
            }
            struct run r;
            for (bool more = run_begin(f, &r, p, e, i); more && r.n < n; more = run_more(f, &r)) {
            }
            stop = r.n == n && stop_or_go_on(f, &r, e, k);
            run_drop(f, &r);
            s->n_absent = absent;
        }
    }
    s->n_stack = base;
    return stop || stop_here(f, e);
}

/* ---- `anywhere`: any subset may be chosen -------------------------------------------------- */

/* What follows depends on the first and the last event only (the compiler keeps aggregates of an
 * `anywhere` name out of conditions), so a chain that failed from (length, event) fails again. */
struct subset {
    const struct pattern *p;
    const struct entry *e;
    const struct cont *k;
    size_t list;    /* stack: candidates that satisfy the test */
    uint32_t n;
    uint32_t size;
    size_t failed;  /* stack: [depth][candidate] */
};

static bool subset_stop(struct finder *f, const struct subset *u, uint32_t start, uint32_t last)
{
    size_t absent = f->scratch->n_absent;
    bool stop = lead_allows(f, u->e, start) && stop_in_run(f, u->p, last);
    f->scratch->n_absent = absent;
    return stop;
}

/* There are more subsets than tests of events: each event that is bound counts as one. */
static bool may_go_on(struct finder *f)
{
    f->exhausted |= f->steps_left == 0;
    f->steps_left -= f->steps_left > 0;
    return !f->exhausted;
}

static bool subset_extend(struct finder *f, const struct subset *u, uint32_t depth, uint32_t from)
{
    struct nfa_scratch *s = f->scratch;
    uint32_t start = s->bound[s->n_bound - depth].index;
    uint32_t prev = s->bound[s->n_bound - 1].index;
    if (depth == u->size) {
        bool stop = depth >= u->p->min && count_try(f, u->p, start, prev, u->e, u->k);
        return stop || (f->partial && depth < u->p->max && subset_stop(f, u, start, prev));
    }
    struct etime limit = run_limit(f, u->p, start);
    for (uint32_t i = from; i < u->n && f->jump == NONE; i++) {
        uint32_t x = s->stack[u->list + i];
        uint32_t *failed = &s->stack[u->failed + (size_t)depth * u->n + i];
        if (*failed || s->taken[x]) {
            continue;
        }
        if (cand_time(f, x).ns > limit.ns ||
            etime_diff(cand_time(f, x), cand_time(f, prev)).ns > u->p->each_within.ns) {
            return false;
        }
        if (!may_go_on(f)) {
            return false;
        }
        bind_event(f, u->p->test, x);
        bool stop = subset_extend(f, u, depth + 1, i + 1);
        unbind_event(f);
        if (stop) {
            return true;
        }
        /* Inside `all of` what follows also depends on which events are taken. */
        s->stack[u->failed + (size_t)depth * u->n + i] = s->n_seen == 0 && f->all_depth == 0;
    }
    return false;
}

static bool subset_from(struct finder *f, struct subset *u, uint32_t i)
{
    struct nfa_scratch *s = f->scratch;
    uint32_t x = s->stack[u->list + i];
    if (!may_bind(f, u->e, x, false) || !entry_allows(f, u->e, u->p->test, x)) {
        return false;
    }
    for (size_t c = 0; c < (size_t)u->size * u->n; c++) {
        s->stack[u->failed + c] = 0;
    }
    bind_event(f, u->p->test, x);
    bool stop = subset_extend(f, u, 1, i + 1);
    unbind_event(f);
    return stop;
}

static bool match_subsets(struct finder *f, const struct pattern *p, const struct entry *e,
                          const struct cont *k, uint32_t begin)
{
    struct nfa_scratch *s = f->scratch;
    struct subset u = {.p = p, .e = e, .k = k, .list = s->n_stack};
    size_t absent = s->n_absent;
    for (uint32_t i = next_with(f, begin, f->n, p->test); i < f->n;
         i = next_with(f, i + 1, f->n, p->test)) {
        if (test_holds(f, p->test, i)) {
            VEC_PUSH(s->stack, s->n_stack, s->cap_stack) = i;
            u.n++;
        }
    }
    bool stop = false;
    u.failed = s->n_stack;
    uint32_t least = f->partial ? 1 : p->min;
    for (u.size = p->max < u.n ? p->max : u.n;
         !stop && u.size >= least && u.size > 0 && f->jump == NONE && !f->exhausted; u.size--) {
        if (f->partial && not_longer(f, u.size)) {
            break;
        }
        size_t cells = (size_t)u.size * u.n;
        s->stack = xgrow(s->stack, &s->cap_stack, u.failed + cells, sizeof(*s->stack));
        s->n_stack = u.failed + cells;
        for (uint32_t i = 0; !stop && i + u.size <= u.n && !f->exhausted; i++) {
            stop = subset_from(f, &u, i);
            s->n_absent = absent;
        }
    }
    s->n_stack = u.list;
    return stop || (f->partial && stop_here(f, e));
}

bool match_count(struct finder *f, const struct pattern *p, const struct entry *e,
                 const struct cont *k)
{
    uint32_t begin = entry_begin(f, e, false);
    if (p->adjacency == ADJ_ANYWHERE) {
        return match_subsets(f, p, e, k, begin);
    }
    uint32_t end = entry_end(f, e, false);
    if (f->partial) {
        return count_partial(f, p, e, k, begin, end);
    }
    return f->rule->policy == NO_SKIP ? count_all(f, p, e, k, begin, end)
                                      : count_preferred(f, p, e, k, begin, end);
}
