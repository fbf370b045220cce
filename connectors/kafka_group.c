/* The source as a member of the application's group.
 *
 * The client's callback only takes note, and stops there: the group waits until what it asked for has
 * been done, so the input thread finishes the batch, commits what was read, and then lets go
 * (rd_kafka_assign(NULL)) or begins with what it was given. What commits are made with, the group's
 * metadata, is taken in the callback that gives partitions, once, and goes with them: a later one would
 * let a member that was away for too long commit what is no longer its own.
 *
 * `range` gives one member the same partition numbers of all topics, when topics have as many and all
 * members read the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/say.h"
#include "base/xalloc.h"
#include "connectors/kafka_journal_parts.h"
#include "connectors/kafka_parts.h"

/* So many records say which partitioner wrote them. */
#define JUDGE_RECORDS 10000
/* One in a thousand may be misplaced. */
#define TOLERANCE 1000
/* Between two wishes for a new share. */
#define ASK_MS 15000
#define MOST_ASK_MS 300000

/* ---- how many tasks ----------------------------------------------------------------------- */

struct counting {
    struct kafka_client client;
    char *first; /* the first topic; owned */
    int32_t n;   /* its partitions */
};

static enum err count_topic(struct counting *k, const char *name, struct error *err)
{
    int32_t n;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(k->client.rk, name, NULL);
    if (!handle) {
        return kafka_error(&k->client, rd_kafka_last_error(), err, "topic %s", name);
    }
    enum err rc = kafka_partitions(&k->client, handle, &n, err);
    rd_kafka_topic_destroy(handle);
    FYKE_TRY(rc);
    if (!k->first) {
        k->first = xstrdup(name);
        k->n = n;
    }
    return n == k->n ? ERR_OK
                     : error_set(err, ERR_USAGE,
                                 "topic %s has %d partitions, topic %s has %d: several instances "
                                 "share topics with as many partitions each, written by one "
                                 "partitioner; or run one (--instances 1)",
                                 k->first, k->n, name, n);
}

static enum err count_topics(struct counting *k, const struct kafka_config *c,
                             const struct ruleset *rs, const char *topics, struct error *err)
{
    struct kafka_setup setup = {.role = "input"};
    rd_kafka_conf_t *conf;
    FYKE_TRY(kafka_conf(&k->client, c, &setup, &conf, err));
    FYKE_TRY(kafka_open(&k->client, RD_KAFKA_CONSUMER, conf, err));
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        struct slice topic = rs->topics[i].name;
        if (kafka_reads(topics, topic)) {
            char *name = xstrndup(topic.ptr, topic.len);
            enum err rc = count_topic(k, name, err);
            free(name);
            FYKE_TRY(rc);
        }
    }
    return k->n > 0 ? ERR_OK : error_set(err, ERR_USAGE, "the rules read no topic");
}

enum err kafka_count_tasks(const struct kafka_config *c, const struct ruleset *rs,
                           const char *topics, uint32_t *ret, struct error *err)
{
    struct counting k = {0};
    enum err rc = count_topics(&k, c, rs, topics, err);
    kafka_close(&k.client);
    free(k.first);
    *ret = (uint32_t)k.n;
    return rc;
}

/* ---- given and taken ---------------------------------------------------------------------- */

static void forget_given(struct kafka_source *s)
{
    if (s->given) {
        rd_kafka_topic_partition_list_destroy(s->given);
        s->given = NULL;
    }
}

void kafka_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                        rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct kafka_source *s =
        (struct kafka_source *)((char *)opaque - offsetof(struct kafka_source, client));
    if (s->closing || !s->journal) {
        rd_kafka_assign(rk, NULL);
        return;
    }
    forget_given(s);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        s->given = rd_kafka_topic_partition_list_copy(list);
        kafka_journal_set_group((struct kafka_journal *)s->journal,
                                rd_kafka_consumer_group_metadata(rk));
        s->change = SOURCE_GIVEN;
    } else {
        s->lost = rd_kafka_assignment_lost(rk);
        s->change = SOURCE_TAKEN;
    }
}

static struct kafka_topic *topic_named(struct kafka_source *s, const char *name, uint32_t *ret)
{
    for (uint32_t t = 0; t < s->n_topics; t++) {
        if (s->topics[t].name && strcmp(s->topics[t].name, name) == 0) {
            *ret = t;
            return &s->topics[t];
        }
    }
    return NULL;
}

/* By topic, then partition, as everywhere. */
static int by_place(const void *x, const void *y)
{
    const struct kafka_part *a = x, *b = y;
    if (a->topic_index != b->topic_index) {
        return a->topic_index < b->topic_index ? -1 : 1;
    }
    return a->partition < b->partition ? -1 : a->partition > b->partition;
}

static void take_given(struct kafka_source *s)
{
    s->n_parts = s->last_part = 0;
    for (int i = 0; i < s->given->cnt; i++) {
        const rd_kafka_topic_partition_t *g = &s->given->elems[i];
        uint32_t t;
        struct kafka_topic *topic = topic_named(s, g->topic, &t);
        if (topic) {
            VEC_PUSH(s->parts, s->n_parts, s->cap_parts) =
                (struct kafka_part){.topic = topic->name,
                                    .handle = topic->handle,
                                    .topic_index = t,
                                    .partition = g->partition};
        }
    }
    if (s->n_parts > 1) {
        qsort(s->parts, s->n_parts, sizeof(*s->parts), by_place);
    }
}

/* Before anything is asked about it: this client may not know yet of a partition that was added. */
static enum err check_given(const struct kafka_source *s, struct error *err)
{
    for (size_t i = 0; i < s->n_parts; i++) {
        const struct kafka_part *p = &s->parts[i];
        if (p->partition >= (int32_t)s->n_tasks) {
            return error_set(err, ERR_STATE,
                             "topic \"%s\" has a partition %d now, the state was made for %u: keys "
                             "have moved to other partitions",
                             p->topic, p->partition, s->n_tasks);
        }
    }
    return ERR_OK;
}

static enum err subscribe(struct kafka_source *s, struct error *err)
{
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new((int)s->n_topics);
    for (uint32_t t = 0; t < s->n_topics; t++) {
        if (s->topics[t].name) {
            rd_kafka_topic_partition_list_add(l, s->topics[t].name, RD_KAFKA_PARTITION_UA);
        }
    }
    if (s->asks) {
        rd_kafka_topic_partition_list_add(l, s->unread, RD_KAFKA_PARTITION_UA);
    }
    rd_kafka_resp_err_t rc = rd_kafka_subscribe(s->client.rk, l);
    rd_kafka_topic_partition_list_destroy(l);
    return rc == RD_KAFKA_RESP_ERR_NO_ERROR
               ? ERR_OK
               : kafka_error(&s->client, rc, err, "joining the group");
}

/* A member without a name commits whatever it likes: nothing may be committed as one. */
static enum err check_membership(struct kafka_source *s, struct error *err)
{
    char *member = rd_kafka_memberid(s->client.rk);
    bool has = member && *member;
    rd_kafka_mem_free(s->client.rk, member);
    return has ? ERR_OK
               : error_set(err, ERR_ABORTED, "kafka: the group has given partitions, but no name");
}

/* ---- other topics than the last time ------------------------------------------------------ */

/* A member that comes back under its name is given what it had, whatever it subscribes to now, and the
 * others keep theirs: with other topics than before that is no share of them. The group shares anew when a
 * member that it knows subscribes to something else than before; so we do, with a topic more or less that
 * nobody reads. */

static uint32_t parts_of_topic(const struct kafka_source *s, uint32_t topic, int32_t *ret_sum)
{
    uint32_t n = 0;
    *ret_sum = 0;
    for (size_t i = 0; i < s->n_parts; i++) {
        n += s->parts[i].topic_index == topic;
        *ret_sum += s->parts[i].topic_index == topic ? s->parts[i].partition : 0;
    }
    return n;
}

/* Of each topic the same partitions: of a share they are consecutive, so number and sum say it. */
static bool is_even(const struct kafka_source *s)
{
    uint32_t n = 0;
    int32_t sum = 0, its;
    bool first = true;
    for (uint32_t t = 0; t < s->n_topics; t++) {
        if (!s->topics[t].name) {
            continue;
        }
        uint32_t has = parts_of_topic(s, t, &its);
        if (!first && (has != n || its != sum)) {
            return false;
        }
        n = has;
        sum = its;
        first = false;
    }
    return true;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* At once, and then now and then: others may still read other topics, and will come to ours. */
static enum err ask_for_share(struct kafka_source *s, struct error *err)
{
    if (!s->uneven || s->change != SOURCE_SAME || now_ms() < s->ask_again_ms) {
        return ERR_OK;
    }
    s->ask_pause_ms = s->ask_pause_ms == 0 ? ASK_MS : s->ask_pause_ms * 2;
    s->ask_pause_ms = s->ask_pause_ms < MOST_ASK_MS ? s->ask_pause_ms : MOST_ASK_MS;
    s->ask_again_ms = now_ms() + s->ask_pause_ms;
    s->asks = !s->asks;
    kafka_say(&s->client, SAY_INFO "the group has not shared all topics evenly, as one of its members has "
              "come to read others; it is asked to share anew");
    return subscribe(s, err);
}

/* ---- what the callback noted ---------------------------------------------------------------- */

enum err kafka_group_change(struct kafka_source *s, enum source_change *ret, struct error *err)
{
    *ret = s->change;
    s->change = SOURCE_SAME;
    if (*ret == SOURCE_TAKEN && s->lost) {
        return error_set(err, ERR_ABORTED, "kafka: the group has given our partitions to others, as "
                                           "nothing was heard of us for session.timeout.ms");
    }
    if (*ret != SOURCE_GIVEN) {
        s->uneven = s->uneven && *ret == SOURCE_SAME;
        return ask_for_share(s, err);
    }
    FYKE_TRY(check_membership(s, err));
    take_given(s);
    FYKE_TRY(check_given(s, err));
    s->uneven = !is_even(s);
    return kafka_place_partitions(s, err);
}

/* The client keeps in mind what was held back, also when it is assigned anew. */
static void hold_nothing_back(struct kafka_source *s)
{
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(1);
    for (size_t i = 0; i < s->n_parts; i++) {
        if (s->parts[i].paused) {
            rd_kafka_topic_partition_list_add(l, s->parts[i].topic, s->parts[i].partition);
        }
    }
    if (l->cnt > 0) {
        rd_kafka_resume_partitions(s->client.rk, l); /* of partitions that are ours: cannot fail */
    }
    rd_kafka_topic_partition_list_destroy(l);
}

enum err kafka_group_let_go(struct kafka_source *s, struct error *err)
{
    hold_nothing_back(s);
    s->n_parts = s->last_part = 0;
    s->left = 1; /* nothing is at its end before there is something */
    rd_kafka_resp_err_t rc = rd_kafka_assign(s->client.rk, NULL);
    return rc ? kafka_error(&s->client, rc, err, "letting the partitions go") : ERR_OK;
}

/* ---- reading what is ours ----------------------------------------------------------------- */

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

/* What is given and not named waits. Their ends are those of now: what goes on lies behind those of the
 * start. */
enum err kafka_group_start(struct kafka_source *s, const struct partition_position *from,
                           uint32_t n, struct error *err)
{
    hold_nothing_back(s);
    take_given(s);
    FYKE_TRY(kafka_place_partitions(s, err));
    s->left = 0;
    for (size_t i = 0; i < s->n_parts; i++) {
        struct kafka_part *p = &s->parts[i];
        const struct partition_position *at = position_of(from, n, p);
        p->waits = at == NULL;
        s->left += at != NULL;
        if (at && at->offset != SOURCE_FROM_START) {
            FYKE_TRY(kafka_check_known(p, at, err));
            FYKE_TRY(kafka_go_on_at(p, at->offset, err));
        }
    }
    return kafka_assign_parts(s, err);
}

/* ---- is every record where it belongs? ---------------------------------------------------- */

/* Has enough been seen of a topic to say which partitioner wrote it? */
static bool is_judged(const struct kafka_topic *t)
{
    return t->judged >= JUDGE_RECORDS;
}

static bool is_by_murmur2(const struct kafka_topic *t)
{
    return t->by_murmur2 > t->by_crc32;
}

/* Of one partition every partitioner is right. */
static enum err compare_partitioners(const struct kafka_source *s, const struct kafka_topic *t,
                                     struct error *err)
{
    for (uint32_t i = 0; i < s->n_topics && t->by_murmur2 != t->by_crc32; i++) {
        const struct kafka_topic *other = &s->topics[i];
        bool same = is_by_murmur2(other) == is_by_murmur2(t);
        if (is_judged(other) && other->by_murmur2 != other->by_crc32 && !same) {
            return error_set(err, ERR_STATE,
                             "topics %s and %s were written by different partitioners (%s, %s): "
                             "several instances would see one key apart; run one (--instances 1)",
                             t->name, other->name, is_by_murmur2(t) ? "murmur2" : "crc32",
                             is_by_murmur2(other) ? "murmur2" : "crc32");
        }
    }
    return ERR_OK;
}

/* Alerts about one key come from one task because its records are in one partition, and events of
 * several topics meet there. That is so if one partitioner wrote all of it. */
static enum err judge(const struct kafka_source *s, const struct kafka_topic *t, struct error *err)
{
    uint64_t best = t->by_murmur2 > t->by_crc32 ? t->by_murmur2 : t->by_crc32;
    uint64_t misplaced = t->judged - best;
    if (!is_judged(t)) {
        return ERR_OK;
    }
    if (misplaced * TOLERANCE <= t->judged) {
        return t->judged == JUDGE_RECORDS ? compare_partitioners(s, t, err) : ERR_OK;
    }
    return error_set(err, ERR_STATE,
                     "topic %s: of %llu records %llu are not in the partition of %u that their "
                     "message key belongs to (murmur2 or crc32 of it): several instances would see "
                     "one key apart; run one (--instances 1)",
                     t->name, (unsigned long long)t->judged, (unsigned long long)misplaced,
                     s->n_tasks);
}

enum err kafka_group_judge(struct kafka_source *s, const rd_kafka_message_t *m, size_t part,
                           bool *ret_elsewhere, struct error *err)
{
    struct kafka_topic *t = &s->topics[s->parts[part].topic_index];
    int32_t n = (int32_t)s->n_tasks;
    bool murmur2 = false, crc32 = false;
    if (m->key) {
        murmur2 = rd_kafka_msg_partitioner_murmur2(m->rkt, m->key, m->key_len, n, NULL, NULL) ==
                  m->partition;
        crc32 = rd_kafka_msg_partitioner_consistent(m->rkt, m->key, m->key_len, n, NULL, NULL) ==
                m->partition;
    }
    *ret_elsewhere = !murmur2 && !crc32;
    if (t->judged >= UINT64_MAX / TOLERANCE) {
        return ERR_OK;
    }
    t->judged++;
    t->by_murmur2 += murmur2;
    t->by_crc32 += crc32;
    return judge(s, t, err);
}

/* ---- joining ------------------------------------------------------------------------------ */

enum err kafka_group_subscribe(struct kafka_source *s, const char *app, struct error *err)
{
    size_t size = strlen(app) + sizeof(".rules");
    s->unread = xmalloc(size);
    snprintf(s->unread, size, "%s.rules", app);
    /* From here on rd_kafka_consumer_poll() serves every callback. */
    kafka_consume(&s->client);
    FYKE_TRY(subscribe(s, err));
    s->consuming = true;
    s->left = 1;
    return ERR_OK;
}

void kafka_group_close(struct kafka_source *s)
{
    s->closing = true;
    forget_given(s);
}
