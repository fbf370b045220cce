#include "lib/why_events.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/file_source.h"
#include "engine/engine.h"
#include "lib/options.h"
#include "lib/table_inputs.h"

void why_events_init(struct why_events *w, const struct why_config *c, const struct ruleset *rs,
                     const struct rule *rule, struct why_result *ret)
{
    *w = (struct why_events){.config = c, .result = ret, .rs = rs, .rule = rule};
    arena_init(&w->arena);
    key_table_init(&w->keys, rs);
    key_eval_init(&w->eval);
    uint32_t most = 1;
    for (uint32_t i = 0; i < w->keys.n_groups; i++) {
        most = w->keys.groups[i].n_values > most ? w->keys.groups[i].n_values : most;
    }
    w->values = xcalloc(most, sizeof(*w->values));
}

void why_events_release(struct why_events *w)
{
    geoip_files_close(w->geoip);
    key_eval_release(&w->eval);
    key_table_release(&w->keys);
    buf_release(&w->text);
    free(w->values);
    free(w->records);
    free(w->partitions);
    arena_release(&w->arena);
}

/* ---- which records -------------------------------------------------------------------------- */

static bool has_key(struct why_events *w, const struct key_group *g, const struct key_variant *v,
                    const struct event *e)
{
    struct key_ref ref;
    if (!key_of(g, v, e, &w->eval, w->values, &ref)) {
        return false;
    }
    buf_clear(&w->text);
    key_to_text(w->values, g->n_values, &w->text);
    return slice_eq(buf_slice(&w->text), w->config->key);
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
    if (last && last->topic == r->topic && last->partition == r->partition &&
        last->offset == r->offset) {
        return;
    }
    w->too_many = w->n == WHY_MAX_RECORDS;
    if (w->too_many) {
        return;
    }
    struct record copy = *r;
    copy.key = arena_copy(&w->arena, r->key);
    copy.value = arena_copy(&w->arena, r->value);
    copy_headers(w, &copy);
    VEC_PUSH(w->records, w->n, w->cap) = (struct why_record){copy, fate == FATE_LATE};
    add_partition(w, r);
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
    return (struct engine_range){ETIME_MIN, etime_add(c->at, (struct duration){1})};
}

static enum err read_input(struct why_events *w, struct table_inputs *tables, struct error *err)
{
    const struct why_config *c = w->config;
    const struct engine_range range = range_of(c);
    struct memory_sink sink;
    struct source *source;
    struct engine_options o;
    struct engine_summary s;
    struct file_source_options from = {
        .rs = w->rs, .inputs = tables->events, .n_inputs = tables->n_events, .kcat = c->kcat};
    set_options(w, &range, &o);
    o.observe = observe;
    o.observe_ctx = w;
    o.table_feeds = tables->feeds;
    o.n_table_feeds = tables->n_feeds;
    FYKE_TRY(file_source_new(&from, &source, err));
    memory_sink_init(&sink);
    enum err rc = engine_new(w->rs, &o, &w->engine, err);
    if (rc == ERR_OK) {
        rc = engine_run(w->engine, source, &sink.sink, c->stop, err);
    }
    if (rc == ERR_OK) {
        engine_summary(w->engine, &s);
        w->result->records = s.records;
    }
    engine_free(w->engine);
    w->engine = NULL;
    memory_sink_release(&sink);
    source->ops->close(source);
    return rc;
}

enum err why_events_read(struct why_events *w, struct error *err)
{
    const struct why_config *c = w->config;
    struct table_inputs tables;
    if (c->n_inputs == 0) {
        return error_set(err, ERR_USAGE, "no input: name files or `-`");
    }
    FYKE_TRY(geoip_files_open(c->options.geoip, c->options.n_geoip, &w->geoip, err));
    FYKE_TRY(table_inputs_open(&tables, w->rs, c->inputs, c->n_inputs, c->kcat, NULL, err));
    enum err rc = read_input(w, &tables, err);
    table_inputs_release(&tables);
    FYKE_TRY(rc);
    if (w->too_many) {
        return error_set(err, ERR_LIMIT, "the key has more than %d records; name a time with --at or "
                         "cut the input", WHY_MAX_RECORDS);
    }
    return ERR_OK;
}

/* ---- evaluating ----------------------------------------------------------------------------- */

static enum err push_all(const struct why_events *w, struct engine *e,
                         const struct why_evaluation *how, struct memory_sink *sink,
                         struct error *err)
{
    FYKE_TRY(engine_begin(e, w->partitions, (uint32_t)w->n_partitions, &sink->sink, err));
    for (size_t i = 0; i < w->n; i++) {
        if (how->with_late || !w->records[i].late) {
            FYKE_TRY(engine_push(e, &w->records[i].record, err));
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
    FYKE_TRY(table_inputs_open(&tables, w->rs, c->inputs, c->n_inputs, c->kcat, NULL, err));
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
