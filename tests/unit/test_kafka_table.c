/* A topic as the content of a lookup, against librdkafka's mock cluster. */
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
#include <time.h>

#include "base/xalloc.h"
#include "connectors/kafka_table.h"

#define POLL ((struct duration){100 * NS_PER_MS})

struct world {
    rd_kafka_t *mock_client;
    rd_kafka_mock_cluster_t *mock;
    struct kafka_config config;
    char bootstrap[256];
    const char *properties[1];
    struct table_feed *feed;
    struct error err;
    char got[512]; /* "key=value " of a round */
};

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    char why[256];
    w->mock_client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
    w->mock = rd_kafka_mock_cluster_new(w->mock_client, 1);
    rd_kafka_mock_topic_create(w->mock, "home", 2, 1);
    snprintf(w->bootstrap, sizeof(w->bootstrap), "bootstrap.servers=%s",
             rd_kafka_mock_cluster_bootstraps(w->mock));
    w->properties[0] = w->bootstrap;
    w->config = (struct kafka_config){.properties = w->properties,
                                      .n_properties = 1,
                                      .app = "fyke-test",
                                      .connect_timeout_ms = 5000};
    assert_int_equal(kafka_table_new(&w->config, SLICE_LIT("home"), &w->feed, &w->err), ERR_OK);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    w->feed->ops->close(w->feed);
    rd_kafka_mock_cluster_destroy(w->mock);
    rd_kafka_destroy(w->mock_client);
    free(w);
    return 0;
}

static void produce(struct world *w, int32_t partition, const char *key, const char *value)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];
    rd_kafka_conf_set(conf, "bootstrap.servers", strchr(w->bootstrap, '=') + 1, why, sizeof(why));
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    assert_int_equal(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC("home"),
                                       RD_KAFKA_V_PARTITION(partition),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                       RD_KAFKA_V_VALUE((void *)(uintptr_t)value,
                                                        value ? strlen(value) : 0),
                                       RD_KAFKA_V_KEY((void *)(uintptr_t)key, strlen(key)),
                                       RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(rk, 10000), 0);
    rd_kafka_destroy(rk);
}

static void read_round(struct world *w)
{
    struct table_feed_batch batch = {0};
    w->got[0] = '\0';
    assert_int_equal(w->feed->ops->begin(w->feed, &w->err), ERR_OK);
    for (int i = 0; i < 100 && !batch.done; i++) {
        assert_int_equal(w->feed->ops->poll(w->feed, POLL, &batch, &w->err), ERR_OK);
        for (uint32_t k = 0; k < batch.n; k++) {
            const struct record *r = &batch.records[k];
            size_t n = strlen(w->got);
            snprintf(w->got + n, sizeof(w->got) - n, "%.*s=%.*s ", SLICE_ARG(r->key),
                     r->has_value ? (int)r->value.len : 4, r->has_value ? r->value.ptr : "null");
        }
    }
    assert_true(batch.done);
}

static void rounds_go_on_where_the_last_one_ended(void **state)
{
    struct world *w = *state;
    const struct partition_position *at;
    read_round(w);
    assert_string_equal(w->got, "");
    produce(w, 0, "ann", "1");
    produce(w, 0, "bob", "2");
    produce(w, 0, "bob", NULL);
    read_round(w);
    assert_string_equal(w->got, "ann=1 bob=2 bob=null ");
    read_round(w);
    assert_string_equal(w->got, "");
    produce(w, 1, "eve", "3");
    read_round(w);
    assert_string_equal(w->got, "eve=3 ");
    assert_int_equal(w->feed->ops->positions(w->feed, &at), 2);
    assert_int_equal(at[0].offset, 3);
    assert_int_equal(at[1].offset, 1);
}

/* Events are read meanwhile: an outage may not hold them up for long. */
static void an_outage_is_told_soon(void **state)
{
    struct world *w = *state;
    produce(w, 0, "ann", "1");
    read_round(w);
    rd_kafka_mock_broker_set_down(w->mock, 1);
    time_t from = time(NULL);
    assert_int_equal(w->feed->ops->begin(w->feed, &w->err), ERR_KAFKA);
    assert_true(time(NULL) - from <= 4);
    rd_kafka_mock_broker_set_up(w->mock, 1);
    produce(w, 0, "bob", "2");
    enum err rc = ERR_KAFKA;
    for (int i = 0; i < 20 && rc != ERR_OK; i++) { /* the client comes back by itself */
        rc = w->feed->ops->begin(w->feed, &w->err);
    }
    assert_int_equal(rc, ERR_OK);
    read_round(w);
    assert_string_equal(w->got, "bob=2 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rounds_go_on_where_the_last_one_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(an_outage_is_told_soon, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
