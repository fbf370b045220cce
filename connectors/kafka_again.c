/* Is it still the topic that is read? One that is removed and made anew while a run reads it may have grown
 * past the position before the client asks for more: it then goes on in the other topic without a word. But
 * it has met an error on the way, whatever it says of it: the topic was not there, or a connection broke.
 * It keeps such an error to itself. It is seen here by two signs, either of which is enough:
 *   - the client asks the cluster who leads what, within 100 ms (topic.metadata.refresh.fast.interval.ms).
 *     An answer to anybody's question settles its doubts, after which it does not ask: every answer is a
 *     sign as well, ours among them.
 *   - an answer that is an error names no end (-1) where the last one named an end that reached the
 *     position. No more is heard of the partition for 500 ms (fetch.error.backoff.ms), hence a look at the
 *     ends that the client holds every 200 ms sees it. So it does an end that lies in front of the position.
 * After a sign nothing that has come since is handed on: reading goes back to the record that was handed on
 * last, which must be there as it was (kafka_check.c). A member of a group goes by the client's questions alone:
 * every look assigns, which a rebalance may meet. The client asks every five minutes as well, which costs
 * a look for nothing, and counts the partitions.
 *
 * No error is met by who does not ask: after a pause, of a partition that was held back or of the process
 * as a whole, there is a look without a sign. */
#include <stdatomic.h>
#include <time.h>

#include "base/xalloc.h"
#include "connectors/kafka_parts.h"

#define API_METADATA 3
#define HELD_BACK_MS 1000 /* a partition, so long that the topic may be another one */
#define STOOD_STILL_MS 10000
/* So many looks may follow each other at once, then one a second: a partition without a leader makes the
 * client ask again and again. */
#define LOOKS 4
#define LOOKS_MS 1000
#define SEEK_MS 5000
#define ASK_MS 1000
#define ENDS_MS 200

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what the client asks ----------------------------------------------------------------- */

/* These two on a thread of the client's. */
static rd_kafka_resp_err_t on_request(rd_kafka_t *rk, int fd, const char *broker, int32_t id,
                                      int16_t api, int16_t version, int32_t correlation,
                                      size_t size, void *opaque)
{
    struct kafka_source *s = opaque;
    (void)rk, (void)fd, (void)broker, (void)id, (void)version, (void)correlation, (void)size;
    if (api == API_METADATA) {
        atomic_fetch_add(&s->asked, 1);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_response(rd_kafka_t *rk, int fd, const char *broker, int32_t id,
                                       int16_t api, int16_t version, int32_t correlation,
                                       size_t size, int64_t rtt, rd_kafka_resp_err_t code,
                                       void *opaque)
{
    struct kafka_source *s = opaque;
    (void)rk, (void)fd, (void)broker, (void)id, (void)version, (void)correlation, (void)size;
    (void)rtt;
    if (api != API_METADATA || s->journal) {
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    unsigned owed = atomic_load(&s->owed);
    while (owed > 0 && !atomic_compare_exchange_weak(&s->owed, &owed, owed - 1)) {
    }
    if (owed == 0 && code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        atomic_fetch_add(&s->asked, 1);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque,
                                  char *why, size_t size)
{
    (void)conf, (void)why, (void)size;
    rd_kafka_resp_err_t rc =
        rd_kafka_interceptor_add_on_response_received(rk, "fyke", on_response, opaque);
    return rc ? rc : rd_kafka_interceptor_add_on_request_sent(rk, "fyke", on_request, opaque);
}

void kafka_again_watch(struct kafka_source *s, rd_kafka_conf_t *conf)
{
    rd_kafka_conf_interceptor_add_on_new(conf, "fyke", on_new, s); /* the first: cannot fail */
}

void kafka_again_seen(struct kafka_source *s)
{
    s->seen = atomic_load(&s->asked);
}

int32_t kafka_again_probe(struct kafka_source *s, rd_kafka_topic_t *topic, int timeout_ms)
{
    unsigned before = atomic_load(&s->asked);
    int32_t n = kafka_probe(&s->client, topic, timeout_ms);
    s->seen += atomic_load(&s->asked) != before; /* the question; what is left is the answer */
    return n;
}

/* ---- when --------------------------------------------------------------------------------- */

static bool is_suspect(const struct kafka_source *s)
{
    return s->base.last_read && s->consuming && !s->rebuild && s->n_parts > 0 &&
           s->change == SOURCE_SAME && (s->client.missing || atomic_load(&s->asked) != s->seen);
}

/* Time that the machine was asleep counts. */
static void note_pause(struct kafka_source *s)
{
    int64_t now = now_ms();
    if (s->polled_ms > 0 && now - s->polled_ms >= STOOD_STILL_MS) {
        s->seen--;
    }
    s->polled_ms = now;
}

/* ---- ends --------------------------------------------------------------------------------- */

/* What the client heard last; before the first answer of an assignment that may be an older one's. */
static bool falls_short(const struct kafka_source *s, struct kafka_part *p)
{
    int64_t low, high;
    if (p->waits || rd_kafka_get_watermark_offsets(s->client.rk, p->topic, p->partition, &low,
                                                   &high) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return false;
    }
    bool reached = high >= p->next;
    bool fell = p->end_reached && !reached;
    p->end_reached = reached;
    return fell;
}

static void note_ends(struct kafka_source *s)
{
    int64_t now = now_ms();
    if (!s->base.last_read || !s->consuming || s->rebuild || s->journal ||
        now - s->ends_ms < ENDS_MS) {
        return;
    }
    s->ends_ms = now;
    bool any = false;
    for (size_t i = 0; i < s->n_parts; i++) {
        any |= falls_short(s, &s->parts[i]);
    }
    s->seen -= any;
}

/* ---- is it there at all? ------------------------------------------------------------------ */

/* Brokers that have just started may know less for a moment. */
static enum err is_gone(struct kafka_source *s, struct kafka_topic *t, struct error *err)
{
    if (!t->gone) {
        t->gone = true;
        t->gone_ms = now_ms();
        kafka_say(&s->client, "kafka: input: topic %s does not exist any more; waiting for it",
                  t->name);
    }
    return now_ms() - t->gone_ms < KAFKA_TOPIC_MS
               ? ERR_OK
               : error_set(err, ERR_KAFKA, "kafka: topic %s does not exist any more", t->name);
}

/* Partitions are taken over at the start only: new ones need a restart. */
static void note_count(struct kafka_source *s, struct kafka_topic *t, int32_t n)
{
    if (n > t->count) {
        kafka_say(&s->client,
                  "topic \"%s\" has %d partitions now, %d of them are not read: restart to read "
                  "them from their first record",
                  t->name, n, n - t->count);
        t->count = n;
    }
}

/* To assign what does not exist makes the client wait for minutes. */
static enum err all_there(struct kafka_source *s, bool *ret, struct error *err)
{
    *ret = true;
    for (uint32_t i = 0; i < s->n_topics; i++) {
        struct kafka_topic *t = &s->topics[i];
        int32_t n = 0;
        rd_kafka_resp_err_t rc = t->name ? kafka_ask(&s->client, t->handle, ASK_MS, &n)
                                         : RD_KAFKA_RESP_ERR_NO_ERROR;
        bool gone = rc == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        FYKE_TRY(gone ? is_gone(s, t, err) : ERR_OK);
        t->gone &= gone;
        *ret &= !gone;
        if (rc == RD_KAFKA_RESP_ERR__TIMED_OUT) {
            atomic_fetch_add(&s->owed, 1); /* or who answers slowly would be asked for ever */
        }
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
            note_count(s, t, n);
        }
    }
    return ERR_OK;
}

/* ---- the look ----------------------------------------------------------------------------- */

static void take_mark(struct kafka_source *s, struct kafka_part *p)
{
    p->last = (struct record_mark){0};
    s->base.last_read(s->base.last_read_ctx, p->topic_index, p->partition, &p->last);
    p->again = p->last.set;
}

/* Nothing of the batch was handed on. */
static void undo_batch(struct kafka_source *s)
{
    for (size_t k = s->n_messages; k-- > 0;) {
        const struct record *r = &s->records[k];
        size_t i = kafka_part_of(s, r->topic, r->partition);
        struct kafka_part *p = &s->parts[i];
        p->next = r->offset;
        if (p->done && p->next < p->end) {
            p->done = false;
            s->left++;
        }
        kafka_end_undone(s, i);
    }
    kafka_drop_batch(s);
}

/* While a topic is not there it stays to be done. */
static enum err look(struct kafka_source *s, struct error *err)
{
    bool there;
    s->looked_ms[s->looks++ % LOOKS] = now_ms();
    undo_batch(s);
    FYKE_TRY(all_there(s, &there, err));
    if (!there) {
        s->client.missing = true;
        return ERR_OK;
    }
    s->client.missing = false;
    for (size_t i = 0; i < s->n_parts; i++) {
        if (!s->parts[i].waits) {
            take_mark(s, &s->parts[i]);
        }
    }
    return kafka_assign_parts(s, err);
}

enum err kafka_again_before(struct kafka_source *s, bool *ret_wait, struct error *err)
{
    note_pause(s);
    note_ends(s);
    *ret_wait = false;
    if (!is_suspect(s)) {
        return ERR_OK;
    }
    *ret_wait = s->looks >= LOOKS && now_ms() - s->looked_ms[s->looks % LOOKS] < LOOKS_MS;
    FYKE_TRY(*ret_wait ? ERR_OK : look(s, err));
    *ret_wait |= s->client.missing;
    return ERR_OK;
}

enum err kafka_again_behind(struct kafka_source *s, struct error *err)
{
    note_ends(s);
    return is_suspect(s) ? look(s, err) : ERR_OK;
}

/* ---- a partition that was held back ------------------------------------------------------- */

void kafka_again_held_back(struct kafka_part *p)
{
    p->paused_ms = now_ms();
}

void kafka_again_let_go(struct kafka_source *s, struct kafka_part *p)
{
    if (!s->base.last_read || s->rebuild || p->checks || now_ms() - p->paused_ms < HELD_BACK_MS) {
        return;
    }
    take_mark(s, p);
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(l, p->topic, p->partition)->offset = kafka_check_begin(p);
    rd_kafka_error_t *e = rd_kafka_seek_partitions(s->client.rk, l, SEEK_MS);
    if (e || l->elems[0].err) {
        s->seen--; /* by assigning anew, then */
    }
    rd_kafka_error_destroy(e);
    rd_kafka_topic_partition_list_destroy(l);
}
