/* Positions for the consumer group, so that lag can be watched from outside. A restart reads the
 * checkpoint, never these; so a commit that fails is told, and the run goes on.
 *
 * Commits are asynchronous: a synchronous one waits for the coordinator for as long as an outage
 * lasts, and the input thread with it. */
#include <stddef.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/kafka_parts.h"

#define FINISH_MS 5000
#define FINISH_STEP_MS 50

static void send_wanted(struct kafka_source *s)
{
    if (s->committing || !s->wanted) {
        return;
    }
    rd_kafka_topic_partition_list_t *list = s->wanted;
    s->wanted = NULL;
    rd_kafka_resp_err_t rc = rd_kafka_commit(s->client.rk, list, 1);
    if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
        s->committing = true;
    } else {
        kafka_on_commit(s->client.rk, rc, list, &s->client);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

/* The call as a whole may succeed and a partition fail. */
static rd_kafka_resp_err_t first_failure(rd_kafka_resp_err_t code,
                                         const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; list && i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        code = list->elems[i].err;
    }
    return code == RD_KAFKA_RESP_ERR__NO_OFFSET ? RD_KAFKA_RESP_ERR_NO_ERROR : code;
}

/* Who may not read a topic is told by the reading, which ends with it. */
static bool is_told(const struct kafka_source *s, rd_kafka_resp_err_t code)
{
    return code == s->commit_said || code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
}

void kafka_on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                     rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct kafka_source *s =
        (struct kafka_source *)((char *)opaque - offsetof(struct kafka_source, client));
    (void)rk;
    s->committing = false;
    code = first_failure(code, list);
    if (s->commit_said == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED &&
        code == RD_KAFKA_RESP_ERR__WAIT_COORD) {
        code = s->commit_said; /* who may not use the group does not get to know its coordinator */
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && !is_told(s, code) && !s->client.down) {
        char why[KAFKA_WHY_SIZE];
        kafka_say(&s->client,
                  "kafka: input: offsets could not be committed (%s); the run goes on, a restart "
                  "reads the checkpoint",
                  kafka_why(&s->client, code, why, sizeof(why)));
    }
    s->commit_said = code;
    send_wanted(s);
}

void kafka_commit_later(struct kafka_source *s, const struct partition_position *pos, uint32_t n,
                        const char *metadata)
{
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new((int)n);
    for (uint32_t k = 0; k < n; k++) {
        size_t i = kafka_part_of(s, pos[k].topic, pos[k].partition);
        if (i == KAFKA_NO_PART) {
            continue;
        }
        rd_kafka_topic_partition_t *e =
            rd_kafka_topic_partition_list_add(l, s->parts[i].topic, pos[k].partition);
        e->offset = pos[k].offset;
        if (metadata && *metadata) {
            e->metadata = xstrdup(metadata); /* the list's: freed with it */
            e->metadata_size = strlen(metadata);
        }
    }
    if (s->wanted) {
        rd_kafka_topic_partition_list_destroy(s->wanted);
    }
    s->wanted = l;
    send_wanted(s);
}

void kafka_commit_finish(struct kafka_source *s)
{
    for (int left = FINISH_MS; (s->committing || s->wanted) && left > 0 && !s->client.down;
         left -= FINISH_STEP_MS) {
        send_wanted(s);
        /* Nothing is assigned any more; polling is what serves the answer. */
        rd_kafka_message_t *m = rd_kafka_consumer_poll(s->client.rk, FINISH_STEP_MS);
        if (m) {
            rd_kafka_message_destroy(m);
        }
    }
    if (s->wanted) {
        rd_kafka_topic_partition_list_destroy(s->wanted);
        s->wanted = NULL;
    }
}
