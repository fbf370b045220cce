#include "connectors/kafka_journal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/kafka_journal_parts.h"
#include "connectors/kafka_limits.h"
#include "connectors/kafka_rebuild_parts.h"
#include "connectors/kafka_names.h"

/* Over the transaction time-out: what the coordinator takes to abort what a dead writer left. */
#define GRACE_MS 10000
/* What a message takes beside key and value. */
#define OVERHEAD_BYTES 2048

static struct kafka_journal *journal_of(struct journal *base)
{
    return (struct kafka_journal *)base;
}

/* ---- open --------------------------------------------------------------------------------- */

static void limit_values(struct kafka_journal *j)
{
    int max = j->txn.max_bytes;
    if (j->log.max_message_bytes > 0 && j->log.max_message_bytes < max) {
        max = j->log.max_message_bytes;
    }
    j->base.max_value_bytes = max > 2 * OVERHEAD_BYTES ? (size_t)(max - OVERHEAD_BYTES)
                                                       : OVERHEAD_BYTES;
}

/* The fence first: nobody writes to what is looked at from here on. The first question goes to the
 * changelog's client, which makes no topic by asking for it. */
static enum err journal_open(struct journal *base, bool reset, struct error *err)
{
    struct kafka_journal *j = journal_of(base);
    int32_t partitions;
    rd_kafka_resp_err_t rc = kafka_find(&j->log.client, j->log.handle, &partitions);
    if (!j->log.client.connected) {
        return kafka_not_found(&j->log.client, j->log.topic, rc, err);
    }
    fault_point(j->txn.fault, "kafka-before-init");
    FYKE_TRY(kafka_txn_init(&j->txn, err));
    fault_point(j->txn.fault, "kafka-after-init");
    j->reset = reset;
    if (kafka_rebuild_goes_on(j->config->rebuild) && !j->config->rebuild->until) {
        FYKE_TRY(kafka_journal_ask_rebuild(j, err));
    }
    FYKE_TRY(j->in_group ? kafka_journal_found(j, err)
                         : kafka_changelog_ensure(&j->log, reset, err));
    limit_values(j);
    FYKE_TRY(kafka_txn_limit(&j->txn, j->config, &j->log.client, j->log.max_message_bytes, err));
    FYKE_TRY(kafka_target_open(&j->txn, &j->entries, err));
    FYKE_TRY(kafka_left_open_end(j->config->left_open, j, err));
    enum err signing = kafka_journal_sign(j, err);
    return signing == ERR_OK ? ERR_OK : kafka_journal_judge(j, signing, err);
}

/* ---- entries ------------------------------------------------------------------------------ */

struct passing_on {
    journal_entry_fn fn;
    void *ctx;
};

static enum err pass_on(void *ctx, const struct journal_entry *e, bool *done, struct error *err)
{
    const struct passing_on *p = ctx;
    return kafka_journal_is_own(e->key) ? ERR_OK : p->fn(p->ctx, e, done, err);
}

enum err kafka_journal_read(struct journal *base, uint32_t task, int64_t from,
                            journal_entry_fn fn, void *ctx, struct error *err)
{
    struct passing_on p = {fn, ctx};
    return kafka_changelog_read(&journal_of(base)->log, task, from, pass_on, &p, err);
}

/* One that is alone has written the last entry itself when it took the name. */
enum err kafka_journal_read_decided(struct journal *base, uint32_t task, int64_t from,
                                    journal_entry_fn fn, void *ctx, struct error *err)
{
    struct kafka_journal *j = journal_of(base);
    struct passing_on p = {fn, ctx};
    int64_t until = j->owner_at > from && !j->in_group ? j->owner_at : -1;
    return kafka_changelog_read_decided(&j->log, task, from, until, pass_on, &p, err);
}

static bool is_header(struct slice key)
{
    return key.len >= 2 && key.ptr[0] == '\0' && key.ptr[1] == 'H';
}

enum err kafka_journal_append(struct kafka_journal *j, uint32_t task, struct slice key,
                              bool deleted, struct slice value, struct error *err)
{
    struct kafka_message m = {.partition = (int32_t)task,
                              .has_key = true,
                              .key = key,
                              .has_value = !deleted,
                              .value = value};
    assert(task < j->n_tasks);
    enum err rc = kafka_txn_send(&j->txn, &j->entries, &m, err);
    return rc == ERR_OK ? ERR_OK : kafka_journal_judge(j, rc, err);
}

static enum err journal_append(struct journal *base, uint32_t task, struct slice key, bool deleted,
                               struct slice value, struct error *err)
{
    struct kafka_journal *j = journal_of(base);
    bool header = is_header(key);
    fault_point(j->txn.fault, header ? "kafka-before-header" : "kafka-before-entry");
    FYKE_TRY(kafka_journal_append(j, task, key, deleted, value, err));
    fault_point(j->txn.fault, header ? "kafka-after-header" : "kafka-after-entry");
    return ERR_OK;
}

/* ---- commit ------------------------------------------------------------------------------- */

static void add_offsets(struct kafka_journal *j, const struct journal_task *t,
                        rd_kafka_topic_partition_list_t *l)
{
    char metadata[KAFKA_METADATA_MAX];
    kafka_metadata_write(metadata, j->config->app, t->seq);
    for (uint32_t i = 0; i < t->n_positions; i++) {
        const struct partition_position *p = &t->positions[i];
        assert(p->topic < j->rs->n_topics);
        struct slice topic = j->rs->topics[p->topic].name;
        char *name = xstrndup(topic.ptr, topic.len);
        rd_kafka_topic_partition_t *e = rd_kafka_topic_partition_list_add(l, name, p->partition);
        e->offset = p->offset;
        e->metadata = xstrdup(metadata); /* the list's: freed with it */
        e->metadata_size = strlen(metadata);
        free(name);
    }
}

/* A log that was removed and made anew, by whomever, takes what is sent to it and numbers it from 0 on. To
 * go on would be to leave state behind that no restart can use. */
static enum err check_log_goes_on(struct kafka_journal *j, const struct journal_task *tasks,
                                  uint32_t n, struct error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        int64_t *lowest = &j->entries.lowest[tasks[i].task];
        if (*lowest < tasks[i].behind) {
            return error_set(err, ERR_STATE,
                             "the changelog topic %s was removed and made anew while this process ran: "
                             "partition %u held entries up to offset %lld, and what was written to it "
                             "now stands at offset %lld. Nothing of it is committed. %s",
                             j->log.topic, tasks[i].task, (long long)tasks[i].behind - 1,
                             (long long)*lowest,
                             j->in_group ? "End all instances and begin anew: remove the topic and the "
                                           "positions of the group"
                                         : "--rebuild-from-input makes the state anew out of the input; "
                                           "--reset-state begins anew where --start says");
        }
        *lowest = INT64_MAX;
    }
    return ERR_OK;
}

static enum err journal_commit(struct journal *base, struct journal_task *tasks, uint32_t n,
                               struct error *err)
{
    struct kafka_journal *j = journal_of(base);
    enum err flushed = kafka_txn_flush(&j->txn, err);
    if (flushed != ERR_OK) {
        return kafka_journal_judge(j, flushed, err);
    }
    FYKE_TRY(check_log_goes_on(j, tasks, n, err));
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(16);
    for (uint32_t i = 0; i < n; i++) {
        add_offsets(j, &tasks[i], l);
    }
    assert(l->cnt == 0 || j->group);
    bool kept_back = kafka_rebuild_goes_on(j->config->rebuild) && !j->config->rebuild->reached;
    enum err rc =
        kafka_txn_commit(&j->txn, l->cnt > 0 && !kept_back ? l : NULL, j->group, err);
    rd_kafka_topic_partition_list_destroy(l);
    if (rc != ERR_OK) {
        return kafka_journal_judge(j, rc, err);
    }
    for (uint32_t i = 0; i < n; i++) {
        tasks[i].position = j->entries.ends[tasks[i].task];
    }
    return ERR_OK;
}

static void journal_again(struct journal *base, const struct ruleset *rs)
{
    journal_of(base)->rs = rs;
}

static bool journal_presses(struct journal *base)
{
    return kafka_txn_presses(&journal_of(base)->txn);
}

void kafka_journal_set_group(struct kafka_journal *j, rd_kafka_consumer_group_metadata_t *group)
{
    if (j->group) {
        rd_kafka_consumer_group_metadata_destroy(j->group);
    }
    j->group = group;
}

/* ---- life --------------------------------------------------------------------------------- */

static void journal_close(struct journal *base)
{
    struct kafka_journal *j = journal_of(base);
    kafka_txn_close_transaction(&j->txn);
    kafka_target_close(&j->entries);
    kafka_left_open_take(j->config->left_open, &j->txn);
    kafka_txn_close(&j->txn);
    kafka_changelog_close(&j->log);
    if (j->group) {
        rd_kafka_consumer_group_metadata_destroy(j->group);
    }
    buf_release(&j->identity);
    buf_release(&j->owner);
    free(j->topics);
    free(j);
}

static enum err open_clients(struct kafka_journal *j, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf id = BUF_INIT;
    kafka_transactional_id(j->config->app, j->in_group ? j->config->instance_id : NULL, &id);
    j->txn.shared = j->in_group;
    FYKE_TRY(kafka_txn_open(&j->txn, j->config, buf_cstr(&id), err));
    FYKE_TRY(kafka_changelog_open(&j->log, j->config, j->n_tasks, j->txn.timeout_ms + GRACE_MS,
                                  err));
    j->entries = (struct kafka_target){.name = xstrdup(j->log.topic), .what = "state records",
                                       .made = true};
    kafka_target_partitions(&j->entries, j->n_tasks);
    j->log.shared = j->in_group;
    /* Without a member it fences nobody: only for who has a name alone. */
    j->group = j->in_group ? NULL : rd_kafka_consumer_group_metadata_new(j->log.group);
    return ERR_OK;
}

enum err kafka_journal_new(const struct kafka_config *c, const struct ruleset *rs,
                           const char *topics, uint32_t n_tasks, struct journal **ret,
                           struct error *err)
{
    static const struct journal_ops ops = {.open = journal_open,
                                           .standing = kafka_journal_standing,
                                           .read = kafka_journal_read,
                                           .read_decided = kafka_journal_read_decided,
                                           .append = journal_append,
                                           .commit = journal_commit,
                                           .presses = journal_presses,
                                           .reader = kafka_journal_reader,
                                           .again = journal_again,
                                           .close = journal_close};
    struct kafka_journal *j = xcalloc(1, sizeof(*j));
    j->base.ops = &ops;
    j->config = c;
    j->rs = rs;
    j->topics = topics ? xstrdup(topics) : NULL;
    j->in_group = n_tasks > 0;
    j->n_tasks = j->in_group ? n_tasks : 1; /* solo: one task reads everything */
    enum err rc = open_clients(j, err);
    if (rc != ERR_OK) {
        journal_close(&j->base);
        return rc;
    }
    limit_values(j);
    *ret = &j->base;
    return ERR_OK;
}
