#include "connectors/kafka_admin.h"

#define ANSWER_MS 15000

typedef void (*send_fn)(rd_kafka_t *rk, const void *what, const rd_kafka_AdminOptions_t *o,
                        rd_kafka_queue_t *queue);

/* One request, one answer; the caller destroys it. */
static rd_kafka_event_t *ask(struct kafka_client *k, rd_kafka_admin_op_t op, send_fn send,
                             const void *what)
{
    char why[128];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(k->rk);
    rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(k->rk, op);
    rd_kafka_AdminOptions_set_request_timeout(o, ANSWER_MS, why, sizeof(why));
    send(k->rk, what, o, queue);
    /* The client answers by itself when the time is over. */
    rd_kafka_event_t *answer = rd_kafka_queue_poll(queue, -1);
    rd_kafka_AdminOptions_destroy(o);
    rd_kafka_queue_destroy(queue);
    return answer;
}

static rd_kafka_resp_err_t tell(rd_kafka_resp_err_t code, const char *text, struct buf *why)
{
    buf_clear(why);
    buf_puts(why, text && *text ? text : rd_kafka_err2str(code));
    return code;
}

static rd_kafka_resp_err_t first_of(const rd_kafka_topic_result_t *const *results, size_t n,
                                    struct buf *why)
{
    if (n == 0) {
        return tell(RD_KAFKA_RESP_ERR__FAIL, NULL, why);
    }
    return tell(rd_kafka_topic_result_error(results[0]),
                rd_kafka_topic_result_error_string(results[0]), why);
}

/* ---- topics ------------------------------------------------------------------------------- */

static void send_create(rd_kafka_t *rk, const void *what, const rd_kafka_AdminOptions_t *o,
                        rd_kafka_queue_t *queue)
{
    rd_kafka_NewTopic_t *topics[] = {(rd_kafka_NewTopic_t *)(uintptr_t)what};
    rd_kafka_CreateTopics(rk, topics, 1, o, queue);
}

rd_kafka_resp_err_t kafka_create_topic(struct kafka_client *k, const struct kafka_topic_plan *plan,
                                       struct buf *why)
{
    char text[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(plan->topic, plan->partitions,
                                                       plan->replication, text, sizeof(text));
    if (!topic) {
        return tell(RD_KAFKA_RESP_ERR__INVALID_ARG, text, why);
    }
    for (size_t i = 0; i < plan->n_config; i++) {
        rd_kafka_NewTopic_set_config(topic, plan->config[i].key, plan->config[i].value);
    }
    rd_kafka_event_t *answer = ask(k, RD_KAFKA_ADMIN_OP_CREATETOPICS, send_create, topic);
    rd_kafka_resp_err_t rc = tell(rd_kafka_event_error(answer), rd_kafka_event_error_string(answer),
                                  why);
    if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
        size_t n;
        const rd_kafka_CreateTopics_result_t *r = rd_kafka_event_CreateTopics_result(answer);
        const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(r, &n);
        rc = first_of(results, n, why);
    }
    rd_kafka_event_destroy(answer);
    rd_kafka_NewTopic_destroy(topic);
    return rc;
}

static void send_delete(rd_kafka_t *rk, const void *what, const rd_kafka_AdminOptions_t *o,
                        rd_kafka_queue_t *queue)
{
    rd_kafka_DeleteTopic_t *topics[] = {(rd_kafka_DeleteTopic_t *)(uintptr_t)what};
    rd_kafka_DeleteTopics(rk, topics, 1, o, queue);
}

rd_kafka_resp_err_t kafka_delete_topic(struct kafka_client *k, const char *topic, struct buf *why)
{
    rd_kafka_DeleteTopic_t *what = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_event_t *answer = ask(k, RD_KAFKA_ADMIN_OP_DELETETOPICS, send_delete, what);
    rd_kafka_resp_err_t rc = tell(rd_kafka_event_error(answer), rd_kafka_event_error_string(answer),
                                  why);
    if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
        size_t n;
        const rd_kafka_DeleteTopics_result_t *r = rd_kafka_event_DeleteTopics_result(answer);
        const rd_kafka_topic_result_t **results = rd_kafka_DeleteTopics_result_topics(r, &n);
        rc = first_of(results, n, why);
    }
    rd_kafka_event_destroy(answer);
    rd_kafka_DeleteTopic_destroy(what);
    return rc;
}

/* ---- configuration ------------------------------------------------------------------------ */

static void send_describe(rd_kafka_t *rk, const void *what, const rd_kafka_AdminOptions_t *o,
                          rd_kafka_queue_t *queue)
{
    rd_kafka_ConfigResource_t *resources[] = {(rd_kafka_ConfigResource_t *)(uintptr_t)what};
    rd_kafka_DescribeConfigs(rk, resources, 1, o, queue);
}

static rd_kafka_resp_err_t each_entry(const rd_kafka_ConfigResource_t *r, kafka_config_fn fn,
                                      void *ctx, struct buf *why)
{
    size_t n;
    rd_kafka_resp_err_t rc =
        tell(rd_kafka_ConfigResource_error(r), rd_kafka_ConfigResource_error_string(r), why);
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(r, &n);
    for (size_t i = 0; rc == RD_KAFKA_RESP_ERR_NO_ERROR && i < n; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        fn(ctx, rd_kafka_ConfigEntry_name(entries[i]), value ? value : "");
    }
    return rc;
}

rd_kafka_resp_err_t kafka_describe_topic(struct kafka_client *k, const char *topic,
                                         kafka_config_fn fn, void *ctx, struct buf *why)
{
    rd_kafka_ConfigResource_t *what = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_event_t *answer = ask(k, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, send_describe, what);
    rd_kafka_resp_err_t rc = tell(rd_kafka_event_error(answer), rd_kafka_event_error_string(answer),
                                  why);
    if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
        size_t n;
        const rd_kafka_DescribeConfigs_result_t *r = rd_kafka_event_DescribeConfigs_result(answer);
        const rd_kafka_ConfigResource_t **resources =
            rd_kafka_DescribeConfigs_result_resources(r, &n);
        rc = n == 0 ? tell(RD_KAFKA_RESP_ERR__FAIL, NULL, why)
                    : each_entry(resources[0], fn, ctx, why);
    }
    rd_kafka_event_destroy(answer);
    rd_kafka_ConfigResource_destroy(what);
    return rc;
}

int kafka_count_brokers(struct kafka_client *k)
{
    const struct rd_kafka_metadata *m = NULL;
    if (rd_kafka_metadata(k->rk, 0, NULL, &m, ANSWER_MS) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return 0;
    }
    int n = m->broker_cnt;
    rd_kafka_metadata_destroy(m);
    return n;
}
