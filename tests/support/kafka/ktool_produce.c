/* One message per line of standard input, acknowledged by the broker before the tool ends. */
#include "tests/support/kafka/ktool.h"

#include <stdlib.h>
#include <string.h>

struct producer {
    const struct ktool_options *options;
    const char *topic;
    rd_kafka_t *client;
    int64_t failed; /* delivery reports with an error */
};

/* Key and value of one line; what was decoded from hexadecimal is owned here. */
struct message {
    struct bytes key;
    struct bytes value;
    int64_t time_ms; /* 0: now */
    char *owned_key;
    char *owned_value;
};

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    struct producer *producer = opaque;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (producer->failed++ == 0) {
            ktool_fail("delivery", rd_kafka_err2str(message->err));
        }
    }
}

static bool split_key(const struct ktool_options *options, struct bytes line,
                      struct message *message)
{
    const char *delimiter = memchr(line.data, options->key_delimiter, line.size);
    if (delimiter == NULL) {
        return false;
    }
    size_t key_size = (size_t)(delimiter - line.data);
    message->key = (struct bytes){line.data, key_size};
    message->value = (struct bytes){delimiter + 1, line.size - key_size - 1};
    return true;
}

static bool decode_hex(struct message *message)
{
    if (message->key.data != NULL) {
        if (!ktool_hex_decode(message->key, &message->owned_key, &message->key.size)) {
            return false;
        }
        message->key.data = message->owned_key;
    }
    if (!ktool_hex_decode(message->value, &message->owned_value, &message->value.size)) {
        return false;
    }
    message->value.data = message->owned_value;
    return true;
}

/* False when the line lacks what the options promise. */
static bool read_message(const struct ktool_options *options, struct bytes line,
                         struct message *message)
{
    struct bytes field;
    *message = (struct message){.value = line};
    if (options->key_delimiter >= 0 && !split_key(options, line, message)) {
        return false;
    }
    if (options->key_field != NULL && !ktool_json_field(line, options->key_field, &message->key)) {
        return false;
    }
    if (options->time_field != NULL) {
        if (!ktool_json_field(line, options->time_field, &field)) {
            return false;
        }
        message->time_ms = strtoll(field.data, NULL, 10);
    }
    if (options->hex && !decode_hex(message)) {
        return false;
    }
    if (options->empty_is_null && message->value.size == 0) {
        message->value.data = NULL;
    }
    return true;
}

static rd_kafka_resp_err_t send_message(struct producer *producer, const struct message *message)
{
    rd_kafka_resp_err_t err;
    int32_t partition = producer->options->partition < 0 ? RD_KAFKA_PARTITION_UA
                                                         : (int32_t)producer->options->partition;
    do {
        err = rd_kafka_producev(producer->client, RD_KAFKA_V_TOPIC(producer->topic),
                                RD_KAFKA_V_PARTITION(partition),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                RD_KAFKA_V_KEY((void *)message->key.data, message->key.size),
                                RD_KAFKA_V_VALUE((void *)message->value.data, message->value.size),
                                RD_KAFKA_V_TIMESTAMP(message->time_ms), RD_KAFKA_V_END);
        /* A full queue empties as delivery reports are served. */
        rd_kafka_poll(producer->client, err == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 50 : 0);
    } while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    return err;
}

static int send_lines(struct producer *producer)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    int64_t number = 0;
    int code = KTOOL_OK;
    while (code == KTOOL_OK && (size = getline(&line, &capacity, stdin)) >= 0) {
        number++;
        if (size > 0 && line[size - 1] == '\n') {
            line[--size] = '\0';
        }
        struct message message;
        if (!read_message(producer->options, (struct bytes){line, (size_t)size}, &message)) {
            fprintf(stderr, "ktool: line %lld: no key, time or hexadecimal value\n",
                    (long long)number);
            code = KTOOL_FAILED;
        } else {
            rd_kafka_resp_err_t err = send_message(producer, &message);
            code = err == RD_KAFKA_RESP_ERR_NO_ERROR ? KTOOL_OK
                                                     : ktool_fail("send", rd_kafka_err2str(err));
        }
        free(message.owned_key);
        free(message.owned_value);
    }
    free(line);
    return code;
}

/* Takes the error; true when there was none. */
static bool went_well(const char *step, rd_kafka_error_t *error)
{
    if (error == NULL) {
        return true;
    }
    ktool_fail(step, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return false;
}

static bool begin(struct producer *producer)
{
    return producer->options->transaction == NULL ||
           (went_well("init_transactions", rd_kafka_init_transactions(
                                               producer->client, producer->options->timeout_ms)) &&
            went_well("begin_transaction", rd_kafka_begin_transaction(producer->client)));
}

/* Flushed before an abort too: an abort that overtakes its own records is fatal in librdkafka 2.0.
 */
static bool finish(struct producer *producer)
{
    int timeout_ms = producer->options->timeout_ms;
    rd_kafka_resp_err_t err = rd_kafka_flush(producer->client, timeout_ms);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        ktool_fail("flush", rd_kafka_err2str(err));
        return false;
    }
    if (producer->options->transaction == NULL) {
        return true;
    }
    if (producer->options->abort) {
        return went_well("abort", rd_kafka_abort_transaction(producer->client, timeout_ms));
    }
    return went_well("commit", rd_kafka_commit_transaction(producer->client, timeout_ms));
}

int ktool_produce(const struct ktool_options *options, char **operands)
{
    struct producer producer = {.options = options, .topic = operands[0]};
    rd_kafka_conf_t *conf = ktool_conf(options);
    ktool_set(conf, "acks", "all");
    ktool_set(conf, "retry.backoff.ms", "10");
    ktool_set(conf, "enable.idempotence", "true");
    if (options->transaction != NULL) {
        ktool_set(conf, "transactional.id", options->transaction);
    }
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_opaque(conf, &producer);
    producer.client = ktool_client(RD_KAFKA_PRODUCER, conf);
    int code = KTOOL_FAILED;
    /* Known partitions first: otherwise the first message waits a second for them. */
    if (ktool_partition_count(producer.client, producer.topic, options->timeout_ms) >= 0 &&
        begin(&producer)) {
        code = send_lines(&producer);
        if (!finish(&producer) || producer.failed > 0) {
            code = KTOOL_FAILED;
        }
    }
    rd_kafka_destroy(producer.client);
    return code;
}
