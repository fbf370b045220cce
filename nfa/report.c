/* Which matches are reported (language.md section 4): asks the finder start by start and applies
 * the rule's policy, the quiet time and the caps. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/xalloc.h"
#include "nfa/detect.h"
#include "nfa/report.h"

/* Under `no skip` matches beyond the cap are counted up to this many times the cap: `truncated`
 * then says "at least". */
#define COUNT_AT_MOST 10

/* ---- one completed assignment → struct match ----------------------------------------------- */

static int by_index(const void *a, const void *b)
{
    const struct bound *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* The finder's own list must stay as it is. */
struct bound *bound_in_order(const struct finder *f)
{
    const struct nfa_scratch *s = f->scratch;
    struct bound *sorted = ARENA_ARRAY(f->eval->scratch, struct bound, s->n_bound);
    memcpy(sorted, s->bound, s->n_bound * sizeof(*sorted));
    qsort(sorted, s->n_bound, sizeof(*sorted), by_index);
    return sorted;
}

static int by_test(const void *a, const void *b)
{
    const struct match_absent *x = a, *y = b;
    return x->test < y->test ? -1 : x->test > y->test;
}

static void fill_evidence(const struct finder *f, const struct bound *sorted, struct match *m)
{
    struct nfa_scratch *s = f->scratch;
    s->evidence = xgrow(s->evidence, &s->cap_evidence, s->n_bound + 1, sizeof(*s->evidence));
    for (size_t i = 0; i < s->n_bound; i++) {
        s->evidence[i] = (struct match_evidence){cand(f, sorted[i].index)->event, sorted[i].test,
                                                 sorted[i].turns, sorted[i].n_turns};
    }
    m->evidence = s->evidence;
    m->n_evidence = (uint32_t)s->n_bound;
    s->absent_out =
        xgrow(s->absent_out, &s->cap_absent_out, s->n_absent + 1, sizeof(*s->absent_out));
    for (size_t i = 0; i < s->n_absent; i++) {
        s->absent_out[i] =
            (struct match_absent){s->absent[i].test, s->absent[i].from, s->absent[i].to};
    }
    qsort(s->absent_out, s->n_absent, sizeof(*s->absent_out), by_test);
    m->absent = s->absent_out;
    m->n_absent = (uint32_t)s->n_absent;
}

static const struct value *plan_values(const struct emit_plan *plan, struct eval *ev)
{
    struct value *values = ARENA_ARRAY(ev->scratch, struct value, plan->n_fields + 1);
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        values[i] = expr_emit(plan->fields[i].value, ev);
    }
    return values;
}

/* What `emit event` gives; what is pending derives nothing yet. */
static void fill_derived(struct eval *ev, struct match *m)
{
    uint32_t n;
    const struct emit_plan *plans = rule_plans(m->rule, m->kind, &n);
    if (!rule_derives(m->rule, m->kind)) {
        return;
    }
    const struct value **derived = ARENA_ARRAY(ev->scratch, const struct value *, n);
    for (uint32_t i = 0; i < n; i++) {
        derived[i] = plans[i].is_event ? plan_values(&plans[i], ev) : NULL;
    }
    m->derived = derived;
}

static void fill_emit(const struct finder *f, const struct report *r, struct match *m)
{
    struct eval *ev = f->eval;
    ev->self = NULL;
    ev->first_at = m->first_at;
    ev->last_at = m->last_at;
    ev->detected_at = m->detected_at;
    fill_derived(ev, m);
    const struct emit_plan *plan = rule_alert_plan(r->in->rule, m->kind);
    if (plan) {
        m->emit = plan_values(plan, ev);
        m->n_emit = plan->n_fields;
    }
}

static struct slice quiet_group(const struct finder *f, const struct rule *rule, struct buf *out)
{
    for (uint32_t i = 0; i < rule->quiet.n_per; i++) {
        value_encode(expr_eval(rule->quiet.per[i], f->eval), out);
    }
    return buf_slice(out);
}

static const struct value *quiet_values(const struct finder *f, const struct rule *rule)
{
    struct value *per = ARENA_ARRAY(f->eval->scratch, struct value, rule->quiet.n_per);
    for (uint32_t i = 0; i < rule->quiet.n_per; i++) {
        per[i] = expr_eval(rule->quiet.per[i], f->eval);
    }
    return per;
}

static void send(struct finder *f, struct report *r, struct match *m)
{
    struct nfa_counters *c = &f->scratch->counters;
    c->matches += r->kind == MATCH_MATCH;
    if (r->kind == MATCH_MATCH && r->in->rule->quiet.unit != 0) {
        m->per = quiet_values(f, r->in->rule);
    } else if (r->kind == MATCH_MATCH) {
        FYKE_CLEANUP(buf_release) struct buf per = BUF_INIT;
        if (!quiet_allows(r->in, quiet_group(f, r->in->rule, &per), m->detected_at,
                          &m->suppressed)) {
            c->suppressed++;
            m->held_back = true;
            if (m->derived == NULL) {
                return;
            }
        }
    }
    r->call->on_match(r->call->ctx, m);
}

void report_fill(const struct finder *f, const struct report *r, const struct bound *sorted,
                 struct etime detected, struct match *m)
{
    struct etime capped_until = r->in->capped_until;
    m->rule = f->rule;
    m->kind = r->kind;
    m->key = r->call->key;
    m->first_at = cand_time(f, sorted[0].index);
    m->last_at = cand_time(f, sorted[f->scratch->n_bound - 1].index);
    m->detected_at = detected;
    m->by_deadline = f->by_deadline;
    m->capped = capped_until.ns != INT64_MIN && detected.ns <= capped_until.ns;
    fill_evidence(f, sorted, m);
    fill_emit(f, r, m);
}

/* ---- policies ----------------------------------------------------------------------------- */

static bool is_new(struct finder *f)
{
    struct nfa_scratch *s = f->scratch;
    FYKE_CLEANUP(buf_release) struct buf id = BUF_INIT;
    const struct bound *sorted = bound_in_order(f);
    for (size_t i = 0; i < s->n_bound; i++) {
        buf_put_varint(&id, sorted[i].index);
        /* A name that stands in several alternatives is one slot. */
        buf_put_varint(&id, (uint64_t)f->rule->tests[sorted[i].test].slot);
    }
    struct hash128 id_hash = hash128(buf_slice(&id));
    for (size_t i = 0; i < s->n_seen; i++) {
        if (hash128_eq(s->seen[i], id_hash)) {
            return false;
        }
    }
    VEC_PUSH(s->seen, s->n_seen, s->cap_seen) = id_hash;
    return true;
}

/* Which events the match uses up: candidates before the returned index. */
static uint32_t used_by(const struct finder *f, const struct bound *sorted)
{
    const struct rule *r = f->rule;
    size_t n = f->scratch->n_bound;
    switch (r->policy) {
    case SKIP_PAST_LAST: return sorted[n - 1].index + 1;
    case SKIP_TO_FIRST:
        for (size_t i = 0; i < n; i++) {
            if (r->tests[sorted[i].test].slot == (int32_t)r->policy_slot) {
                return sorted[i].index;
            }
        }
        return 0;
    case SKIP_TO_LAST:
        for (size_t i = n; i-- > 0;) {
            if (r->tests[sorted[i].test].slot == (int32_t)r->policy_slot) {
                return sorted[i].index;
            }
        }
        return 0;
    case SKIP_TO_NEXT:
    case NO_SKIP: return 0;
    }
    return 0;
}

static bool on_found(struct finder *f)
{
    struct report *r = f->found_ctx;
    bool all = f->rule->policy == NO_SKIP;
    if (all && !is_new(f)) {
        return false;
    }
    r->found++;
    if (all && f->rule->n_timeouts && r->kind == MATCH_MATCH) {
        instance_mark_matched(r->in, f->first);
    }
    if (r->counting) {
        return r->found >= COUNT_AT_MOST * (uint64_t)f->scratch->limits.max_matches;
    }
    if (all && r->found > f->scratch->limits.max_matches) {
        return true;
    }
    const struct bound *sorted = bound_in_order(f);
    struct match m = {.decided_by =
                          f->decided_by == NONE ? NULL : cand(f, f->decided_by)->event,
                      .truncated = r->truncated};
    report_fill(f, r, sorted, f->completed, &m);
    r->used_end = used_by(f, sorted);
    r->reported = true;
    send(f, r, &m);
    return !all;
}

void finder_begin(struct finder *f, struct report *r, struct etime now, bool at_deadline)
{
    struct instance *in = r->in;
    struct nfa_scratch *s = r->call->scratch;
    uint32_t n = retained_count(&in->events);
    *f = (struct finder){.rule = in->rule, .events = &in->events, .scratch = s, .eval = &s->eval};
    f->work = &s->work;
    f->n = n;
    f->lowest = in->lowest;
    f->positions = in->positions;
    f->at_deadline = at_deadline;
    f->point = at_deadline ? NONE : n - 1;
    f->now = now;
    f->history_begin = r->call->history_begin;
    f->found = on_found;
    f->found_ctx = r;
    scratch_begin(s, in->rule, n);
    s->eval.key = r->call->key;
    s->eval.n_key = in->rule->n_key;
    s->eval.measures = r->call->measures;
    /* what is pending shows profiles as they stand: reading must not move them ahead */
    s->eval.now = r->kind == MATCH_PENDING ? ETIME_MIN : now;
    s->n_seen = 0;
    f->steps_left = s->limits.max_steps;
    s->counters.finder_calls++;
    bool known = detector_knows(in);
    f->item_of_test = known ? in->rule->detect->item_of_test : NULL;
    f->has_ranges = known && !at_deadline;
    finder_ready(f);
}

/* Where starts can stand. A `without` that reads its event alone kills every match around it:
 * matches can begin at the latest such event or after it. */
static uint32_t first_possible_start(struct finder *f, struct report *r)
{
    struct instance *in = r->in;
    uint32_t begin = retained_at_or_after(f->events, etime_sub(f->now, f->rule->window));
    uint32_t live = instance_first_start(in);
    begin = live > begin ? live : begin;
    if (f->rule->killers) {
        uint32_t killer = retained_prev(f->events, f->at_deadline ? f->n : f->point,
                                        f->rule->killers, f->work);
        begin = killer != NONE && killer > begin ? killer : begin;
    }
    const struct pattern *first = f->rule->root->items[0].node;
    uint32_t end = f->n;
    if (first && first->kind == PAT_STEP && !first->optional) {
        narrow(f, first->test, &begin, &end);
    }
    if (end == 0) {
        return f->n;
    }
    r->last_start = end - 1 < r->last_start ? end - 1 : r->last_start;
    return begin;
}

static uint32_t next_start(struct finder *f, const struct instance *in, uint32_t i)
{
    i = i > in->lowest ? i : in->lowest;
    i = retained_next(f->events, i, f->n, f->rule->first_tests, f->work);
    while (i < f->n && !instance_is_start(in, i)) {
        i = retained_next(f->events, i + 1, f->n, f->rule->first_tests, f->work);
    }
    return i;
}

/* Starts in order; one match per start, or every match under `no skip`. */
static bool search_starts(struct finder *f, struct report *r, uint32_t from, uint32_t to)
{
    struct instance *in = r->in;
    bool once = f->rule->policy == SKIP_PAST_LAST;
    bool changed = false;
    for (uint32_t i = next_start(f, in, from); i < to && i <= r->last_start && !f->exhausted;
         i = next_start(f, in, i + 1)) {
        f->first = i;
        f->lowest = in->lowest;
        r->used_end = 0;
        r->reported = false;
        finder_search(f);
        if (!r->reported || r->kind == MATCH_PENDING) {
            continue;
        }
        changed = true;
        if (f->rule->policy != NO_SKIP && !once) {
            instance_mark_reported(in, i);
        }
        if (r->used_end > in->lowest) {
            instance_use_up(in, r->used_end);
        }
    }
    return changed;
}

/* `no skip` goes twice: this walk counts. */
static void count_matches(struct finder *f, struct report *r, uint32_t from)
{
    uint32_t cap = f->scratch->limits.max_matches;
    r->counting = true;
    search_starts(f, r, from, f->n);
    r->counting = false;
    r->truncated = r->found > cap ? r->found - cap : 0;
    f->scratch->counters.truncated += r->truncated;
    r->found = 0;
    f->scratch->n_seen = 0;
    f->steps_left = f->scratch->limits.max_steps;
    f->exhausted = false;
}

static bool finish_search(struct finder *f, struct report *r, bool changed)
{
    if (f->exhausted && r->kind == MATCH_MATCH) {
        caps_after_exhaustion(r->in, f->now, r->call);
        return true;
    }
    return changed;
}

static bool report_at(struct instance *in, enum match_kind kind, struct etime now,
                      bool at_deadline, uint32_t last, const struct nfa_call *call)
{
    struct report r = {.in = in, .call = call, .kind = kind, .last_start = last};
    struct finder f;
    finder_begin(&f, &r, now, at_deadline);
    uint32_t from = first_possible_start(&f, &r);
    if (in->rule->policy == NO_SKIP) {
        count_matches(&f, &r, from);
    }
    return finish_search(&f, &r, search_starts(&f, &r, from, f.n));
}

/* Alerts of one point go by first event. Where matches use nothing up, a first event whose window
 * closes here stands between those of matches. */
static bool report_with_timeouts(struct instance *in, struct etime t, const struct nfa_call *call)
{
    struct report r = {.in = in, .call = call, .kind = MATCH_MATCH, .last_start = UINT32_MAX};
    struct timeouts ts;
    struct finder f;
    timeouts_begin(&ts, in, t, call);
    finder_begin(&f, &r, t, true);
    uint32_t from = first_possible_start(&f, &r);
    bool changed = false;
    if (in->rule->policy == NO_SKIP) {
        count_matches(&f, &r, from);
    }
    uint32_t i = retained_at_or_after(&in->events, ts.due);
    for (; i < f.n && cand_time(&f, i).ns == ts.due.ns; i++) {
        changed |= i >= from && search_starts(&f, &r, i, i + 1);
        changed |= timeouts_try(&ts, i);
    }
    changed |= search_starts(&f, &r, i > from ? i : from, f.n);
    return finish_search(&f, &r, changed);
}

static bool timeouts_between(const struct rule *r)
{
    return r->n_timeouts && (r->policy == SKIP_TO_NEXT || r->policy == NO_SKIP);
}

bool report_at_event(struct instance *in, uint32_t last, const struct nfa_call *call)
{
    struct etime now = retained_at(&in->events, retained_count(&in->events) - 1)->time;
    return report_at(in, MATCH_MATCH, now, false, last, call);
}

/* Of a rule with ending_tests only what began that long before is complete. */
static uint32_t last_due(const struct instance *in, struct etime t)
{
    const struct rule *r = in->rule;
    return r->ending_tests ? retained_at_or_after(&in->events, (struct etime){etime_sub(t, r->horizon).ns + 1}) - 1
                           : UINT32_MAX;
}

bool report_at_deadline(struct instance *in, struct etime t, const struct nfa_call *call)
{
    bool may_complete = detector_may_complete_at(in, t, call);
    if (may_complete && timeouts_between(in->rule)) {
        return report_with_timeouts(in, t, call);
    }
    bool changed = may_complete && report_at(in, MATCH_MATCH, t, true, last_due(in, t), call);
    return report_timeouts(in, t, call) || changed;
}

bool report_pending(struct instance *in, struct etime t, const struct nfa_call *call)
{
    return detector_may_complete_at(in, t, call) && report_at(in, MATCH_PENDING, t, true, last_due(in, t), call);
}
