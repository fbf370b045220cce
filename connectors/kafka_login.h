/* What a broker refuses: a login, a certificate, a right. Turned into one line that says who needs what.
 *
 * Why a login fails is told to the client's error callback alone; every call on top of it just runs
 * into its time-out. */
#ifndef FYKE_CONNECTORS_KAFKA_LOGIN_H
#define FYKE_CONNECTORS_KAFKA_LOGIN_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct kafka_login {
    char user[128];     /* sasl.username; empty: none */
    char mechanism[32]; /* sasl.mechanism; empty: no SASL */
    char group[256], transactional_id[256];
    bool has_certificate, has_ca;
    bool writes;        /* what is done needs Write on a topic, not Read */
    bool old_scram;     /* SCRAM with a client library that Kafka 4 refuses */
    bool asks_version;  /* the log lines that tell the broker's version are asked for by us */
    bool broker_is_4;
    char denied_topic[256]; /* that a transaction may not write to; known from the log alone */
    bool refused; /* the last thing that a broker said: `why` */
    bool said;    /* told in this outage */
    char why[480];
};

/* From the finished configuration, which gets a property more where the version of the broker must
 * be known. */
void kafka_login_read(struct kafka_login *l, rd_kafka_conf_t *conf);
/* A line of the client's own log, which knows more than its errors; true when nobody else has asked for
 * such lines. */
bool kafka_login_log(struct kafka_login *l, const char *text);
/* An error from the callback; true when it is a refusal, which does not pass by itself. */
bool kafka_login_error(struct kafka_login *l, rd_kafka_resp_err_t code, const char *reason);
/* "alice", or words that stand in for a name behind "user". */
const char *kafka_login_user(const struct kafka_login *l);
/* The right that is missing, as a text in `buf`; false when `code` is about something else. */
bool kafka_login_right(const struct kafka_login *l, rd_kafka_resp_err_t code, char *buf,
                       size_t size);
/* The same for a call that needs another right on its topic; `why` is replaced. */
bool kafka_login_lacks(const struct kafka_login *l, rd_kafka_resp_err_t code, const char *right,
                       struct buf *why);

#endif
