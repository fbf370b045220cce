#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/file_sink.h"
#include "connectors/file_source.h"
#include "connectors/geoip.h"
#include "lib/group.h"
#include "lib/names.h"
#include "lib/options.h"
#include "lib/rules.h"
#include "lib/run_parts.h"
#include "lib/state_tasks.h"
#include "lib/tee_sink.h"

/* ---- input -------------------------------------------------------------------------------- */

static bool is_kafka(const char *input)
{
    return strcmp(input, "kafka") == 0 || strncmp(input, "kafka:", 6) == 0;
}

static enum err check_inputs(struct run *r, struct error *err)
{
    const struct fyke_run_config *c = r->config;
    size_t kafka = 0;
    for (size_t i = 0; i < c->n_inputs; i++) {
        kafka += is_kafka(c->inputs[i]);
    }
    if (c->n_inputs == 0) {
        return error_set(err, ERR_USAGE, "no input: name files, `-` or kafka");
    }
    if (kafka > 0 && c->n_inputs > 1) {
        return error_set(err, ERR_USAGE,
                         "Kafka is read alone; several topics are written kafka:T1,T2");
    }
    if (kafka > 0 && !c->options.state_dir) {
        return error_set(
            err, ERR_USAGE,
            "Kafka needs a state directory, which a restart goes on from: --state DIR");
    }
    r->from_kafka = kafka > 0;
    return ERR_OK;
}

static enum err open_source(struct run *r, struct error *err)
{
    const struct fyke_run_config *c = r->config;
    r->source = run_kept_source(r->kept, r->rs);
    if (r->source) {
        return ERR_OK;
    }
    if (r->from_kafka) {
        if (r->task_set) {
            return kafka_source_join(&r->kafka, r->rs, r->topics, c->start, c->once, r->n_tasks,
                                     r->journal, &r->source, err);
        }
        FYKE_TRY(kafka_source_new(&r->kafka, r->rs, r->topics, c->start, c->once, &r->source, err));
        return r->journal || c->options.reset_state
                   ? ERR_OK
                   : kafka_source_check_positions(r->source, &r->kafka, err);
    }
    if (r->tables.n_events == 0) {
        return error_set(err, ERR_USAGE, "no input holds events: all are lists or lookups");
    }
    struct file_source_options o = {
        .rs = r->rs,
        .inputs = r->tables.events,
        .n_inputs = r->tables.n_events,
        .kcat = c->kcat,
        .state_dir = c->options.state_dir,
        .unpackers = file_unpackers(c->options.threads),
    };
    return file_source_new(&o, &r->source, err);
}

/* ---- output ------------------------------------------------------------------------------- */

static enum err open_output(struct run *r, struct error *err)
{
    const struct fyke_run_config *c = r->config;
    const char *to = c->output;
    if (c->on_alert) {
        callback_sink_init(&r->callback, c->on_alert, c->on_alert_ctx);
        r->sink = &r->callback.sink;
        return ERR_OK;
    }
    if (r->journal) {
        return delivery_sink(c, r->journal, &r->sink, err);
    }
    if (to && strncmp(to, "kafka:", 6) == 0) {
        return kafka_sink_new(&r->kafka, to + 6, &r->sink, err);
    }
    if (to && (strncmp(to, "http://", 7) == 0 || strncmp(to, "https://", 8) == 0)) {
        return error_set(err, ERR_USAGE, "alerts go to stdout, a file or kafka:TOPIC, not to %s",
                         to);
    }
    bool standard = !to || strcmp(to, "stdout") == 0 || strcmp(to, "-") == 0;
    return file_sink_new(standard ? NULL : to, c->options.state_dir != NULL, &r->sink, err);
}

static enum err open_sink(struct run *r, struct error *err)
{
    r->sink = run_kept_sink(r->kept);
    if (r->sink) {
        return ERR_OK;
    }
    FYKE_TRY(open_output(r, err));
    if (r->hooks->alert) {
        r->sink = tee_sink_new(r->sink, r->hooks->alert, r->hooks->ctx);
    }
    return ERR_OK;
}

/* ---- engine ------------------------------------------------------------------------------- */

static void observe(void *ctx, enum event_fate fate, const struct event *e, const struct record *rec)
{
    const struct run *r = ctx;
    r->hooks->observe(r->hooks->ctx, r->rs, fate, e, rec);
}

static enum watermark_end end_of(enum fyke_watermark_end e)
{
    switch (e) {
    case FYKE_END_AT: return END_AT;
    case FYKE_END_FLUSH: return END_FLUSH;
    case FYKE_END_DEFAULT: break;
    }
    return END_DEFAULT;
}

static enum err open_task_set(struct run *r, const struct engine_options *o, struct error *err)
{
    r->reads = xcalloc(r->rs->n_topics + 1, sizeof(*r->reads));
    for (uint32_t i = 0; i < r->rs->n_topics; i++) {
        r->reads[i] = kafka_reads(r->topics, r->rs->topics[i].name);
    }
    struct task_set_options t = {.engine = o, .reads = r->reads, .n_tasks = r->n_tasks,
                                  .standby = r->config->standby};
    return task_set_new(r->rs, &t, &r->task_set, err);
}

static enum err open_engine(struct run *r, const struct delivery_lives *lives, struct error *err)
{
    const struct fyke_run_config *c = r->config;
    struct engine_options o;
    options_to_engine(&c->options, &o);
    o.watermark_end = end_of(c->watermark_end);
    o.watermark_end_at.ns = c->watermark_end_ns;
    o.fault = r->fault;
    o.journal = r->journal;
    o.rule_texts = reload_texts(r->reload);
    o.may_switch = r->n_tasks > 0 ? group_rules_confirm : NULL;
    o.may_switch_ctx = *r->group;
    o.old_rules = r->n_tasks > 0 ? NULL : reload_old_rules(r->reload);
    o.carried = lives->carried;
    o.kept = r->kept->state;
    o.warmed = reload_warmed(r->reload);
    o.reset_state = (o.reset_state || c->rebuild_from_input) && lives->commits == 0 &&
                    lives->switched == 0;
    if (r->journal) {
        o.commit_every.ns = DELIVERY_COMMIT_EVERY_MS * NS_PER_MS;
    }
    o.table_feeds = r->tables.feeds;
    o.n_table_feeds = r->tables.n_feeds;
    o.beat = run_life_step;
    o.beat_ctx = &r->life;
    o.geoip = geoip_files_lookup(r->geoip);
    o.geoip_identity = geoip_files_identity(r->geoip);
    if (r->hooks->observe) {
        o.observe = observe;
        o.observe_ctx = r;
    }
    if (c->commit_every_ms > 0) {
        o.commit_every.ns = c->commit_every_ms * NS_PER_MS;
    }
    bool refuses;
    FYKE_TRY(refused_open(&r->refused, c, r->rs, &refuses, err));
    if (refuses) {
        o.refused = refused_write;
        o.refused_sync = refused_sync;
        o.refused_ctx = &r->refused;
    }
    r->kept->state = NULL; /* taken over */
    return r->n_tasks > 0 ? open_task_set(r, &o, err) : engine_new(r->rs, &o, &r->engine, err);
}

static void set_kafka(struct run *r)
{
    delivery_kafka_config(r->config, &r->kafka);
    r->kafka.fault = r->fault;
    r->kafka.beat = run_life_wait;
    r->kafka.beat_ctx = &r->life;
    r->kafka.rebuild = r->lives->rebuild;
    r->kafka.left_open = r->lives->left_open;
}

/* The rules and topics of this life. Several instances have those in force for all of them. */
static enum err settle_rules(struct run *r, struct error *err)
{
    const struct fyke_run_config *c = r->config;
    const char *topics = r->from_kafka ? strchr(c->inputs[0], ':') : NULL;
    const struct fyke_rules *now = reload_rules(r->reload);
    struct fyke_rules *others;
    r->topics = topics ? topics + 1 : NULL;
    FYKE_TRY(names_check(c, r->from_kafka, rules_ruleset(now), r->topics, err));
    FYKE_TRY(state_tasks_check(c->options.state_dir, c->in_group, err));
    if (!c->in_group) {
        return ERR_OK;
    }
    FYKE_TRY(group_check_config(c, r->from_kafka, err));
    if (!*r->group) {
        FYKE_TRY(group_rules_new(c, now, r->fault, &r->kafka, r->group, err));
    }
    FYKE_TRY(group_rules_settle(*r->group, &r->kafka, now, &others, err));
    if (others) {
        reload_take(r->reload, others);
    }
    r->topics = group_rules_topics(*r->group);
    return others ? names_check(c, true, rules_ruleset(others), r->topics, err) : ERR_OK;
}

/* How many tasks there are, if several instances share them. */
static enum err join_group(struct run *r, struct error *err)
{
    const struct fyke_run_config *c = r->config;
    if (!c->in_group) {
        return ERR_OK;
    }
    FYKE_TRY(group_check_rules(r->rs, c->options.log, c->options.log_ctx, err));
    return kafka_count_tasks(&r->kafka, r->rs, r->topics, &r->n_tasks, err);
}

static enum err open_journal(struct run *r, struct error *err)
{
    r->journal = run_kept_journal(r->kept, r->rs);
    return r->journal ? ERR_OK
                      : delivery_open(r->config, &r->kafka, r->rs, r->topics, r->n_tasks,
                                      &r->journal, err);
}

static enum err open_all(struct run *r, const struct delivery_lives *lives, struct error *err)
{
    set_kafka(r);
    FYKE_TRY(check_inputs(r, err));
    FYKE_TRY(settle_rules(r, err));
    const struct fyke_rules *rules = reload_rules(r->reload);
    r->rs = rules_ruleset(rules);
    if (r->config->options.evidence_fields) {
        r->own = rules_keeping_fields(rules, err);
        if (!r->own) {
            return err->code;
        }
        r->rs = rules_ruleset(r->own);
        FYKE_TRY(options_check_fields(r->rs, r->config->options.evidence_fields, err));
    }
    FYKE_TRY(geoip_files_open(r->config->options.geoip, r->config->options.n_geoip, &r->geoip,
                              err));
    reload_opening(r->reload, r->rs, geoip_files_identity(r->geoip));
    FYKE_TRY(table_inputs_open(&r->tables, r->rs, r->config->inputs, r->config->n_inputs,
                               r->config->kcat, r->from_kafka ? &r->kafka : NULL, err));
    FYKE_TRY(join_group(r, err));
    FYKE_TRY(open_journal(r, err));
    /* The engine makes and locks the state directory, which the source then looks into; the
     * output is touched only when everything else is in order. */
    FYKE_TRY(open_engine(r, lives, err));
    run_life_start(&r->life);
    FYKE_TRY(open_source(r, err));
    FYKE_TRY(open_sink(r, err));
    refused_take(&r->refused, r->kept->refused);
    FYKE_TRY(refused_connect(&r->refused, &r->kafka, r->journal, err));
    reload_settle(r->reload);
    return ERR_OK;
}

enum err run_open(struct run *r, const struct delivery_lives *lives, struct error *err)
{
    enum err rc = open_all(r, lives, err);
    run_kept_release(r->kept);
    return rc;
}

static void free_engine(void *engine)
{
    engine_free(engine);
}

static void free_rules(void *rules)
{
    fyke_rules_free(rules);
}

/* Its state is the next life's; feeds and address files are closed with this one. */
static void release_engine(struct run *r)
{
    if (r->kept->state && r->tables.n_feeds == 0 && !r->geoip) {
        later_free(r->later, free_engine, r->engine);
    } else {
        engine_free(r->engine);
    }
    r->engine = NULL;
}

enum err run_release(struct run *r, struct error *err)
{
    if (r->source) {
        r->source->ops->close(r->source);
    }
    if (r->sink) {
        r->sink->ops->close(r->sink);
    }
    refused_disconnect(&r->refused);
    release_engine(r);
    task_set_free(r->task_set);
    free(r->reads);
    if (r->journal) {
        r->journal->ops->close(r->journal);
    }
    table_inputs_release(&r->tables);
    geoip_files_close(r->geoip);
    enum err rc = refused_close(&r->refused, err);
    later_free(r->later, free_rules, r->own);
    return rc;
}
