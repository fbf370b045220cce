/* Records that the source takes from the client many at a time: against librdkafka's mock cluster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/kafka.h"
#include "tests/support/hand_rules.h"

#define PARTITIONS 2
#define RECORDS 6000 /* of each */
#define BATCH 1500
#define POLL ((struct duration){100 * NS_PER_MS})
#define POLLS 1000

struct world {
    rd_kafka_t *client;
    rd_kafka_mock_cluster_t *mock;
    struct hand_rules rules;
    struct source *source;
    struct error err;
    int64_t next[PARTITIONS];
    uint32_t headers; /* of all records */
    uint32_t largest; /* batch */
};

static void produce(struct world *w, int32_t partition)
{
    char value[] = "{}";
    for (int i = 0; i < RECORDS; i++) {
        assert_int_equal(rd_kafka_producev(w->client, RD_KAFKA_V_TOPIC("logins"), RD_KAFKA_V_PARTITION(partition),
                                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                           RD_KAFKA_V_VALUE(value, (size_t)2), RD_KAFKA_V_HEADER("from", "here", 4),
                                           RD_KAFKA_V_END),
                         0);
    }
    assert_int_equal(rd_kafka_flush(w->client, 60000), 0);
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    char why[256], servers[300];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", why, sizeof(why));
    w->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    w->mock = rd_kafka_handle_mock_cluster(w->client);
    rd_kafka_mock_topic_create(w->mock, "logins", PARTITIONS, 1);
    produce(w, 0);
    produce(w, 1);
    snprintf(servers, sizeof(servers), "bootstrap.servers=%s", rd_kafka_mock_cluster_bootstraps(w->mock));
    const char *properties[] = {servers};
    struct kafka_config config = {
        .properties = properties, .n_properties = 1, .app = "fyke-test", .connect_timeout_ms = 5000};
    hand_begin(&w->rules, 0);
    assert_int_equal(kafka_source_new(&config, &w->rules.rs, "logins", NULL, false, &w->source, &w->err), ERR_OK);
    assert_int_equal(w->source->ops->start(w->source, NULL, 0, &w->err), ERR_OK);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    w->source->ops->close(w->source);
    rd_kafka_destroy(w->client);
    hand_end(&w->rules);
    free(w);
    return 0;
}

/* None is left out, none comes twice. */
static void poll_once(struct world *w)
{
    struct source_batch b = {0};
    assert_int_equal(w->source->ops->poll(w->source, BATCH, POLL, &b, &w->err), ERR_OK);
    assert_true(b.n <= BATCH);
    for (uint32_t i = 0; i < b.n; i++) {
        assert_int_equal(b.records[i].offset, w->next[b.records[i].partition]++);
        w->headers += b.records[i].n_headers;
    }
    w->largest = b.n > w->largest ? b.n : w->largest;
}

static bool has_all(const struct world *w)
{
    return w->next[0] == RECORDS && w->next[1] == RECORDS;
}

static void read_all(struct world *w)
{
    for (int i = 0; i < POLLS && !has_all(w); i++) {
        poll_once(w);
    }
    assert_true(has_all(w));
}

static void many_records_come_at_once_and_in_order(void **state)
{
    struct world *w = *state;
    read_all(w);
    assert_true(w->largest > BATCH / 2);
    assert_int_equal(w->headers, PARTITIONS * RECORDS);
}

static void headers_that_nobody_looks_at_are_not_read(void **state)
{
    struct world *w = *state;
    w->source->skips_headers = true;
    read_all(w);
    assert_int_equal(w->headers, 0);
}

/* Records that the client had for us are read again when the partition goes on. */
static void nothing_is_lost_over_pauses(void **state)
{
    struct world *w = *state;
    const struct partition_position first = {.topic = 0, .partition = 0};
    for (int i = 0; i < POLLS && !has_all(w); i++) {
        int64_t before = w->next[0];
        assert_int_equal(w->source->ops->pause(w->source, &first, true, &w->err), ERR_OK);
        poll_once(w);
        assert_int_equal(w->next[0], before); /* what waits of it is not handed on */
        assert_int_equal(w->source->ops->pause(w->source, &first, false, &w->err), ERR_OK);
        poll_once(w);
    }
    assert_true(has_all(w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_records_come_at_once_and_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(headers_that_nobody_looks_at_are_not_read, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_lost_over_pauses, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
