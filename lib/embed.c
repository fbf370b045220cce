/* fyke_engine_*: records pushed one by one, alerts through a callback. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "connectors/geoip.h"
#include "lib/callback_sink.h"
#include "lib/last_error.h"
#include "lib/options.h"
#include "lib/rules.h"

struct fyke_engine {
    struct fyke_rules *own; /* with every field kept, or NULL */
    const struct ruleset *rs;
    char *app, *state_dir, *evidence_fields; /* owned, or NULL */
    struct geoip_files *geoip; /* NULL: none */
    struct callback_sink sink;
    struct engine *engine;
    bool failed; /* the engine's state cannot be trusted any more */
};

static char *copy(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

static enum fyke_result outcome(struct fyke_engine *e, enum err rc, const struct error *err)
{
    if (rc == ERR_OK) {
        return FYKE_OK;
    }
    e->failed = true;
    return last_error_set(err);
}

/* Every topic has a partition 0, which the clock waits for; others join with their first record. */
static enum err begin(struct fyke_engine *e, struct error *err)
{
    struct source_partition *parts = xcalloc(e->rs->n_topics + 1, sizeof(*parts));
    for (uint32_t i = 0; i < e->rs->n_topics; i++) {
        parts[i].topic = i;
    }
    enum err rc = engine_begin(e->engine, parts, e->rs->n_topics, &e->sink.sink, err);
    free(parts);
    return rc;
}

/* Records pushed are events; there is nobody here who would read another topic. */
static enum err check_tables(const struct ruleset *rs, struct error *err)
{
    for (uint32_t i = 0; i < rs->n_tables; i++) {
        if (rs->tables[i].origin == TABLE_TOPIC) {
            return error_set(err, ERR_USAGE,
                             "`%.*s` reads the topic \"%.*s\", which only a whole run can do",
                             SLICE_ARG(rs->tables[i].name), SLICE_ARG(rs->tables[i].place));
        }
    }
    return ERR_OK;
}

static enum err open_engine(struct fyke_engine *e, const struct fyke_rules *rules,
                            const struct fyke_options *o, struct error *err)
{
    struct engine_options eo;
    FYKE_TRY(check_tables(e->rs, err));
    FYKE_TRY(geoip_files_open(o->geoip, o->n_geoip, &e->geoip, err));
    options_to_engine(o, &eo);
    if (o->evidence_fields) {
        e->own = rules_keeping_fields(rules, err);
        if (!e->own) {
            return err->code;
        }
        e->rs = rules_ruleset(e->own);
    }
    eo.geoip = geoip_files_lookup(e->geoip);
    eo.geoip_identity = geoip_files_identity(e->geoip);
    eo.app = e->app;
    eo.state_dir = e->state_dir;
    eo.partitions_join = true;
    eo.evidence_fields = e->evidence_fields;
    FYKE_TRY(engine_new(e->rs, &eo, &e->engine, err));
    return begin(e, err);
}

enum fyke_result fyke_engine_open(const struct fyke_rules *rules, const struct fyke_options *o,
                                  fyke_alert_fn on_alert, void *ctx, struct fyke_engine **ret)
{
    struct error err = ERROR_INIT;
    *ret = NULL;
    if (o->size != sizeof(*o) || !on_alert) {
        return last_error_usage(
            "options are set up by fyke_options_init(); alerts need a receiver");
    }
    struct fyke_engine *e = xcalloc(1, sizeof(*e));
    e->rs = rules_ruleset(rules);
    e->app = copy(o->app ? o->app : "fyke");
    e->state_dir = copy(o->state_dir);
    e->evidence_fields = copy(o->evidence_fields);
    callback_sink_init(&e->sink, on_alert, ctx);
    if (open_engine(e, rules, o, &err) != ERR_OK) {
        fyke_engine_close(e);
        return last_error_set(&err);
    }
    *ret = e;
    return FYKE_OK;
}

void fyke_engine_close(struct fyke_engine *e)
{
    if (!e) {
        return;
    }
    engine_free(e->engine);
    geoip_files_close(e->geoip);
    callback_sink_release(&e->sink);
    fyke_rules_free(e->own);
    free(e->app);
    free(e->state_dir);
    free(e->evidence_fields);
    free(e);
}

static bool usable(const struct fyke_engine *e)
{
    if (e->failed) {
        last_error_usage("the engine has failed before; close it");
    }
    return !e->failed;
}

static uint32_t find_topic(const struct ruleset *rs, const char *name)
{
    for (uint32_t i = 0; name && i < rs->n_topics; i++) {
        if (slice_eq_str(rs->topics[i].name, name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

enum fyke_result fyke_engine_push(struct fyke_engine *e, const struct fyke_record *r)
{
    struct error err = ERROR_INIT;
    if (!usable(e)) {
        return FYKE_USAGE;
    }
    uint32_t topic = find_topic(e->rs, r->topic);
    if (r->size != sizeof(*r) || topic == UINT32_MAX) {
        return last_error_usage("no event comes from topic \"%s\"", r->topic ? r->topic : "");
    }
    struct record rec = {
        .topic = topic,
        .partition = r->partition,
        .offset = r->offset,
        .has_key = r->key != NULL,
        .has_value = r->value != NULL,
        .key = slice_from(r->key, r->key ? r->key_len : 0),
        .value = slice_from(r->value, r->value ? r->value_len : 0),
        .has_timestamp = r->has_timestamp,
        .timestamp = {r->timestamp_ns},
    };
    enum err rc = engine_push(e->engine, &rec, &err);
    if (rc == ERR_OK) {
        rc = engine_process(e->engine, &err);
    }
    return outcome(e, rc, &err);
}

enum fyke_result fyke_engine_advance(struct fyke_engine *e, int64_t t_ns)
{
    struct error err = ERROR_INIT;
    if (!usable(e)) {
        return FYKE_USAGE;
    }
    return outcome(e, engine_advance(e->engine, (struct etime){t_ns}, &err), &err);
}

enum fyke_result fyke_engine_finish(struct fyke_engine *e, int64_t watermark_ns)
{
    struct error err = ERROR_INIT;
    if (!usable(e)) {
        return FYKE_USAGE;
    }
    engine_set_watermark_end(e->engine, END_AT, (struct etime){watermark_ns});
    return outcome(e, engine_finish(e->engine, &err), &err);
}

enum fyke_result fyke_engine_commit(struct fyke_engine *e)
{
    struct error err = ERROR_INIT;
    if (!usable(e)) {
        return FYKE_USAGE;
    }
    return outcome(e, engine_commit(e->engine, &err), &err);
}
