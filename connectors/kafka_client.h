/* What source and sink share: configuration, errors that arrive on callbacks, metadata. */
#ifndef FYKE_CONNECTORS_KAFKA_CLIENT_H
#define FYKE_CONNECTORS_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "connectors/kafka.h"
#include "connectors/kafka_login.h"
#include "connectors/kafka_properties.h"
#include "connectors/kafka_room.h"

/* Property or default: "key=value" would do, but keys are compared. */
struct kafka_property {
    const char *key, *value;
};

struct kafka_client {
    rd_kafka_t *rk;
    const char *role; /* "input", "alerts": for messages */
    engine_log log;
    void *log_ctx;
    const volatile sig_atomic_t *stop;
    void (*beat)(void *ctx);
    void *beat_ctx;
    int connect_timeout_ms;
    char last_error[512]; /* from the error callback */
    struct kafka_login login;
    struct kafka_room room; /* of a consumer: whoever reads says what was taken */
    bool connected;       /* a broker has answered */
    bool suspect;         /* a connection broke: which one, and for good, is not known */
    bool down;            /* no broker answers any more; said */
    bool consuming;       /* messages come where callbacks do */
    bool asks;            /* who reads asks by itself for what is missing */
    bool missing;         /* something that is read was not there; for who reads */
};

struct kafka_setup {
    const char *role;
    const struct kafka_property *defaults; /* the user's own properties win */
    size_t n_defaults;
    const struct kafka_property *fixed; /* what the connector relies on; others are refused */
    size_t n_fixed;
};

/* Makes the configuration; `k` must stay where it is (opaque of the callbacks). */
enum err kafka_conf(struct kafka_client *k, const struct kafka_config *c,
                    const struct kafka_setup *setup, rd_kafka_conf_t **ret,
                    struct error *err) FYKE_MUST_USE;
/* Of one who reads topics as a whole, committed records only, and commits nothing itself. */
enum err kafka_reader_conf(struct kafka_client *k, const struct kafka_config *c, const char *role,
                           rd_kafka_conf_t **ret, struct error *err) FYKE_MUST_USE;
/* What a configuration says in the end. */
enum err kafka_conf_int(rd_kafka_conf_t *conf, const char *key, int *ret,
                        struct error *err) FYKE_MUST_USE;
/* Takes `conf`, also when it fails. */
enum err kafka_open(struct kafka_client *k, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                    struct error *err) FYKE_MUST_USE;
/* Gives the client back, if there is one. Handles of topics go before. */
void kafka_close(struct kafka_client *k);
/* Asks once, within `timeout_ms`, for the number of partitions. */
rd_kafka_resp_err_t kafka_ask(struct kafka_client *k, rd_kafka_topic_t *topic, int timeout_ms,
                              int32_t *ret_n);
/* The same, after waiting for an answer. */
rd_kafka_resp_err_t kafka_find(struct kafka_client *k, rd_kafka_topic_t *topic, int32_t *ret_n);
enum err kafka_not_found(struct kafka_client *k, const char *topic, rd_kafka_resp_err_t code,
                         struct error *err);
/* Number of partitions; an error says whether the topic is missing or no broker answers. */
enum err kafka_partitions(struct kafka_client *k, rd_kafka_topic_t *topic, int32_t *ret_n,
                          struct error *err) FYKE_MUST_USE;
/* Until the leader of every partition of a topic is known that exists, though perhaps not to every
 * broker yet. */
#define KAFKA_TOPIC_MS 30000 /* until a topic that was made or removed is known everywhere */
enum err kafka_await_topic(struct kafka_client *k, rd_kafka_topic_t *topic, int32_t *ret_n,
                           struct error *err) FYKE_MUST_USE;
/* Asks once, within `timeout_ms`; 0 when there is no answer. */
int32_t kafka_probe(struct kafka_client *k, rd_kafka_topic_t *topic, int timeout_ms);
/* A broker has answered: an outage is over. */
void kafka_heard(struct kafka_client *k);
/* None does: an outage begins. */
void kafka_lost(struct kafka_client *k);
/* Codes that mean "not now": the client goes on by itself. */
bool kafka_is_outage(rd_kafka_resp_err_t code);
/* Delivers callbacks for up to `ms`. Never call rd_kafka_poll() itself: once messages come where
 * callbacks do, it ends the process. Then this is a pause, and the reader's next poll delivers. */
void kafka_serve(struct kafka_client *k, int ms);
/* From here on rd_kafka_consumer_poll() delivers messages and callbacks. */
void kafka_consume(struct kafka_client *k);
/* `rc` of a call that waits: when the run was told to end meanwhile, that is why. Returns rc. */
enum err kafka_cut_short(const struct kafka_client *k, enum err rc, struct error *err);
/* Asked in every loop that waits, so it also tells that the process is alive and waiting. */
bool kafka_stopping(const struct kafka_client *k);
/* What a code means: the right that is missing (then in `buf`), else librdkafka's text. */
#define KAFKA_WHY_SIZE 512
const char *kafka_why(const struct kafka_client *k, rd_kafka_resp_err_t code, char *buf,
                      size_t size);
/* Turns a librdkafka code into ours, with the last callback error where it says more. */
enum err kafka_error(struct kafka_client *k, rd_kafka_resp_err_t code, struct error *err,
                     const char *fmt, ...) FYKE_PRINTF(4, 5);
/* Place, key and value of a message, whose bytes it points into (kafka_record.c). */
struct record kafka_record_of(const rd_kafka_message_t *m);
void kafka_say(const struct kafka_client *k, const char *fmt, ...) FYKE_PRINTF(2, 3);

#endif
