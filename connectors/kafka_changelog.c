#include "connectors/kafka_changelog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/kafka_admin.h"

#define DAY_MS 86400000LL
#define STEP_MS 100
#define ASK_MS 1000
#define MAX_CONFIG 32

enum making {
    MAKE_IF_NONE,
    MAKE_ANEW,    /* whatever is there goes */
    MAKE_REMOVED, /* what was there has been removed */
};

static const struct kafka_property topic_defaults[] = {
    {"cleanup.policy", "compact"},
    {"delete.retention.ms", "86400000"},
    {"segment.bytes", "67108864"},
    {"min.cleanable.dirty.ratio", "0.1"},
};

/* ---- life --------------------------------------------------------------------------------- */

enum err kafka_changelog_open(struct kafka_changelog *log, const struct kafka_config *c,
                              uint32_t n_tasks, int wait_ms, struct error *err)
{
    return kafka_changelog_open_as(log, c, "changelog", n_tasks, wait_ms, err);
}

enum err kafka_changelog_open_as(struct kafka_changelog *log, const struct kafka_config *c,
                                 const char *what, uint32_t n_tasks, int wait_ms,
                                 struct error *err)
{
    rd_kafka_conf_t *conf;
    size_t size = strlen(c->app) + strlen(what) + sizeof(".");
    log->config = c;
    log->what = what;
    log->n_tasks = n_tasks;
    log->wait_ms = wait_ms;
    log->topic = xmalloc(size);
    snprintf(log->topic, size, "%s.%s", c->app, what);
    FYKE_TRY(kafka_reader_conf(&log->client, c, what, &conf, err));
    log->group = xstrdup(c->app);
    FYKE_TRY(kafka_open(&log->client, RD_KAFKA_CONSUMER, conf, err));
    log->client.asks = true;
    log->handle = rd_kafka_topic_new(log->client.rk, log->topic, NULL);
    return log->handle ? ERR_OK
                       : kafka_error(&log->client, rd_kafka_last_error(), err, "topic %s",
                                     log->topic);
}

void kafka_changelog_close(struct kafka_changelog *log)
{
    if (log->handle) {
        rd_kafka_topic_destroy(log->handle);
    }
    kafka_close(&log->client);
    free(log->topic);
    free(log->group);
    *log = (struct kafka_changelog){0};
}

/* ---- making ------------------------------------------------------------------------------- */

static const char *value_of(const struct kafka_config *c, const char *key)
{
    for (size_t i = c->n_properties; i-- > 0;) {
        const char *p = c->properties[i];
        size_t n = strlen(key);
        if (strncmp(p, KAFKA_CHANGELOG_PREFIX, strlen(KAFKA_CHANGELOG_PREFIX)) == 0 &&
            strncmp(p + strlen(KAFKA_CHANGELOG_PREFIX), key, n) == 0 &&
            p[strlen(KAFKA_CHANGELOG_PREFIX) + n] == '=') {
            return p + strlen(KAFKA_CHANGELOG_PREFIX) + n + 1;
        }
    }
    return NULL;
}

/* Three, or as many as there are brokers, unless the user says otherwise. */
static enum err replication(struct kafka_changelog *log, int *ret, struct error *err)
{
    const char *given = value_of(log->config, "replication.factor");
    if (!given) {
        int brokers = kafka_count_brokers(&log->client);
        *ret = brokers < 1 ? 1 : brokers < 3 ? brokers : 3;
        return ERR_OK;
    }
    char *end;
    long n = strtol(given, &end, 10);
    if (*end || end == given || n < 1 || n > 32767) {
        return error_set(err, ERR_USAGE, "-X changelog.replication.factor takes a number, not %s",
                         given);
    }
    *ret = (int)n;
    return ERR_OK;
}

/* The defaults, then what -X changelog.* says; names live in `names`. */
static size_t topic_config(const struct kafka_config *c, struct kafka_property *ret,
                           char names[][128])
{
    size_t n = 0, prefix = strlen(KAFKA_CHANGELOG_PREFIX);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(topic_defaults); i++) {
        const char *given = value_of(c, topic_defaults[i].key);
        ret[n++] = (struct kafka_property){topic_defaults[i].key,
                                           given ? given : topic_defaults[i].value};
    }
    for (size_t i = 0; i < c->n_properties && n < MAX_CONFIG; i++) {
        const char *p = c->properties[i], *eq = strchr(p, '=');
        if (strncmp(p, KAFKA_CHANGELOG_PREFIX, prefix) != 0 || !eq) {
            continue;
        }
        snprintf(names[n], sizeof(names[n]), "%.*s", (int)(eq - p - (ptrdiff_t)prefix), p + prefix);
        bool known = strcmp(names[n], "replication.factor") == 0;
        for (size_t k = 0; k < n; k++) {
            known |= strcmp(ret[k].key, names[n]) == 0;
        }
        if (!known) {
            ret[n] = (struct kafka_property){names[n], eq + 1};
            n++;
        }
    }
    return n;
}

/* What `err` says holds for as long as the broker is away, or the run was told to end. */
static enum err not_now(const struct kafka_changelog *log, rd_kafka_resp_err_t rc,
                        struct error *err)
{
    err->retriable = kafka_is_outage(rc);
    return err->retriable ? kafka_cut_short(&log->client, err->code, err) : err->code;
}

static enum err remove_topic(struct kafka_changelog *log, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf why = BUF_INIT;
    rd_kafka_resp_err_t rc = kafka_delete_topic(&log->client, log->topic, &why);
    kafka_login_lacks(&log->client.login, rc, "Delete", &why);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR && rc != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        return error_set(err, ERR_KAFKA,
                         "kafka: the %s topic %s cannot be removed: %s; remove it yourself, "
                         "or take another --app",
                         log->what, log->topic, buf_cstr(&why));
    }
    return ERR_OK;
}

/* One that is being removed still counts as there for a moment. Or the broker that was asked has not heard yet
 * of what another instance has just made, or the process before us: then it soon has (*ret: no error). */
static enum err create(struct kafka_changelog *log, const struct kafka_topic_plan *plan, enum making making,
                       rd_kafka_resp_err_t *ret, struct buf *why, struct error *err)
{
    *ret = RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (int left = KAFKA_TOPIC_MS; left > 0 && !kafka_stopping(&log->client); left -= STEP_MS) {
        *ret = kafka_create_topic(&log->client, plan, why);
        if (*ret != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            return ERR_OK;
        }
        if (making == MAKE_IF_NONE && kafka_probe(&log->client, log->handle, ASK_MS) > 0) {
            *ret = RD_KAFKA_RESP_ERR_NO_ERROR;
            return ERR_OK;
        }
        if (making == MAKE_ANEW) {
            FYKE_TRY(remove_topic(log, err));
            making = MAKE_REMOVED;
        }
        kafka_serve(&log->client, STEP_MS);
    }
    return ERR_OK;
}

static enum err make_topic(struct kafka_changelog *log, enum making making, int32_t *ret_n,
                           struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf why = BUF_INIT;
    struct kafka_property config[MAX_CONFIG + 1];
    char names[MAX_CONFIG + 1][128];
    struct kafka_topic_plan plan = {.topic = log->topic,
                                    .partitions = (int)log->n_tasks,
                                    .config = config,
                                    .n_config = topic_config(log->config, config, names)};
    FYKE_TRY(replication(log, &plan.replication, err));
    rd_kafka_resp_err_t rc;
    FYKE_TRY(create(log, &plan, making, &rc, &why, err));
    kafka_login_lacks(&log->client.login, rc, "Create", &why);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        error_set(err, ERR_KAFKA,
                  "kafka: the %s topic %s cannot be made: %s; or make it yourself: "
                  "%u partitions, cleanup.policy=compact, delete.retention.ms=86400000",
                  log->what, log->topic, buf_cstr(&why), log->n_tasks);
        return not_now(log, rc, err);
    }
    return kafka_await_topic(&log->client, log->handle, ret_n, err);
}

/* ---- checking ----------------------------------------------------------------------------- */

struct topic_facts {
    char policy[64];
    long long delete_retention_ms;
    int max_message_bytes;
};

static void note_entry(void *ctx, const char *key, const char *value)
{
    struct topic_facts *f = ctx;
    if (strcmp(key, "cleanup.policy") == 0) {
        snprintf(f->policy, sizeof(f->policy), "%s", value);
    } else if (strcmp(key, "delete.retention.ms") == 0) {
        f->delete_retention_ms = strtoll(value, NULL, 10);
    } else if (strcmp(key, "max.message.bytes") == 0) {
        f->max_message_bytes = (int)strtol(value, NULL, 10);
    }
}

static enum err check_facts(struct kafka_changelog *log, const struct topic_facts *f,
                            struct error *err)
{
    if (strcmp(f->policy, "compact") != 0) {
        return error_set(err, ERR_STATE,
                         "the %s topic %s has cleanup.policy=%s, which removes state: it "
                         "must be compact",
                         log->what, log->topic, f->policy);
    }
    if (f->delete_retention_ms < DAY_MS) {
        return error_set(err, ERR_STATE,
                         "the %s topic %s has delete.retention.ms=%lld: deletions must stay "
                         "readable for a day at least (%lld)",
                         log->what, log->topic, f->delete_retention_ms, DAY_MS);
    }
    if (f->max_message_bytes > 0 && f->max_message_bytes < KAFKA_LEAST_MESSAGE) {
        return error_set(err, ERR_STATE,
                         "the %s topic %s has max.message.bytes=%d: it must be %d at least, as much as what "
                         "is written whole may take",
                         log->what, log->topic, f->max_message_bytes, KAFKA_LEAST_MESSAGE);
    }
    if (f->max_message_bytes > 0) {
        log->max_message_bytes = f->max_message_bytes;
    }
    return ERR_OK;
}

/* Any broker may be asked, also one that does not yet know of a topic that was made a moment ago. */
static rd_kafka_resp_err_t describe(struct kafka_changelog *log, struct topic_facts *facts,
                                    struct buf *why)
{
    rd_kafka_resp_err_t rc = RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (int left = KAFKA_TOPIC_MS; left > 0 && !kafka_stopping(&log->client); left -= STEP_MS) {
        buf_clear(why);
        rc = kafka_describe_topic(&log->client, log->topic, note_entry, facts, why);
        if (rc != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
            break;
        }
        kafka_serve(&log->client, STEP_MS);
    }
    return rc;
}

/* Of several instances a task is a partition: their number cannot change, for keys would move away from what is
 * kept for them. */
static enum err check_partitions(const struct kafka_changelog *log, int32_t partitions,
                                 struct error *err)
{
    if (partitions == (int32_t)log->n_tasks) {
        return ERR_OK;
    }
    error_set(err, ERR_STATE, "the %s topic %s has %d partition%s, this application needs %u", log->what,
              log->topic, partitions, partitions == 1 ? "" : "s", log->n_tasks);
    if (log->shared && strcmp(log->what, "changelog") == 0) {
        error_set(err, ERR_USAGE, "%s: the state was made when the topics that the rules read had %d "
                  "partition%s; now they have %u, so keys lie in other partitions than what is kept for them. "
                  "Begin anew under another name (--app), or with topics of %d partition%s", log->topic,
                  partitions, partitions == 1 ? "" : "s", log->n_tasks, partitions,
                  partitions == 1 ? "" : "s");
    }
    return err->code;
}

static enum err check_topic(struct kafka_changelog *log, int32_t partitions, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf why = BUF_INIT;
    struct topic_facts facts = {0};
    FYKE_TRY(check_partitions(log, partitions, err));
    rd_kafka_resp_err_t rc = describe(log, &facts, &why);
    if (kafka_login_lacks(&log->client.login, rc, "DescribeConfigs", &why)) {
        kafka_say(&log->client,
                  "kafka: the configuration of %s cannot be checked: %s; it must have "
                  "cleanup.policy=compact and delete.retention.ms of a day at least",
                  log->topic, buf_cstr(&why));
        return ERR_OK;
    }
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        error_set(err, ERR_KAFKA, "kafka: asking for the configuration of %s: %s", log->topic,
                  buf_cstr(&why));
        return not_now(log, rc, err);
    }
    return check_facts(log, &facts, err);
}

enum err kafka_changelog_ensure(struct kafka_changelog *log, bool reset, struct error *err)
{
    int32_t partitions;
    enum making making = reset ? MAKE_ANEW : MAKE_IF_NONE;
    rd_kafka_resp_err_t rc = kafka_find(&log->client, log->handle, &partitions);
    if (rc == RD_KAFKA_RESP_ERR_NO_ERROR && reset) {
        FYKE_TRY(remove_topic(log, err));
        rc = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        making = MAKE_REMOVED;
    }
    if (rc == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        FYKE_TRY(make_topic(log, making, &partitions, err));
    } else if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_not_found(&log->client, log->topic, rc, err);
    }
    kafka_young_seen(&log->young);
    return check_topic(log, partitions, err);
}
