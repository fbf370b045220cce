#include "nfa/measure.h"

#include <assert.h>

#include "nfa/measure_internal.h"

enum measure_keeps measure_keeps(const struct measure *m)
{
    enum measure_class cls = class_of(m->agg, m->as_set);
    if (m->nested) {
        return KEEPS_BUCKETS;
    }
    switch (cls) {
    case CLASS_LAST:
        return KEEPS_ONE;
    case CLASS_SET:
        return KEEPS_SEEN;
    case CLASS_TOTAL:
    case CLASS_EXTREME:
        return m->every.ns ? KEEPS_BUCKETS : KEEPS_EVENTS;
    case CLASS_VALUES:
        break;
    }
    return KEEPS_EVENTS;
}

struct measure_state *measure_new(const struct measure *m, struct pool *pool)
{
    struct measure_state *s = POOL_NEW(pool, struct measure_state);
    s->m = m;
    s->pool = pool;
    s->cls = class_of(m->agg, m->as_set);
    s->part = s->cls;
    if (m->nested) {
        /* buckets are few: a set of their results is made when it is asked for */
        s->cls = s->cls == CLASS_SET ? CLASS_VALUES : s->cls;
        s->part = class_of(m->agg->kids[0], false);
    }
    s->tallied = m->every.ns && !m->nested && s->cls == CLASS_TOTAL;
    s->began = s->newest = NEVER;
    return s;
}

static void drop_pick(struct measure_state *s)
{
    if (s->open.picked) {
        value_disown(s->open.pick, s->pool);
        s->open.picked = false;
        s->open.pick = VALUE_MISSING;
    }
}

static void open_clear(struct measure_state *s)
{
    drop_pick(s);
    s->open = (struct open_bucket){0};
}

void measure_free(struct measure_state *s)
{
    if (!s) {
        return;
    }
    open_clear(s);
    window_release(s);
    seen_release(s);
    POOL_DELETE(s->pool, s);
}

/* ---- time --------------------------------------------------------------------------------- */

int64_t measure_bucket(const struct measure_state *s, int64_t t)
{
    int64_t every = s->m->every.ns;
    int64_t rest = t % every;
    rest = rest < 0 ? rest + every : rest;
    return t < INT64_MIN + rest ? INT64_MIN : t - rest;
}

/* What is earlier is out. */
static int64_t cutoff_at(const struct measure_state *s, int64_t t)
{
    int64_t from = s->m->every.ns ? measure_bucket(s, t) : t;
    return etime_sub((struct etime){from}, s->m->over).ns;
}

/* ---- the window --------------------------------------------------------------------------- */

static void push_extreme(struct measure_state *s, struct kept k)
{
    int sign = s->m->agg->agg == AGG_MAX ? 1 : -1;
    while (window_count(&s->kept) &&
           sign * value_compare(window_at(&s->kept, window_count(&s->kept) - 1)->u.v, k.u.v) < 0) {
        window_pop_back(s);
    }
    window_push(s, k, false);
}

void measure_push(struct measure_state *s, int64_t time, struct value v)
{
    struct kept k = {.time = time, .u.v = v};
    switch (s->cls) {
    case CLASS_TOTAL:
        tally_add(&s->total, s->m->agg, v);
        k.u.v = s->m->agg->agg == AGG_COUNT ? VALUE_MISSING : v; /* only that there was one */
        window_push(s, k, false);
        return;
    case CLASS_EXTREME:
        push_extreme(s, k);
        return;
    case CLASS_LAST:
        while (window_count(&s->kept)) {
            window_pop_back(s);
        }
        window_push(s, k, false);
        return;
    case CLASS_VALUES:
        window_push(s, k, false);
        return;
    case CLASS_SET:
        seen_touch(s, v, time, false);
        seen_evict(s, s->m->max);
        return;
    }
}

static void push_tally(struct measure_state *s)
{
    struct kept k = {.time = s->open.start};
    if (s->open.t.n == 0) {
        return;
    }
    k.u.tally = POOL_NEW(s->pool, struct tally);
    *k.u.tally = s->open.t;
    s->total.n += s->open.t.n;
    moments_merge(&s->total.m, &s->open.t.m);
    window_push(s, k, false);
}

static void pop_oldest(struct measure_state *s)
{
    const struct kept *k = window_at(&s->kept, 0);
    if (s->tallied) {
        s->total.n -= k->u.tally->n;
        moments_unmerge(&s->total.m, &k->u.tally->m);
    } else if (s->cls == CLASS_TOTAL) {
        tally_remove(&s->total, s->m->agg, k->u.v);
    }
    window_pop_front(s);
}

void measure_recount(struct measure_state *s)
{
    size_t visible = window_count(&s->kept) - s->n_pending;
    for (size_t i = 0; s->cls == CLASS_TOTAL && i < visible; i++) {
        const struct kept *k = window_at(&s->kept, i);
        if (s->tallied) {
            s->total.n += k->u.tally->n;
            moments_merge(&s->total.m, &k->u.tally->m);
        } else {
            tally_add(&s->total, s->m->agg, k->u.v);
        }
    }
}

/* ---- buckets ------------------------------------------------------------------------------ */

/* The bucket's values are no longer needed, its result is. */
static void close_nested(struct measure_state *s, struct eval *ev)
{
    uint32_t owned;
    struct value v = value_own(bucket_value(s, ev), s->pool, &owned);
    while (s->n_pending) {
        window_pop_back(s);
        s->n_pending--;
    }
    if (!value_is_missing(v)) {
        measure_push(s, s->open.start, v);
        value_disown(v, s->pool);
    }
}

static void close_bucket(struct measure_state *s, struct eval *ev)
{
    if (s->m->nested) {
        close_nested(s, ev);
    } else if (s->tallied) {
        push_tally(s);
    } else if (s->cls == CLASS_SET) {
        seen_close(s, s->open.start);
        seen_evict(s, s->m->max);
    } else if (s->open.picked) {
        measure_push(s, s->open.start, s->open.pick);
    }
    s->n_pending = 0; /* values that were pending are part of the window now */
    open_clear(s);
}

static void pick(struct measure_state *s, const struct expr *agg, struct value v)
{
    uint32_t owned;
    int c = s->open.picked ? value_compare(v, s->open.pick) : 0;
    bool takes = !s->open.picked || agg->agg == AGG_LAST || (agg->agg == AGG_MIN && c < 0) ||
                 (agg->agg == AGG_MAX && c > 0);
    if (takes) {
        drop_pick(s);
        s->open.pick = value_own(v, s->pool, &owned);
        s->open.picked = true;
    }
}

static void add_to_bucket(struct measure_state *s, const struct expr *agg, struct value v)
{
    switch (s->part) {
    case CLASS_TOTAL:
        tally_add(&s->open.t, agg, v);
        return;
    case CLASS_EXTREME:
    case CLASS_LAST:
        pick(s, agg, v);
        return;
    case CLASS_SET:
        if (!s->m->nested) {
            seen_touch(s, v, s->open.start, true);
            return;
        }
        break;
    case CLASS_VALUES:
        break;
    }
    window_push(s, (struct kept){.time = s->open.start, .u.v = v}, false);
    s->n_pending++;
}

/* ---- the whole ---------------------------------------------------------------------------- */

/* `t` is at or after every time before. */
static void advance(struct measure_state *s, int64_t t, struct eval *ev)
{
    int64_t cutoff = cutoff_at(s, t);
    size_t before = s->seen.n;
    if (s->open.any && s->open.start < measure_bucket(s, t)) {
        close_bucket(s, ev);
        s->moved = true;
    }
    while (window_count(&s->kept) > s->n_pending && window_at(&s->kept, 0)->time < cutoff) {
        pop_oldest(s);
        s->moved = true;
    }
    seen_expire(s, cutoff);
    s->moved = s->moved || s->seen.n != before;
    if (s->began != NEVER) {
        int64_t newest = s->m->every.ns ? measure_bucket(s, s->newest) : s->newest;
        if (newest < cutoff) {
            s->began = s->newest = NEVER; /* nothing is left of it */
            s->moved = true;
            assert(!s->open.any && window_count(&s->kept) == 0 && s->seen.n == 0);
        }
    }
}

void measure_apply(struct measure_state *s, const struct event *e, struct eval *ev)
{
    const struct expr *agg = s->m->nested ? s->m->agg->kids[0] : s->m->agg;
    int64_t t = e->time.ns > s->newest ? e->time.ns : s->newest; /* never back, whatever was loaded */
    advance(s, t, ev);
    s->began = s->began == NEVER ? t : s->began;
    s->newest = t;
    if (s->m->every.ns && !s->open.any) {
        s->open = (struct open_bucket){.any = true, .start = measure_bucket(s, t)};
    }
    ev->self = e;
    if (!expr_true(agg->kids[1], ev)) {
        return;
    }
    struct value v = value_timestamp(e->time); /* of gaps; a count looks at no value */
    if (agg->kids[0]) {
        v = expr_eval(agg->kids[0], ev);
    }
    if (value_is_missing(v)) {
        return;
    }
    if (s->m->every.ns) {
        add_to_bucket(s, agg, v);
    } else {
        measure_push(s, t, v);
    }
}

/* Over nothing a count and a sum are 0, the rest is missing. */
static struct value nothing(const struct measure *m, struct eval *ev)
{
    struct measure_state none = {.m = m, .cls = class_of(m->agg, m->as_set)};
    none.cls = m->nested && none.cls == CLASS_SET ? CLASS_VALUES : none.cls;
    return m->warm.ns ? VALUE_MISSING : window_value(&none, NEVER, ev);
}

bool measure_is_warm(const struct measure *m, struct measure_state *s, struct etime t,
                     struct eval *ev)
{
    if (!s || s->began == NEVER) {
        return false;
    }
    int64_t now = t.ns > s->newest ? t.ns : s->newest;
    advance(s, now, ev);
    return s->began != NEVER &&
           (!m->warm.ns || now >= etime_add((struct etime){s->began}, m->warm).ns);
}

struct value measure_read(const struct measure *m, struct measure_state *s, struct etime t,
                          struct eval *ev)
{
    if (!measure_is_warm(m, s, t, ev)) {
        return nothing(m, ev);
    }
    int64_t now = t.ns > s->newest ? t.ns : s->newest;
    return window_value(s, cutoff_at(s, now), ev);
}

bool measure_moved(struct measure_state *s)
{
    bool moved = s->moved;
    s->moved = false;
    return moved;
}

bool measure_is_empty(const struct measure_state *s)
{
    return s->began == NEVER;
}

struct etime measure_next_time(const struct measure_state *s)
{
    if (s->began == NEVER) {
        return ETIME_MAX;
    }
    if (!s->m->every.ns) {
        return etime_add((struct etime){s->newest}, s->m->over);
    }
    /* out as soon as a bucket begins more than `over` after the newest one */
    struct etime last = etime_add((struct etime){measure_bucket(s, s->newest)}, s->m->over);
    if (last.ns == INT64_MAX) {
        return last;
    }
    struct etime next = etime_add((struct etime){measure_bucket(s, last.ns)}, s->m->every);
    return next.ns == INT64_MAX ? next : (struct etime){next.ns - 1};
}

bool measure_expire(struct measure_state *s, struct etime t)
{
    if (s->began == NEVER || etime_lt(t, measure_next_time(s))) {
        return false;
    }
    open_clear(s);
    window_release(s);
    seen_release(s);
    s->n_pending = 0;
    s->total = (struct tally){0};
    s->began = s->newest = NEVER;
    return true;
}

uint64_t measure_bytes(const struct measure_state *s)
{
    return sizeof(*s) + s->kept.bytes + s->kept.cap * sizeof(struct kept) +
           s->kept.cap_segs * sizeof(struct kept_segment) + s->seen.bytes +
           s->seen.cap * sizeof(struct seen) + s->seen.slot_count * sizeof(uint32_t) +
           s->seen.cap_dirty + value_owned_bytes(s->open.pick);
}

uint64_t measure_kept(const struct measure_state *s)
{
    return window_count(&s->kept) + s->seen.n;
}
