/* Which partitions there are and where reading starts. */
#include <string.h>

#include "base/xalloc.h"
#include "connectors/kafka_parts.h"

#define RETRY_MS 100

/* ---- offsets ------------------------------------------------------------------------------ */

static rd_kafka_topic_partition_list_t *all_partitions(const struct kafka_source *s, int64_t at)
{
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new((int)s->n_parts);
    for (size_t i = 0; i < s->n_parts; i++) {
        rd_kafka_topic_partition_list_add(l, s->parts[i].topic, s->parts[i].partition)->offset = at;
    }
    return l;
}

static rd_kafka_resp_err_t list_error(const rd_kafka_topic_partition_list_t *l)
{
    for (int i = 0; i < l->cnt; i++) {
        if (l->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return l->elems[i].err;
        }
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool passes(rd_kafka_resp_err_t code)
{
    return kafka_is_outage(code) || code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH ||
           code == RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE;
}

/* Per partition the offset for `what`: a time in ms, or RD_KAFKA_OFFSET_BEGINNING or _END. One
 * request per broker, unlike rd_kafka_query_watermark_offsets(). The caller frees the list. */
static enum err query(struct kafka_source *s, int64_t what, rd_kafka_topic_partition_list_t **ret,
                      struct error *err)
{
    rd_kafka_resp_err_t rc = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int waited = 0; waited < KAFKA_QUERY_MS; waited += RETRY_MS) {
        rd_kafka_topic_partition_list_t *l = all_partitions(s, what);
        rc = rd_kafka_offsets_for_times(s->client.rk, l, KAFKA_QUERY_MS);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rc = list_error(l);
        }
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
            *ret = l;
            return ERR_OK;
        }
        rd_kafka_topic_partition_list_destroy(l);
        if (!passes(rc) || rc == RD_KAFKA_RESP_ERR__TIMED_OUT || kafka_stopping(&s->client)) {
            break;
        }
        kafka_serve(&s->client, RETRY_MS);
    }
    kafka_error(&s->client, rc, err, "asking for the offsets of %s%s", s->parts[0].topic,
                s->n_parts > 1 ? " and others" : "");
    return passes(rc) ? kafka_cut_short(&s->client, err->code, err) : err->code;
}

static enum err find_ends(struct kafka_source *s, struct error *err)
{
    rd_kafka_topic_partition_list_t *low, *end;
    FYKE_TRY(query(s, RD_KAFKA_OFFSET_BEGINNING, &low, err));
    enum err rc = query(s, RD_KAFKA_OFFSET_END, &end, err);
    for (size_t i = 0; rc == ERR_OK && i < s->n_parts; i++) {
        s->parts[i].low = low->elems[i].offset;
        s->parts[i].end = end->elems[i].offset;
    }
    if (rc == ERR_OK) {
        rd_kafka_topic_partition_list_destroy(end);
    }
    rd_kafka_topic_partition_list_destroy(low);
    return rc;
}

/* Reading ends where the group stands. */
static enum err limit_to_rebuild(struct kafka_source *s, struct error *err)
{
    size_t shortened = 0;
    for (size_t i = 0; i < s->n_parts; i++) {
        int64_t lost;
        FYKE_TRY(kafka_rebuild_limit(s->rebuild, &s->parts[i], &lost, err));
        shortened += lost > 0;
    }
    if (shortened > 0) {
        kafka_say(&s->client,
                  "rebuild: of %zu of the %zu partitions the oldest records are not there any more; "
                  "what they made is missing in the state",
                  shortened, s->n_parts);
    }
    return ERR_OK;
}

/* ---- --start ------------------------------------------------------------------------------ */

static enum err start_at_time(struct kafka_source *s, struct etime t, struct error *err)
{
    rd_kafka_topic_partition_list_t *l;
    /* A negative number would ask for an end. */
    int64_t ms = t.ns > 0 ? t.ns / NS_PER_MS + (t.ns % NS_PER_MS != 0) : 0;
    FYKE_TRY(query(s, ms, &l, err));
    for (size_t i = 0; i < s->n_parts; i++) {
        int64_t at = l->elems[i].offset;
        s->parts[i].next = at < 0 ? s->parts[i].end : at; /* < 0: nothing that late yet */
    }
    rd_kafka_topic_partition_list_destroy(l);
    return ERR_OK;
}

static enum err apply_start(struct kafka_source *s, struct error *err)
{
    bool latest = s->start && strcmp(s->start, "latest") == 0;
    struct etime t;
    if (s->start && !latest && strcmp(s->start, "earliest") != 0) {
        if (!etime_parse(slice_of(s->start), true, &t)) {
            return error_set(err, ERR_USAGE,
                             "--start takes earliest, latest or a time like 2026-03-01T12:00:00Z");
        }
        return start_at_time(s, t, err);
    }
    for (size_t i = 0; i < s->n_parts; i++) {
        s->parts[i].next = latest ? s->parts[i].end : s->parts[i].low;
    }
    return ERR_OK;
}

/* ---- partitions --------------------------------------------------------------------------- */

static enum err open_topic(struct kafka_source *s, uint32_t t, struct error *err)
{
    struct kafka_topic *topic = &s->topics[t];
    topic->handle = rd_kafka_topic_new(s->client.rk, topic->name, NULL);
    if (!topic->handle) {
        return kafka_error(&s->client, rd_kafka_last_error(), err, "topic %s", topic->name);
    }
    s->probe = topic->handle;
    FYKE_TRY(kafka_partitions(&s->client, topic->handle, &topic->count, err));
    for (int32_t p = 0; p < topic->count && !s->journal; p++) {
        VEC_PUSH(s->parts, s->n_parts, s->cap_parts) = (struct kafka_part){
            .topic = topic->name, .handle = topic->handle, .topic_index = t, .partition = p};
    }
    return ERR_OK;
}

/* Nothing was ever written: the history of such a partition begins with its first record. */
static void tell_infos(struct kafka_source *s)
{
    for (size_t i = 0; i < s->n_parts; i++) {
        const struct kafka_part *p = &s->parts[i];
        s->infos[i] = (struct source_partition){.topic = p->topic_index,
                                                .partition = p->partition,
                                                .first_offset = p->next,
                                                .empty = p->end == 0};
    }
}

enum err kafka_find_partitions(struct kafka_source *s, struct error *err)
{
    for (uint32_t t = 0; t < s->n_topics; t++) {
        if (s->topics[t].name) {
            FYKE_TRY(open_topic(s, t, err));
        }
    }
    if (s->journal) {
        return ERR_OK; /* the group says which of them are ours */
    }
    if (s->n_parts == 0) {
        return error_set(err, ERR_USAGE, "the rules read no topic");
    }
    s->left = (uint32_t)s->n_parts;
    return kafka_place_partitions(s, err);
}

enum err kafka_place_partitions(struct kafka_source *s, struct error *err)
{
    if (s->n_parts > 0) {
        FYKE_TRY(find_ends(s, err));
        FYKE_TRY(s->rebuild ? limit_to_rebuild(s, err) : ERR_OK);
        FYKE_TRY(apply_start(s, err));
    }
    s->infos = xrealloc(s->infos, (s->n_parts + 1) * sizeof(*s->infos));
    tell_infos(s);
    return ERR_OK;
}

/* ---- after a checkpoint ------------------------------------------------------------------- */

enum err kafka_go_on_at(struct kafka_part *p, int64_t offset, struct error *err)
{
    if (offset < p->low || offset > p->end) {
        return error_set(err, ERR_KAFKA,
                         "%s[%d]: the state goes on at offset %lld, but the topic holds %lld to "
                         "%lld: records were lost by retention, or the topic was made anew",
                         p->topic, p->partition, (long long)offset, (long long)p->low,
                         (long long)p->end);
    }
    p->next = offset;
    return ERR_OK;
}

enum err kafka_check_known(struct kafka_part *p, const struct partition_position *at,
                           struct error *err)
{
    if (at->known > p->end) {
        return error_set(err, ERR_KAFKA,
                         "%s[%d]: the state has read up to offset %lld, but the topic holds %lld "
                         "to %lld: its end was lost, or the topic was made anew",
                         p->topic, p->partition, (long long)at->known, (long long)p->low,
                         (long long)p->end);
    }
    p->last = at->last; /* looked at when it comes by (kafka_check.c) */
    return ERR_OK;
}

static const struct partition_position *position_of(const struct partition_position *from,
                                                    uint32_t n, const struct kafka_part *p)
{
    for (uint32_t i = 0; i < n; i++) {
        if (from[i].topic == p->topic_index && from[i].partition == p->partition) {
            return &from[i];
        }
    }
    return NULL;
}

static bool knows_topic(const struct partition_position *from, uint32_t n, uint32_t topic)
{
    for (uint32_t i = 0; i < n; i++) {
        if (from[i].topic == topic) {
            return true;
        }
    }
    return false;
}

/* A partition that was added since the last run is read from its first record, whatever --start
 * says: nothing of a known topic is skipped. */
static enum err apply_positions(struct kafka_source *s, const struct partition_position *from,
                                uint32_t n, struct error *err)
{
    for (size_t i = 0; i < s->n_parts; i++) {
        struct kafka_part *p = &s->parts[i];
        const struct partition_position *at = position_of(from, n, p);
        if (at) {
            FYKE_TRY(kafka_check_known(p, at, err));
            FYKE_TRY(kafka_go_on_at(p, at->offset, err));
        } else if (knows_topic(from, n, p->topic_index)) {
            p->next = p->low;
            kafka_say(&s->client, "topic \"%s\" has a new partition %d: read from offset %lld",
                      p->topic, p->partition, (long long)p->low);
        }
    }
    return ERR_OK;
}

enum err kafka_assign_parts(struct kafka_source *s, struct error *err)
{
    tell_infos(s);
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new((int)s->n_parts);
    for (size_t i = 0; i < s->n_parts; i++) {
        struct kafka_part *p = &s->parts[i];
        p->end_reached = false;
        if (!p->waits) {
            rd_kafka_topic_partition_list_add(l, p->topic, p->partition)->offset =
                kafka_check_begin(p);
        }
        if (!p->waits && !p->checks) {
            kafka_reached(s, i, p->next);
        }
    }
    kafka_fetch_drop(&s->fetch);
    kafka_again_seen(s); /* what is asked from here on, is asked of what is read from here on */
    rd_kafka_resp_err_t rc = rd_kafka_assign(s->client.rk, l);
    rd_kafka_topic_partition_list_destroy(l);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_error(&s->client, rc, err, "assigning the partitions");
    }
    s->consuming = true;
    return ERR_OK;
}

/* What is known of the topic was looked at when it was opened. */
static enum err go_back(struct kafka_source *s, const struct partition_position *from, uint32_t n,
                        struct error *err)
{
    s->left = (uint32_t)s->n_parts;
    for (size_t i = 0; i < s->n_parts; i++) {
        struct kafka_part *p = &s->parts[i];
        const struct partition_position *at = position_of(from, n, p);
        if (!at) {
            return error_set(err, ERR_KAFKA, "%s[%d]: the state knows no position of it", p->topic,
                             p->partition);
        }
        FYKE_TRY(kafka_let_run(s, p, err));
        p->next = at->offset;
        p->done = p->eof = p->told = p->checks = p->waits = false;
        p->last = at->last; /* looked at when it comes by: the client may have met an error meanwhile */
        p->again = p->last.set;
    }
    return ERR_OK;
}

enum err kafka_assign(struct kafka_source *s, const struct partition_position *from, uint32_t n,
                      struct error *err)
{
    if (s->again) {
        FYKE_TRY(go_back(s, from, n, err));
        return kafka_assign_parts(s, err);
    }
    FYKE_TRY(apply_positions(s, from, n, err));
    /* From here on rd_kafka_consumer_poll() serves every callback, rd_kafka_poll() none. */
    kafka_consume(&s->client);
    return kafka_assign_parts(s, err);
}
