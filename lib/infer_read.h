/* Records of a file or a topic for infer.h: read from their beginning, nothing joined or committed. */
#ifndef FYKE_LIB_INFER_READ_H
#define FYKE_LIB_INFER_READ_H

#include "base/error.h"
#include "connectors/kafka.h"
#include "lib/infer.h"

struct infer_input {
    const char *input; /* FILE, "-" or "kafka:TOPIC" */
    struct slice topic;
    bool kcat;
    uint64_t limit; /* records */
    struct kafka_config kafka;
};

/* "kafka:TOPIC": the topic, else NULL. */
const char *infer_kafka_topic(const char *input);
enum err infer_read(struct infer *in, const struct infer_input *input,
                    struct error *err) FYKE_MUST_USE;

#endif
