#include "lib/replay.h"

#include <time.h>

#include "connectors/geoip.h"
#include "engine/engine.h"
#include "lib/last_error.h"
#include "lib/options.h"
#include "lib/replay_collect.h"
#include "lib/replay_input.h"
#include "lib/rules.h"

#define PROGRESS_EVERY_S 0.5
#define LABEL_EVIDENCE 1000000000

struct replay {
    const struct replay_config *config;
    struct replay_result *result;
    const struct ruleset *rs;
    struct engine_range range;
    struct replay_input input;
    struct geoip_files *geoip;
    struct replay_collect collect;
    struct engine *engine;
    double begun_s, told_s;
};

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void replay_config_init(struct replay_config *c)
{
    *c = (struct replay_config){.from = ETIME_MIN, .to = ETIME_MAX};
    fyke_options_init(&c->options);
}

/* ---- range ---------------------------------------------------------------------------------- */

static void plan_range(struct replay *r)
{
    const struct replay_config *c = r->config;
    struct replay_result *res = r->result;
    replay_span_of(r->rs, &res->span);
    struct duration warm = c->has_warm_up ? c->warm_up : res->span.need;
    struct duration cool = c->has_cool_down ? c->cool_down : res->span.horizon;
    res->from = c->from;
    res->to = c->to;
    res->from_beginning = duration_is_infinite(warm) || c->from.ns == INT64_MIN;
    r->range.from = res->from_beginning ? ETIME_MIN : etime_sub(c->from, warm);
    r->range.before = etime_add(c->to, cool);
    res->evaluated_from = r->range.from;
    res->evaluated_before = r->range.before;
    res->data_first = res->data_last = ETIME_MIN;
}

/* Nothing that is still to come lies in front of the end: every partition has passed it by its
 * bound, or has delivered everything. */
static bool has_read_enough(struct replay *r)
{
    const struct partition_summary *parts;
    uint32_t n = engine_partition_figures(r->engine, &parts);
    for (uint32_t i = 0; i < n; i++) {
        if (etime_lt(parts[i].watermark, r->range.before) &&
            !replay_source_ended(&r->input.source, parts[i].topic, parts[i].partition)) {
            return false;
        }
    }
    return n > 0;
}

/* ---- progress ------------------------------------------------------------------------------- */

/* Offsets hold more than records: transaction markers, what compaction has removed. */
static double share_read(const struct replay_input *in)
{
    if (in->whole_records > 0) {
        return (double)in->source.records / (double)in->whole_records;
    }
    return in->whole_bytes > 0 ? (double)in->source.bytes / (double)in->whole_bytes : -1;
}

static void tell_progress(struct replay *r)
{
    double now = seconds(CLOCK_MONOTONIC);
    if (!r->config->progress || now - r->told_s < PROGRESS_EVERY_S) {
        return;
    }
    r->told_s = now;
    struct replay_progress p = {
        .records = r->input.source.records,
        .seconds = now - r->begun_s,
        .share = share_read(&r->input),
        .reached = r->result->data_last,
    };
    p.share = p.share > 1 ? 1 : p.share;
    r->config->progress(r->config->progress_ctx, &p);
}

static void beat(void *ctx, enum engine_phase phase)
{
    struct replay *r = ctx;
    if (phase == ENGINE_RUNNING) {
        if (r->range.before.ns != INT64_MAX && !r->input.source.enough && !r->input.has_want) {
            r->input.source.enough = has_read_enough(r);
        }
        tell_progress(r);
    }
}

/* ---- opening -------------------------------------------------------------------------------- */

static enum err open_engine(struct replay *r, struct error *err)
{
    const struct replay_config *c = r->config;
    struct engine_options o;
    options_to_engine(&c->options, &o);
    o.state_dir = NULL;
    o.reset_state = false;
    if (c->labels) {
        o.max_evidence = LABEL_EVIDENCE; /* an alert is judged by all of it */
    }
    o.shadow = true; /* a rule in status shadow is here to be looked at */
    o.range = &r->range;
    o.observe = replay_collect_event;
    o.observe_ctx = &r->collect;
    o.beat = beat;
    o.beat_ctx = r;
    o.table_feeds = r->input.tables.feeds;
    o.n_table_feeds = r->input.tables.n_feeds;
    o.geoip = geoip_files_lookup(r->geoip);
    o.geoip_identity = geoip_files_identity(r->geoip);
    return engine_new(r->rs, &o, &r->engine, err);
}

static enum err check_range(const struct replay_config *c, struct error *err)
{
    if (!etime_lt(c->from, c->to)) {
        return error_set(err, ERR_USAGE, "an empty range: it ends at or before its beginning");
    }
    return ERR_OK;
}

static enum err open_replay(struct replay *r, struct error *err)
{
    const struct fyke_options *o = &r->config->options;
    FYKE_TRY(replay_labels_open(&r->collect.labels, r->config->labels, r->rs, err));
    FYKE_TRY(check_range(r->config, err));
    plan_range(r);
    FYKE_TRY(geoip_files_open(o->geoip, o->n_geoip, &r->geoip, err));
    FYKE_TRY(replay_input_open(&r->input, r->config, r->rs, r->range, r->result, err));
    return open_engine(r, err);
}

/* ---- running -------------------------------------------------------------------------------- */

static void take_figures(struct replay *r)
{
    struct replay_result *res = r->result;
    struct engine_summary s;
    engine_summary(r->engine, &s);
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
        res->reached_end &= !etime_lt(s.partitions[i].watermark, r->range.before);
    }
    res->repeats = r->input.has_want;
    replay_collect_finish(&r->collect);
}

static void close_replay(struct replay *r)
{
    engine_free(r->engine);
    replay_input_close(&r->input);
    geoip_files_close(r->geoip);
    replay_collect_release(&r->collect);
}

enum fyke_result replay_run(const struct fyke_rules *rules, const struct replay_config *c,
                            struct replay_result *ret)
{
    struct error err = ERROR_INIT;
    struct replay r = {.config = c, .result = ret, .rs = rules_ruleset(rules)};
    double cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID);
    r.begun_s = r.told_s = seconds(CLOCK_MONOTONIC);
    *ret = (struct replay_result){.rs = r.rs};
    replay_collect_init(&r.collect, c, ret);
    enum err rc = open_replay(&r, &err);
    if (rc == ERR_OK) {
        rc = engine_run(r.engine, &r.input.source.base, &r.collect.sink, c->stop, &err);
    }
    if (rc == ERR_OK && !(c->stop && *c->stop)) {
        rc = replay_input_finish(&r.input, &err);
    }
    if (rc == ERR_OK && c->verify_against) {
        rc = replay_verify_run(&r.collect.verify, c->verify_against, &r.input.kafka, ret, &err);
    }
    if (rc == ERR_OK) {
        take_figures(&r);
        ret->wall_s = seconds(CLOCK_MONOTONIC) - r.begun_s;
        ret->cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
    }
    close_replay(&r);
    if (rc != ERR_OK) {
        replay_result_release(ret);
        return last_error_set(&err);
    }
    return c->stop && *c->stop ? FYKE_INTERRUPTED : FYKE_OK;
}
