/* Kafka topics as a source: one process assigns all partitions of the declared topics. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/kafka_journal_parts.h"
#include "connectors/kafka_parts.h"

#define ONE_BY_ONE 64

static const struct kafka_property defaults[] = {
    {KAFKA_LOOK_KEY, KAFKA_LOOK_MS},
    {"isolation.level", "read_committed"},
    {"retry.backoff.ms", "10"},
    {"reconnect.backoff.max.ms", "500"},
    {"fetch.wait.max.ms", "100"},
    {"fetch.message.max.bytes", "262144"}, /* of each partition: what is read is still in the cache */
    {"topic.metadata.refresh.fast.interval.ms", "100"}, /* kafka_again.c */
    {"session.timeout.ms", "10000"}, /* bounds how long a commit waits for its coordinator */
    {"socket.nagle.disable", "true"},
};

static const struct kafka_property fixed[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"enable.partition.eof", "true"},
    {"auto.offset.reset", "error"}, /* a lost range is an error with numbers, never a jump */
};

/* ---- partitions --------------------------------------------------------------------------- */

size_t kafka_part_of(const struct kafka_source *s, uint32_t topic, int32_t partition)
{
    for (size_t i = 0; i < s->n_parts; i++) {
        if (s->parts[i].topic_index == topic && s->parts[i].partition == partition) {
            return i;
        }
    }
    return KAFKA_NO_PART;
}

void kafka_reached(struct kafka_source *s, size_t part, int64_t next_offset)
{
    struct kafka_part *p = &s->parts[part];
    p->next = next_offset > p->next ? next_offset : p->next;
    if (!p->done && p->next >= p->end) {
        p->done = true;
        s->left--;
    }
}

/* The handle of a topic is one pointer for as long as we hold it. */
static size_t part_of_message(struct kafka_source *s, const rd_kafka_message_t *m)
{
    if (s->last_part < s->n_parts && s->parts[s->last_part].handle == m->rkt &&
        s->parts[s->last_part].partition == m->partition) {
        return s->last_part;
    }
    for (size_t i = 0; m->rkt && i < s->n_parts; i++) {
        if (s->parts[i].partition == m->partition &&
            strcmp(s->parts[i].topic, rd_kafka_topic_name(m->rkt)) == 0) {
            s->last_part = i;
            return i;
        }
    }
    return KAFKA_NO_PART;
}

/* ---- reading ------------------------------------------------------------------------------ */

void kafka_drop_batch(struct kafka_source *s)
{
    for (size_t i = 0; i < s->n_messages; i++) {
        rd_kafka_message_destroy(s->messages[i]);
    }
    s->n_messages = s->n_headers = 0;
}

/* Errors of a group as a whole (no right to commit, say) do not concern what is read. */
static enum err on_group_error(struct kafka_source *s, const rd_kafka_message_t *m,
                               struct error *err)
{
    char why[KAFKA_WHY_SIZE];
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(s->client.rk, why, sizeof(why));
    if (fatal == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID && s->journal) {
        return kafka_journal_judge_member((struct kafka_journal *)s->journal, err);
    }
    if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return error_set(err, ERR_KAFKA, "kafka: %s", why);
    }
    if (m->err == RD_KAFKA_RESP_ERR__AUTHENTICATION) {
        return ERR_OK; /* said by the error callback */
    }
    if (m->err != s->commit_said) {
        s->commit_said = m->err;
        bool right = kafka_why(&s->client, m->err, why, sizeof(why)) == why;
        kafka_say(&s->client, "kafka: input: %s; the run goes on",
                  right ? why : rd_kafka_message_errstr(m));
    }
    return ERR_OK;
}

static enum err on_event(struct kafka_source *s, const rd_kafka_message_t *m, size_t part,
                         struct error *err)
{
    if (kafka_is_outage(m->err)) {
        return ERR_OK; /* said by the error callback; the client reconnects */
    }
    if (part == KAFKA_NO_PART) {
        return on_group_error(s, m, err);
    }
    const struct kafka_part *p = &s->parts[part];
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        kafka_end_reached(s, part, m->offset);
        return ERR_OK;
    }
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && p->checks && m->offset < p->next &&
        kafka_check_retained(s, p, m->offset)) {
        s->parts[part].last.set = false;
        return kafka_assign_parts(s, err);
    }
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        return error_set(err, ERR_KAFKA,
                         "%s[%d]: offset %lld is not there any more (%s): records were lost by "
                         "retention, or the topic was made anew",
                         p->topic, p->partition, (long long)m->offset, rd_kafka_message_errstr(m));
    }
    return kafka_error(&s->client, m->err, err, "reading %s[%d]", p->topic, p->partition);
}

/* Held back from where the group stands until all others stand there. The next life reads it. */
static void leave_for_later(struct kafka_source *s, size_t part, rd_kafka_message_t *m)
{
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(l, s->parts[part].topic, s->parts[part].partition);
    rd_kafka_pause_partitions(s->client.rk, l); /* of ours: cannot fail */
    rd_kafka_topic_partition_list_destroy(l);
    kafka_reached(s, part, s->parts[part].end);
    rd_kafka_message_destroy(m);
}

static enum err take(struct kafka_source *s, rd_kafka_message_t *m, struct error *err)
{
    size_t part = part_of_message(s, m);
    if (m->err || part == KAFKA_NO_PART) {
        enum err rc = m->err ? on_event(s, m, part, err) : ERR_OK;
        rd_kafka_message_destroy(m);
        return rc;
    }
    if (s->rebuild && m->offset >= s->parts[part].end) {
        leave_for_later(s, part, m);
        return ERR_OK;
    }
    if (s->parts[part].checks) {
        bool drop;
        enum err rc = kafka_check(s, part, m, &drop, err);
        if (rc != ERR_OK || drop) {
            kafka_reached(s, part, m->offset + 1);
            rd_kafka_message_destroy(m);
            return rc;
        }
    }
    size_t n = s->n_messages;
    kafka_room_took(&s->client.room, m);
    VEC_PUSH(s->messages, s->n_messages, s->cap_messages) = m;
    s->records = xgrow(s->records, &s->cap_records, n + 1, sizeof(*s->records));
    kafka_fill_record(s, m, part, &s->records[n]);
    if (s->journal) {
        FYKE_TRY(kafka_group_judge(s, m, part, &s->records[n].elsewhere, err));
    }
    kafka_end_passed(s, part);
    kafka_reached(s, part, m->offset + 1);
    return ERR_OK;
}

/* A partition may reach its end in front of records of the same batch; the end holds for what
 * follows only. */
static void drop_passed_ends(struct kafka_source *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n_at_end; i++) {
        size_t part = kafka_part_of(s, s->at_end[i].topic, s->at_end[i].partition);
        if (s->parts[part].told) {
            s->at_end[kept++] = s->at_end[i];
        }
    }
    s->n_at_end = kept;
}

/* A few at first one by one: who reads little goes on like that, as does whose partitions others hold back. */
static rd_kafka_message_t *next_message(struct kafka_source *s, uint32_t max, int wait_ms)
{
    bool many = s->n_messages >= ONE_BY_ONE && !s->journal && !s->rebuild;
    return many ? kafka_fetch_many(&s->fetch, s->client.rk, max - s->n_messages)
                : rd_kafka_consumer_poll(s->client.rk, wait_ms);
}

static enum err source_poll(struct source *base, uint32_t max, struct duration wait,
                            struct source_batch *ret, struct error *err)
{
    struct kafka_source *s = (struct kafka_source *)base;
    bool pause;
    kafka_drop_batch(s);
    s->n_at_end = s->n_lost_end = 0;
    int wait_ms = (int)(wait.ns / NS_PER_MS);
    FYKE_TRY(kafka_again_before(s, &pause, err));
    if (pause) {
        kafka_serve(&s->client, wait_ms);
    }
    while (!pause && s->n_messages < max && s->change == SOURCE_SAME) {
        rd_kafka_message_t *m = next_message(s, max, wait_ms);
        if (!m) {
            break;
        }
        wait_ms = 0;
        FYKE_TRY(take(s, m, err));
    }
    kafka_room_look(&s->client.room, s->client.rk);
    kafka_look_around(s);
    FYKE_TRY(kafka_again_behind(s, err));
    kafka_link_headers(s);
    drop_passed_ends(s);
    bool finished = s->once && s->left == 0;
    if (s->rebuild) {
        s->rebuild->reached = finished;
    }
    enum source_change change;
    FYKE_TRY(kafka_group_change(s, &change, err));
    *ret = (struct source_batch){
        .records = s->records,
        .n = (uint32_t)s->n_messages,
        .at_end = s->at_end,
        .n_at_end = (uint32_t)s->n_at_end,
        .lost_end = s->lost_end,
        .n_lost_end = (uint32_t)s->n_lost_end,
        .finished = finished && change == SOURCE_SAME,
        .change = change,
    };
    return ERR_OK;
}

/* ---- operations --------------------------------------------------------------------------- */

static enum err source_partitions(struct source *base, const struct source_partition **ret,
                                  uint32_t *ret_n, struct error *err)
{
    struct kafka_source *s = (struct kafka_source *)base;
    (void)err;
    *ret = s->infos;
    *ret_n = (uint32_t)s->n_parts;
    return ERR_OK;
}

static enum err source_start(struct source *base, const struct partition_position *from,
                             uint32_t n, struct error *err)
{
    struct kafka_source *s = (struct kafka_source *)base;
    return s->journal ? kafka_group_start(s, from, n, err) : kafka_assign(s, from, n, err);
}

static enum err source_let_go(struct source *base, struct error *err)
{
    return kafka_group_let_go((struct kafka_source *)base, err);
}

static enum err hold_back(struct kafka_source *s, struct kafka_part *p, bool paused,
                          struct error *err)
{
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(l, p->topic, p->partition);
    rd_kafka_resp_err_t rc = paused ? rd_kafka_pause_partitions(s->client.rk, l)
                                    : rd_kafka_resume_partitions(s->client.rk, l);
    rd_kafka_topic_partition_list_destroy(l);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_error(&s->client, rc, err, "holding back %s", p->topic);
    }
    p->paused = paused;
    if (paused) {
        kafka_again_held_back(p);
    } else {
        kafka_again_let_go(s, p);
    }
    return ERR_OK;
}

enum err kafka_let_run(struct kafka_source *s, struct kafka_part *p, struct error *err)
{
    return p->paused ? hold_back(s, p, false, err) : ERR_OK;
}

static enum err source_pause(struct source *base, const struct partition_position *p, bool paused,
                             struct error *err)
{
    struct kafka_source *s = (struct kafka_source *)base;
    size_t i = kafka_part_of(s, p->topic, p->partition);
    return i == KAFKA_NO_PART ? ERR_OK : hold_back(s, &s->parts[i], paused, err);
}

static enum err source_commit(struct source *base, const struct partition_position *pos,
                              uint32_t n, const char *metadata, struct error *err)
{
    (void)err;
    kafka_commit_later((struct kafka_source *)base, pos, n, metadata);
    return ERR_OK;
}

static void watch_topics(struct kafka_source *s, const struct ruleset *rs)
{
    int64_t least_ns = INT64_MAX;
    s->prove_every_ms = 0;
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        int64_t idle_ns = s->topics[i].name ? rs->topics[i].idle_after.ns : 0;
        s->topics[i].watched = idle_ns > 0;
        if (idle_ns > 0 && idle_ns < least_ns) {
            least_ns = idle_ns;
            s->prove_every_ms = least_ns / NS_PER_MS / 4 + 1;
        }
    }
}

/* Partitions that have come since are for who opens the topics anew. */
static bool source_again(struct source *base, const struct ruleset *rs)
{
    struct kafka_source *s = (struct kafka_source *)base;
    size_t n = 0;
    for (uint32_t t = 0; t < s->n_topics; t++) {
        n += s->topics[t].name ? (size_t)s->topics[t].count : 0;
    }
    if (s->journal || s->rebuild || s->client.down || n != s->n_parts) {
        return false;
    }
    s->again = true;
    watch_topics(s, rs);
    return true;
}

static void close_client(struct kafka_source *s)
{
    kafka_group_close(s);
    if (s->consuming) {
        rd_kafka_assign(s->client.rk, NULL);
        kafka_commit_finish(s);
        rd_kafka_consumer_close(s->client.rk);
    }
    for (uint32_t t = 0; t < s->n_topics; t++) {
        if (s->topics[t].handle) {
            rd_kafka_topic_destroy(s->topics[t].handle);
        }
    }
    kafka_close(&s->client);
}

static void source_close(struct source *base)
{
    struct kafka_source *s = (struct kafka_source *)base;
    kafka_fetch_drop(&s->fetch);
    kafka_drop_batch(s);
    close_client(s);
    for (uint32_t t = 0; t < s->n_topics; t++) {
        free(s->topics[t].name);
    }
    free(s->topics);
    free(s->parts);
    free(s->infos);
    free(s->start);
    free(s->unread);
    free(s->messages);
    free(s->records);
    free(s->headers);
    free(s->at_end);
    free(s->lost_end);
    free(s);
}

/* ---- opening ------------------------------------------------------------------------------ */

bool kafka_reads(const char *topics, struct slice name)
{
    for (const char *p = topics; p && *p;) {
        size_t n = strcspn(p, ",");
        if (slice_eq(slice_from(p, n), name)) {
            return true;
        }
        p += n + (p[n] == ',');
    }
    return topics == NULL;
}

enum err kafka_check_topics(const struct ruleset *rs, const char *topics, struct error *err)
{
    for (const char *p = topics; p && *p;) {
        size_t n = strcspn(p, ",");
        bool known = false;
        for (uint32_t i = 0; i < rs->n_topics; i++) {
            known |= slice_eq(slice_from(p, n), rs->topics[i].name);
        }
        if (!known) {
            return error_set(err, ERR_USAGE, "no rule declares the topic %.*s", (int)n, p);
        }
        p += n + (p[n] == ',');
    }
    return ERR_OK;
}

static void name_topics(struct kafka_source *s, const struct ruleset *rs, const char *topics)
{
    s->topics = xcalloc(rs->n_topics, sizeof(*s->topics));
    s->n_topics = rs->n_topics;
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        const struct schema_topic *t = &rs->topics[i];
        if (kafka_reads(topics, t->name)) {
            s->topics[i].name = xstrndup(t->name.ptr, t->name.len);
        }
    }
    watch_topics(s, rs);
}

static enum err open_source(struct kafka_source *s, const struct kafka_config *c,
                            struct error *err)
{
    const struct kafka_property member[] = {{"group.id", c->app},
                                            {"group.instance.id", c->instance_id},
                                            {"partition.assignment.strategy", "range"}};
    struct kafka_property given[FYKE_ARRAY_LEN(fixed) + FYKE_ARRAY_LEN(member)];
    memcpy(given, fixed, sizeof(fixed));
    memcpy(given + FYKE_ARRAY_LEN(fixed), member, sizeof(member));
    /* Alone it is no member of the group that has its positions. */
    struct kafka_setup setup = {"input", defaults, FYKE_ARRAY_LEN(defaults), given,
                                s->journal ? FYKE_ARRAY_LEN(given) : FYKE_ARRAY_LEN(fixed) + 1};
    rd_kafka_conf_t *conf;
    FYKE_TRY(kafka_conf(&s->client, c, &setup, &conf, err));
    kafka_again_watch(s, conf);
    rd_kafka_conf_set_offset_commit_cb(conf, kafka_on_commit);
    if (s->journal) {
        rd_kafka_conf_set_rebalance_cb(conf, kafka_on_rebalance);
    }
    FYKE_TRY(kafka_open(&s->client, RD_KAFKA_CONSUMER, conf, err));
    return kafka_find_partitions(s, err);
}

static enum err source_new(const struct kafka_config *c, const struct ruleset *rs,
                           const char *topics, const char *start, bool once, uint32_t n_tasks,
                           struct journal *j, struct source **ret, struct error *err)
{
    static const struct source_ops ops = {.partitions = source_partitions,
                                          .start = source_start,
                                          .poll = source_poll,
                                          .pause = source_pause,
                                          .commit = source_commit,
                                          .let_go = source_let_go,
                                          .again = source_again,
                                          .close = source_close};
    FYKE_TRY(kafka_check_topics(rs, topics, err));
    struct kafka_source *s = xcalloc(1, sizeof(*s));
    s->base = (struct source){.ops = &ops, .bounded = false, .remembers = true};
    s->rebuild = kafka_rebuild_goes_on(c->rebuild) ? c->rebuild : NULL;
    s->once = once || s->rebuild;
    s->journal = j;
    s->n_tasks = n_tasks;
    s->start = start ? xstrdup(start) : NULL;
    name_topics(s, rs, topics);
    enum err rc = open_source(s, c, err);
    if (rc == ERR_OK && j) {
        rc = kafka_group_subscribe(s, c->app, err);
    }
    if (rc != ERR_OK) {
        source_close(&s->base);
        return rc;
    }
    *ret = &s->base;
    return ERR_OK;
}

enum err kafka_source_new(const struct kafka_config *c, const struct ruleset *rs,
                          const char *topics, const char *start, bool once, struct source **ret,
                          struct error *err)
{
    return source_new(c, rs, topics, start, once, 0, NULL, ret, err);
}

enum err kafka_source_join(const struct kafka_config *c, const struct ruleset *rs,
                           const char *topics, const char *start, bool once, uint32_t n_tasks,
                           struct journal *j, struct source **ret, struct error *err)
{
    return source_new(c, rs, topics, start, once, n_tasks, j, ret, err);
}
