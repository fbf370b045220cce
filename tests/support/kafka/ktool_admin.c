/* Readiness, free ports, topics, record deletion, committed offsets. */
#include "tests/support/kafka/ktool.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void sleep_ms(int ms)
{
    usleep((useconds_t)ms * 1000);
}

/* Waiting for a broker is expected to fail for a while; the tool reports once, at the end. */
static void drop_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client, (void)level, (void)facility, (void)text;
}

int ktool_ready(const struct ktool_options *options, char **operands)
{
    (void)operands;
    rd_kafka_conf_t *conf = ktool_conf(options);
    rd_kafka_conf_set_log_cb(conf, drop_log);
    ktool_set(conf, "reconnect.backoff.ms", "50");
    ktool_set(conf, "reconnect.backoff.max.ms", "100");
    rd_kafka_t *client = ktool_client(RD_KAFKA_PRODUCER, conf);
    int64_t deadline = ktool_now_ms() + options->timeout_ms;
    int64_t wanted = options->at_least > 0 ? options->at_least : 1;
    rd_kafka_resp_err_t err;
    do {
        const struct rd_kafka_metadata *metadata = NULL;
        err = rd_kafka_metadata(client, 1, NULL, &metadata, 500);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            /* A fenced broker answers too, with an empty list of brokers. */
            bool listed = metadata->broker_cnt >= wanted;
            rd_kafka_metadata_destroy(metadata);
            if (listed) {
                rd_kafka_destroy(client);
                return KTOOL_OK;
            }
            sleep_ms(50);
        }
    } while (ktool_now_ms() < deadline);
    rd_kafka_destroy(client);
    return ktool_fail("not ready", rd_kafka_err2str(err));
}

/* All sockets stay open until every port is known, so that they differ. */
int ktool_ports(const struct ktool_options *options, char **operands)
{
    (void)options;
    int64_t count = ktool_number(operands[0], "number of ports");
    int sockets[64];
    if (count < 1 || count > 64) {
        return ktool_fail("ports", "1 to 64");
    }
    for (int64_t i = 0; i < count; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t size = sizeof address;
        sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (sockets[i] < 0 || bind(sockets[i], (struct sockaddr *)&address, size) != 0 ||
            getsockname(sockets[i], (struct sockaddr *)&address, &size) != 0) {
            return ktool_fail("ports", "no free loopback port");
        }
        printf("%u\n", (unsigned)ntohs(address.sin_port));
    }
    for (int64_t i = 0; i < count; i++) {
        close(sockets[i]);
    }
    return KTOOL_OK;
}

int ktool_partition_count(rd_kafka_t *client, const char *topic, int timeout_ms)
{
    int64_t deadline = ktool_now_ms() + timeout_ms;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    int count = -1;
    rd_kafka_resp_err_t err;
    do {
        const struct rd_kafka_metadata *metadata = NULL;
        err = rd_kafka_metadata(client, 0, handle, &metadata, 1000);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            err = metadata->topic_cnt == 1 ? metadata->topics[0].err
                                           : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
            if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                count = metadata->topics[0].partition_cnt;
            }
            rd_kafka_metadata_destroy(metadata);
        }
        if (count < 0) {
            sleep_ms(50);
        }
    } while (count < 0 && ktool_now_ms() < deadline);
    rd_kafka_topic_destroy(handle);
    if (count < 0) {
        ktool_fail(topic, rd_kafka_err2str(err));
    }
    return count;
}

int ktool_leader(const struct ktool_options *options, char **operands)
{
    rd_kafka_t *client = ktool_client(RD_KAFKA_PRODUCER, ktool_conf(options));
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, operands[0], NULL);
    int64_t partition = ktool_number(operands[1], "partition");
    const struct rd_kafka_metadata *metadata = NULL;
    int code = KTOOL_FAILED;
    rd_kafka_resp_err_t err =
        rd_kafka_metadata(client, 0, handle, &metadata, options->timeout_ms);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        for (int i = 0; i < metadata->topics[0].partition_cnt; i++) {
            if (metadata->topics[0].partitions[i].id == partition) {
                printf("%d\n", metadata->topics[0].partitions[i].leader);
                code = KTOOL_OK;
            }
        }
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(client);
    return code == KTOOL_OK ? KTOOL_OK : ktool_fail(operands[0], "no such partition, or no answer");
}

/* The one result event of an admin call; exits when the call itself failed. */
static rd_kafka_event_t *await_result(rd_kafka_queue_t *queue, const struct ktool_options *options)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, options->timeout_ms);
    if (event == NULL) {
        exit(ktool_fail("admin", "timed out"));
    }
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        exit(ktool_fail("admin", rd_kafka_event_error_string(event)));
    }
    return event;
}

static int topic_results(const rd_kafka_topic_result_t **results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rd_kafka_topic_result_error(results[i]) != RD_KAFKA_RESP_ERR_NO_ERROR) {
            const char *why = rd_kafka_topic_result_error_string(results[i]);
            return ktool_fail(rd_kafka_topic_result_name(results[i]),
                              why != NULL ? why : "refused");
        }
    }
    return KTOOL_OK;
}

/* The only copy of every partition lies on that node. */
static void place_on(rd_kafka_NewTopic_t *topic, int partitions, const char *node)
{
    char why[256];
    int32_t id = (int32_t)ktool_number(node, "node");
    for (int p = 0; p < partitions; p++) {
        if (rd_kafka_NewTopic_set_replica_assignment(topic, p, &id, 1, why, sizeof why) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            exit(ktool_fail("on", why));
        }
    }
}

static rd_kafka_NewTopic_t *new_topic(char **operands)
{
    char why[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
        operands[0], (int)ktool_number(operands[1], "partitions"),
        -1 /* the broker's default.replication.factor */, why, sizeof why);
    if (topic == NULL) {
        exit(ktool_fail(operands[0], why));
    }
    for (char **pair = operands + 2; *pair != NULL; pair++) {
        char *equals = strchr(*pair, '=');
        if (equals == NULL) {
            exit(ktool_fail(*pair, "a topic setting is key=value"));
        }
        *equals = '\0';
        if (strcmp(*pair, "on") == 0) {
            place_on(topic, (int)ktool_number(operands[1], "partitions"), equals + 1);
        } else {
            rd_kafka_NewTopic_set_config(topic, *pair, equals + 1);
        }
    }
    return topic;
}

int ktool_create(const struct ktool_options *options, char **operands)
{
    rd_kafka_t *client = ktool_client(RD_KAFKA_PRODUCER, ktool_conf(options));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_NewTopic_t *topic = new_topic(operands);
    rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = await_result(queue, options);
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    int code = topic_results(results, count);
    rd_kafka_event_destroy(event);
    /* The answer comes before every metadata request knows of the topic. */
    if (code == KTOOL_OK && ktool_partition_count(client, operands[0], options->timeout_ms) < 0) {
        code = KTOOL_FAILED;
    }
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    return code;
}

int ktool_grow(const struct ktool_options *options, char **operands)
{
    char why[256];
    rd_kafka_t *client = ktool_client(RD_KAFKA_PRODUCER, ktool_conf(options));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    int wanted = (int)ktool_number(operands[1], "partitions");
    rd_kafka_NewPartitions_t *more =
        rd_kafka_NewPartitions_new(operands[0], (size_t)wanted, why, sizeof why);
    if (more == NULL) {
        exit(ktool_fail(operands[0], why));
    }
    rd_kafka_CreatePartitions(client, &more, 1, NULL, queue);
    rd_kafka_event_t *event = await_result(queue, options);
    size_t count;
    const rd_kafka_topic_result_t **results = rd_kafka_CreatePartitions_result_topics(
        rd_kafka_event_CreatePartitions_result(event), &count);
    int code = topic_results(results, count);
    rd_kafka_event_destroy(event);
    int64_t deadline = ktool_now_ms() + options->timeout_ms;
    while (code == KTOOL_OK &&
           ktool_partition_count(client, operands[0], options->timeout_ms) != wanted) {
        code = ktool_now_ms() < deadline ? KTOOL_OK : ktool_fail("grow", "not seen in time");
        sleep_ms(50);
    }
    rd_kafka_NewPartitions_destroy(more);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    return code;
}

int ktool_delete(const struct ktool_options *options, char **operands)
{
    rd_kafka_t *client = ktool_client(RD_KAFKA_PRODUCER, ktool_conf(options));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(operands[0]);
    rd_kafka_DeleteTopics(client, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = await_result(queue, options);
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
    int code = topic_results(results, count);
    rd_kafka_event_destroy(event);
    rd_kafka_DeleteTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    return code;
}

int ktool_trim(const struct ktool_options *options, char **operands)
{
    rd_kafka_t *client = ktool_client(RD_KAFKA_PRODUCER, ktool_conf(options));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_topic_partition_list_t *before = rd_kafka_topic_partition_list_new(1);
    int partition = (int)ktool_number(operands[1], "partition");
    rd_kafka_topic_partition_list_add(before, operands[0], partition)->offset =
        ktool_number(operands[2], "offset");
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(before);
    rd_kafka_DeleteRecords(client, &request, 1, NULL, queue);
    rd_kafka_event_t *event = await_result(queue, options);
    const rd_kafka_topic_partition_list_t *after =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
    int code = KTOOL_OK;
    for (int i = 0; i < after->cnt; i++) {
        if (after->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            code = ktool_fail(operands[0], rd_kafka_err2str(after->elems[i].err));
        }
    }
    rd_kafka_event_destroy(event);
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_topic_partition_list_destroy(before);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    return code;
}

/* The metadata bytes are not NUL-terminated. */
static void print_offset(rd_kafka_t *client, const rd_kafka_topic_partition_t *element)
{
    int64_t low = -1;
    int64_t high = -1;
    rd_kafka_query_watermark_offsets(client, element->topic, element->partition, &low, &high, 5000);
    printf("%d\t", element->partition);
    if (element->offset >= 0) {
        printf("%lld", (long long)element->offset);
    } else {
        putchar('-');
    }
    printf("\t%lld\t%lld\t", (long long)low, (long long)high);
    if (element->metadata != NULL) {
        fwrite(element->metadata, 1, element->metadata_size, stdout);
    }
    putchar('\n');
}

static int print_offsets(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return ktool_fail(list->elems[i].topic, rd_kafka_err2str(list->elems[i].err));
        }
        print_offset(client, &list->elems[i]);
    }
    return KTOOL_OK;
}

int ktool_offsets(const struct ktool_options *options, char **operands)
{
    rd_kafka_conf_t *conf = ktool_conf(options);
    ktool_set(conf, "group.id", operands[0]);
    rd_kafka_t *client = ktool_client(RD_KAFKA_CONSUMER, conf);
    int count = ktool_partition_count(client, operands[1], options->timeout_ms);
    int code = KTOOL_FAILED;
    if (count >= 0) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
        rd_kafka_topic_partition_list_add_range(list, operands[1], 0, count - 1);
        /* Blocks while offsets are pending in an open transaction; a time-out is not "none". */
        rd_kafka_resp_err_t err = rd_kafka_committed(client, list, options->timeout_ms);
        code = err == RD_KAFKA_RESP_ERR_NO_ERROR ? print_offsets(client, list)
                                                 : ktool_fail(operands[0], rd_kafka_err2str(err));
        rd_kafka_topic_partition_list_destroy(list);
    }
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return code;
}
