/* Where a task stands, by the positions that the group holds for its partitions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/xalloc.h"
#include "connectors/kafka_journal_parts.h"
#include "connectors/kafka_rebuild_parts.h"

#define ASK_MS 5000
#define PAUSE_MS 100

/* ---- metadata ----------------------------------------------------------------------------- */

static uint32_t app_hash(const char *app)
{
    return (uint32_t)hash64(slice_of(app));
}

void kafka_metadata_write(char ret[KAFKA_METADATA_MAX], const char *app, uint64_t seq)
{
    snprintf(ret, KAFKA_METADATA_MAX, "fyke2 seq=%llu app=%08x", (unsigned long long)seq,
             app_hash(app));
}

/* Only what kafka_metadata_write() writes, letter for letter. */
bool kafka_metadata_read(const char *app, struct slice text, uint64_t *ret)
{
    static const struct slice head = {"fyke2 seq=", 10};
    char expected[KAFKA_METADATA_MAX];
    if (!slice_starts_with(text, head) || text.len >= KAFKA_METADATA_MAX) {
        return false;
    }
    uint64_t seq = 0;
    for (size_t i = head.len; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
        seq = seq * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    kafka_metadata_write(expected, app, seq);
    *ret = seq;
    return slice_eq_str(text, expected);
}

/* ---- asking ------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static enum err add_topic(struct kafka_journal *j, uint32_t task, const char *name,
                          rd_kafka_topic_partition_list_t *l, struct error *err)
{
    int32_t n;
    if (j->in_group) {
        rd_kafka_topic_partition_list_add(l, name, (int32_t)task);
        return ERR_OK;
    }
    rd_kafka_topic_t *handle = rd_kafka_topic_new(j->log.client.rk, name, NULL);
    if (!handle) {
        return kafka_error(&j->log.client, rd_kafka_last_error(), err, "topic %s", name);
    }
    enum err rc = kafka_partitions(&j->log.client, handle, &n, err);
    rd_kafka_topic_destroy(handle);
    for (int32_t p = 0; rc == ERR_OK && p < n; p++) {
        rd_kafka_topic_partition_list_add(l, name, p);
    }
    return rc;
}

/* Solo: the task reads every partition; else that of its number. */
static enum err list_partitions(struct kafka_journal *j, uint32_t task,
                                rd_kafka_topic_partition_list_t *l, struct error *err)
{
    for (uint32_t i = 0; i < j->rs->n_topics; i++) {
        struct slice topic = j->rs->topics[i].name;
        if (!kafka_reads(j->topics, topic)) {
            continue;
        }
        char *name = xstrndup(topic.ptr, topic.len);
        enum err rc = add_topic(j, task, name, l, err);
        free(name);
        FYKE_TRY(rc);
    }
    return ERR_OK;
}

/* Of the call or of a partition. */
static rd_kafka_resp_err_t ask(struct kafka_journal *j, rd_kafka_topic_partition_list_t *l)
{
    rd_kafka_resp_err_t rc = rd_kafka_committed(j->log.client.rk, l, ASK_MS);
    for (int i = 0; i < l->cnt && rc == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        rc = l->elems[i].err;
    }
    return rc;
}

static bool may_pass(rd_kafka_resp_err_t rc)
{
    return kafka_is_outage(rc) || rc == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
           rc == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
           rc == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS ||
           rc == RD_KAFKA_RESP_ERR__WAIT_COORD ||
           rc == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT;
}

/* Offsets of an open transaction are no answer yet: the call times out until they are decided, and
 * a time-out must never be read as "none". */
static enum err committed(struct kafka_journal *j, rd_kafka_topic_partition_list_t *l,
                          struct error *err)
{
    struct kafka_client *k = &j->log.client;
    int64_t from = now_ms();
    for (;;) {
        rd_kafka_resp_err_t rc = ask(j, l);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
            return ERR_OK;
        }
        bool late = now_ms() - from >= j->log.wait_ms || kafka_stopping(k);
        if (!may_pass(rc) || late) {
            kafka_error(k, rc, err, "asking for the positions of group %s%s", j->log.group,
                        late ? "; perhaps an open transaction holds them back" : "");
            err->retriable = may_pass(rc);
            return err->retriable ? kafka_cut_short(k, err->code, err) : err->code;
        }
        usleep(PAUSE_MS * 1000);
    }
}

enum err kafka_journal_ask_rebuild(struct kafka_journal *j, struct error *err)
{
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(16);
    enum err rc = list_partitions(j, 0, l, err);
    if (rc == ERR_OK && l->cnt > 0) {
        rc = committed(j, l, err);
    }
    if (rc != ERR_OK) {
        rd_kafka_topic_partition_list_destroy(l);
        return rc;
    }
    return kafka_rebuild_take(j->config->rebuild, l, j->log.group, err);
}

/* ---- judging ------------------------------------------------------------------------------ */

static enum err foreign(const struct kafka_journal *j, const rd_kafka_topic_partition_t *p,
                        struct error *err)
{
    const char *text = p->metadata_size ? p->metadata : "";
    return error_set(err, ERR_STATE,
                     "%s[%d]: the position %lld of group %s was not committed by application %s "
                     "exactly once (its metadata is \"%.*s\"): somebody has reset it, or a run "
                     "delivered at least once. --reset-state begins anew where --start says; or "
                     "take another --app",
                     p->topic, p->partition, (long long)p->offset, j->log.group, j->config->app,
                     (int)(p->metadata_size < 80 ? p->metadata_size : 80), text);
}

static enum err differing(const struct kafka_journal *j, const rd_kafka_topic_partition_t *a,
                          uint64_t a_seq, const rd_kafka_topic_partition_t *b, uint64_t b_seq,
                          struct error *err)
{
    return error_set(err, ERR_STATE,
                     "the positions of group %s disagree: %s[%d] is of commit %llu, %s[%d] of "
                     "commit %llu. Somebody has changed them; --reset-state begins anew where "
                     "--start says",
                     j->log.group, a->topic, a->partition, (unsigned long long)a_seq, b->topic,
                     b->partition, (unsigned long long)b_seq);
}

/* One commit carries all partitions that are read; a topic that rules did not read for a while
 * stands at an older one as a whole. */
static enum err judge(const struct kafka_journal *j, const rd_kafka_topic_partition_list_t *l,
                      struct journal_standing *ret, struct error *err)
{
    const rd_kafka_topic_partition_t *before = NULL; /* of the same topic */
    uint64_t before_seq = 0, seq;
    for (int i = 0; i < l->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &l->elems[i];
        if (p->offset < 0) {
            continue;
        }
        if (!kafka_metadata_read(j->config->app, slice_from(p->metadata, p->metadata_size), &seq)) {
            return foreign(j, p, err);
        }
        if (before && strcmp(before->topic, p->topic) == 0 && seq != before_seq) {
            return differing(j, before, before_seq, p, seq, err);
        }
        before = p;
        before_seq = seq;
        ret->found = true;
        ret->seq = seq > ret->seq ? seq : ret->seq;
    }
    return ERR_OK;
}

/* Of the positions that a rebuild goes up to, as far as they are ours. */
static uint64_t last_seq(const struct kafka_journal *j, const rd_kafka_topic_partition_list_t *l)
{
    uint64_t seq, last = 0;
    for (int i = 0; i < l->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &l->elems[i];
        struct slice text = slice_from(p->metadata, p->metadata_size);
        if (p->offset >= 0 && kafka_metadata_read(j->config->app, text, &seq)) {
            last = seq > last ? seq : last;
        }
    }
    return last;
}

/* Nothing but our own entries? Whoever wrote the positions wrote a header there. */
static enum err take_any(void *ctx, const struct journal_entry *e, bool *done, struct error *err)
{
    bool *any = ctx;
    (void)err;
    *any = *done = !kafka_journal_is_own(e->key);
    return ERR_OK;
}

static enum err check_log(struct kafka_journal *j, uint32_t task, const struct journal_standing *s,
                          struct error *err)
{
    bool any = false;
    FYKE_TRY(kafka_changelog_read(&j->log, task, JOURNAL_BEGIN, take_any, &any, err));
    if (any) {
        return ERR_OK;
    }
    return error_set(err, ERR_STATE,
                     "the changelog topic %s holds no state although the positions of group %s are "
                     "of commit %llu: it was removed and made anew. --rebuild-from-input makes the "
                     "state anew out of the input; --reset-state begins anew where --start says",
                     j->log.topic, j->log.group, (unsigned long long)s->seq);
}

enum err kafka_journal_standing(struct journal *base, uint32_t task, struct journal_standing *ret,
                                struct error *err)
{
    struct kafka_journal *j = (struct kafka_journal *)base;
    *ret = (struct journal_standing){.identity = buf_slice(&j->identity)};
    FYKE_TRY(kafka_changelog_bounds(&j->log, task, &ret->first, &ret->end, err));
    if (kafka_rebuild_goes_on(j->config->rebuild)) {
        ret->seq = last_seq(j, j->config->rebuild->until);
        return ERR_OK;
    }
    if (j->reset) {
        return ERR_OK;
    }
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(16);
    enum err rc = list_partitions(j, task, l, err);
    if (rc == ERR_OK && l->cnt > 0) {
        rc = committed(j, l, err);
    }
    if (rc == ERR_OK) {
        rc = judge(j, l, ret, err);
    }
    rd_kafka_topic_partition_list_destroy(l);
    if (rc == ERR_OK && ret->found) {
        rc = check_log(j, task, ret, err);
    }
    return rc;
}
