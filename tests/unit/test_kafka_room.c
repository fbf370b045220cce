/* Whoever takes records faster than the client looks for room in its queue does not stand still: against
 * librdkafka's mock cluster, with a queue that is full after a thousand records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "connectors/kafka.h"
#include "tests/support/hand_rules.h"

#define RECORDS 30000
#define RECORD_BYTES 100
#define BATCH 100
/* Thirty looks at one a second would take half a minute. */
#define SOON_S 10

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void produce(const char *bootstrap)
{
    const char *const conf_of[] = {"bootstrap.servers", bootstrap, "batch.num.messages", "100", "linger.ms", "0"};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256], value[RECORD_BYTES];
    memset(value, ' ', sizeof(value));
    for (size_t i = 0; i < sizeof(conf_of) / sizeof(*conf_of); i += 2) {
        assert_int_equal(rd_kafka_conf_set(conf, conf_of[i], conf_of[i + 1], why, sizeof(why)), 0);
    }
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    for (int i = 0; i < RECORDS; i++) {
        assert_int_equal(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC("logins"), RD_KAFKA_V_PARTITION(0),
                                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                           RD_KAFKA_V_VALUE(value, sizeof(value)), RD_KAFKA_V_END),
                         0);
    }
    assert_int_equal(rd_kafka_flush(rk, 10000), 0);
    rd_kafka_destroy(rk);
}

static void read_all(const char *bootstrap, const char *limit)
{
    char servers[300];
    snprintf(servers, sizeof(servers), "bootstrap.servers=%s", bootstrap);
    const char *properties[] = {servers, limit, "fetch.message.max.bytes=20000"};
    struct kafka_config config = {
        .properties = properties, .n_properties = 3, .app = "fyke-test", .connect_timeout_ms = 5000};
    struct hand_rules rules;
    struct source *s = NULL;
    struct error err = ERROR_INIT;
    struct source_batch b = {0};
    hand_begin(&rules, 0);
    assert_int_equal(kafka_source_new(&config, &rules.rs, "logins", NULL, true, &s, &err), ERR_OK);
    assert_int_equal(s->ops->start(s, NULL, 0, &err), ERR_OK);
    uint32_t n = 0;
    for (double from = now_s(); n < RECORDS && now_s() - from < SOON_S; n += b.n) {
        assert_int_equal(s->ops->poll(s, BATCH, (struct duration){100 * NS_PER_MS}, &b, &err), ERR_OK);
        for (uint32_t i = 0; i < b.n; i++) {
            assert_int_equal(b.records[i].offset, n + i);
        }
        usleep(2000); /* the queue fills up */
    }
    assert_int_equal(n, RECORDS);
    s->ops->close(s);
    hand_end(&rules);
}

static void in_a_world(void (*test)(const char *bootstrap, const char *limit), const char *limit)
{
    char why[256];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
    rd_kafka_mock_cluster_t *mock = rd_kafka_mock_cluster_new(client, 1);
    rd_kafka_mock_topic_create(mock, "logins", 1, 1);
    produce(rd_kafka_mock_cluster_bootstraps(mock));
    test(rd_kafka_mock_cluster_bootstraps(mock), limit);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(client);
}

static void many_records_are_read_without_a_pause(void **state)
{
    (void)state;
    in_a_world(read_all, "queued.min.messages=1000");
}

static void many_bytes_are_read_without_a_pause(void **state)
{
    (void)state;
    in_a_world(read_all, "queued.max.messages.kbytes=100");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_records_are_read_without_a_pause),
        cmocka_unit_test(many_bytes_are_read_without_a_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
