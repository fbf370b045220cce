#include "connectors/kafka_rules.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "connectors/kafka_changelog.h"
#include "connectors/kafka_names.h"
#include "connectors/kafka_txn.h"

/* For the end of a transaction that a dead writer left open: its time-out, and what aborting takes. */
#define WAIT_MS 25000
/* What a message takes beside key and value. */
#define OVERHEAD_BYTES 2048
#define LEAST_BYTES 65536

struct kafka_rules {
    const struct kafka_config *config;
    struct kafka_changelog log;
    int64_t next; /* behind what was read */
    struct kafka_txn txn;
    struct kafka_target target;
    bool writing;
};

enum err kafka_rules_new(const struct kafka_config *c, struct kafka_rules **ret, struct error *err)
{
    struct kafka_rules *r = xcalloc(1, sizeof(*r));
    r->config = c;
    r->next = JOURNAL_BEGIN;
    r->log.shared = true;
    enum err rc = kafka_changelog_open_as(&r->log, c, "rules", 1, WAIT_MS, err);
    if (rc != ERR_OK) {
        kafka_rules_free(r);
        return rc;
    }
    *ret = r;
    return ERR_OK;
}

void kafka_rules_free(struct kafka_rules *r)
{
    if (r) {
        kafka_rules_end(r);
        kafka_changelog_close(&r->log);
        free(r);
    }
}

/* The first question makes no topic. */
enum err kafka_rules_open(struct kafka_rules *r, struct error *err)
{
    int32_t partitions;
    rd_kafka_resp_err_t rc = kafka_find(&r->log.client, r->log.handle, &partitions);
    if (!r->log.client.connected) {
        return kafka_not_found(&r->log.client, r->log.topic, rc, err);
    }
    return kafka_changelog_ensure(&r->log, false, err);
}

struct reading {
    journal_entry_fn fn;
    void *ctx;
    int64_t *next;
};

static enum err take(void *ctx, const struct journal_entry *e, bool *done, struct error *err)
{
    struct reading *r = ctx;
    *r->next = e->position + 1;
    return r->fn(r->ctx, e, done, err);
}

enum err kafka_rules_read(struct kafka_rules *r, journal_entry_fn fn, void *ctx, struct error *err)
{
    struct reading reading = {fn, ctx, &r->next};
    return kafka_changelog_read(&r->log, 0, r->next, take, &reading, err);
}

enum err kafka_rules_begin(struct kafka_rules *r, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf id = BUF_INIT;
    kafka_rules_end(r);
    kafka_rules_transactional_id(r->config->app, &id);
    r->txn = (struct kafka_txn){.shared = true};
    r->target = (struct kafka_target){
        .name = xstrdup(r->log.topic), .what = "the rules in force", .made = true};
    r->writing = true;
    FYKE_TRY(kafka_txn_open(&r->txn, r->config, buf_cstr(&id), err));
    FYKE_TRY(kafka_txn_init(&r->txn, err));
    return kafka_target_open(&r->txn, &r->target, err);
}

enum err kafka_rules_put(struct kafka_rules *r, struct slice key, struct slice value,
                         struct error *err)
{
    struct kafka_message m = {
        .has_key = true, .key = key, .has_value = true, .value = value};
    return kafka_txn_send(&r->txn, &r->target, &m, err);
}

enum err kafka_rules_commit(struct kafka_rules *r, struct error *err)
{
    return kafka_txn_commit(&r->txn, NULL, NULL, err);
}

void kafka_rules_end(struct kafka_rules *r)
{
    if (r->writing) {
        r->writing = false;
        kafka_txn_close_transaction(&r->txn);
        kafka_target_close(&r->target);
        kafka_txn_close(&r->txn);
    }
}

size_t kafka_rules_max_bytes(const struct kafka_rules *r)
{
    int max = r->txn.max_bytes;
    if (r->log.max_message_bytes > 0 && r->log.max_message_bytes < max) {
        max = r->log.max_message_bytes;
    }
    return max > LEAST_BYTES + OVERHEAD_BYTES ? (size_t)(max - OVERHEAD_BYTES) : LEAST_BYTES;
}
