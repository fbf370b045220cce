/* Release → keys (feed.c) → shards, level by level → alerts. */
#include "engine/engine_parts.h"

/* Events per pass and clock group: bounds the memory of a pass, not the answers. */
#define PASS_EVENTS 8192

/* ---- one pass ----------------------------------------------------------------------------- */

/* How far deadlines may fire when the group has more to release than one pass takes: higher levels
 * need what lower ones derive in front of the events of this pass. */
static struct etime fire_within(const struct engine *e, uint32_t g, struct etime last)
{
    struct etime before = slices_before(e, g);
    if (e->rs->clock_groups[g].n_levels < 2) {
        return ETIME_MIN;
    }
    return etime_lt(last, before) ? last : before;
}

/* What leading absences may look back to. */
static struct etime history_of(const struct engine *e, const struct clock_state *c)
{
    const struct engine_range *range = e->options.range;
    bool cut = range != NULL && etime_lt(c->history_begin, range->from);
    return cut ? range->from : c->history_begin;
}

/* What was evaluated of the group will not be told apart from what comes: every partition was there from the start and
 * holds the clock to its end, and no run goes on from here. */
static bool comes_in_order(const struct engine *e, const struct clock_group *g)
{
    const struct engine_options *o = &e->options;
    bool in_order = o->state_dir == NULL && !o->partitions_join && !o->in_group && g->n_levels == 1;
    for (uint32_t i = 0; i < g->n_topics; i++) {
        const struct schema_topic *t = &e->rs->topics[g->topics[i]];
        in_order &= !t->has_watermark_per && (t->idle_after.ns == 0 || e->hold_back);
    }
    return in_order;
}

/* Returns false when the group has more to release than one pass takes. */
static bool release_group(struct engine *e, uint32_t g)
{
    struct clock_state *c = &e->clocks[g];
    struct place cut = slices_limit(&e->slices);
    struct etime last = ETIME_MIN;
    e->history_begin[g] = history_of(e, c);
    e->fire_before[g] = slices_before(e, g);
    e->watermark[g] = c->watermark;
    e->in_order[g] = comes_in_order(e, c->def);
    for (size_t n = 0, got; n < PASS_EVENTS; n += got) {
        const struct order_item *items;
        got = clock_state_take(c, cut, PASS_EVENTS - n, &items);
        if (got == 0) {
            return true;
        }
        for (size_t i = 0; i < got; i++) {
            feed_event(e, g, &items[i], clock_state_came_after(c, &items[i]));
        }
        last = items[got - 1].time;
    }
    e->fire_before[g] = fire_within(e, g, last);
    return false;
}

static enum err collect(struct engine *e, struct error *err)
{
    for (uint32_t i = 0; i < e->n_shards; i++) {
        struct shard *s = &e->shards[i];
        if (s->rc != ERR_OK) {
            *err = s->error;
            return s->rc;
        }
        for (size_t k = 0; k < s->n_refused; k++) {
            FYKE_TRY(engine_refuse_passed(e, s->refused[k].event, s->refused[k].record, err));
        }
        s->n_refused = 0;
        emitter_drain(&s->emitter, &e->out);
    }
    return ERR_OK;
}

struct shard_job {
    struct engine *e;
    struct shard_pass pass;
};

static void run_shard(void *ctx, uint32_t shard, uint32_t worker, struct nfa_scratch *scratch)
{
    const struct shard_job *job = ctx;
    (void)worker;
    shard_run(&job->e->shards[shard], &job->pass, scratch);
}

/* The level that was fed. */
static enum err run_level(struct engine *e, uint32_t level, struct error *err)
{
    struct shard_job job = {
        e, {&e->keys, level, e->fire_before, e->history_begin, e->watermark,
            e->in_order, e->slices.at}};
    workers_each(e->workers, run_shard, &job, e->n_shards);
    FYKE_TRY(collect(e, err));
    feed_gather(e);
    return ERR_OK;
}

static enum err run_pass(struct engine *e, struct error *err)
{
    enum err rc = run_level(e, 0, err);
    for (uint32_t level = 1; level < e->rs->n_levels && rc == ERR_OK; level++) {
        feed_level(e, level);
        rc = run_level(e, level, err);
    }
    for (uint32_t i = 0; i < e->n_shards && rc == ERR_OK; i++) {
        emitter_settle(&e->shards[i].emitter, &e->out);
        keyspace_shrink(e->shards[i].keyspace);
    }
    feed_end(e);
    return rc;
}

/* One pass over everything that the plan allows. */
static enum err next_pass(struct engine *e, struct error *err)
{
    bool all = true;
    FYKE_TRY(slices_plan(e, err));
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        all &= release_group(e, g);
    }
    if (all) {
        slices_take(e);
    }
    e->slices.full &= all;
    FYKE_TRY(run_pass(e, err));
    e->more = !all || e->slices.cut;
    return ERR_OK;
}

enum err engine_release(struct engine *e, struct error *err)
{
    if (!e->more) {
        for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
            clock_state_update(&e->clocks[g]);
        }
    }
    uint64_t fired = engine_fired(e);
    do {
        FYKE_TRY(next_pass(e, err));
    } while (e->more && (!e->slices.cut || engine_fired(e) == fired));
    if (e->spill.rc != ERR_OK) {
        *err = e->spill.error;
    }
    return e->spill.rc;
}

uint64_t engine_fired(const struct engine *e)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < e->n_shards; i++) {
        n += e->shards[i].fired;
    }
    return n;
}

enum err engine_drain(struct engine *e, struct error *err)
{
    while (e->more) {
        FYKE_TRY(engine_release(e, err));
        FYKE_TRY(engine_write_alerts(e, false, err));
    }
    return ERR_OK;
}

/* ---- alerts ------------------------------------------------------------------------------- */

/* Nothing detected before this can still come: later events stand at or behind the limits, and
 * deadlines at or behind the earliest timer. */
static struct etime safe_time(const struct engine *e)
{
    struct etime safe = ETIME_MAX;
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        const struct order_item *first = order_peek(&e->clocks[g].order);
        struct etime t = e->clocks[g].limit.time;
        t = first != NULL && etime_lt(first->time, t) ? first->time : t;
        safe = etime_lt(t, safe) ? t : safe;
    }
    for (uint32_t i = 0; i < e->n_shards; i++) {
        for (uint32_t stage = 0; stage < e->rs->n_stages; stage++) {
            struct etime t = keyspace_next_time(e->shards[i].keyspace, stage);
            safe = etime_lt(t, safe) ? t : safe;
        }
    }
    return safe;
}

static void count_alert(void *ctx, const struct out_alert *a)
{
    struct engine *e = ctx;
    e->alert_waits |= !a->withheld;
    uint32_t rule = a->rule->drains ? a->rule->counts_as : a->rule->index;
    if (a->kind != MATCH_MATCH) {
        return;
    }
    if (a->withheld) {
        e->rule_shadow[rule]++;
        return;
    }
    e->rule_alerts[rule]++;
    e->alerts_total++;
}

enum err engine_write_alerts(struct engine *e, bool all, struct error *err)
{
    if (e->out.n == 0) {
        return ERR_OK;
    }
    struct out_bound safe = {.time = ETIME_MAX};
    if (!all && (e->hold_back || e->more)) {
        const struct due_key *next = slices_next_key(&e->slices);
        safe.time = safe_time(e);
        safe.key = next != NULL ? next->values : NULL;
        safe.n_key = next != NULL ? next->n_values : 0;
    }
    return out_order_flush(&e->out, &safe, e->sink, count_alert, e, err);
}

static bool has_deadlines(const struct ruleset *rs)
{
    for (uint32_t i = 0; i < rs->n_units; i++) {
        if (rule_has_deadlines(&rs->rules[i])) {
            return true;
        }
    }
    return false;
}

enum err engine_gather_pending(struct engine *e, struct error *err)
{
    struct shard_pass pass = {&e->keys, 0, e->fire_before, e->history_begin, e->watermark,
                              e->in_order, ETIME_MAX};
    e->pending = 0;
    for (uint32_t i = 0; i < e->n_shards && has_deadlines(e->rs); i++) {
        struct shard *s = &e->shards[i];
        FYKE_TRY(shard_pending(s, &pass, workers_scratch(e->workers), err));
        e->pending += s->emitter.pending;
        emitter_drain(&s->emitter, &e->out);
    }
    return ERR_OK;
}

enum err engine_process(struct engine *e, struct error *err)
{
    FYKE_TRY(engine_drain(e, err)); /* of the clock as it was: then it may go on */
    FYKE_TRY(engine_release(e, err));
    FYKE_TRY(engine_drain(e, err));
    FYKE_TRY(engine_spill(e, err));
    return engine_write_alerts(e, false, err);
}

enum err engine_advance(struct engine *e, struct etime t, struct error *err)
{
    for (size_t i = 0; i < e->n_partitions; i++) {
        partition_raise(e->partitions[i], t);
    }
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        clock_state_raise(&e->clocks[g], t);
    }
    return engine_process(e, err);
}

static void end_clocks(struct engine *e, struct etime t)
{
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        clock_state_raise(&e->clocks[g], t);
    }
}

void engine_set_watermark_end(struct engine *e, enum watermark_end end, struct etime at)
{
    e->options.watermark_end = end;
    e->options.watermark_end_at = at;
}

/* A rule of the group that reads derived events. */
static const struct rule *reader_in(const struct engine *e, const struct clock_group *g)
{
    const struct rule *reader = &e->rs->rules[g->rules[0]];
    for (uint32_t i = 0; i < g->n_rules; i++) {
        const struct rule *r = &e->rs->rules[g->rules[i]];
        if (r->level > 0 && !rule_is_copy(r)) {
            reader = r;
        }
    }
    return reader;
}

/* Groups that wait for deadlines have not seen what lies behind their watermark. */
static void tell_undecided(struct engine *e)
{
    e->undecided = 0;
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        size_t n = order_count(&e->clocks[g].order);
        if (!e->rs->clock_groups[g].waits || n == 0) {
            continue;
        }
        e->undecided += n;
        const struct rule *reader = reader_in(e, &e->rs->clock_groups[g]);
        engine_say(e, "rule %.*s %s: it has not seen the last %zu event%s, "
                   "before which such a deadline may lie; --watermark-end or --flush decides",
                   SLICE_ARG(reader->name),
                   reader->keeps_quiet ? "shares a quiet time between keys that speak at deadlines"
                                       : "reads what deadlines derive",
                   n, n == 1 ? "" : "s");
    }
}

enum err engine_finish(struct engine *e, struct error *err)
{
    for (size_t i = 0; i < e->n_partitions; i++) {
        e->partitions[i]->ended = true;
        e->partitions[i]->replay_until = 0;
    }
    FYKE_TRY(engine_process(e, err));
    switch (e->options.watermark_end) {
    case END_DEFAULT:
        break;
    case END_AT:
        end_clocks(e, e->options.watermark_end_at);
        FYKE_TRY(engine_process(e, err));
        break;
    case END_FLUSH:
        end_clocks(e, ETIME_MAX);
        FYKE_TRY(engine_process(e, err));
        break;
    }
    tell_undecided(e);
    FYKE_TRY(engine_write_alerts(e, true, err));
    FYKE_TRY(engine_gather_pending(e, err));
    return engine_write_alerts(e, true, err);
}
