/* May a match complete at this point? First a necessary condition from counters, in O(tests): every
 * step has enough events that are not used up. Then what the rule's class asks (detect.h). The finder
 * decides; this keeps it from being asked in vain. */
#include "nfa/detector.h"

#include <string.h>

#include "nfa/detect.h"
#include "nfa/instance.h"
#include "nfa/scratch.h"

/* ---- counters ---------------------------------------------------------------------------------- */

static void count(struct instance *in, uint64_t tests)
{
    for (uint64_t b = tests; b; b &= b - 1) {
        instance_have(in)[__builtin_ctzll(b)]++;
    }
}

void detector_recount(struct instance *in)
{
    memset(instance_have(in), 0, in->rule->n_tests * sizeof(uint32_t));
    for (uint32_t i = in->lowest; i < retained_count(&in->events); i++) {
        count(in, retained_at(&in->events, i)->tests);
    }
    detector_free(in);
}

/* No event is bound twice. */
static bool has_enough(const struct instance *in)
{
    const struct rule *r = in->rule;
    if (in->live_starts == 0 || retained_count(&in->events) - in->lowest < r->need_all) {
        return false;
    }
    for (uint32_t t = 0; t < r->n_tests; t++) {
        if (in->counters[t] < r->need[t]) {
            return false;
        }
    }
    return true;
}

/* ---- the detector of the class ------------------------------------------------------------------ */

static void *take(char **at, size_t bytes)
{
    void *p = *at;
    *at += bytes;
    return p;
}

static void walk_init(struct detect_walk *w, const struct detect_plan *plan, uint32_t lo, uint32_t hi,
                      char **at)
{
    *w = (struct detect_walk){.lo = (uint16_t)lo, .hi = (uint16_t)hi};
    if (lo < hi) {
        w->arms = take(at, detect_walk_bytes(plan, hi - lo));
        w->entered = plan->has_several ? (uint64_t *)(void *)(w->arms + (hi - lo) + 1) : NULL;
    }
}

static struct detect_more *more_new(const struct rule *rule, char **at)
{
    const struct detect_plan *plan = rule->detect;
    struct detect_more *m = take(at, sizeof(*m));
    m->last_seen = take(at, rule->n_tests * sizeof(*m->last_seen));
    m->registers = take(at, plan->n_registers * sizeof(struct run_register *));
    m->avoids = take(at, plan->n_avoids * sizeof(struct avoid_state *));
    m->sessions = take(at, plan->n_sessions * sizeof(*m->sessions));
    for (uint32_t i = 0; i < plan->n; i++) {
        for (uint32_t k = 0; k < plan->items[i].n_registers; k++) {
            m->registers[plan->items[i].first_register + k] =
                register_new(&plan->items[i].registers[k]);
        }
    }
    for (uint32_t i = 0; i < plan->n_avoids; i++) {
        m->avoids[i] = avoid_new();
    }
    return m;
}

/* One block: the detector, then its arrays. */
static struct detector *detector_new(struct instance *in)
{
    const struct detect_plan *plan = in->rule->detect;
    struct detector *d = pool_zalloc(in->pool, plan->bytes);
    char *at = (char *)(d + 1);
    walk_init(&d->main, plan, 0, plan->n, &at);
    d->main.main = true;
    d->joins = take(&at, plan->n_joins * sizeof(*d->joins));
    for (uint32_t i = 0; i < plan->n_joins; i++) {
        walk_init(&d->joins[i].between, plan, plan->joins[i].of + 1, plan->joins[i].at, &at);
    }
    d->more = plan->has_more ? more_new(in->rule, &at) : NULL;
    return d;
}

static void more_release(const struct detect_more *m, const struct detect_plan *plan, struct pool *pool)
{
    for (uint32_t i = 0; i < plan->n_registers; i++) {
        register_free(m->registers[i], pool);
    }
    for (uint32_t i = 0; i < plan->n_avoids; i++) {
        avoid_free(m->avoids[i]);
    }
}

void detector_free(struct instance *in)
{
    if (in->detector) {
        joins_release(in);
        if (in->detector->more) {
            more_release(in->detector->more, in->rule->detect, in->pool);
        }
        pool_free(in->pool, in->detector, in->rule->detect->bytes);
        in->detector = NULL;
    }
}

/* Mostly there is nothing, and the detector is cold. */
void detector_abandon(struct instance *in)
{
    if (in->rule->detect->has_outside) {
        detector_free(in);
    }
    in->detector = NULL;
}

/* Returns the latest start of a match that can be complete at the event; 0: there is none. */
static uint64_t feed(struct instance *in, uint32_t index)
{
    struct detector *d = in->detector;
    const struct detect_plan *plan = in->rule->detect;
    const struct candidate *c = retained_at(&in->events, index);
    uint32_t first = instance_first_start(in);
    struct detect_event e = {.index = index, .tests = c->tests, .position = c->position,
                             .time = c->time, .unused = index >= in->lowest};
    e.serial = in->events.first_serial + index + 1;
    e.start = instance_is_start(in, index);
    e.first_live = first < retained_count(&in->events) ? in->events.first_serial + first + 1 : 0;
    uint64_t items = 0;
    for (uint64_t b = c->tests; b; b &= b - 1) {
        if (d->more) {
            d->more->last_seen[__builtin_ctzll(b)] = e.serial;
        }
        items |= plan->items_of_test[__builtin_ctzll(b)];
    }
    d->scratch->n_ranges = 0;
    d->scratch->work.steps += plan->walked;
    uint64_t ends = walk_step(in, &d->main, &e, items);
    for (uint32_t i = 0; i < plan->n_joins; i++) {
        uint64_t between = items & plan->joins[i].between;
        if (between != 0) {
            walk_step(in, &d->joins[i].between, &e, between);
        }
    }
    return ends;
}

/* Of the last of them what feed() returns. */
static uint64_t feed_rest(struct instance *in)
{
    struct detector *d = in->detector;
    uint64_t first = in->events.first_serial, end = first + retained_count(&in->events), ends = 0;
    for (uint64_t s = d->fed > first ? d->fed : first; s < end; s++) {
        retained_at(&in->events, (uint32_t)(s - first))->ends = 0;
        ends = feed(in, (uint32_t)(s - first));
    }
    d->fed = end;
    return ends;
}

void detector_enter(struct instance *in, const struct nfa_call *call)
{
    if (in->detector) {
        in->detector->scratch = call->scratch;
        in->detector->key = call->key;
    }
}

struct nfa_work *detector_work(const struct instance *in)
{
    return &in->detector->scratch->work;
}

/* It is made when it is asked for the first time. False: there is none. */
static bool ready(struct instance *in, const struct nfa_call *call)
{
    if (!in->detector) {
        /* with ending_tests all that is open at its deadline is complete */
        if (call->scratch->limits.general || !in->rule->detect->at_events || in->rule->ending_tests) {
            return false;
        }
        in->detector = detector_new(in);
    }
    detector_enter(in, call); /* whoever called last may be gone, and its scratch with it */
    return true;
}

/* The walks take it when they are asked: until then nobody looks at what they keep, and what has gone by then
 * they need not take. */
void detector_add(struct instance *in)
{
    count(in, retained_at(&in->events, retained_count(&in->events) - 1)->tests);
}

void detector_take_back(struct instance *in)
{
    uint64_t end = in->events.first_serial + retained_count(&in->events);
    if (in->detector && in->detector->fed > end) {
        in->detector->fed = end;
    }
}

uint64_t detector_weight(const struct instance *in)
{
    uint64_t outside = 0;
    if (in->rule->detect->has_outside) {
        detector_bytes(in, &outside);
    }
    return in->detector ? in->rule->detect->bytes + outside : 0;
}

bool detector_knows(const struct instance *in)
{
    return in->detector && in->detector->fed == in->events.first_serial + retained_count(&in->events);
}

void detector_forget(struct instance *in, uint32_t index)
{
    for (uint64_t b = retained_at(&in->events, index)->tests; b; b &= b - 1) {
        instance_have(in)[__builtin_ctzll(b)]--;
    }
    if (in->detector) {
        joins_forget(in, index);
    }
}

void detector_forget_all(struct instance *in)
{
    memset(instance_have(in), 0, in->rule->n_tests * sizeof(uint32_t));
    if (in->detector) {
        joins_forget_all(in);
    }
}

void detector_reported(struct instance *in, uint32_t index)
{
    if (in->detector) {
        joins_reported(in, index);
    }
}

bool detector_may_complete(struct instance *in, uint64_t tests, bool counted, uint32_t *ret_last,
                           const struct nfa_call *call)
{
    const struct rule *r = in->rule;
    bool may_end = (tests & r->last_tests) != 0 || (r->ends_with_next_no && counted);
    *ret_last = retained_count(&in->events) - 1;
    if (!may_end || r->ending_tests || !has_enough(in)) { /* at deadlines alone */
        return false;
    }
    if (few_are_kept(in, call)) {
        return few_allow(in, call);
    }
    if (ready(in, call)) {
        uint64_t ends = feed_rest(in);
        *ret_last = ends ? (uint32_t)(ends - 1 - in->events.first_serial) : 0;
        return ends != 0;
    }
    return true;
}

bool detector_may_complete_at(struct instance *in, struct etime t, const struct nfa_call *call)
{
    if (!has_enough(in)) {
        return false;
    }
    if (!ready(in, call)) {
        return true;
    }
    feed_rest(in);
    return open_ends_at(in, t);
}

uint64_t detector_bytes(const struct instance *in, uint64_t *ret_outside)
{
    const struct detector *d = in->detector;
    const struct detect_plan *plan = in->rule->detect;
    uint64_t bytes = 0, in_pool = 0;
    for (uint32_t i = 0; d && i < plan->n_joins; i++) {
        bytes += join_bytes(&plan->joins[i], &d->joins[i], &in_pool);
    }
    for (uint32_t i = 0; d && i < plan->n_registers; i++) {
        bytes += register_bytes(d->more->registers[i], &in_pool);
    }
    for (uint32_t i = 0; d && i < plan->n_avoids; i++) {
        bytes += avoid_bytes(d->more->avoids[i]);
    }
    *ret_outside = bytes - in_pool;
    return d ? bytes + plan->bytes : 0;
}
