/* A small Kafka client for the integration tests. It shares no code with the connectors it helps to
 * test, so that a mistake of theirs cannot hide behind itself. */
#ifndef FYKE_TESTS_KTOOL_H
#define FYKE_TESTS_KTOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <librdkafka/rdkafka.h>

enum { KTOOL_OK = 0, KTOOL_FAILED = 1, KTOOL_USAGE = 2 };

/* What every command may be given; commands read the fields that concern them. */
struct ktool_options {
    const char *bootstrap;
    const char *properties[32]; /* key=value for librdkafka, in the order given */
    int property_count;
    int partition;         /* -1: any, all */
    const char *key_field; /* top-level JSON field whose value becomes the message key */
    const char *time_field;
    int key_delimiter; /* -1: the line is the value */
    bool empty_is_null;
    bool hex;
    bool payload_only;
    bool committed;
    bool abort;
    const char *transaction;
    int64_t at_least;
    int timeout_ms;
};

/* Bytes that belong to someone else; data NULL means a null key or value. */
struct bytes {
    const char *data;
    size_t size;
};

/* Each command gets its operands and returns a process exit code. */
int ktool_ready(const struct ktool_options *options, char **operands);
int ktool_ports(const struct ktool_options *options, char **operands);
int ktool_create(const struct ktool_options *options, char **operands);
int ktool_grow(const struct ktool_options *options, char **operands);
int ktool_delete(const struct ktool_options *options, char **operands);
int ktool_trim(const struct ktool_options *options, char **operands);
int ktool_produce(const struct ktool_options *options, char **operands);
int ktool_consume(const struct ktool_options *options, char **operands);
int ktool_leader(const struct ktool_options *options, char **operands);
int ktool_offsets(const struct ktool_options *options, char **operands);
int ktool_commit(const struct ktool_options *options, char **operands);
int ktool_forget(const struct ktool_options *options, char **operands);

/* The client's configuration from the bootstrap address and the -X properties; exits on a bad one.
 * The caller may set more before handing it to ktool_client. */
rd_kafka_conf_t *ktool_conf(const struct ktool_options *options);
void ktool_set(rd_kafka_conf_t *conf, const char *key, const char *value);
/* Takes the configuration; exits with a message when the client cannot be made. */
rd_kafka_t *ktool_client(rd_kafka_type_t type, rd_kafka_conf_t *conf);
/* The number of partitions, or -1 with a message when the topic is unknown until the time is up. */
int ktool_partition_count(rd_kafka_t *client, const char *topic, int timeout_ms);

int64_t ktool_now_ms(void);
/* Whole decimal number or exit: only for operands typed by the author of a test. */
int64_t ktool_number(const char *text, const char *what);
int ktool_fail(const char *what, const char *why);

/* The raw value of a top-level field of a JSON object: of a string what stands between its quotes,
 * of anything else its text. False when the field is absent, null or holds an escape. */
bool ktool_json_field(struct bytes object, const char *field, struct bytes *value);
void ktool_json_string(FILE *out, struct bytes text);
bool ktool_hex_decode(struct bytes text, char **data, size_t *size);

#endif
