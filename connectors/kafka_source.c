/* Kafka topics as a source: one process assigns all partitions of the declared topics. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/kafka_client.h"

#define QUERY_TIMEOUT_MS 10000

struct kafka_part {
    struct source_partition info;
    const char *topic;
    int64_t end;  /* at the start: `once` stops there */
    bool done;    /* has reached `end` */
};

struct kafka_source {
    struct source base;
    struct kafka_client client;
    char **names; /* per topic of the rule set; NULL: not read */
    uint32_t n_names;
    struct kafka_part *parts;
    size_t n_parts, cap_parts;
    struct source_partition *infos; /* the same, as the engine wants them */
    bool once;
    char *start; /* NULL: earliest */
    uint32_t left; /* partitions that are not done */
    /* the batch handed out last */
    rd_kafka_message_t **messages;
    size_t n_messages, cap_messages;
    struct record *records;
    size_t cap_records;
    struct record_header *headers;
    size_t n_headers, cap_headers;
    struct partition_position *at_end;
    size_t n_at_end, cap_at_end;
};

static const struct kafka_default source_defaults[] = {
    {"client.id", "fyke"},
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"enable.partition.eof", "true"},
    {"auto.offset.reset", "error"}, /* a lost range is an error with numbers, never a jump */
    {"isolation.level", "read_committed"},
    {"retry.backoff.ms", "10"},
    {"reconnect.backoff.max.ms", "500"},
    {"fetch.wait.max.ms", "100"},
    {"socket.nagle.disable", "true"},
};

/* ---- opening ------------------------------------------------------------------------------ */

static bool listed(const char *topics, struct slice name)
{
    if (!topics) {
        return true;
    }
    for (const char *p = topics; *p;) {
        size_t n = strcspn(p, ",");
        if (slice_eq(slice_from(p, n), name)) {
            return true;
        }
        p += n + (p[n] == ',');
    }
    return false;
}

static enum err check_list(const struct ruleset *rs, const char *topics, struct error *err)
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

static enum err watermarks(struct kafka_source *s, struct kafka_part *p, struct error *err)
{
    int64_t low = 0, high = 0;
    rd_kafka_resp_err_t rc = rd_kafka_query_watermark_offsets(
        s->client.rk, p->topic, p->info.partition, &low, &high, QUERY_TIMEOUT_MS);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_error(&s->client, rc, err, "%s[%d]: asking for its offsets", p->topic,
                           p->info.partition);
    }
    p->info.first_offset = low;
    p->info.empty = low == high;
    p->end = high;
    p->done = low == high;
    return ERR_OK;
}

static enum err find_partitions(struct kafka_source *s, struct error *err)
{
    for (uint32_t t = 0; t < s->n_names; t++) {
        if (!s->names[t]) {
            continue;
        }
        int32_t n = 0;
        FYKE_TRY(kafka_partitions(&s->client, s->names[t], &n, err));
        for (int32_t p = 0; p < n; p++) {
            VEC_PUSH(s->parts, s->n_parts, s->cap_parts) =
                (struct kafka_part){.info = {.topic = t, .partition = p}, .topic = s->names[t]};
            FYKE_TRY(watermarks(s, &s->parts[s->n_parts - 1], err));
        }
    }
    s->infos = xcalloc(s->n_parts, sizeof(*s->infos));
    for (size_t i = 0; i < s->n_parts; i++) {
        s->infos[i] = s->parts[i].info;
        s->left += !s->parts[i].done;
    }
    return ERR_OK;
}

/* ---- where reading starts ------------------------------------------------------------------- */

static rd_kafka_topic_partition_list_t *all_partitions(const struct kafka_source *s)
{
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new((int)s->n_parts);
    for (size_t i = 0; i < s->n_parts; i++) {
        rd_kafka_topic_partition_list_add(l, s->parts[i].topic, s->parts[i].info.partition);
    }
    return l;
}

static enum err offsets_at(struct kafka_source *s, struct etime t,
                           rd_kafka_topic_partition_list_t *l, struct error *err)
{
    for (int i = 0; i < l->cnt; i++) {
        l->elems[i].offset = t.ns / NS_PER_MS;
    }
    rd_kafka_resp_err_t rc = rd_kafka_offsets_for_times(s->client.rk, l, QUERY_TIMEOUT_MS);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_error(&s->client, rc, err, "asking for offsets by time");
    }
    for (int i = 0; i < l->cnt; i++) {
        if (l->elems[i].offset < 0) {
            l->elems[i].offset = s->parts[i].end; /* nothing that late yet */
        }
    }
    return ERR_OK;
}

static enum err first_offsets(struct kafka_source *s, rd_kafka_topic_partition_list_t *l,
                              struct error *err)
{
    bool latest = s->start && !strcmp(s->start, "latest");
    struct etime t;
    if (s->start && !latest && strcmp(s->start, "earliest") != 0) {
        if (!etime_parse(slice_of(s->start), true, &t)) {
            return error_set(err, ERR_USAGE,
                             "--start takes earliest, latest or a time like 2026-03-01T12:00:00Z");
        }
        return offsets_at(s, t, l, err);
    }
    for (int i = 0; i < l->cnt; i++) {
        l->elems[i].offset = latest ? s->parts[i].end : s->parts[i].info.first_offset;
    }
    return ERR_OK;
}

static size_t part_index(const struct kafka_source *s, uint32_t topic, int32_t partition)
{
    for (size_t i = 0; i < s->n_parts; i++) {
        if (s->parts[i].info.topic == topic && s->parts[i].info.partition == partition) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void reached(struct kafka_source *s, size_t i, int64_t next_offset)
{
    if (!s->parts[i].done && next_offset >= s->parts[i].end) {
        s->parts[i].done = true;
        s->left--;
    }
}

static enum err apply_checkpoint(struct kafka_source *s, rd_kafka_topic_partition_list_t *l,
                                 const struct partition_position *from, uint32_t n,
                                 struct error *err)
{
    for (uint32_t k = 0; k < n; k++) {
        size_t i = part_index(s, from[k].topic, from[k].partition);
        if (i == SIZE_MAX) {
            continue; /* the engine has said that this partition is gone */
        }
        if (from[k].offset < s->parts[i].info.first_offset || from[k].offset > s->parts[i].end) {
            return error_set(err, ERR_KAFKA,
                             "%s[%d]: the state goes on at offset %lld, but the topic holds %lld "
                             "to %lld: records were lost by retention, or the topic was made anew",
                             s->parts[i].topic, s->parts[i].info.partition,
                             (long long)from[k].offset,
                             (long long)s->parts[i].info.first_offset,
                             (long long)s->parts[i].end);
        }
        l->elems[i].offset = from[k].offset;
    }
    return ERR_OK;
}

static enum err source_start(struct source *base, const struct partition_position *from,
                             uint32_t n, struct error *err)
{
    struct kafka_source *s = (struct kafka_source *)base;
    rd_kafka_topic_partition_list_t *l = all_partitions(s);
    enum err rc = first_offsets(s, l, err);
    if (rc == ERR_OK) {
        rc = apply_checkpoint(s, l, from, n, err);
    }
    if (rc == ERR_OK) {
        for (int i = 0; i < l->cnt; i++) {
            reached(s, (size_t)i, l->elems[i].offset);
        }
        rd_kafka_resp_err_t code = rd_kafka_assign(s->client.rk, l);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            rc = kafka_error(&s->client, code, err, "assigning the partitions");
        }
    }
    rd_kafka_topic_partition_list_destroy(l);
    return rc;
}

/* ---- reading ------------------------------------------------------------------------------ */

static void drop_batch(struct kafka_source *s)
{
    for (size_t i = 0; i < s->n_messages; i++) {
        rd_kafka_message_destroy(s->messages[i]);
    }
    s->n_messages = s->n_headers = s->n_at_end = 0;
}

static size_t part_of_message(const struct kafka_source *s, const rd_kafka_message_t *m)
{
    const char *topic = m->rkt ? rd_kafka_topic_name(m->rkt) : "";
    for (size_t i = 0; i < s->n_parts; i++) {
        if (s->parts[i].info.partition == m->partition && !strcmp(s->parts[i].topic, topic)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static enum err on_event(struct kafka_source *s, const rd_kafka_message_t *m, struct error *err)
{
    size_t i = part_of_message(s, m);
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (i != SIZE_MAX) {
            reached(s, i, m->offset);
            VEC_PUSH(s->at_end, s->n_at_end, s->cap_at_end) = (struct partition_position){
                s->parts[i].info.topic, m->partition, m->offset};
        }
        return ERR_OK;
    }
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        return error_set(err, ERR_KAFKA,
                         "%s[%d]: offset %lld is not there any more (%s); records were lost by "
                         "retention, or the topic was made anew",
                         i == SIZE_MAX ? "?" : s->parts[i].topic, m->partition,
                         (long long)m->offset, rd_kafka_message_errstr(m));
    }
    if (m->err == RD_KAFKA_RESP_ERR__TRANSPORT || m->err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
        m->err == RD_KAFKA_RESP_ERR__TIMED_OUT || m->err == RD_KAFKA_RESP_ERR__RESOLVE) {
        return ERR_OK; /* on_error has said so; librdkafka reconnects */
    }
    return kafka_error(&s->client, m->err, err, "reading %s",
                       i == SIZE_MAX ? "" : s->parts[i].topic);
}

static uint32_t read_headers(struct kafka_source *s, const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return 0;
    }
    uint32_t n = 0;
    const char *name;
    const void *value;
    size_t size;
    while (rd_kafka_header_get_all(headers, n, &name, &value, &size) ==
           RD_KAFKA_RESP_ERR_NO_ERROR) {
        VEC_PUSH(s->headers, s->n_headers, s->cap_headers) =
            (struct record_header){slice_of(name), slice_from(value, value ? size : 0)};
        n++;
    }
    return n;
}

static void fill_record(struct kafka_source *s, const rd_kafka_message_t *m, size_t part,
                        struct record *r)
{
    rd_kafka_timestamp_type_t type;
    int64_t ms = rd_kafka_message_timestamp(m, &type);
    *r = (struct record){
        .topic = s->parts[part].info.topic,
        .partition = m->partition,
        .offset = m->offset,
        .has_key = m->key != NULL,
        .has_value = m->payload != NULL,
        .key = slice_from(m->key, m->key_len),
        .value = slice_from(m->payload, m->len),
        .has_timestamp = type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && ms >= 0,
        .log_append_time = type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME,
    };
    /* Milliseconds beyond the range of event time (year 2262) are as good as absent. */
    if (__builtin_mul_overflow(ms, NS_PER_MS, &r->timestamp.ns)) {
        r->has_timestamp = false;
    }
    r->n_headers = read_headers(s, m);
}

/* Header arrays move while the batch grows: pointers are set when it is complete. */
static void link_headers(struct kafka_source *s)
{
    size_t at = 0;
    for (size_t i = 0; i < s->n_messages; i++) {
        s->records[i].headers = s->headers ? s->headers + at : NULL;
        at += s->records[i].n_headers;
    }
}

static enum err take(struct kafka_source *s, rd_kafka_message_t *m, struct error *err)
{
    size_t part = part_of_message(s, m);
    if (m->err || part == SIZE_MAX) {
        enum err rc = m->err ? on_event(s, m, err) : ERR_OK;
        rd_kafka_message_destroy(m);
        return rc;
    }
    size_t n = s->n_messages;
    VEC_PUSH(s->messages, s->n_messages, s->cap_messages) = m;
    s->records = xgrow(s->records, &s->cap_records, n + 1, sizeof(*s->records));
    fill_record(s, m, part, &s->records[n]);
    reached(s, part, m->offset + 1);
    return ERR_OK;
}

static enum err source_poll(struct source *base, uint32_t max, struct duration wait,
                            struct source_batch *ret, struct error *err)
{
    struct kafka_source *s = (struct kafka_source *)base;
    drop_batch(s);
    int wait_ms = (int)(wait.ns / NS_PER_MS);
    /* One by one: batches together with paused partitions skip offsets before 2.1.0. */
    while (s->n_messages < max) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(s->client.rk, wait_ms);
        if (!m) {
            break;
        }
        wait_ms = 0;
        FYKE_TRY(take(s, m, err));
    }
    link_headers(s);
    *ret = (struct source_batch){
        .records = s->records,
        .n = (uint32_t)s->n_messages,
        .at_end = s->at_end,
        .n_at_end = (uint32_t)s->n_at_end,
        .finished = s->once && s->left == 0,
    };
    return ERR_OK;
}

static enum err source_partitions(struct source *base, const struct source_partition **ret,
                                  uint32_t *ret_n, struct error *err)
{
    struct kafka_source *s = (struct kafka_source *)base;
    (void)err;
    *ret = s->infos;
    *ret_n = (uint32_t)s->n_parts;
    return ERR_OK;
}

static enum err source_pause(struct source *base, const struct partition_position *p, bool paused,
                             struct error *err)
{
    struct kafka_source *s = (struct kafka_source *)base;
    size_t i = part_index(s, p->topic, p->partition);
    if (i == SIZE_MAX) {
        return ERR_OK;
    }
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(l, s->parts[i].topic, p->partition);
    rd_kafka_resp_err_t rc = paused ? rd_kafka_pause_partitions(s->client.rk, l)
                                    : rd_kafka_resume_partitions(s->client.rk, l);
    rd_kafka_topic_partition_list_destroy(l);
    return rc ? kafka_error(&s->client, rc, err, "holding back %s", s->parts[i].topic) : ERR_OK;
}

static enum err source_commit(struct source *base, const struct partition_position *pos,
                              uint32_t n, const char *metadata, struct error *err)
{
    struct kafka_source *s = (struct kafka_source *)base;
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new((int)n);
    for (uint32_t k = 0; k < n; k++) {
        size_t i = part_index(s, pos[k].topic, pos[k].partition);
        if (i == SIZE_MAX) {
            continue;
        }
        rd_kafka_topic_partition_t *e =
            rd_kafka_topic_partition_list_add(l, s->parts[i].topic, pos[k].partition);
        e->offset = pos[k].offset;
        if (metadata) {
            e->metadata = xstrdup(metadata); /* freed with the list */
            e->metadata_size = strlen(metadata);
        }
    }
    rd_kafka_resp_err_t rc =
        l->cnt ? rd_kafka_commit(s->client.rk, l, 0) : RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_destroy(l);
    if (rc == RD_KAFKA_RESP_ERR_NO_ERROR || rc == RD_KAFKA_RESP_ERR__NO_OFFSET) {
        return ERR_OK;
    }
    enum err e = kafka_error(&s->client, rc, err, "committing offsets");
    err->retriable = true; /* the checkpoint is what a restart reads; the group only shows it */
    return e;
}

static void source_close(struct source *base)
{
    struct kafka_source *s = (struct kafka_source *)base;
    drop_batch(s);
    if (s->client.rk) {
        rd_kafka_consumer_close(s->client.rk);
        rd_kafka_destroy(s->client.rk);
    }
    for (uint32_t i = 0; i < s->n_names; i++) {
        free(s->names[i]);
    }
    free(s->names);
    free(s->parts);
    free(s->infos);
    free(s->start);
    free(s->messages);
    free(s->records);
    free(s->headers);
    free(s->at_end);
    free(s);
}

static const struct source_ops kafka_source_ops = {source_partitions, source_start, source_poll,
                                                   source_pause,      source_commit, source_close};

static enum err open_source(struct kafka_source *s, const struct kafka_config *c,
                            struct error *err)
{
    rd_kafka_conf_t *conf;
    FYKE_TRY(kafka_conf(&s->client, c, source_defaults, FYKE_ARRAY_LEN(source_defaults), &conf,
                        err));
    char why[256];
    if (rd_kafka_conf_set(conf, "group.id", c->app, why, sizeof(why)) != RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        return error_set(err, ERR_USAGE, "--app %s: %s", c->app, why);
    }
    FYKE_TRY(kafka_open(&s->client, RD_KAFKA_CONSUMER, conf, err));
    rd_kafka_poll_set_consumer(s->client.rk);
    return find_partitions(s, err);
}

enum err kafka_source_new(const struct kafka_config *c, const struct ruleset *rs,
                          const char *topics, const char *start, bool once, struct source **ret,
                          struct error *err)
{
    FYKE_TRY(check_list(rs, topics, err));
    struct kafka_source *s = xcalloc(1, sizeof(*s));
    s->base = (struct source){.ops = &kafka_source_ops, .bounded = false, .remembers = true};
    s->once = once;
    s->start = start ? xstrdup(start) : NULL;
    s->names = xcalloc(rs->n_topics, sizeof(*s->names));
    s->n_names = rs->n_topics;
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        struct slice name = rs->topics[i].name;
        s->names[i] = listed(topics, name) ? xstrndup(name.ptr, name.len) : NULL;
    }
    enum err rc = open_source(s, c, err);
    if (rc != ERR_OK) {
        source_close(&s->base);
        return rc;
    }
    *ret = &s->base;
    return ERR_OK;
}
