/* Ends of partitions, outages.
 *
 * Idleness lets event time move on without a partition, so it needs more than silence: the client's
 * "end of partition" is the stable end, which an open transaction upstream looks like too, and it is
 * said once, however long ago. For topics with `idle after` the end is therefore proved anew every
 * quarter of that time: the leader answers, its stable end is where we are, and so is the end of
 * its log. What cannot be proved is taken back. */
#include <time.h>

#include "base/xalloc.h"
#include "connectors/kafka_parts.h"

#define PROVE_MS 1000  /* for an answer */
#define PROBE_EVERY_MS 1000
#define PROBE_MS 200        /* for an answer during an outage */
#define FIRST_PROBE_MS 1000 /* before it is called one: twice */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct partition_position position(const struct kafka_part *p)
{
    return (struct partition_position){p->topic_index, p->partition, p->next, 0, {0}};
}

/* ---- ends --------------------------------------------------------------------------------- */

static void tell(struct kafka_source *s, struct kafka_part *p, bool at_end)
{
    if (at_end == p->told) {
        return;
    }
    p->told = at_end;
    if (at_end) {
        VEC_PUSH(s->at_end, s->n_at_end, s->cap_at_end) = position(p);
    } else {
        VEC_PUSH(s->lost_end, s->n_lost_end, s->cap_lost_end) = position(p);
    }
}

void kafka_end_reached(struct kafka_source *s, size_t part, int64_t offset)
{
    struct kafka_part *p = &s->parts[part];
    kafka_reached(s, part, offset);
    p->eof = true;
    p->told = false; /* the offset may be a new one */
    tell(s, p, true);
}

void kafka_end_passed(struct kafka_source *s, size_t part)
{
    s->parts[part].eof = s->parts[part].told = false;
}

void kafka_end_undone(struct kafka_source *s, size_t part)
{
    struct kafka_part *p = &s->parts[part];
    p->eof = false;
    p->told = true;
    tell(s, p, false);
}

/* `answer`: the leader's; NULL: none. */
static bool is_proved(const struct kafka_source *s, const struct kafka_part *p,
                      const rd_kafka_topic_partition_t *answer)
{
    int64_t low, high;
    return answer && answer->err == RD_KAFKA_RESP_ERR_NO_ERROR && answer->offset == p->next &&
           !p->paused &&
           rd_kafka_get_watermark_offsets(s->client.rk, p->topic, p->partition, &low, &high) ==
               RD_KAFKA_RESP_ERR_NO_ERROR &&
           high == p->next;
}

static bool is_watched(const struct kafka_source *s, const struct kafka_part *p)
{
    return p->eof && s->topics[p->topic_index].watched;
}

static void prove_ends(struct kafka_source *s)
{
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new((int)s->n_parts);
    for (size_t i = 0; i < s->n_parts; i++) {
        const struct kafka_part *p = &s->parts[i];
        if (is_watched(s, p)) {
            rd_kafka_topic_partition_list_add(l, p->topic, p->partition)->offset =
                RD_KAFKA_OFFSET_END;
        }
    }
    bool answered = l->cnt > 0 && !s->client.down &&
                    rd_kafka_offsets_for_times(s->client.rk, l, PROVE_MS) ==
                        RD_KAFKA_RESP_ERR_NO_ERROR;
    int at = 0;
    for (size_t i = 0; i < s->n_parts; i++) {
        struct kafka_part *p = &s->parts[i];
        if (is_watched(s, p)) {
            tell(s, p, is_proved(s, p, answered ? &l->elems[at] : NULL));
            at++;
        }
    }
    rd_kafka_topic_partition_list_destroy(l);
}

/* ---- now and then ------------------------------------------------------------------------- */

/* True once per `every_ms`. */
static bool is_due(int64_t *last_ms, int64_t now, int64_t every_ms)
{
    if (now - *last_ms < every_ms) {
        return false;
    }
    *last_ms = now;
    return true;
}

/* Records that are in the client's queue already say nothing about the broker. It is asked twice before
 * it counts as away: callbacks come in between, and may know better what is wrong. */
static void ask_around(struct kafka_source *s)
{
    kafka_again_probe(s, s->probe, s->client.down ? PROBE_MS : FIRST_PROBE_MS);
    if (!s->client.suspect) {
        return;
    }
    if (!s->client.down && !s->asked_once) {
        s->asked_once = true;
        s->probed_ms = 0; /* again, and at once */
        return;
    }
    kafka_lost(&s->client);
}

void kafka_look_around(struct kafka_source *s)
{
    int64_t now = now_ms();
    if (!s->client.suspect) {
        s->asked_once = false;
    } else if (is_due(&s->probed_ms, now, PROBE_EVERY_MS)) {
        ask_around(s);
    }
    if (s->prove_every_ms > 0 && is_due(&s->proved_ms, now, s->prove_every_ms)) {
        prove_ends(s);
    }
}
