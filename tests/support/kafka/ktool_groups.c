/* What an operator does to the positions of a group. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/kafka/ktool.h"

/* commit GROUP TOPIC PARTITION OFFSET [METADATA], as somebody who is no member. */
int ktool_commit(const struct ktool_options *options, char **operands)
{
    rd_kafka_conf_t *conf = ktool_conf(options);
    ktool_set(conf, "group.id", operands[0]);
    rd_kafka_t *client = ktool_client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_add(
        list, operands[1], (int32_t)ktool_number(operands[2], "partition"));
    at->offset = ktool_number(operands[3], "offset");
    if (operands[4] != NULL) {
        at->metadata = strdup(operands[4]);
        at->metadata_size = strlen(operands[4]);
    }
    rd_kafka_resp_err_t err = rd_kafka_commit(client, list, 0);
    int code = err ? ktool_fail(operands[0], rd_kafka_err2str(err)) : KTOOL_OK;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
    return code;
}

/* forget GROUP: as if its positions had expired. */
int ktool_forget(const struct ktool_options *options, char **operands)
{
    rd_kafka_t *client = ktool_client(RD_KAFKA_PRODUCER, ktool_conf(options));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DeleteGroup_t *group = rd_kafka_DeleteGroup_new(operands[0]);
    rd_kafka_DeleteGroups(client, &group, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, options->timeout_ms);
    int code = KTOOL_FAILED;
    if (event != NULL && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        size_t count;
        const rd_kafka_group_result_t **results = rd_kafka_DeleteGroups_result_groups(
            rd_kafka_event_DeleteGroups_result(event), &count);
        const rd_kafka_error_t *err = count > 0 ? rd_kafka_group_result_error(results[0]) : NULL;
        code = err ? ktool_fail(operands[0], rd_kafka_error_string(err)) : KTOOL_OK;
    }
    rd_kafka_event_destroy(event);
    rd_kafka_DeleteGroup_destroy(group);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    return code;
}
