/* The least that reading one topic and writing another exactly once costs with librdkafka: every record is read,
 * every hundredth brings one out, positions and outputs are committed together. What fyke does beyond this is
 * its own.
 *
 *   empty_loop BOOTSTRAP GROUP INPUT OUTPUT COMMIT_MS */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/client.h"

#define INPUTS_PER_OUTPUT 100
#define BATCH 1000

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static void must(rd_kafka_error_t *e, const char *what)
{
    if (e != NULL) {
        die(what, rd_kafka_error_string(e));
    }
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void commit(rd_kafka_t *producer, rd_kafka_t *consumer)
{
    rd_kafka_topic_partition_list_t *at;
    if (rd_kafka_assignment(consumer, &at) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_position(consumer, at) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        die("position", "unknown");
    }
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(consumer);
    must(rd_kafka_send_offsets_to_transaction(producer, at, group, -1), "offsets");
    must(rd_kafka_commit_transaction(producer, -1), "commit");
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(at);
    must(rd_kafka_begin_transaction(producer), "begin");
}

struct loop {
    rd_kafka_t *producer;
    const char *output;
    unsigned long n;
};

static void take(struct loop *l, const rd_kafka_message_t *m)
{
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR && ++l->n % INPUTS_PER_OUTPUT == 0) {
        rd_kafka_resp_err_t e =
            rd_kafka_producev(l->producer, RD_KAFKA_V_TOPIC(l->output), RD_KAFKA_V_KEY(m->key, m->key_len),
                              RD_KAFKA_V_VALUE(m->payload, m->len),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (e != RD_KAFKA_RESP_ERR_NO_ERROR) {
            die("produce", rd_kafka_err2str(e));
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        die("usage", "empty_loop BOOTSTRAP GROUP INPUT OUTPUT COMMIT_MS");
    }
    signal(SIGTERM, stop);
    const char *const producer_conf[] = {"bootstrap.servers", argv[1], "transactional.id", argv[2], NULL};
    const char *const consumer_conf[] = {"bootstrap.servers", argv[1], "group.id", argv[2],
                                         "auto.offset.reset", "earliest", "enable.auto.commit", "false",
                                         "isolation.level", "read_committed", NULL};
    rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, producer_conf);
    rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, consumer_conf);
    must(rd_kafka_init_transactions(producer, 30000), "init");
    must(rd_kafka_begin_transaction(producer), "begin");
    rd_kafka_poll_set_consumer(consumer);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, argv[3], RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
    struct loop l = {.producer = producer, .output = argv[4]};
    double every_ms = strtod(argv[5], NULL), due = now_ms() + every_ms;
    rd_kafka_message_t *batch[BATCH];
    while (!stopped) {
        ssize_t got = rd_kafka_consume_batch_queue(queue, 50, batch, BATCH);
        for (ssize_t i = 0; i < got; i++) {
            take(&l, batch[i]);
            rd_kafka_message_destroy(batch[i]);
        }
        rd_kafka_poll(producer, 0);
        if (now_ms() > due && l.n > 0) {
            commit(producer, consumer);
            due = now_ms() + every_ms;
        }
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    rd_kafka_destroy(producer);
    return 0;
}
