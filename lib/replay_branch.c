#include "lib/replay_branch.h"

#include <stdlib.h>
#include <time.h>

#include "base/xalloc.h"
#include "engine/engine.h"
#include "lib/options.h"

#define PROGRESS_EVERY_S 0.5
#define ALL_EVIDENCE 1000000000
#define LEAST_BUFFER ((uint64_t)1 << 20)

double replay_seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- range ---------------------------------------------------------------------------------- */

static void plan_range(struct replay_branch *b)
{
    const struct replay_config *c = b->config;
    struct replay_result *res = b->result;
    replay_span_of(b->rs, &res->span);
    struct duration warm = c->has_warm_up ? c->warm_up : res->span.need;
    struct duration cool = c->has_cool_down ? c->cool_down : res->span.horizon;
    res->from = c->from;
    res->to = c->to;
    res->from_beginning = c->from_state || duration_is_infinite(warm) || c->from.ns == INT64_MIN;
    b->range.from = res->from_beginning ? ETIME_MIN : etime_sub(c->from, warm);
    b->range.before = etime_add(c->to, cool);
    res->evaluated_from = b->range.from;
    res->evaluated_before = b->range.before;
    res->data_first = res->data_last = ETIME_MIN;
}

/* Nothing that is still to come lies in front of the end: every partition has passed it by its
 * bound, or has delivered everything. */
static bool has_read_enough(struct replay_branch *b)
{
    const struct partition_summary *parts;
    uint32_t n = engine_partition_figures(b->engine, &parts);
    for (uint32_t i = 0; i < n; i++) {
        if (etime_lt(parts[i].watermark, b->range.before) &&
            !replay_tap_ended(b->tap, parts[i].topic, parts[i].partition)) {
            return false;
        }
    }
    return n > 0;
}

/* ---- progress ------------------------------------------------------------------------------- */

/* Offsets hold more than records: transaction markers, what compaction has removed. */
static double share_read(const struct replay_input *in, uint64_t records, uint64_t bytes)
{
    if (in->whole_records > 0) {
        return (double)records / (double)in->whole_records;
    }
    return in->whole_bytes > 0 ? (double)bytes / (double)in->whole_bytes : -1;
}

static void tell_progress(struct replay_branch *b)
{
    double now = replay_seconds(CLOCK_MONOTONIC);
    if (!b->config->progress || b->told_s < 0 || now - b->told_s < PROGRESS_EVERY_S) {
        return;
    }
    uint64_t bytes;
    struct replay_progress p = {.seconds = now - b->begun_s, .reached = b->result->data_last};
    b->told_s = now;
    replay_tee_figures(b->tap->tee, &p.records, &bytes);
    p.share = share_read(b->input, p.records, bytes);
    p.share = p.share > 1 ? 1 : p.share;
    b->config->progress(b->config->progress_ctx, &p);
}

static void beat(void *ctx, enum engine_phase phase)
{
    struct replay_branch *b = ctx;
    if (phase == ENGINE_RUNNING) {
        if (b->range.before.ns != INT64_MAX && !b->tap->enough && !b->input->has_want) {
            b->tap->enough = has_read_enough(b);
        }
        tell_progress(b);
    }
}

/* ---- opening -------------------------------------------------------------------------------- */

static enum err open_engine(struct replay_branch *b, struct error *err)
{
    const struct replay_config *c = b->config;
    struct fyke_options options = c->options;
    struct engine_options o;
    options.memory_bytes /= b->share;
    options.buffer_bytes = b->share == 1 || options.buffer_bytes / b->share > LEAST_BUFFER
                               ? options.buffer_bytes / b->share
                               : LEAST_BUFFER;
    options.log = b->silent ? NULL : options.log;
    options_to_engine(&options, &o);
    o.state_dir = b->state_dir;
    o.reset_state = false;
    if (c->labels || c->keep_alerts) {
        o.max_evidence = ALL_EVIDENCE; /* an alert is judged, or paired, by all of it */
    }
    o.emit_only = !c->labels && !c->keep_alerts && (!c->line || b->collect.is_aside);
    o.show_derived = c->labels != NULL; /* what stands behind derived events may be labelled */
    o.shadow = true; /* a rule in status shadow is here to be looked at */
    o.range = &b->range;
    o.observe = b->shared ? replay_shared_event : replay_collect_event;
    o.observe_ctx = b->shared ? (void *)b->shared : &b->collect;
    o.keyed = b->collect.settled.on && !b->shared ? replay_settled_event : NULL;
    o.keyed_ctx = &b->collect.settled;
    o.beat = beat;
    o.beat_ctx = b;
    o.table_feeds = b->tables.feeds;
    o.n_table_feeds = b->tables.n_feeds;
    o.geoip = geoip_files_lookup(b->geoip);
    o.geoip_identity = geoip_files_identity(b->geoip);
    return engine_new(b->shared ? b->shared->rs : b->rs, &o, &b->engine, err);
}

enum err replay_branch_init(struct replay_branch *b, const struct replay_config *c,
                            const struct ruleset *rs, struct replay_result *result,
                            struct error *err)
{
    *b = (struct replay_branch){.config = c, .rs = rs, .result = result, .share = 1, .told_s = -1};
    *result = (struct replay_result){.rs = rs};
    replay_collect_init(&b->collect, c, result);
    FYKE_TRY(replay_labels_open(&b->collect.labels, c->labels, rs, err));
    plan_range(b);
    arena_init(&result->arena);
    replay_settled_init(&b->collect.settled, result, c->verify_against != NULL);
    return geoip_files_open(c->options.geoip, c->options.n_geoip, &b->geoip, err);
}

enum err replay_branch_open(struct replay_branch *b, const struct replay_input *in,
                            struct replay_tap *tap, struct error *err)
{
    b->input = in;
    b->tap = tap;
    return open_engine(b, err);
}

/* ---- running -------------------------------------------------------------------------------- */

void replay_branch_run(struct replay_branch *b)
{
    struct sink *sink = b->shared ? &b->shared->sink : &b->collect.sink;
    b->rc = engine_run(b->engine, &b->tap->base, sink, b->config->stop, &b->err);
    replay_tap_leave(b->tap, b->rc != ERR_OK);
}

/* Two sets that are evaluated as one have no cost of their own. */
static void count_operations(struct replay_branch *b)
{
    if (b->shared) {
        return;
    }
    struct engine_rule_figures *f = xcalloc(b->rs->n_rules + 1u, sizeof(*f));
    bool whole; /* of what is not asked for here */
    engine_rule_figures(b->engine, f, &whole);
    for (uint32_t i = 0; i < b->result->n_rules; i++) {
        b->result->rules[i].operations = engine_rule_operations(&f[i]);
    }
    free(f);
}

void replay_branch_finish(struct replay_branch *b)
{
    struct replay_result *res = b->result;
    struct engine_summary s;
    engine_summary(b->engine, &s);
    res->records = s.records;
    res->read_events = s.events;
    res->late = s.late;
    res->outside = s.outside;
    for (int i = 0; i < INVALID_REASON_COUNT; i++) {
        res->invalid += s.invalid[i];
    }
    res->reached_to = res->reached_end = res->to.ns != INT64_MAX;
    for (uint32_t i = 0; i < s.n_partitions; i++) {
        res->reached_to &= !etime_lt(s.partitions[i].watermark, res->to);
        res->reached_end &= !etime_lt(s.partitions[i].watermark, b->range.before);
    }
    count_operations(b);
    res->repeats = b->input->has_want;
    res->earlier = b->input->earlier;
    res->removed = b->input->removed;
    replay_collect_finish(&b->collect);
}

void replay_branch_release(struct replay_branch *b)
{
    if (!b->borrows_engine) {
        engine_free(b->engine);
    }
    table_inputs_release(&b->tables);
    geoip_files_close(b->geoip);
    replay_collect_release(&b->collect);
}
