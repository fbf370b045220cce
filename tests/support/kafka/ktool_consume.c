/* Reads one partition after the other to its end, so that the output is the same in every run. */
#include "tests/support/kafka/ktool.h"

#include <stdlib.h>
#include <string.h>

struct reader {
    const struct ktool_options *options;
    const char *topic;
    rd_kafka_t *client;
    int64_t *next; /* offset to go on from, per partition */
    int64_t count;
    int64_t deadline_ms;
};

static void print_bytes(struct bytes bytes, bool hex)
{
    if (bytes.data == NULL || !hex) {
        ktool_json_string(stdout, bytes);
        return;
    }
    putchar('"');
    for (size_t i = 0; i < bytes.size; i++) {
        printf("%02x", (unsigned char)bytes.data[i]);
    }
    putchar('"');
}

static void print_headers(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return;
    }
    const char *name;
    const void *value;
    size_t size;
    fputs(",\"headers\":[", stdout);
    for (size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++) {
        fputs(i == 0 ? "" : ",", stdout);
        ktool_json_string(stdout, (struct bytes){name, strlen(name)});
        putchar(',');
        ktool_json_string(stdout, (struct bytes){value, size});
    }
    putchar(']');
}

static const char *time_type(rd_kafka_timestamp_type_t type)
{
    switch (type) {
    case RD_KAFKA_TIMESTAMP_CREATE_TIME: return "create";
    case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME: return "logappend";
    case RD_KAFKA_TIMESTAMP_NOT_AVAILABLE: break;
    }
    return "unknown";
}

static void print_message(const struct reader *reader, const rd_kafka_message_t *message)
{
    struct bytes key = {message->key, message->key_len};
    struct bytes payload = {message->payload, message->len};
    if (reader->options->payload_only && !reader->options->hex) {
        if (payload.data != NULL) {
            fwrite(payload.data, 1, payload.size, stdout);
        }
        putchar('\n');
        return;
    }
    rd_kafka_timestamp_type_t type;
    int64_t time_ms = rd_kafka_message_timestamp(message, &type);
    fputs("{\"topic\":", stdout);
    ktool_json_string(stdout, (struct bytes){reader->topic, strlen(reader->topic)});
    printf(",\"partition\":%d,\"offset\":%lld,\"tstype\":\"%s\",\"ts\":%lld", message->partition,
           (long long)message->offset, time_type(type), (long long)time_ms);
    print_headers(message);
    fputs(",\"key\":", stdout);
    print_bytes(key, reader->options->hex);
    fputs(",\"payload\":", stdout);
    print_bytes(payload, reader->options->hex);
    fputs("}\n", stdout);
}

static bool start_at(struct reader *reader, int partition)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, reader->topic, partition)->offset =
        reader->next[partition];
    rd_kafka_resp_err_t err = rd_kafka_assign(reader->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        ktool_fail(reader->topic, rd_kafka_err2str(err));
    }
    return err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

enum outcome { READ_MORE, READ_END, READ_FAILED };

static enum outcome read_one(struct reader *reader, int partition)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->client, 100);
    enum outcome outcome = READ_MORE;
    if (message == NULL) {
        if (ktool_now_ms() >= reader->deadline_ms) {
            ktool_fail(reader->topic, "timed out");
            outcome = READ_FAILED;
        }
        return outcome;
    }
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        print_message(reader, message);
        reader->next[partition] = message->offset + 1;
        reader->count++;
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        outcome = READ_END;
    } else {
        ktool_fail(reader->topic, rd_kafka_message_errstr(message));
        outcome = READ_FAILED;
    }
    rd_kafka_message_destroy(message);
    return outcome;
}

static bool read_partition(struct reader *reader, int partition)
{
    if (!start_at(reader, partition)) {
        return false;
    }
    enum outcome outcome;
    do {
        outcome = read_one(reader, partition);
    } while (outcome == READ_MORE);
    return outcome == READ_END;
}

static bool read_rounds(struct reader *reader, int partitions)
{
    int only = reader->options->partition;
    do {
        for (int i = 0; i < partitions; i++) {
            if ((only < 0 || only == i) && !read_partition(reader, i)) {
                return false;
            }
        }
        fflush(stdout);
    } while (reader->count < reader->options->at_least && ktool_now_ms() < reader->deadline_ms);
    return reader->count >= reader->options->at_least;
}

int ktool_consume(const struct ktool_options *options, char **operands)
{
    rd_kafka_conf_t *conf = ktool_conf(options);
    ktool_set(conf, "group.id", "ktool");
    ktool_set(conf, "enable.auto.commit", "false");
    ktool_set(conf, "enable.partition.eof", "true");
    ktool_set(conf, "auto.offset.reset", "earliest");
    ktool_set(conf, "fetch.wait.max.ms", "50");
    ktool_set(conf, "isolation.level", options->committed ? "read_committed" : "read_uncommitted");
    struct reader reader = {.options = options,
                            .topic = operands[0],
                            .client = ktool_client(RD_KAFKA_CONSUMER, conf),
                            .deadline_ms = ktool_now_ms() + options->timeout_ms};
    rd_kafka_poll_set_consumer(reader.client);
    int partitions = ktool_partition_count(reader.client, reader.topic, options->timeout_ms);
    int code = KTOOL_FAILED;
    if (partitions >= 0) {
        reader.next = malloc((size_t)partitions * sizeof *reader.next);
        for (int i = 0; reader.next != NULL && i < partitions; i++) {
            reader.next[i] = RD_KAFKA_OFFSET_BEGINNING;
        }
        code = reader.next != NULL && read_rounds(&reader, partitions) ? KTOOL_OK : KTOOL_FAILED;
        free(reader.next);
    }
    rd_kafka_consumer_close(reader.client);
    rd_kafka_destroy(reader.client);
    return code;
}
