/* Positions sent to a transaction beside the loop: the client's call has a time-out that it does not
 * keep. When the answer about the group's coordinator is lost it waits until some connection opens or
 * closes (librdkafka issue 5456, also 5511), which may take minutes. On a thread of its own the call
 * costs that thread only; the loop goes on serving callbacks and decides how long is too long.
 *
 * All calls are the input thread's. Without a thread (none could be had) kafka_aside_begin() makes the
 * call itself. */
#ifndef FYKE_CONNECTORS_KAFKA_ASIDE_H
#define FYKE_CONNECTORS_KAFKA_ASIDE_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

struct kafka_aside;

/* `rk` outlives it, or is left to it by kafka_aside_close(). */
struct kafka_aside *kafka_aside_new(rd_kafka_t *rk);
/* Copies both; nothing may be under way. */
void kafka_aside_begin(struct kafka_aside *a, const rd_kafka_topic_partition_list_t *offsets,
                       const rd_kafka_consumer_group_metadata_t *group, int call_ms);
/* Waits for up to `wait_ms`. True: the call is over, `*ret` its error or NULL, the caller's. */
bool kafka_aside_ended(struct kafka_aside *a, int wait_ms, rd_kafka_error_t **ret);
/* Gives it back. False: a call is still under way; its thread keeps the client and closes it when the
 * call returns, if it does before the process ends. Whoever initialises the transactional.id next
 * fences what that call may still do. `a` NULL: true. */
bool kafka_aside_close(struct kafka_aside *a);

#endif
