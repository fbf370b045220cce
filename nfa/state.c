#include "nfa/state.h"

#include <assert.h>
#include <string.h>

#include "base/prefetch.h"
#include "base/xalloc.h"
#include "nfa/detect.h"
#include "nfa/instance.h"
#include "nfa/kin.h"
#include "nfa/postings.h"
#include "nfa/scratch.h"

/* ---- the instance ---------------------------------------------------------------------------- */

static uint32_t n_cursors(const struct rule *r)
{
    return r->n_tails + 1;
}

size_t instance_block_bytes(const struct rule *r)
{
    return sizeof(struct instance) + (r->n_tests + n_cursors(r)) * sizeof(uint32_t);
}

struct instance *instance_new(const struct rule *rule, struct pool *pool)
{
    struct instance *in = pool_alloc(pool, instance_block_bytes(rule));
    memset(in, 0, instance_block_bytes(rule));
    in->rule = rule;
    in->pool = pool;
    in->fired = ETIME_MIN;
    in->capped_until = ETIME_MIN;
    return in;
}

void instance_free(struct instance *in)
{
    if (!in) {
        return;
    }
    detector_free(in);
    retained_release(&in->events, in->pool);
    quiet_release(in);
    pool_free(in->pool, in, instance_block_bytes(in->rule));
}

void instance_abandon(struct instance *in)
{
    detector_abandon(in);
    retained_abandon(&in->events);
}

/* ---- starts ------------------------------------------------------------------------------- */

bool instance_is_start(const struct instance *in, uint32_t index)
{
    const struct candidate *c = retained_at(&in->events, index);
    return index >= in->lowest && !c->reported && (c->tests & in->rule->first_tests);
}

static uint32_t first_start_from(const struct instance *in, uint32_t i)
{
    uint32_t n = retained_count(&in->events);
    i = i < in->start_hint ? in->start_hint : i;
    while (i < n && !instance_is_start(in, i)) {
        i++;
    }
    return i;
}

uint32_t instance_first_start(struct instance *in)
{
    return in->start_hint = first_start_from(in, 0);
}

void instance_mark_reported(struct instance *in, uint32_t index)
{
    if (instance_is_start(in, index)) {
        in->live_starts--;
    }
    detector_reported(in, index);
    retained_at(&in->events, index)->reported = true;
    retained_touch(&in->events, index);
}

void instance_mark_matched(struct instance *in, uint32_t index)
{
    struct candidate *c = retained_at(&in->events, index);
    if (!c->matched) {
        c->matched = true;
        retained_touch(&in->events, index);
    }
}

static void forget(struct instance *in, uint32_t index)
{
    if (instance_is_start(in, index)) {
        in->live_starts--;
    }
    detector_forget(in, index);
}

/* All of them at once need no look at each: what they left in the detector goes as a whole. */
static void forget_before_index(struct instance *in, uint32_t count)
{
    if (in->lowest < count && count == retained_count(&in->events)) {
        in->live_starts = 0;
        detector_forget_all(in);
        few_all_gone(in);
        return;
    }
    for (uint32_t i = in->lowest; i < count; i++) {
        forget(in, i);
    }
}

void instance_use_up(struct instance *in, uint32_t count)
{
    forget_before_index(in, count);
    in->lowest = count;
}

static void drop_all(struct instance *in)
{
    forget_before_index(in, retained_count(&in->events));
    retained_drop_all(&in->events, in->pool);
    in->lowest = in->start_hint = 0;
    deadline_all_gone(in);
}

static void drop_front(struct instance *in, uint32_t count)
{
    if (count == retained_count(&in->events)) {
        drop_all(in);
        return;
    }
    forget_before_index(in, count);
    retained_drop_front(&in->events, in->pool, count);
    in->lowest = in->lowest > count ? in->lowest - count : 0;
    in->start_hint = in->start_hint > count ? in->start_hint - count : 0;
    deadline_shift(in, count);
}

void instance_recount(struct instance *in)
{
    in->live_starts = 0;
    in->start_hint = 0;
    detector_recount(in);
    for (uint32_t i = in->lowest; i < retained_count(&in->events); i++) {
        in->live_starts += instance_is_start(in, i);
    }
    memset(instance_cursor(in), 0, n_cursors(in->rule) * sizeof(uint32_t));
    deadline_passed(in, in->fired);
}

/* ---- what need not be kept ------------------------------------------------------------------ */

/* A candidate before the first live start can be bound by no match: every event of a match stands
 * at or after its first one. Only leading absences look further back, of starts that there are or, unless
 * the rule drains, that may come. */
static bool lead_needs(const struct instance *in, uint32_t index, struct etime first_start,
                       struct etime now)
{
    const struct candidate *c = retained_at(&in->events, index);
    if (!(c->tests & in->rule->lead_tests) ||
        (in->rule->drains && first_start.ns == ETIME_MAX.ns)) {
        return false;
    }
    struct etime until = etime_lt(first_start, now) ? first_start : now;
    return c->time.ns >= etime_sub(until, in->rule->lead).ns;
}

static bool has_old(const struct instance *in, struct etime now)
{
    return retained_count(&in->events) > 0 && !duration_is_infinite(in->rule->horizon) &&
           etime_lt(etime_add(in->events.oldest, in->rule->horizon), now);
}

/* The first candidate that is young enough to matter at `now`. */
static uint32_t first_young(const struct instance *in, struct etime now)
{
    uint32_t n = retained_count(&in->events);
    uint32_t i = 0;
    while (i < n && etime_lt(etime_add(retained_at(&in->events, i)->time, in->rule->horizon), now)) {
        i++;
    }
    return i;
}

/* The first candidate that may still matter. *ret_start: the first live start from there on. */
static uint32_t first_needed(const struct instance *in, struct etime now, uint32_t *ret_start)
{
    uint32_t i = has_old(in, now) ? first_young(in, now) : 0;
    uint32_t start = *ret_start = first_start_from(in, i);
    if (!in->rule->lead_tests) {
        return start;
    }
    bool any = start < retained_count(&in->events);
    struct etime first = any ? retained_at(&in->events, start)->time : ETIME_MAX;
    while (i < start && !lead_needs(in, i, first, now)) {
        i++;
    }
    return i;
}

/* What is kept begins with an event that can begin a match, as it mostly does. */
static bool begins_with_start(const struct instance *in)
{
    return in->start_hint == 0 && retained_count(&in->events) > 0 && instance_is_start(in, 0);
}

static bool prune(struct instance *in, struct etime now)
{
    if (begins_with_start(in) && !has_old(in, now)) {
        return false;
    }
    uint32_t needed = first_needed(in, now, &in->start_hint);
    if (needed) {
        drop_front(in, needed);
    }
    return needed;
}

/* Of a rule with events that only end what is open (end_open) what is ended goes with its time. */
static bool prune_old(struct instance *in, struct etime now)
{
    uint32_t old = has_old(in, now) ? first_young(in, now) : 0;
    if (old) {
        drop_front(in, old);
    }
    return old;
}

/* When all that is kept can be dropped although nothing else comes. Until then what is too old lies there:
 * whoever asks drops it first (instance_advance), so no answer depends on when it goes. By the newest event, not
 * the oldest: a key is not looked up for each of its events once more; what lies there spans two horizons at most,
 * for each new event takes along what is too old for it. */
static struct etime forget_next(const struct instance *in)
{
    struct etime t = in->capped_until.ns == INT64_MIN ? ETIME_MAX : in->capped_until;
    if (retained_count(&in->events) > 0 && !duration_is_infinite(in->rule->horizon)) {
        struct etime e = etime_add(in->events.newest, in->rule->horizon);
        t = etime_lt(e, t) ? e : t;
    }
    return t;
}

static bool expire(struct instance *in, struct etime t)
{
    bool changed = false;
    if (in->capped_until.ns != INT64_MIN && in->capped_until.ns <= t.ns) {
        in->capped_until = ETIME_MIN;
        changed = true;
    }
    struct etime behind = {t.ns + 1};
    changed |= in->rule->ending_tests ? prune_old(in, behind) : prune(in, behind);
    return quiet_forget(in) || changed;
}

/* Drops what is too old at `now`. */
static bool forget_before(struct instance *in, struct etime now)
{
    bool capped = in->capped_until.ns != INT64_MIN && etime_lt(in->capped_until, now);
    return (capped || has_old(in, now)) && expire(in, (struct etime){now.ns - 1});
}

void instance_tell(struct instance *in, enum match_kind kind, struct etime at, uint64_t count,
                   const struct nfa_call *call)
{
    struct match m = {.rule = in->rule, .kind = kind, .key = call->key, .count = count};
    m.first_at = m.last_at = m.detected_at = at;
    m.by_deadline = kind == MATCH_QUIET_ENDED;
    call->on_match(call->ctx, &m);
}

/* ---- events and time ------------------------------------------------------------------------ */

static struct candidate candidate_of(const struct instance *in, const struct event *e, uint64_t tests,
                                     uint64_t position)
{
    return (struct candidate){
        .tests = tests,
        .position = position & POSITION_MAX,
        .mark = sift_mark(in->rule->detect, e, tests) & SHORT_BYTES_MARK_MAX,
        .reported = in->rule->drains, /* nothing begins with it any more */
    };
}

static void append(struct instance *in, const struct event *e, uint64_t tests, uint64_t position,
                   const struct nfa_call *call)
{
    const struct candidate as = candidate_of(in, e, tests, position);
    retained_append(&in->events, in->pool, e, call->shared, &as);
    in->live_starts += !in->rule->drains && (tests & in->rule->first_tests) != 0;
    detector_add(in);
    few_one_more(in, tests);
}

/* An event that passes no test is kept only while it decides (`next no M`). */
static void take_back(struct instance *in)
{
    uint32_t last = retained_count(&in->events) - 1;
    if (last >= in->lowest) {
        forget(in, last);
    } else {
        in->lowest = last;
    }
    if (in->start_hint > last) {
        in->start_hint = last;
    }
    retained_drop_last(&in->events, in->pool);
    detector_take_back(in);
}

/* An event that is bound as the last of a match that is complete with it, or not at all. It changes nothing
 * that is kept unless a match is found; the record's place moves with it, as with any that passes a test. */
static void pass_event(struct instance *in, const struct event *e, uint64_t tests,
                       uint64_t position, bool was_told, const struct nfa_call *call)
{
    if (in->live_starts == 0) {
        in->told = was_told;
        return;
    }
    uint64_t weight = detector_weight(in);
    const struct candidate as = candidate_of(in, e, tests, position);
    retained_borrow(&in->events, in->pool, e, &as);
    detector_add(in);
    uint32_t last_start;
    bool completes = detector_may_complete(in, tests, position != 0, &last_start, call);
    if (!completes || kin_asks(call)) {
        forget(in, retained_count(&in->events) - 1);
        retained_give_back(&in->events);
        detector_take_back(in);
        in->told = was_told && detector_weight(in) == weight;
        return;
    }
    retained_keep(&in->events, in->pool, call->shared);
    bool reported = report_at_event(in, last_start, call);
    take_back(in);
    if (!reported) {
        few_searched_in_vain(in);
    } else {
        kin_reported(call);
        prune(in, e->time);
        quiet_forget(in);
    }
}

/* Nothing that was open is left. Where events may come behind the clock what has ended stays as long as it would have
 * waited, until something begins behind it: the record has to say what its key has passed. False: something begins
 * with the event itself, so it is kept. */
static bool end_open(struct instance *in, uint64_t tests, bool was_told, const struct nfa_call *call)
{
    uint32_t n = retained_count(&in->events);
    bool only_ends = (tests & ~in->rule->ending_tests) == 0;
    if (call->in_order && n > 0) {
        drop_front(in, n);
        return only_ends;
    }
    for (uint32_t i = instance_first_start(in); i < n; i = instance_first_start(in)) {
        instance_mark_reported(in, i);
    }
    in->told = only_ends && was_told;
    return only_ends;
}

/* An event that is part of no match (sift.c). The record's place moves with it; there may be more starts than are allowed
 * now. */
static void pass_by(struct instance *in, const struct event *e, bool was_told, const struct nfa_call *call)
{
    bool too_many = in->live_starts > call->scratch->limits.max_runs;
    in->told = was_told && !too_many;
    if (too_many) {
        caps_after_event(in, e->time, call);
        prune(in, e->time);
    }
    quiet_forget(in);
}

/* The event passes these tests; what is to be kept of it has been captured. */
static bool take_event(struct instance *in, const struct event *e, uint64_t roles, uint64_t tests,
                       const struct nfa_call *call)
{
    const struct rule *r = in->rule;
    bool counted = r->uses_counted && (roles & r->counted_roles);
    if (!tests && !counted) {
        return false;
    }
    bool was_told = !forget_before(in, e->time) && in->told;
    in->told = false;
    if (counted) {
        in->positions++;
    }
    if ((tests & r->ending_tests) && end_open(in, tests, was_told, call)) {
        call->scratch->counters.detector_calls++;
        quiet_forget(in);
        return true;
    }
    bool keep = tests || (counted && r->keep_counted);
    bool decides = counted && r->ends_with_next_no && in->live_starts;
    if (!keep && !decides) {
        return counted;
    }
    call->scratch->counters.detector_calls++;
    if (keep && !decides && !(tests & ~r->passing_tests) && !(counted && r->keep_counted)) {
        pass_event(in, e, tests, counted ? in->positions : 0, was_told, call);
        return true;
    }
    if ((tests & r->detect->sifted) != 0 && !sift_lets_in(in, e, tests)) {
        pass_by(in, e, was_told, call);
        return true;
    }
    append(in, e, tests, counted ? in->positions : 0, call);
    uint32_t last_start;
    bool completes = detector_may_complete(in, tests, counted, &last_start, call);
    bool reported = completes && report_at_event(in, last_start, call);
    if (completes && !reported) {
        few_searched_in_vain(in);
    }
    if (!keep) {
        take_back(in);
    }
    caps_after_event(in, e->time, call);
    prune(in, e->time);
    return quiet_forget(in) || reported || counted || keep;
}

/* An event behind the clock that the rule does not take decides nothing. A profile is not asked twice: it
 * drops what is too old for the event. */
static bool leaves_open(const struct rule *r, const struct event *e, uint64_t roles,
                        const struct nfa_call *call)
{
    if (call->clock == NULL || !etime_lt(*call->clock, e->time) || r->n_profiles > 0) {
        return false;
    }
    const struct nfa_watch *watch = call->scratch->limits.watch;
    call->scratch->limits.watch = NULL; /* hears of the event once */
    uint64_t tests = rule_own_tests(r, e, roles, call);
    call->scratch->limits.watch = watch;
    return tests == 0 && !rule_counts(r, roles);
}

bool instance_event(struct instance *in, const struct event *e, uint64_t roles,
                    const struct nfa_call *call)
{
    bool open = leaves_open(in->rule, e, roles, call);
    bool changed = instance_advance(in, open ? *call->clock : e->time, call);
    arena_reset(&call->scratch->arena);
    uint64_t tests = own_tests(in->rule, &e, roles, call);
    return take_event(in, e, roles, tests, call) || changed;
}

bool instance_event_asked(struct instance *in, const struct event *e, uint64_t roles,
                          uint64_t tests, const struct nfa_call *call)
{
    bool changed = instance_advance(in, e->time, call);
    arena_reset(&call->scratch->arena);
    return take_event(in, e, roles, tests, call) || changed;
}

static struct etime decision_next(const struct instance *in)
{
    struct etime deadline = deadline_next(in);
    struct etime quiet = quiet_next(in);
    return etime_lt(quiet, deadline) ? quiet : deadline;
}

/* Deadlines and ends of quiet times at T. */
static void decide_at(struct instance *in, struct etime t, const struct nfa_call *call)
{
    arena_reset(&call->scratch->arena);
    if (deadline_next(in).ns == t.ns) {
        report_at_deadline(in, t, call);
        deadline_passed(in, t);
    }
    if (quiet_next(in).ns <= t.ns) {
        quiet_end(in, t, call);
    }
    expire(in, t);
}

static bool is_due(struct etime t, struct etime before)
{
    return t.ns < before.ns;
}

bool instance_advance(struct instance *in, struct etime before, const struct nfa_call *call)
{
    bool changed = false;
    detector_enter(in, call);
    if (in->told && !is_due(in->next, before)) {
        return false;
    }
    for (struct etime t; is_due(t = decision_next(in), before);) {
        changed = true;
        if (!forget_before(in, t)) { /* else it may have been due to what is gone */
            decide_at(in, t, call);
        }
    }
    if (is_due(forget_next(in), before)) {
        changed |= forget_before(in, before);
    }
    in->told &= !changed;
    return changed;
}

static struct etime find_next(const struct instance *in)
{
    struct etime t = decision_next(in);
    struct etime forget = forget_next(in);
    return etime_lt(forget, t) ? forget : t;
}

struct etime instance_next_time(const struct instance *in)
{
    return in->told ? in->next : find_next(in);
}

bool instance_is_told(const struct instance *in)
{
    return in->told;
}

void instance_told(struct instance *in)
{
    in->next = find_next(in);
    in->told = true;
}

uint32_t instance_needed_from(const struct instance *in, struct etime now)
{
    uint32_t start;
    return first_needed(in, now, &start);
}

bool instance_is_empty(const struct instance *in)
{
    return retained_count(&in->events) == 0 && quiet_count(in) == 0 &&
           in->capped_until.ns == INT64_MIN;
}

/* Every deadline that is still ahead, each time once. */
void instance_pending(struct instance *in, const struct nfa_call *call)
{
    struct etime fired = in->fired;
    for (struct etime t = deadline_next(in); t.ns != INT64_MAX; t = deadline_next(in)) {
        arena_reset(&call->scratch->arena);
        report_pending(in, t, call);
        deadline_passed(in, t);
    }
    in->fired = fired;
    memset(instance_cursor(in), 0, n_cursors(in->rule) * sizeof(uint32_t));
    deadline_passed(in, fired);
}

void instance_prefetch(const struct instance *in)
{
    memory_prefetch(in, sizeof(*in) + 16); /* and the first counters */
}

void instance_prefetch_kept(const struct instance *in)
{
    const struct retained *r = &in->events;
    if (r->cap > 1) { /* else it stands in the instance */
        memory_prefetch(&r->items[r->n], sizeof(*r->items)); /* what comes next */
        line_prefetch(&r->items[r->lo]);
    }
}

struct instance_weight instance_weigh(const struct instance *in)
{
    uint64_t outside, detector = detector_bytes(in, &outside);
    uint64_t index = in->events.index ? in->events.index->bytes : 0;
    return (struct instance_weight){
        .bytes = instance_block_bytes(in->rule) + retained_memory(&in->events) + detector +
                 quiet_bytes(in),
        .outside = index + outside,
    };
}

uint64_t instance_retained(const struct instance *in)
{
    return retained_count(&in->events);
}
