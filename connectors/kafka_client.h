/* What source and sink share: configuration, errors that arrive on callbacks, metadata. */
#ifndef FYKE_CONNECTORS_KAFKA_CLIENT_H
#define FYKE_CONNECTORS_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "connectors/kafka.h"

struct kafka_client {
    rd_kafka_t *rk;
    engine_log log;
    void *log_ctx;
    int connect_timeout_ms;
    char last_error[256]; /* from the error callback: the only place that tells why a login fails */
    bool connected;       /* a broker has answered */
};

/* One default, given before the user's own properties so that they win. */
struct kafka_default {
    const char *key, *value;
};

/* Makes the configuration; `c` must outlive the client (opaque of the callbacks). */
enum err kafka_conf(struct kafka_client *k, const struct kafka_config *c,
                    const struct kafka_default *defaults, size_t n_defaults,
                    rd_kafka_conf_t **ret, struct error *err) FYKE_MUST_USE;
enum err kafka_open(struct kafka_client *k, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                    struct error *err) FYKE_MUST_USE;
/* Number of partitions; an error says whether the topic is missing or no broker answers. */
enum err kafka_partitions(struct kafka_client *k, const char *topic, int32_t *ret_n,
                          struct error *err) FYKE_MUST_USE;
/* Turns a librdkafka code into ours, with the last callback error where it says more. */
enum err kafka_error(struct kafka_client *k, rd_kafka_resp_err_t code, struct error *err,
                     const char *fmt, ...) FYKE_PRINTF(4, 5);
void kafka_say(struct kafka_client *k, const char *fmt, ...) FYKE_PRINTF(2, 3);

#endif
