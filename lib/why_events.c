#include "lib/why_events.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/engine.h"
#include "lib/options.h"
#include "lib/replay_input.h"
#include "lib/table_inputs.h"

void why_events_init(struct why_events *w, const struct why_config *c, const struct ruleset *rs,
                     const struct rule *rule, struct why_result *ret)
{
    *w = (struct why_events){.config = c, .result = ret, .rs = rs, .rule = rule};
    arena_init(&w->arena);
    key_table_init(&w->keys, rs);
    key_eval_init(&w->eval);
}

void why_events_release(struct why_events *w)
{
    geoip_files_close(w->geoip);
    key_eval_release(&w->eval);
    key_table_release(&w->keys);
    buf_release(&w->text);
    free(w->records);
    free(w->partitions);
    arena_release(&w->arena);
}

/* ---- which records -------------------------------------------------------------------------- */

static bool has_key(struct why_events *w, const struct key_group *g, const struct key_variant *v,
                    const struct event *e)
{
    struct key_ref ref;
    bool known = key_of(g, v, e, &w->eval, &ref);
    if (known) {
        buf_clear(&w->text);
        key_to_text(ref.values, g->n_values, &w->text);
    }
    arena_reset(&w->eval.scratch);
    return known && slice_eq(buf_slice(&w->text), w->config->key);
}

/* Rules that derive for this one have keys of their own: all that they read is taken. */
static bool belongs(struct why_events *w, const struct event *e)
{
    bool ret = false;
    for (uint32_t u = 0; !ret && u < w->rs->n_units; u++) {
        uint32_t group = w->keys.group_of_unit[u];
        const struct key_group *g = group < w->keys.n_groups ? &w->keys.groups[group] : NULL;
        bool is_it = slice_eq(w->rs->rules[u].name, w->rule->name);
        for (uint32_t i = 0; g && !ret && i < g->n_variants; i++) {
            ret = g->variants[i].decl == e->decl && (!is_it || has_key(w, g, &g->variants[i], e));
        }
    }
    arena_reset(&w->eval.scratch);
    return ret;
}

static void copy_headers(struct why_events *w, struct record *r)
{
    struct record_header *headers = ARENA_ARRAY(&w->arena, struct record_header, r->n_headers + 1u);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        headers[i].name = arena_copy(&w->arena, r->headers[i].name);
        headers[i].value = arena_copy(&w->arena, r->headers[i].value);
    }
    r->headers = headers;
}

static void add_partition(struct why_events *w, const struct record *r)
{
    for (size_t i = 0; i < w->n_partitions; i++) {
        if (w->partitions[i].topic == r->topic && w->partitions[i].partition == r->partition) {
            return;
        }
    }
    VEC_PUSH(w->partitions, w->n_partitions, w->cap_partitions) =
        (struct source_partition){.topic = r->topic, .partition = r->partition};
}

static void note_late(struct why_events *w, const struct event *e)
{
    const struct partition_summary *parts;
    uint32_t n = engine_partition_figures(w->engine, &parts);
    struct why_late late = {.topic = w->rs->topics[e->at.topic].name,
                            .partition = e->at.partition,
                            .offset = e->at.offset,
                            .time = e->time};
    for (uint32_t i = 0; i < n; i++) {
        if (parts[i].topic == e->at.topic && parts[i].partition == e->at.partition) {
            late.by = etime_diff(parts[i].watermark, e->time);
        }
    }
    VEC_PUSH(w->result->late, w->result->n_late, w->result->cap_late) = late;
}

static void count_event(struct why_result *r, const struct event *e)
{
    r->events++;
    r->first = r->first.ns == INT64_MIN || etime_lt(e->time, r->first) ? e->time : r->first;
    r->last = r->last.ns == INT64_MIN || etime_lt(r->last, e->time) ? e->time : r->last;
}

static void keep_event(struct why_events *w, const struct event *e)
{
    struct why_event *kept = ARENA_NEW(&w->arena, struct why_event);
    struct why_event **at = &w->records[w->n - 1].events;
    *kept = (struct why_event){
        .event = event_clone_into(e, arena_alloc(&w->arena, event_clone_bytes(e)))};
    while (*at) {
        at = &(*at)->next;
    }
    *at = kept;
}

static void add_record(struct why_events *w, const struct record *r, const struct event *e, bool late)
{
    struct record copy = *r;
    copy.key = arena_copy(&w->arena, r->key);
    copy.value = arena_copy(&w->arena, r->value);
    copy_headers(w, &copy);
    VEC_PUSH(w->records, w->n, w->cap) =
        (struct why_record){.record = copy, .time = e->time, .late = late};
    add_partition(w, r);
}

/* engine_options.observe. A record may be several events. */
static void observe(void *ctx, enum event_fate fate, const struct event *e, const struct record *r)
{
    struct why_events *w = ctx;
    if (fate == FATE_OUTSIDE || !belongs(w, e)) {
        return;
    }
    if (fate == FATE_LATE) {
        note_late(w, e);
    } else {
        count_event(w->result, e);
    }
    const struct record *last = w->n > 0 ? &w->records[w->n - 1].record : NULL;
    bool known = last && last->topic == r->topic && last->partition == r->partition &&
                 last->offset == r->offset;
    w->too_many = !known && w->n == WHY_MAX_RECORDS;
    if (w->too_many) {
        return;
    }
    if (!known) {
        add_record(w, r, e, fate == FATE_LATE);
    }
    if (w->keep) {
        keep_event(w, e);
    }
}

/* ---- reading -------------------------------------------------------------------------------- */

static void set_options(const struct why_events *w, const struct engine_range *range,
                        struct engine_options *o)
{
    options_to_engine(&w->config->options, o);
    o->state_dir = NULL;
    o->reset_state = false;
    o->shadow = true;
    o->range = range;
    o->geoip = geoip_files_lookup(w->geoip);
    o->geoip_identity = geoip_files_identity(w->geoip);
}

static struct engine_range range_of(const struct why_config *c)
{
    return (struct engine_range){c->from, etime_add(c->at, (struct duration){1})};
}

static enum err read_input(struct why_events *w, struct replay_input *in,
                           const struct table_inputs *tables, const struct engine_range *range,
                           struct error *err)
{
    const struct why_config *c = w->config;
    struct memory_sink sink;
    struct engine_options o;
    struct engine_summary s;
    set_options(w, range, &o);
    o.observe = observe;
    o.observe_ctx = w;
    o.table_feeds = tables->feeds;
    o.n_table_feeds = tables->n_feeds;
    memory_sink_init(&sink);
    enum err rc = engine_new(w->rs, &o, &w->engine, err);
    if (rc == ERR_OK) {
        rc = engine_run(w->engine, &in->source.base, &sink.sink, c->stop, err);
    }
    if (rc == ERR_OK) {
        engine_summary(w->engine, &s);
        w->result->records = s.records;
    }
    engine_free(w->engine);
    w->engine = NULL;
    memory_sink_release(&sink);
    return rc;
}

/* Read as a replay reads: without group, commits or sink. */
static void input_config(const struct why_config *c, struct replay_config *ret)
{
    replay_config_init(ret);
    ret->options = c->options;
    ret->inputs = c->inputs;
    ret->n_inputs = c->n_inputs;
    ret->kcat = c->kcat;
    ret->kafka_properties = c->kafka_properties;
    ret->n_kafka_properties = c->n_kafka_properties;
    ret->stop = c->stop;
}

enum err why_events_read(struct why_events *w, struct error *err)
{
    const struct engine_range range = range_of(w->config);
    struct replay_span span;
    struct replay_config config;
    struct table_inputs tables;
    struct replay_input in;
    replay_span_of(w->rs, &span);
    input_config(w->config, &config);
    FYKE_TRY(geoip_files_open(w->config->options.geoip, w->config->options.n_geoip, &w->geoip, err));
    enum err rc = replay_input_open_alone(&in, &config, w->rs, range, span.late, &tables, err);
    if (rc == ERR_OK) {
        rc = read_input(w, &in, &tables, &range, err);
    }
    table_inputs_release(&tables);
    replay_input_close(&in);
    if (rc == ERR_OK && w->too_many) {
        return error_set(err, ERR_LIMIT, "the key has more than %d records; name a time with --at or "
                         "cut the input", WHY_MAX_RECORDS);
    }
    return rc;
}

/* ---- evaluating ----------------------------------------------------------------------------- */

static enum err push_all(const struct why_events *w, struct engine *e,
                         const struct why_evaluation *how, struct memory_sink *sink,
                         struct error *err)
{
    FYKE_TRY(engine_begin(e, w->partitions, (uint32_t)w->n_partitions, &sink->sink, err));
    for (size_t i = 0; i < w->n; i++) {
        const struct why_record *r = &w->records[i];
        if ((how->with_late || !r->late) && !etime_lt(r->time, how->from)) {
            FYKE_TRY(engine_push(e, &r->record, err));
        }
    }
    struct etime end = etime_add(w->config->at, (struct duration){1});
    if (how->flush) {
        engine_set_watermark_end(e, END_FLUSH, end);
    } else if (w->config->at.ns != INT64_MAX) {
        engine_set_watermark_end(e, END_AT, end);
    }
    return engine_finish(e, err);
}

enum err why_evaluate(const struct why_events *w, const struct ruleset *rs, uint32_t rule,
                      const struct why_evaluation *how, struct memory_sink *sink,
                      struct error *err)
{
    const struct engine_range range = range_of(w->config);
    const struct why_config *c = w->config;
    struct table_inputs tables;
    struct ruleset part;
    struct engine_options o;
    struct engine *e;
    /* Lookups from topics begin anew with the records. */
    struct replay_config config;
    struct kafka_config kafka;
    input_config(c, &config);
    replay_kafka_config(&config, &kafka);
    FYKE_TRY(table_inputs_open(&tables, w->rs, c->inputs, c->n_inputs, c->kcat,
                               replay_reads_kafka(&config) ? &kafka : NULL, err));
    set_options(w, &range, &o);
    o.table_feeds = tables.feeds;
    o.n_table_feeds = tables.n_feeds;
    o.pending = how->pending;
    o.evidence_fields = "*";
    ruleset_subset(rs, rule, NULL, &part);
    enum err rc = engine_new(&part, &o, &e, err);
    if (rc == ERR_OK) {
        rc = push_all(w, e, how, sink, err);
        engine_free(e);
    }
    ruleset_subset_release(&part);
    table_inputs_release(&tables);
    return rc;
}
