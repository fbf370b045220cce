#include "lib/why_events.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/engine.h"
#include "engine/keys/key_text.h"
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
    why_clocks_release(&w->clocks);
    free(w->records);
    free(w->partitions);
    arena_release(&w->arena);
}

/* ---- the key -------------------------------------------------------------------------------- */

static enum err find_key(struct why_events *w, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    uint32_t u = 0;
    while (u < w->rs->n_rules && !slice_eq(w->rs->rules[u].name, w->rule->name)) {
        u++;
    }
    w->group = &w->keys.groups[w->keys.group_of_unit[u]];
    w->key = ARENA_ARRAY(&w->arena, struct value, w->group->n_values + 1u);
    if (!key_from_text(w->group, w->config->key, &w->arena, w->key)) {
        return error_set(err, ERR_USAGE, "rule %.*s has no keys like '%.*s'",
                         SLICE_ARG(w->rule->name), SLICE_ARG(w->config->key));
    }
    if (w->group->n_values > 0) {
        key_to_text(w->key, w->group->n_values, &text);
    }
    w->key_text = arena_copy(&w->arena, buf_slice(&text));
    return ERR_OK;
}

/* Do keys share the quiet time of the one that is asked for? Values that `per` reads from events are not known
 * here: keys that differ in them may meet. */
static bool shares_quiet(const struct why_events *w, const struct value *key)
{
    const struct quiet_plan *q = &w->rule->quiet;
    bool shares = q->present && q->apart;
    for (uint32_t i = 0; shares && i < q->n_per; i++) {
        if (q->per[i]->op == EX_KEY) {
            uint32_t part = (uint32_t)q->per[i]->slot;
            shares = key_compare(&key[part], 1, &w->key[part], 1) == 0;
        }
    }
    return shares;
}

bool why_key_meets(struct why_events *w, struct slice key)
{
    bool meets = slice_eq(key, w->key_text);
    if (!meets && w->rule->quiet.apart) {
        struct value *values = ARENA_ARRAY(&w->eval.scratch, struct value, w->group->n_values + 1u);
        meets = key_from_text(w->group, key, &w->eval.scratch, values) && shares_quiet(w, values);
        arena_reset(&w->eval.scratch);
    }
    return meets;
}

/* ---- which records -------------------------------------------------------------------------- */

static bool has_key(struct why_events *w, const struct key_variant *v, const struct event *e)
{
    struct key_ref ref;
    uint32_t n = w->group->n_values;
    return key_of(w->group, v, e, &w->eval, &ref) &&
           (key_compare(ref.values, n, w->key, n) == 0 || shares_quiet(w, ref.values));
}

/* Rules that derive for this one have keys of their own: all that they read is taken. */
static bool belongs(struct why_events *w, const struct event *e)
{
    bool ret = false;
    for (uint32_t u = 0; !ret && u < w->rs->n_units; u++) {
        uint32_t group = w->keys.group_of_unit[u];
        const struct key_group *g = group < w->keys.n_groups ? &w->keys.groups[group] : NULL;
        for (uint32_t i = 0; g && !ret && i < g->n_variants; i++) {
            ret = g->variants[i].decl == e->decl &&
                  (g != w->group || has_key(w, &g->variants[i], e));
        }
    }
    arena_reset(&w->eval.scratch);
    return ret;
}

static void note_late(struct why_events *w, const struct event *e)
{
    const struct partition_summary *parts;
    uint32_t n = engine_partition_figures(w->engine, &parts);
    struct why_late late = {.topic = w->rs->topics[e->at.topic].name,
                            .source = w->rs->decls[e->decl].name,
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

static void keep_event(struct why_events *w, struct why_record *r, const struct event *e)
{
    struct why_event *kept = ARENA_NEW(&w->arena, struct why_event);
    struct why_event **at = &r->events;
    *kept = (struct why_event){
        .event = event_clone_into(e, arena_alloc(&w->arena, event_clone_bytes(e)))};
    while (*at) {
        at = &(*at)->next;
    }
    *at = kept;
}

static bool is_same(const struct record *a, const struct record *b)
{
    return a->topic == b->topic && a->partition == b->partition && a->offset == b->offset;
}

/* The record, added if it is not the last one. NULL: there are too many. */
static struct why_record *add_record(struct why_events *w, const struct record *r, struct etime time)
{
    struct why_record *last = w->n > 0 ? &w->records[w->n - 1] : NULL;
    if (last && is_same(&last->record, r)) {
        return last;
    }
    if (w->n - w->n_asked >= WHY_MAX_CLOCKS) {
        w->too_many_clocks = true;
        return NULL;
    }
    VEC_PUSH(w->records, w->n, w->cap) =
        (struct why_record){.record = why_copy_record(r, &w->arena),
                            .time = time,
                            .max = why_clocks_max(&w->clocks, r->topic, r->partition)};
    return &w->records[w->n - 1];
}

static void add_clock(struct why_events *w, uint32_t topic, int32_t partition)
{
    const struct record *before = why_clocks_due(&w->clocks, topic, partition);
    if (before) {
        add_record(w, before, why_clocks_max(&w->clocks, topic, partition));
    }
}

static void add_asked(struct why_events *w, const struct record *r, const struct event *e, bool late)
{
    add_clock(w, r->topic, r->partition);
    struct why_record *record = add_record(w, r, e->time);
    if (!record || (!record->asked && w->n_asked == WHY_MAX_RECORDS)) {
        w->too_many |= record != NULL;
        return;
    }
    if (!record->asked) {
        w->n_asked++;
        record->asked = true;
        record->time = e->time;
        record->late = late;
    }
    if (w->keep) {
        keep_event(w, record, e);
    }
}

/* engine_options.observe. A record may be several events. */
static void observe(void *ctx, enum event_fate fate, const struct event *e, const struct record *r)
{
    struct why_events *w = ctx;
    bool ours = fate != FATE_OUTSIDE && belongs(w, e);
    if (w->too_many || w->too_many_clocks) {
        return;
    }
    if (ours && fate == FATE_LATE) {
        note_late(w, e);
    }
    if (ours) {
        add_asked(w, r, e, fate == FATE_LATE);
    }
    if (fate != FATE_LATE && why_clocks_note(&w->clocks, w->rs, e, r, ours)) {
        add_record(w, r, e->time);
    }
    struct why_record *last = w->n > 0 ? &w->records[w->n - 1] : NULL;
    if (w->keep && !ours && fate != FATE_LATE && last && is_same(&last->record, r)) {
        keep_event(w, last, e);
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

/* What the partitions' clocks say at the end, and which there are. */
static void take_partitions(struct why_events *w)
{
    const struct partition_summary *parts;
    uint32_t n = engine_partition_figures(w->engine, &parts);
    for (uint32_t i = 0; i < n; i++) {
        add_clock(w, parts[i].topic, parts[i].partition);
        VEC_PUSH(w->partitions, w->n_partitions, w->cap_partitions) =
            (struct source_partition){.topic = parts[i].topic,
                                      .partition = parts[i].partition,
                                      .empty = parts[i].next_offset == 0};
    }
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
        take_partitions(w);
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
    FYKE_TRY(find_key(w, err));
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
    if (rc == ERR_OK && w->too_many_clocks) {
        return error_set(err, ERR_LIMIT, "more than %d records tell the time of the key; cut the input",
                         WHY_MAX_CLOCKS);
    }
    return rc;
}

/* ---- evaluating ----------------------------------------------------------------------------- */

bool why_in_part(const struct why_events *w, const struct why_record *r,
                 const struct why_evaluation *how)
{
    bool first = how->with_first;
    for (const struct why_record *x = w->records; first && x < r; x++) {
        first = x->record.topic != r->record.topic || x->record.partition != r->record.partition;
    }
    return first || (r->asked && !r->late && !etime_lt(r->time, how->from));
}

/* As of an earlier time the clocks stand there, however far later records move them in the whole input. What is
 * late because of those is judged here. */
static bool is_left_out(const struct why_events *w, const struct ruleset *rs,
                        const struct why_record *r)
{
    const struct schema_topic *t = &rs->topics[r->record.topic];
    if (w->config->at.ns == INT64_MAX) {
        return false;
    }
    if (!r->asked) {
        return etime_lt(w->config->at, r->time);
    }
    return t->has_watermark_per ? r->late
                                : etime_lt(r->time, etime_sub(r->max, t->out_of_order));
}

static enum err push_all(const struct why_events *w, const struct ruleset *rs, struct engine *e,
                         const struct why_evaluation *how, struct memory_sink *sink,
                         struct error *err)
{
    FYKE_TRY(engine_load_tables(e, err));
    FYKE_TRY(engine_begin(e, w->partitions, (uint32_t)w->n_partitions, &sink->sink, err));
    for (size_t i = 0; i < w->n; i++) {
        const struct why_record *r = &w->records[i];
        if (how->part ? why_in_part(w, r, how) : !is_left_out(w, rs, r)) {
            FYKE_TRY(engine_push(e, &r->record, err));
        }
    }
    struct etime until = how->part ? how->until : w->config->at;
    struct etime end = etime_add(until, (struct duration){1});
    if (how->flush) {
        engine_set_watermark_end(e, END_FLUSH, end);
    } else if (until.ns != INT64_MAX) {
        engine_set_watermark_end(e, END_AT, end);
    }
    return engine_finish(e, err);
}

struct counting {
    const struct why_events *w;
    struct why_result *result;
};

/* engine_options.keyed */
static void count_event(void *ctx, const struct key_group *g, const struct value *values,
                        const struct event *e)
{
    struct counting *c = ctx;
    struct why_result *r = c->result;
    if (memcmp(&g->identity, &c->w->group->identity, sizeof(g->identity)) != 0 ||
        g->n_values != c->w->group->n_values ||
        key_compare(values, g->n_values, c->w->key, g->n_values) != 0) {
        return;
    }
    r->events++;
    r->first = r->first.ns == INT64_MIN || etime_lt(e->time, r->first) ? e->time : r->first;
    r->last = r->last.ns == INT64_MIN || etime_lt(r->last, e->time) ? e->time : r->last;
}

static void take_clock(void *ctx, const struct engine_standing *s)
{
    struct why_result *r = ctx;
    r->clock = s->watermark;
}

static void take_nothing(void *ctx, const struct engine_open *o)
{
    (void)ctx;
    (void)o;
}

static enum err evaluate(const struct why_events *w, const struct ruleset *part,
                         const struct why_evaluation *how, const struct engine_options *o,
                         struct memory_sink *sink, struct error *err)
{
    struct engine *e;
    FYKE_TRY(engine_new(part, o, &e, err));
    enum err rc = push_all(w, part, e, how, sink, err);
    if (rc == ERR_OK && how->count) {
        const struct engine_looker looker = {take_nothing, take_clock, how->count, 1};
        rc = engine_look(e, w->config->rule, w->key_text, &looker, err);
    }
    engine_free(e);
    return rc;
}

enum err why_evaluate(const struct why_events *w, const struct ruleset *rs, uint32_t rule,
                      const struct why_evaluation *how, struct memory_sink *sink,
                      struct error *err)
{
    const struct engine_range range = range_of(w->config);
    const struct why_config *c = w->config;
    struct counting counting = {.w = w, .result = how->count};
    struct table_inputs tables;
    struct ruleset part;
    struct engine_options o;
    /* Lookups from topics begin anew with the records. */
    struct replay_config config;
    struct kafka_config kafka;
    if (rule_is_disabled(&rs->rules[rule])) {
        return ERR_OK;
    }
    input_config(c, &config);
    replay_kafka_config(&config, &kafka);
    FYKE_TRY(table_inputs_open(&tables, w->rs, c->inputs, c->n_inputs, c->kcat,
                               replay_reads_kafka(&config) ? &kafka : NULL, err));
    set_options(w, &range, &o);
    o.table_feeds = tables.feeds;
    o.n_table_feeds = tables.n_feeds;
    o.pending = how->pending;
    o.show_derived = true;
    o.evidence_fields = "*";
    o.keyed = how->count ? count_event : NULL;
    o.keyed_ctx = &counting;
    o.given = how->given;
    o.table_watch = how->table_watch;
    o.threads = how->table_watch ? 1 : o.threads;
    o.nfa.max_runs = how->max_runs ? how->max_runs : o.nfa.max_runs;
    o.nfa.watch = how->watch;
    o.nfa.general = o.nfa.forgetful = how->watch != NULL;
    ruleset_subset(rs, rule, how->instead, &part);
    enum err rc = evaluate(w, &part, how, &o, sink, err);
    ruleset_subset_release(&part);
    table_inputs_release(&tables);
    return rc;
}
