/* An outgoing record as a message: headers, key, time. Shared by the idempotent sink and the sinks
 * of the journal. */
#ifndef FYKE_CONNECTORS_KAFKA_OUT_H
#define FYKE_CONNECTORS_KAFKA_OUT_H

#include "connectors/kafka_client.h"

#define KAFKA_ANY_PARTITION RD_KAFKA_PARTITION_UA

/* A message to be; points into the caller's memory, which is copied when it is taken. */
struct kafka_message {
    rd_kafka_topic_t *topic;
    int32_t partition;
    bool has_key, has_value; /* false: null, which an empty one is not */
    struct slice key, value;
    int64_t ms;                  /* 0: now */
    rd_kafka_headers_t *headers; /* ours until kafka_send() succeeds; may be NULL */
    void *opaque;                /* comes back with the delivery report */
};

/* The message of `r`; headers are made and must be given to kafka_send() or destroyed. */
struct kafka_message kafka_message_of(const struct out_record *r);
/* A refused record that is too large goes out without its value: its place says where that is. False:
 * there is none to leave out. */
bool kafka_leave_value_out(const struct out_record *r, struct kafka_message *m);
enum err kafka_too_large(const struct out_record *r, const char *topic, struct error *err);
/* A topic that is written was deleted: what may mean it, what is said. */
bool kafka_may_be_deleted(rd_kafka_resp_err_t code);
enum err kafka_deleted(const char *topic, struct error *err);
rd_kafka_resp_err_t kafka_send(rd_kafka_t *rk, struct kafka_message *m);

#endif
